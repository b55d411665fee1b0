"""Ten thousand who wait: the interval holds, the requests are few, and each costs little memory."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import no, rotate

from airflow_provider_ittybit.triggers import registry
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger
from airflow_provider_ittybit.triggers.watch import GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.triggers.staging import Stage

    Set = Callable[..., Stage]

MANY = 10_000
SOME = 1_000
KIB = 1024


@pytest.fixture
async def _without_traces() -> None:
    """Leave out the stack that asyncio's debug mode keeps of each future, which is larger than all else."""
    asyncio.get_running_loop()._debug = False  # type: ignore[attr-defined] # set_debug is the watched loop's


@pytest.mark.usefixtures("_without_traces")
async def test_ten_thousand_are_looked_at_as_often_as_asked_for_with_a_hundredth_of_the_requests(stage: Set) -> None:
    scene = stage()
    await scene.wait_for_all(await asyncio.to_thread(scene.ittybit.add, "files", MANY))
    await scene.pass_time(1)
    scene.ittybit.forget()
    watch, last, gaps = scene.poller.watch, {}, set()
    answer = watch.answer

    def note(key: Any, *arguments: Any) -> None:
        gaps.add(scene.clock.now() - last.get(key, scene.clock.now()))
        last[key] = scene.clock.now()
        answer(key, *arguments)

    watch.answer = note  # type: ignore[method-assign] # to see when each is looked at
    await scene.pass_time(40)
    assert len(last) == MANY
    assert max(gaps) <= 12
    assert not any(waiter.is_over for waiter in scene.waiters)
    assert scene.ittybit.count("/files/") == 0
    assert scene.ittybit.count() <= 100 * 5


async def told(scene: Stage) -> set[str]:
    """Wait until all are told of an end."""
    return {(await waiter.future).outcome for waiter in scene.waiters}


@pytest.mark.usefixtures("_without_traces")
async def test_ten_thousand_move_to_another_key_and_are_told_of_an_end_without_blocking_anybody(stage: Set) -> None:
    scene = stage()
    await scene.wait_for_all(await asyncio.to_thread(scene.ittybit.add, "files", MANY))
    old = scene.poller
    rotate(scene)
    await scene.pass_time(1)
    assert scene.reread == 1
    assert scene.poller is not old
    assert len(scene.poller.watch) == MANY
    scene.poller._task.cancel()
    assert await told(scene) == {"error"}


@pytest.mark.usefixtures("_without_traces")
@pytest.mark.parametrize("what", ["the key is refused", "the deadline passes"])
async def test_ten_thousand_end_at_once_without_blocking_anybody(stage: Set, what: str) -> None:
    scene = stage()
    names = await asyncio.to_thread(scene.ittybit.add, "files", MANY)
    await scene.wait_for_all(names, deadline=scene.in_seconds(5))
    scene.ittybit.trouble = lambda _: no(401)
    scene.clock.move(1 if what == "the key is refused" else 5 + GRACE + 1)
    assert await told(scene) == {"error" if what == "the key is refused" else "timeout"}


@pytest.mark.usefixtures("_without_traces")
async def test_a_trigger_that_waits_takes_less_than_ten_kib(
    stage: Set, monkeypatch: pytest.MonkeyPatch, slow_callbacks: list[str]
) -> None:
    scene = stage()
    monkeypatch.setattr(registry, "POLLERS", scene.pollers)

    async def settings(_: str) -> Any:
        return scene.settings

    monkeypatch.setattr(registry, "settings_of", settings)
    names = scene.ittybit.add("files", SOME)
    triggers = [ProcessingTrigger(name) for name in names]

    async def run(trigger: ProcessingTrigger) -> Any:
        return [event async for event in trigger.run()]

    async def begin(some: list[ProcessingTrigger]) -> list[asyncio.Task[Any]]:
        tasks = []
        for trigger in some:
            tasks.append(asyncio.create_task(run(trigger)))
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        await scene.pass_time(1)
        return tasks

    tasks = await begin(triggers[:1])
    tracemalloc.start()
    try:
        await asyncio.to_thread(gc.collect)
        before = tracemalloc.get_traced_memory()[0]
        tasks += await begin(triggers[1:])
        assert len(scene.poller.watch) == SOME
        scene.ittybit.forget()
        await asyncio.to_thread(gc.collect)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / SOME < 10 * KIB
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert scene.ittybit.open == 0
    slow_callbacks.clear()  # everything is slower while memory is traced, and cancelling so many is this test's own
