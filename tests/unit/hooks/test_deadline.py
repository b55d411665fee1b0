"""The one look that is left when the time for processing ran out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from task_killing import killed

from airflow_provider_ittybit.exceptions import (
    IttybitNotFoundError,
    IttybitProcessingTimeoutError,
    IttybitServerError,
    IttybitStoppedError,
)
from airflow_provider_ittybit.hooks.deadline import last_look

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    HookFor = Callable[..., IttybitHook]


@pytest.fixture
def waiting(held: HookFor) -> tuple[IttybitHook, str]:
    """A hook that would ask six times, and the id of what is not processed."""
    hook = held("files-flat", max_retries=5)
    return hook, str(hook.upload_media("https://cdn.example/clip.mp4")["id"])


def test_what_goes_on_is_a_timeout_with_what_was_just_seen(waiting: tuple[IttybitHook, str]) -> None:
    hook, resource_id = waiting
    with pytest.raises(IttybitProcessingTimeoutError, match=r"within 5 s; its last known status is waiting") as caught:
        last_look(hook, resource_id, seen="processing", seconds=5)
    assert caught.value.resource_id == resource_id


@pytest.mark.parametrize("seen", ["processing", None])
def test_without_an_answer_it_is_a_timeout_with_what_was_seen_before(
    seen: str | None, waiting: tuple[IttybitHook, str], emulator: RunningEmulator, sent: Callable[[], list[str]]
) -> None:
    hook, resource_id = waiting
    emulator.control.forget_requests()
    emulator.control.fault(match={"method": "GET"}, times=0, status=503)
    with pytest.raises(IttybitProcessingTimeoutError, match=f"status is {seen or 'unknown'}") as caught:
        last_look(hook, resource_id, seen=seen)
    assert isinstance(caught.value.__cause__, IttybitServerError)
    assert sent() == [f"GET /files/{resource_id}"] * 2


def test_what_is_gone_is_gone(waiting: tuple[IttybitHook, str]) -> None:
    hook, resource_id = waiting
    hook.delete_media(resource_id)
    with pytest.raises(IttybitNotFoundError):
        last_look(hook, resource_id)


def test_what_ended_in_time_after_all_is_returned(hook_for: HookFor, emulator: RunningEmulator, image: Any) -> None:
    hook = hook_for("files-flat")
    made = hook.upload_media(image)
    emulator.control.settle()
    assert last_look(hook, made["id"], resource="files").resource["width"] == 320


def test_a_kill_ends_it_as_any_other_look(waiting: tuple[IttybitHook, str], emulator: RunningEmulator) -> None:
    hook, resource_id = waiting
    emulator.control.forget_requests()
    emulator.control.fault(match={"method": "GET"}, times=0, status=503, retry_after=100)
    task: Any = SimpleNamespace(on_kill=hook.pause.stop)
    with killed(task, emulator.control.requests) as kill, pytest.raises(IttybitStoppedError):
        last_look(hook, resource_id)
    assert kill.ended_soon()


def test_after_a_kill_it_is_not_taken(waiting: tuple[IttybitHook, str], emulator: RunningEmulator) -> None:
    hook, resource_id = waiting
    emulator.control.forget_requests()
    hook.pause.stop()
    with pytest.raises(IttybitStoppedError):
        last_look(hook, resource_id)
    assert emulator.control.requests() == []
