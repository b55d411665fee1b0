"""A waiting trigger that Airflow tells of a kill, or only cancels."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from task_running import rebuilt, sent, uploaded

from airflow_provider_ittybit.triggers.processing import ProcessingTrigger
from airflow_provider_ittybit.triggers.registry import POLLERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")


@pytest.fixture
def held(connect: Connect, image: Path) -> Callable[..., str]:
    """Upload an image that ittybit does not begin to process, and return its id."""

    def upload(generation: str = "files-flat") -> str:
        emulator = connect(generation, max_retries=3)
        emulator.control.settings(processing="held")
        resource_id = str(uploaded(image)["id"])
        emulator.control.forget_requests()
        return resource_id

    return upload


def waiting(resource_id: str, **arguments: Any) -> Any:
    return rebuilt(ProcessingTrigger(resource_id, **{"poll_interval": 0.05, **arguments}))


async def _until_it_looked(emulator: RunningEmulator) -> None:
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(sent, emulator, "GET"):
            pass  # asking takes time enough for the trigger to go on


def cancel(trigger: Any, emulator: RunningEmulator, *, by_a_person: bool, times: int = 1) -> None:
    """Cancel a trigger while it waits, and tell it of a kill as the triggerer of Airflow 3.3 does."""

    async def run() -> None:
        async def events() -> None:
            try:
                async for _ in trigger.run():
                    pytest.fail("it fired")
            except asyncio.CancelledError:
                for _ in range(times if by_a_person else 0):
                    await trigger.on_kill()
                raise
            finally:
                await trigger.cleanup()

        task = asyncio.create_task(events())
        await _until_it_looked(emulator)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert POLLERS.open() == []

    asyncio.run(run())


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_a_kill_deletes_nothing_by_default_and_says_what_goes_on(
    generation: str, held: Callable[..., str], emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    resource_id = held(generation)
    cancel(waiting(resource_id), emulator, by_a_person=True)
    assert sent(emulator, "DELETE") == []
    assert f"nobody waits for {resource_id} any more; its processing goes on at ittybit" in logged()


@pytest.mark.parametrize("generation", TAKE_BYTES)
@pytest.mark.parametrize("times", [1, 2])
def test_a_kill_deletes_once_if_that_was_asked_for(
    generation: str, times: int, held: Callable[..., str], emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    resource_id = held(generation)
    cancel(waiting(resource_id, delete_on_kill=True), emulator, by_a_person=True, times=times)
    assert [line.rpartition("/")[2] for line in sent(emulator, "DELETE")] == [resource_id]
    assert f"Deleted {resource_id} at ittybit" in logged()


@pytest.mark.parametrize("delete_on_kill", [True, False])
def test_a_trigger_that_only_moves_deletes_nothing(
    held: Callable[..., str], emulator: RunningEmulator, *, delete_on_kill: bool
) -> None:
    cancel(waiting(held(), delete_on_kill=delete_on_kill), emulator, by_a_person=False)
    assert sent(emulator, "DELETE") == []


def test_all_that_the_task_waits_for_is_deleted(held: Callable[..., str], emulator: RunningEmulator) -> None:
    ids = [held(), held(), held()]
    emulator.control.forget_requests()
    cancel(waiting(ids[0], delete_on_kill=True, unfinished=ids[1:]), emulator, by_a_person=True)
    assert sorted(sent(emulator, "DELETE")) == sorted(f"DELETE /files/{one}" for one in ids)


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_what_ended_while_another_was_waited_for_stays(
    generation: str, held: Callable[..., str], emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    first, second = held(generation), held(generation)
    emulator.control.release(second)
    emulator.control.settle()
    emulator.control.forget_requests()
    cancel(waiting(first, delete_on_kill=True, unfinished=[second]), emulator, by_a_person=True)
    assert [line.rpartition("/")[2] for line in sent(emulator, "DELETE")] == [first]
    assert f"{second} stays at ittybit: its processing is over" in logged()


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"}, {"delay": 100}], ids=str)
def test_what_no_look_can_see_is_deleted_all_the_same(
    fault: dict[str, Any], held: Callable[..., str], emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    resource_id = held()
    emulator.control.fault(match={"method": "GET"}, times=0, **fault)
    asyncio.run(waiting(resource_id, delete_on_kill=True).on_kill())
    assert sent(emulator, "DELETE") == [f"DELETE /files/{resource_id}"]
    assert f"Whether {resource_id} was processed meanwhile could not be seen" in logged()


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"drop": "before"}, {"delay": 100}], ids=str)
def test_a_deletion_that_fails_is_tried_once_and_briefly_and_says_what_is_left(
    fault: dict[str, Any], held: Callable[..., str], emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    resource_id = held()
    emulator.control.fault(match={"method": "DELETE"}, times=0, **fault)
    cancel(waiting(resource_id, delete_on_kill=True), emulator, by_a_person=True)
    assert len(sent(emulator, "DELETE")) == 1
    assert f"{resource_id} could not be deleted and is left at ittybit" in logged()


def test_what_is_gone_already_counts_as_deleted(
    held: Callable[..., str], emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    resource_id = held()
    emulator.control.fault(match={"method": "DELETE"}, status=404)
    cancel(waiting(resource_id, delete_on_kill=True), emulator, by_a_person=True)
    assert f"{resource_id} was gone at ittybit already" in logged()


def test_a_generation_that_cannot_delete_says_so(
    connect: Connect, web: str, emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    connect("tasks").control.settings(processing="held")
    resource_id = str(uploaded(f"{web}/still.png")["id"])
    emulator.control.forget_requests()
    cancel(waiting(resource_id, delete_on_kill=True), emulator, by_a_person=True)
    assert sent(emulator, "DELETE") == []
    told = logged()
    assert f"{resource_id} could not be deleted and is left at ittybit" in told
    assert "cannot delete runs" in told


def test_a_connection_that_is_gone_breaks_nothing(
    held: Callable[..., str],
    emulator: RunningEmulator,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    resource_id = held()
    trigger = waiting(resource_id, delete_on_kill=True)
    monkeypatch.delenv("AIRFLOW_CONN_ITTYBIT_DEFAULT")
    asyncio.run(trigger.on_kill())
    assert sent(emulator) == []
    assert f"{resource_id} may be left at ittybit" in logged()
