"""List pages that wait for their turn where a rate limit is shared, and pages beside others that fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from unit.triggers.staging import no, outcomes

from airflow_provider_ittybit.triggers.survey import LONGEST_STEP, LONGEST_SWEEP
from airflow_provider_ittybit.triggers.watch import GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.triggers.staging import Stage, Trouble

    from airflow_provider_ittybit.api.messages import Request

    Set = Callable[..., Stage]
    Pass = Callable[[float], object]


@pytest.fixture
async def let_pass(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Have seconds pass by the clock of the event loop, which bounds the wait for an answer: ``await let_pass(15)``."""
    loop, passed = asyncio.get_running_loop(), [0.0]
    began = loop.time()
    monkeypatch.setattr(loop, "time", lambda: began + passed[0])

    async def more(seconds: float) -> None:
        passed[0] += seconds
        for _ in range(50):
            await asyncio.sleep(0)

    return more


def page_of(request: Request) -> int | None:
    """Tell the number of a list page; None for anything else."""
    return int(dict(request.query).get("page", "1")) if request.query else None


def pages(scene: Stage) -> list[str]:
    return [path.partition("&page=")[2] or "1" for path in scene.ittybit.asked if "?" in path]


async def test_the_time_in_line_does_not_count_as_time_for_an_answer(stage: Set, let_pass: Pass) -> None:
    scene, turn = stage(), asyncio.Event()
    scene.ittybit.line = lambda request: turn if page_of(request) else None
    await scene.wait_for_all(scene.ittybit.add("files", 4))
    scene.clock.move(1)
    for _ in range(5):
        await let_pass(LONGEST_STEP - 0.1)
    assert scene.ittybit.asked == []
    turn.set()
    await scene.settle()
    assert scene.ittybit.asked == ["/files?limit=100"]


async def test_after_its_turn_a_page_has_15_seconds_for_its_answer(stage: Set, let_pass: Pass) -> None:
    scene, turn = stage(), asyncio.Event()
    scene.ittybit.line = lambda request: turn if page_of(request) else None

    def trouble(request: Request) -> None:
        scene.ittybit.held = asyncio.Event() if page_of(request) else None

    scene.ittybit.trouble = trouble
    await scene.wait_for_all(scene.ittybit.add("files", 4))
    scene.clock.move(1)
    await let_pass(40)
    turn.set()
    for seconds, asked in ((0, 0), (LONGEST_STEP - 0.1, 0), (0.2, 4)):
        await let_pass(seconds)
        assert scene.ittybit.count("/files/") == asked
    assert scene.ittybit.count("/files?") == 1


async def test_the_time_in_line_does_not_count_as_time_of_a_sweep(stage: Set) -> None:
    scene = stage("jobs")

    def line(request: Request) -> None:
        if page_of(request):
            scene.clock.move(LONGEST_SWEEP)

    scene.ittybit.line = line
    await scene.wait_for_all(scene.ittybit.add("jobs", 400), poll_interval=600.0)
    await scene.pass_time(1)
    assert scene.ittybit.count("/jobs?") == scene.ittybit.count() == 4


async def test_a_page_in_line_holds_nobody_long_beyond_the_deadline(stage: Set, let_pass: Pass) -> None:
    scene = stage()
    scene.ittybit.line = lambda _: asyncio.Event()
    await scene.wait_for_all(scene.ittybit.add("files", 2), deadline=scene.in_seconds(20))
    await scene.wait_for_all(scene.ittybit.add("files", 2))
    scene.clock.move(1)
    await let_pass(LONGEST_STEP)
    scene.clock.move(20 + GRACE)
    await let_pass(LONGEST_STEP)
    assert outcomes(scene) == ["timeout"] * 2


@pytest.mark.parametrize("failing", [no(500), no(429, Retry_After="3"), TimeoutError("late")])
async def test_pages_before_one_that_fails_are_used(stage: Set, failing: Trouble) -> None:
    scene = stage()
    scene.ittybit.trouble = lambda request: failing if page_of(request) == 3 else None
    await scene.wait_for_all(scene.ittybit.add("files", 400))
    scene.clock.move(1)
    await scene.settle()
    assert pages(scene) == ["1", "2", "3"]
    assert sum(waiter.status == "processing" for waiter in scene.waiters) == 200 + scene.ittybit.count("/files/")
    assert scene.ittybit.count("/files/") in (0, 200)


async def test_pages_in_line_are_not_sent_after_one_before_them_has_failed(stage: Set) -> None:
    scene = stage()
    scene.ittybit.line = lambda request: asyncio.Event() if page_of(request) == 3 else None
    scene.ittybit.trouble = lambda request: no(500) if page_of(request) == 2 else None
    await scene.wait_for_all(scene.ittybit.add("files", 300))
    await scene.pass_time(1)
    assert pages(scene) == ["1", "2"]
    assert scene.ittybit.count("/files/") == 200


async def test_pages_under_way_are_waited_for_when_one_before_them_has_failed(stage: Set, let_pass: Pass) -> None:
    scene, held = stage(), asyncio.Event()

    def trouble(request: Request) -> Trouble | None:
        scene.ittybit.held = held if page_of(request) == 3 else None
        return no(500) if page_of(request) == 2 else None

    scene.ittybit.trouble = trouble
    await scene.wait_for_all(scene.ittybit.add("files", 300))
    scene.clock.move(1)
    await scene.asked(3)
    await let_pass(LONGEST_STEP - 0.1)
    assert scene.ittybit.under_way == 1
    assert scene.ittybit.count() == 3
    held.set()
    await scene.settle()
    assert scene.ittybit.count("/files/") == 200


async def test_pages_in_line_are_not_sent_after_all_have_left(stage: Set, let_pass: Pass) -> None:
    scene, turn = stage(), asyncio.Event()
    scene.ittybit.line = lambda _: turn
    await scene.wait_for_all(scene.ittybit.add("files", 2))
    scene.clock.move(1)
    await let_pass(1)
    await scene.clear()
    turn.set()
    await let_pass(1)
    assert scene.ittybit.asked == []
