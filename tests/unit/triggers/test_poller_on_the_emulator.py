"""The shared poller against the real emulator: what it asks for is what the emulator was asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from task_running import sent, uploaded
from unit.triggers.staging import Stage

from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.transport.asynchronous import AsyncTransport
from airflow_provider_ittybit.triggers import registry
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger
from airflow_provider_ittybit.triggers.registry import Pollers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]
    Held = Callable[..., list[str]]

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
TAKE_BYTES = ("media", "files-enveloped", "files-flat")
MANY = 200


@pytest.fixture
async def scene(emulator: RunningEmulator) -> AsyncIterator[Stage]:
    """Pollers over the network, with a clock that is moved by hand."""
    made = Stage()
    made.pollers = Pollers(
        clock=made.clock, transport=lambda settings, gate: AsyncTransport(settings, gate=gate, clock=made.clock.time)
    )
    yield made
    await made.clear()
    assert emulator


@pytest.fixture
def held(connect: Connect, web: str, image: Path) -> Held:
    """Upload so many, none of which is processed yet: ``held("files-flat", 4)``."""

    def upload(generation: str, number: int, **extra: Any) -> list[str]:
        emulator = connect(generation, **{"max_retries": 0, **extra})
        emulator.control.settings(processing="held")
        source = image if generation in TAKE_BYTES and number < MANY else f"{web}/still.png"
        with IttybitHook() as hook:
            names = [str(hook.upload_media(source)["id"]) for _ in range(number)]
        emulator.control.forget_requests()
        return names

    return upload


async def begin(scene: Stage, held: Held, generation: str, number: int, **extra: Any) -> list[str]:
    """Let so many begin to wait, and everybody be looked at once; what blocks is done in a thread."""
    names = await asyncio.to_thread(held, generation, number, **extra)
    scene.current = await registry.settings_of("ittybit_default")
    await scene.wait_for_all(names)
    await scene.pass_time(1)
    return names


def end_all(emulator: RunningEmulator) -> None:
    emulator.control.release()
    emulator.control.settle()
    emulator.control.forget_requests()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_in_each_generation_all_are_told_when_they_are_done(
    generation: str, held: Held, scene: Stage, emulator: RunningEmulator
) -> None:
    names = await begin(scene, held, generation, 4)
    assert not any(waiter.is_over for waiter in scene.waiters)
    await asyncio.to_thread(end_all, emulator)
    await scene.pass_time(14)
    assert [waiter.future.result().outcome for waiter in scene.waiters] == ["final"] * 4
    asked = await asyncio.to_thread(sent, emulator)
    if generation == "media":  # no list of this emulator has shown a source yet, so none is trusted without any
        assert sorted(set(asked) - {"GET /media"}) == sorted(f"GET /media/{name}" for name in names)
        assert len(asked) <= len(names) + 2
    else:
        assert asked == [{"tasks": "GET /events", "jobs": "GET /jobs"}.get(generation, "GET /files")]


async def test_media_of_the_first_generation_are_swept_once_a_list_has_shown_a_source(
    held: Held, image: Path, connect: Connect, scene: Stage, emulator: RunningEmulator
) -> None:
    def finish_one() -> None:
        connect("media")
        uploaded(image)
        emulator.control.settle()

    await asyncio.to_thread(finish_one)
    await begin(scene, held, "media", 4)
    assert await asyncio.to_thread(sent, emulator) == ["GET /media"]


async def test_two_hundred_cost_two_requests_a_round(held: Held, scene: Stage, emulator: RunningEmulator) -> None:
    await begin(scene, held, "files-flat", MANY)
    assert sent(emulator) == ["GET /files"] * 2
    emulator.control.forget_requests()
    await scene.pass_time(12)
    assert sent(emulator) == ["GET /files"] * 2
    assert not any(waiter.is_over for waiter in scene.waiters)


async def test_a_429_of_the_server_holds_all_back_and_is_no_failure(
    held: Held, scene: Stage, emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, status=429, retry_after=7)
    await begin(scene, held, "files-flat", 4)
    assert len(sent(emulator)) == 1
    assert scene.poller.gate.is_closed
    await scene.pass_time(5)
    assert len(sent(emulator)) == 1
    await scene.pass_time(3)
    assert sent(emulator) == ["GET /files"] * 2
    assert [waiter.failed for waiter in scene.waiters] == [0] * 4


async def test_a_429_is_left_to_the_gate_also_where_other_errors_are_sent_again(
    held: Held, scene: Stage, emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, status=429, retry_after=0, times=3)
    await begin(scene, held, "files-flat", 1, max_retries=4)
    await scene.pass_time(3)
    assert emulator.control.faults() == []
    assert scene.waiters[0].failed == 0
    assert scene.waiters[0].status == "waiting"


async def test_triggers_of_one_loop_share_connections_and_all_fire(
    held: Held, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = await asyncio.to_thread(held, "files-flat", 10)
    opened: list[AsyncTransport] = []
    make = AsyncTransport.__init__

    def remember(self: AsyncTransport, *arguments: Any, **more: Any) -> None:
        make(self, *arguments, **more)
        opened.append(self)

    monkeypatch.setattr(AsyncTransport, "__init__", remember)
    triggers = [ProcessingTrigger(name, poll_interval=0.1) for name in names]

    async def run(trigger: ProcessingTrigger) -> list[Any]:
        return [event.payload async for event in trigger.run()]

    tasks = [asyncio.create_task(run(trigger)) for trigger in triggers]
    while len(await asyncio.to_thread(sent, emulator)) < 2:
        pass
    await asyncio.to_thread(emulator.control.release)
    async with asyncio.timeout(30):
        events = [event for [event] in await asyncio.gather(*tasks)]
    assert [(event["outcome"], event["id"]) for event in events] == [("final", name) for name in names]
    assert len(opened) == 1
    assert opened[0]._session is None


def test_a_loop_that_ends_while_triggers_wait_ends_in_peace(held: Held, emulator: RunningEmulator) -> None:
    names = held("files-flat", 2)
    events: list[Any] = []

    async def run(name: str) -> None:
        events.extend([event async for event in ProcessingTrigger(name, poll_interval=0.1).run()])

    async def triggerer() -> None:
        tasks = [asyncio.create_task(run(name)) for name in names]
        while not await asyncio.to_thread(sent, emulator):
            pass
        assert len(registry.POLLERS.open()) == 1
        assert not any(task.done() for task in tasks)

    asyncio.run(asyncio.wait_for(triggerer(), 30))
    assert events == []
