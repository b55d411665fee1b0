"""Processing in every API generation: where it stands, waiting for its end, failures in ittybit's words."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from airflow_provider_ittybit.api.processing import ProcessingState
from airflow_provider_ittybit.exceptions import (
    IttybitInputError,
    IttybitNotFoundError,
    IttybitProcessingFailedError,
    IttybitProcessingTimeoutError,
    IttybitServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
FILES = ("files-enveloped", "files-flat")
TAKE_BYTES = ("media", *FILES)
PAUSE = 0.01
PROCESSING, SUCCEEDED, FAILED = ProcessingState.PROCESSING, ProcessingState.SUCCEEDED, ProcessingState.FAILED
HookFor = Any


@pytest.fixture
def slow(emulator: Any, hook_for: HookFor) -> Callable[[str], IttybitHook]:
    """Make a hook on an emulator that shows each resource unfinished twice."""

    def make(version: str) -> IttybitHook:
        emulator.control.settings(processing="after_reads:2")
        hook: IttybitHook = hook_for(version)
        return hook

    return make


Slow = Any


def reads_of(emulator: Any, resource_id: str) -> int:
    return len([r for r in emulator.control.requests(method="GET") if r["path"].endswith(f"/{resource_id}")])


@pytest.mark.parametrize("version", GENERATIONS)
def test_processing_goes_on_until_it_has_succeeded(slow: Slow, web: str, version: str) -> None:
    hook = slow(version)
    made = hook.upload_media(f"{web}/clip.mp4")
    seen = [hook.get_processing(made["id"]) for _ in range(3)]
    assert [status.state for status in seen] == [PROCESSING, PROCESSING, SUCCEEDED]
    assert {status.id for status in seen} == {made["id"]}
    assert all(status.known for status in seen)
    assert seen[-1].resource["id"] == made["id"]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("media", {None}),
        ("files-enveloped", {"waiting", "processing", "ready"}),
        ("files-flat", {"waiting", "processing", "ready"}),
        ("tasks", {"waiting", "validating", "succeeded"}),
        ("jobs", {"queued", "processing", "succeeded"}),
    ],
)
def test_the_status_is_ittybits_own_word(slow: Slow, web: str, version: str, words: set[str | None]) -> None:
    hook = slow(version)
    made = hook.upload_media(f"{web}/clip.mp4")
    assert {hook.get_processing(made["id"]).status for _ in range(3)} <= words


@pytest.mark.parametrize("version", GENERATIONS)
def test_waiting_looks_until_it_is_done_and_returns_the_resource(
    slow: Slow, emulator: Any, web: str, version: str
) -> None:
    hook = slow(version)
    made = hook.upload_media(f"{web}/clip.mp4")
    status = hook.wait_for_processing(made["id"], poll_interval=PAUSE, timeout=60)
    assert status.state is SUCCEEDED
    assert reads_of(emulator, made["id"]) == 3


@pytest.mark.parametrize("version", TAKE_BYTES)
def test_bytes_that_were_uploaded_are_waited_for(slow: Slow, video: Path, version: str) -> None:
    hook = slow(version)
    status = hook.wait_for_processing(hook.upload_media(video)["id"], poll_interval=PAUSE, timeout=60)
    facts = status.resource
    assert (facts["width"], facts["height"]) == (320, 180)


@pytest.mark.parametrize("version", FILES)
def test_a_media_without_status_is_done_when_all_its_files_are(slow: Slow, web: str, version: str) -> None:
    hook = slow(version)
    first = hook.upload_media(f"{web}/clip.mp4")
    hook.wait_for_processing(first["id"], poll_interval=PAUSE, timeout=60)
    assert hook.get_processing(first["media_id"]).state is SUCCEEDED
    hook.upload_media(f"{web}/still.png", media_id=first["media_id"])
    status = hook.get_processing(first["media_id"])
    assert (status.state, status.status) == (PROCESSING, None)
    done = hook.wait_for_processing(first["media_id"], poll_interval=PAUSE, timeout=60)
    assert len(done.resource["files"]) == 2


@pytest.mark.parametrize("version", FILES)
def test_a_media_without_any_file_is_not_done(hook_for: HookFor, version: str) -> None:
    from airflow_provider_ittybit.api.messages import Request

    hook = hook_for(version)
    media = hook.call(Request("POST", "/media", json={"title": "empty"}))
    assert hook.get_processing(media["id"]).state is PROCESSING


@pytest.mark.parametrize("version", ["files-enveloped", "files-flat", "tasks", "jobs"])
def test_a_task_is_waited_for(slow: Slow, emulator: Any, web: str, version: str) -> None:
    hook = slow(version)
    task = hook.create_task("image", f"{web}/clip.mp4", {"width": 64})
    status = hook.wait_for_processing(task["id"], poll_interval=timedelta(milliseconds=10), timeout=60)
    assert status.state is SUCCEEDED
    assert reads_of(emulator, task["id"]) == 3


@pytest.mark.parametrize("version", GENERATIONS)
def test_a_failure_is_told_in_ittybits_words(hook_for: HookFor, emulator: Any, web: str, version: str) -> None:
    emulator.control.fault(fail_processing="The moov atom is missing.")
    hook = hook_for(version)
    made = hook.upload_media(f"{web}/clip.mp4")
    with pytest.raises(IttybitProcessingFailedError, match=r"failed at ittybit.*The moov atom is missing") as caught:
        hook.wait_for_processing(made["id"], poll_interval=PAUSE, timeout=60)
    assert caught.value.resource_id == made["id"]
    assert "The moov atom is missing." in (caught.value.detail or "")
    status = hook.get_processing(made["id"])
    assert status.state is FAILED
    assert "The moov atom is missing." in (status.error or "")


@pytest.mark.parametrize("version", ["files-enveloped", "files-flat", "tasks", "jobs"])
def test_a_task_that_fails_is_told_in_ittybits_words(hook_for: HookFor, emulator: Any, web: str, version: str) -> None:
    emulator.control.fault(match={"path": "^/(tasks|jobs)$"}, fail_processing="No frame at 99 s.")
    hook = hook_for(version)
    task = hook.create_task("image", f"{web}/clip.mp4", {"start": 99})
    with pytest.raises(IttybitProcessingFailedError, match="No frame at 99 s"):
        hook.wait_for_processing(task["id"], poll_interval=PAUSE, timeout=60)


@pytest.mark.parametrize("version", TAKE_BYTES)
def test_bytes_that_are_no_media_fail(hook_for: HookFor, tmp_path: Path, version: str) -> None:
    (tmp_path / "a.mp4").write_bytes(b"This is no film.")
    hook = hook_for(version)
    made = hook.upload_media(tmp_path / "a.mp4")
    with pytest.raises(IttybitProcessingFailedError):
        hook.wait_for_processing(made["id"], poll_interval=PAUSE, timeout=60)


@pytest.mark.parametrize("version", FILES)
def test_a_media_with_a_failed_file_has_failed_and_names_the_file(
    hook_for: HookFor, emulator: Any, web: str, version: str
) -> None:
    emulator.control.fault(fail_processing="The moov atom is missing.")
    hook = hook_for(version)
    file = hook.upload_media(f"{web}/clip.mp4")
    with pytest.raises(IttybitProcessingFailedError, match=f"{file['id']}: The moov atom is missing"):
        hook.wait_for_processing(file["media_id"], poll_interval=PAUSE, timeout=60)


@pytest.mark.parametrize("version", GENERATIONS)
def test_time_runs_out_with_the_last_status_and_an_advice(held: HookFor, emulator: Any, version: str) -> None:
    hook = held(version)
    made = hook.upload_media("https://cdn.example/clip.mp4")
    with pytest.raises(IttybitProcessingTimeoutError, match=r"within 0\.05 s.*uploading again would make") as caught:
        hook.wait_for_processing(made["id"], poll_interval=PAUSE, timeout=0.05)
    assert caught.value.resource_id == made["id"]
    assert reads_of(emulator, made["id"]) >= 2


@pytest.mark.parametrize("version", GENERATIONS)
def test_a_deadline_that_has_passed_leaves_one_last_look(slow: Slow, emulator: Any, web: str, version: str) -> None:
    hook = slow(version)
    made = hook.upload_media(f"{web}/clip.mp4")
    with pytest.raises(IttybitProcessingTimeoutError):
        hook.wait_for_processing(made["id"], deadline=time.time() - 1, timeout=3600)
    assert reads_of(emulator, made["id"]) == 1
    hook.get_processing(made["id"])
    assert hook.wait_for_processing(made["id"], deadline=time.time() - 1).state is SUCCEEDED


def test_pauses_are_as_long_as_asked_and_the_last_one_ends_at_the_deadline(
    held: HookFor, emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = held("files-flat")
    made = hook.upload_media("https://cdn.example/clip.mp4")
    pauses: list[float] = []
    with time_machine.travel(1_900_000_000, tick=False) as clock:

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            clock.shift(seconds)

        monkeypatch.setattr(time, "sleep", pause)
        with pytest.raises(IttybitProcessingTimeoutError):
            hook.wait_for_processing(made["id"], poll_interval=10, timeout=25)
    assert sum(pauses) == 25
    assert max(pauses) <= 0.5  # in slices, so that a killed task ends soon
    assert reads_of(emulator, made["id"]) == 4


def test_a_look_that_outlasts_the_deadline_is_followed_by_a_last_one(
    hook_for: HookFor, emulator: Any, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.control.settings(processing="after_reads:1")
    hook = hook_for("files-flat")
    made = hook.upload_media(f"{web}/clip.mp4")
    look = hook.get_processing
    with time_machine.travel(1_900_000_000, tick=False) as clock:

        def slow_look(*arguments: Any, **more: Any) -> Any:
            status = look(*arguments, **more)
            clock.shift(60)
            return status

        monkeypatch.setattr(hook, "get_processing", slow_look)
        assert hook.wait_for_processing(made["id"], poll_interval=10, timeout=25).state is SUCCEEDED
    assert reads_of(emulator, made["id"]) == 2


@pytest.mark.parametrize("what", [{"poll_interval": 0}, {"poll_interval": -1}, {"timeout": "soon"}, {"timeout": 0}])
def test_a_duration_that_is_none_is_refused_before_any_request(held: HookFor, sent: Any, what: dict[str, Any]) -> None:
    with pytest.raises(IttybitInputError, match="is no duration"):
        held("files-flat").wait_for_processing("file_1", **what)
    assert sent() == []


@pytest.mark.parametrize("version", FILES)
def test_what_is_deleted_meanwhile_is_not_waited_for(held: HookFor, version: str) -> None:
    hook = held(version)
    made = hook.upload_media("https://cdn.example/clip.mp4")
    hook.delete_media(made["id"])
    with pytest.raises(IttybitNotFoundError):
        hook.wait_for_processing(made["id"], poll_interval=PAUSE, timeout=60)


def test_a_status_that_nobody_knows_counts_as_going_on_and_is_logged_once(
    hook_for: HookFor, emulator: Any, logged: Any
) -> None:
    body = '{"id": "file_1", "object": "source", "status": "melting"}'
    emulator.control.fault(match={"path": "file_1"}, status=200, body=body, times=0)
    hook = hook_for("files-flat")
    seen = [hook.get_processing("file_1") for _ in range(3)]
    assert {(status.state, status.status, status.known) for status in seen} == {(PROCESSING, "melting", False)}
    assert logged().count("'melting'") == 1


@pytest.mark.parametrize("word", ["cancelled", "error", "failed"])
def test_a_given_up_task_is_a_failure_whatever_the_word(hook_for: HookFor, emulator: Any, word: str) -> None:
    body = f'{{"id": "task_1", "object": "task", "status": "{word}", "error": null}}'
    emulator.control.fault(match={"path": "task_1"}, status=200, body=body)
    with pytest.raises(IttybitProcessingFailedError, match="ittybit gave no reason"):
        hook_for("files-flat").wait_for_processing("task_1", timeout=60)


def test_an_error_that_outlasts_the_attempts_ends_the_waiting(hook_for: HookFor, emulator: Any, web: str) -> None:
    hook = hook_for("files-flat", max_retries=0)
    made = hook.upload_media(f"{web}/clip.mp4")
    emulator.control.fault(match={"method": "GET"}, status=503, message="Back soon.", times=0)
    with pytest.raises(IttybitServerError, match="Back soon"):
        hook.wait_for_processing(made["id"], poll_interval=PAUSE, timeout=60)
