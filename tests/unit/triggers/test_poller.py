"""The loop itself: pauses that grow, pauses for all after a 429, and ends that reach everybody."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import KEY, NO_LIST, InMemory, begun, errors, no, outcomes, refuse_once

from airflow_provider_ittybit.api.waiting import FAILED_LOOKS
from airflow_provider_ittybit.exceptions import IttybitError, IttybitPollerError
from airflow_provider_ittybit.triggers import poller as polling
from airflow_provider_ittybit.triggers.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.triggers.staging import Stage

    from airflow_provider_ittybit.api.messages import Request

    Set = Callable[..., Stage]


async def test_the_pause_grows_with_the_age_to_four_times_the_interval(stage: Set) -> None:
    scene = stage()
    await begun(scene, 1)
    looks = []
    for _ in range(6):
        scene.ittybit.forget()
        await scene.pass_time(200)
        looks.append(scene.ittybit.count())
    assert 12 <= looks[0] <= 26
    assert all(4 <= count <= 7 for count in looks[2:])


async def test_the_pause_shrinks_while_progress_moves(stage: Set) -> None:
    scene = stage()
    [name] = await begun(scene, 1)
    await scene.pass_time(2000)
    scene.ittybit.forget()
    for progress in range(20):
        scene.ittybit.resources[name]["progress"] = progress
        await scene.pass_time(10)
    assert scene.ittybit.count() >= 12


async def test_no_more_requests_are_under_way_at_once_than_allowed(stage: Set) -> None:
    scene = stage("jobs")
    scene.ittybit.held = asyncio.Event()
    names = scene.ittybit.add(NO_LIST, 40)
    await scene.wait_for_all(names, concurrency=5)
    scene.clock.move(1)
    await scene.asked(5)
    for _ in range(50):
        await asyncio.sleep(0)
    assert scene.ittybit.count() == 5
    scene.ittybit.held.set()
    await scene.settle()
    assert scene.ittybit.count() == 40


@pytest.mark.parametrize("asked", [3, 60])
async def test_a_429_makes_all_requests_pause_as_long_as_it_asks(stage: Set, asked: int) -> None:
    scene = stage("jobs")
    await begun(scene, 30, NO_LIST)
    refuse_once(scene, no(429, Retry_After=str(asked)))
    await scene.pass_time(8, step=0.01)
    while not scene.poller.gate.is_closed:
        await scene.pass_time(0.25)
    sent = scene.ittybit.count()
    opens_in = scene.poller.gate.opens_at - scene.clock.now()
    assert opens_in > asked - 1
    await scene.pass_time(opens_in - 0.01)
    assert scene.ittybit.count() == sent


async def test_after_a_pause_requests_come_back_step_by_step(stage: Set) -> None:
    scene = stage("jobs")
    names = await begun(scene, 30, NO_LIST)
    gate = scene.poller.gate
    gate.close(20)
    for name in names:
        scene.poller.watch.postpone(scene.waiters[0].key._replace(resource_id=name), gate.opens_at)
    scene.ittybit.held = held = asyncio.Event()
    await scene.pass_time(gate.opens_at - scene.clock.now() - 0.001)
    assert scene.ittybit.count() == 0
    scene.clock.move(0.002)
    await scene.asked(1)
    for _ in range(50):
        await asyncio.sleep(0)
    assert scene.ittybit.count() == 1
    held.set()
    await scene.settle()
    assert scene.ittybit.count() == 30
    assert gate.allowed == 16


async def test_answers_that_were_under_way_with_a_429_do_not_bring_all_requests_back_at_once(stage: Set) -> None:
    scene = stage("jobs")
    await begun(scene, 30, NO_LIST)
    refuse_once(scene, no(429, Retry_After="20"))
    scene.ittybit.held = held = asyncio.Event()
    scene.clock.move(scene.clock.next)
    await scene.asked(16)
    held.set()
    await scene.settle()
    gate = scene.poller.gate
    assert scene.ittybit.count() == 16
    assert (gate.is_closed, gate.allowed) == (True, 1)
    scene.ittybit.held = asyncio.Event()
    scene.ittybit.forget()
    scene.clock.move(gate.opens_at - scene.clock.now())
    await scene.asked(1)
    for _ in range(50):
        await asyncio.sleep(0)
    assert scene.ittybit.count() == 1
    scene.ittybit.held.set()
    await scene.settle()


async def test_a_429_is_no_failed_look_however_often_it_comes(stage: Set) -> None:
    scene = stage("jobs")
    await begun(scene, 3, NO_LIST)
    scene.ittybit.trouble = lambda _: no(429, Retry_After="1")
    await scene.pass_time(120)
    assert scene.ittybit.count() > 2 * FAILED_LOOKS
    assert [waiter.failed for waiter in scene.waiters] == [0, 0, 0]
    assert outcomes(scene) == []
    scene.ittybit.trouble = lambda _: None
    for name in list(scene.ittybit.resources):
        scene.ittybit.resources[name]["status"] = "succeeded"
    await scene.pass_time(20)
    assert outcomes(scene) == ["final"] * 3


async def test_a_429_to_a_sweep_is_not_answered_by_asking_one_by_one(stage: Set) -> None:
    scene = stage()
    await begun(scene, 50)
    scene.ittybit.trouble = lambda _: no(429, Retry_After="5")
    await scene.pass_time(14)
    assert scene.ittybit.count("/files/") == 0
    assert 1 <= scene.ittybit.count() <= 3


async def test_too_many_failed_looks_end_the_waiting_of_each(stage: Set) -> None:
    scene = stage("jobs")
    await begun(scene, 3, NO_LIST)
    scene.ittybit.trouble = lambda _: no(500, "Out of order.")
    await scene.pass_time(14 * FAILED_LOOKS)
    assert outcomes(scene) == ["error"] * 3
    assert all("Out of order." in error.message for error in errors(scene))
    assert scene.ittybit.count() == 3 * FAILED_LOOKS


async def test_who_is_gone_ends_at_once_and_alone(stage: Set) -> None:
    scene = stage()
    names = await begun(scene, 5)
    del scene.ittybit.resources[names[2]]
    await scene.pass_time(14)
    assert [waiter.is_over for waiter in scene.waiters] == [False, False, True, False, False]
    assert [type(error).__name__ for error in errors(scene)] == ["IttybitNotFoundError"]


async def test_a_look_that_breaks_is_an_error_for_who_waits_for_it_and_for_nobody_else(stage: Set) -> None:
    scene = stage("jobs")
    names = await begun(scene, 3, NO_LIST)

    def trouble(request: Request) -> Exception | None:
        return KeyError(f"a bug with {KEY}") if request.path.endswith(names[1]) else None

    scene.ittybit.trouble = trouble
    await scene.pass_time(14)
    assert [waiter.is_over for waiter in scene.waiters] == [False, True, False]
    [error] = errors(scene)
    assert isinstance(error, IttybitPollerError)
    assert names[1] in error.message
    assert "KeyError" in error.message
    assert KEY not in str(error.to_json())


class _EndOfTheWorld(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize("end", ["error", "cancelled", "cancelled before it began"])
async def test_whatever_ends_the_loop_everybody_is_told(stage: Set, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    scene = stage()
    if end == "cancelled before it began":
        for name in scene.ittybit.add("files", 3):
            scene.wait_for(name)
        scene.poller._task.cancel()
    else:
        await begun(scene, 3)
    poller = scene.poller
    if end == "error":

        async def break_down(_: Poller) -> None:
            raise OSError("The lights went out.")  # noqa: EM101, TRY003 - a made-up one

        monkeypatch.setattr(Poller, "_round", break_down)
        scene.clock.move(20)
    else:
        poller._task.cancel()
    for waiter in scene.waiters:
        ended = await scene.ended(waiter)
        assert ended.outcome == "error"
        assert ended.error is not None
        assert ended.error["class"] == "IttybitPollerError"
        assert "poller" in ended.error["message"]
        assert "a retry of the task waits for it again" in ended.error["message"]
    assert not IttybitError.from_json(ended.error).is_final
    assert scene.ittybit.open == 0
    monkeypatch.undo()
    again = scene.wait_for(*scene.ittybit.add("files", 1))
    assert again.poller is not poller


async def test_who_is_being_looked_at_while_the_loop_ends_is_told_of_that(stage: Set) -> None:
    scene = stage()
    scene.ittybit.held = asyncio.Event()
    waiter = scene.wait_for(*scene.ittybit.add("files", 1))
    scene.clock.move(1)
    await scene.asked(1)
    scene.poller._task.cancel()
    ended = await scene.ended(waiter)
    assert ended.error is not None
    assert "shared poller" in ended.error["message"]


@pytest.mark.parametrize("what", ["closing", "a look"])
async def test_who_waits_is_told_of_the_end_before_anything_that_may_hang(
    stage: Set, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    scene = stage("jobs")
    hangs = asyncio.Event()
    await begun(scene, 3, NO_LIST)

    async def hang(*_: Any) -> None:
        while not hangs.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await hangs.wait()

    monkeypatch.setattr(*((InMemory, "close", hang) if what == "closing" else (Poller, "_look", hang)))
    poller = scene.poller
    if what == "a look":
        scene.clock.move(scene.clock.next)
        while not poller._looks:  # noqa: ASYNC110 - nothing tells when they begin
            await asyncio.sleep(0)
    poller._task.cancel()
    try:
        async with asyncio.timeout(polling.LONGEST_CLOSE - 1):
            assert {(await waiter.future).outcome for waiter in scene.waiters} == {"error"}
    finally:
        hangs.set()


async def test_the_last_one_who_leaves_does_not_wait_for_connections_that_never_close(
    stage: Set, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scene = stage()
    await begun(scene, 1)
    never = asyncio.Event()
    monkeypatch.setattr(polling, "LONGEST_CLOSE", 0.01)
    monkeypatch.setattr(InMemory, "close", lambda _: never.wait())
    try:
        async with asyncio.timeout(5):
            await scene.waiters[0].leave()
    finally:
        never.set()
    assert scene.pollers.open() == []
    assert "connections could not be closed: TimeoutError" in caplog.text


@pytest.mark.parametrize("shared_id", [True, False])
async def test_a_trigger_cancelled_during_its_look_leaves_at_once_and_disturbs_nobody(
    stage: Set, *, shared_id: bool
) -> None:
    scene = stage("jobs")
    scene.ittybit.held = held = asyncio.Event()
    one, two = scene.ittybit.add(NO_LIST, 2)
    leaving, staying = scene.wait_for(one), scene.wait_for(one if shared_id else two)
    scene.clock.move(1)
    await scene.asked(1 if shared_id else 2)
    trigger = asyncio.ensure_future(scene.ended(leaving))
    await asyncio.sleep(0)
    trigger.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trigger
    held.set()
    await scene.settle()
    assert (staying.status, staying.is_over) == ("processing", False)
    scene.ittybit.resources[staying.key.resource_id]["status"] = "succeeded"
    scene.ittybit.forget()
    await scene.pass_time(14)
    assert (await scene.ended(staying)).status == "succeeded"
    assert scene.ittybit.count() == 1
