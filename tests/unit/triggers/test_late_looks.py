"""Last looks: taken at the deadline, and not waited for much longer, whatever is in their way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from unit.triggers.staging import NO_LIST, begun, no, outcomes, refuse_once

from airflow_provider_ittybit.triggers.survey import LONGEST_STEP
from airflow_provider_ittybit.triggers.waiters import Ended
from airflow_provider_ittybit.triggers.watch import GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.triggers.staging import Stage

    from airflow_provider_ittybit.api.messages import Request

    Set = Callable[..., Stage]


async def test_a_last_look_is_taken_at_the_deadline_and_no_later(stage: Set) -> None:
    scene = stage()
    [name] = scene.ittybit.add("files", 1)
    waiter = scene.wait_for(name, poll_interval=600.0, deadline=scene.in_seconds(100))
    await scene.pass_time(99)
    assert scene.ittybit.count() == 1
    await scene.pass_time(1)
    assert scene.ittybit.count() == 2
    assert (await scene.ended(waiter)).outcome == "timeout"


async def test_a_deadline_holds_behind_a_closed_gate(stage: Set) -> None:
    scene = stage("jobs")
    names = await begun(scene, 2, NO_LIST)
    late = scene.wait_for(names[0], deadline=scene.in_seconds(40))
    refuse_once(scene, no(429, Retry_After="100"), times=3)
    await scene.pass_time(39)
    assert outcomes(scene) == []
    await scene.pass_time(1)
    assert (await scene.ended(late)).outcome == "timeout"
    assert outcomes(scene) == ["timeout"]


@pytest.mark.parametrize(("late", "outcome"), [(GRACE - 1, "final"), (GRACE + 1, "timeout")])
async def test_a_last_look_waits_at_a_closed_gate_for_half_a_minute_at_most(
    stage: Set, late: float, outcome: str
) -> None:
    scene = stage("jobs")
    [name] = await begun(scene, 1, NO_LIST)
    opens_in = scene.poller.gate.close(60)
    waiter = scene.wait_for(name, deadline=scene.in_seconds(opens_in - late))
    scene.ittybit.resources[name]["status"] = "succeeded"
    await scene.pass_time(opens_in - late - 0.1)
    assert not waiter.is_over
    await scene.pass_time(0.2)
    assert waiter.is_over is (outcome == "timeout")
    await scene.pass_time(late)
    assert GRACE == 30
    assert (await scene.ended(waiter)).outcome == outcome


@pytest.mark.parametrize("under_way", [3, 1])
async def test_neither_a_look_that_hangs_nor_those_before_it_hold_anybody_long_beyond_the_deadline(
    stage: Set, under_way: int
) -> None:
    scene = stage("jobs")
    await begun(scene, 3, NO_LIST, deadline=scene.in_seconds(20), concurrency=under_way)
    scene.ittybit.held = held = asyncio.Event()
    scene.clock.move(scene.clock.next)
    await scene.asked(under_way)
    await scene.parked()
    scene.clock.move((scene.waiters[0].deadline or 0) - scene.clock.time() + GRACE - 0.1)
    await scene.parked()
    assert outcomes(scene) == []
    scene.clock.move(scene.clock.next)
    for waiter in scene.waiters:
        assert await scene.ended(waiter) == Ended("timeout", "processing")
    assert scene.clock.time() <= (waiter.deadline or 0) + GRACE + 1
    assert scene.ittybit.count() == under_way
    held.set()


async def test_lists_that_take_long_hold_nobody_long_beyond_the_deadline(stage: Set) -> None:
    scene = stage()
    names = [*scene.ittybit.add("files", 2), *scene.ittybit.add("tasks", 2)]

    def trouble(request: Request) -> None:
        if request.path == "/files":
            scene.clock.move(60 + GRACE + 1)
        else:
            scene.ittybit.held = asyncio.Event()

    scene.ittybit.trouble = trouble
    await scene.wait_for_all(names, deadline=scene.in_seconds(60))
    scene.clock.move(1)
    async with asyncio.timeout(LONGEST_STEP - 5):
        assert [await scene.ended(waiter) for waiter in scene.waiters] == [
            *[Ended("timeout", "processing")] * 2,
            *[Ended("timeout")] * 2,
        ]
    assert scene.ittybit.asked == ["/files?limit=100", "/tasks?limit=100"]
