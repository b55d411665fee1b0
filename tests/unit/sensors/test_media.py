"""MediaProcessingSensor: poke, reschedule and deferred mode end the same way."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from task_running import (
    Run,
    Store,
    Story,
    deferral_of,
    fire,
    long_ago,
    resume,
    resume_by_safety_net,
    run_to_end,
    sent,
    task_context,
    uploaded,
)

from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitNotFoundError,
    IttybitProcessingFailedError,
    IttybitProcessingTimeoutError,
    IttybitServerError,
    IttybitTriggerEventError,
)
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")
MODE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "poke": {},
    "reschedule": {"mode": "reschedule"},
    "deferred": {"deferrable": True},
}
MODES = pytest.mark.parametrize("mode", MODE_ARGUMENTS)


def sensor(media_id: object, mode: str = "deferred", **arguments: Any) -> MediaProcessingSensor:
    arguments = {"poke_interval": 0.01, "timeout": 60, **MODE_ARGUMENTS[mode], **arguments}
    return MediaProcessingSensor(task_id="task", media_id=media_id, **arguments)


def wait(media_id: object, mode: str, **arguments: Any) -> Story:
    return run_to_end(lambda: sensor(media_id, mode, **arguments), task_context())


def wait_without_time_left(media_id: object, mode: str, **arguments: Any) -> Story:
    """Wait with a timeout that passed: of a sensor in reschedule mode since its first try."""
    limit = 60 if mode == "reschedule" else 0
    run = Run(first_reschedule=long_ago())
    return run_to_end(lambda: sensor(media_id, mode, timeout=limit, **arguments), task_context(run))


@pytest.fixture
def held(connect: Connect, image: Path) -> dict[str, Any]:
    """An image that ittybit has not begun to process."""
    connect("files-flat", max_retries=0).control.settings(processing="held")
    return uploaded(image)


@pytest.fixture
def failed(connect: Connect, tmp_path: Path) -> dict[str, Any]:
    """A file that ittybit could not process."""
    (tmp_path / "notes.txt").write_text("neither picture nor sound")
    emulator = connect("files-flat", max_retries=0)
    resource = uploaded(tmp_path / "notes.txt")
    emulator.control.settle()
    return resource


@MODES
@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_every_mode_returns_the_processed_resource(
    generation: str, mode: str, connect: Connect, hook_for: Callable[..., Any], image: Path
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    resource = uploaded(image)
    emulator.control.settle()
    story = wait(resource, mode)
    assert story.result == hook_for(generation).get_media(resource["id"])
    assert story.result["width"] == 320
    assert story.reschedules == (2 if mode == "reschedule" else 0)
    assert len(story.deferrals) == (1 if mode == "deferred" else 0)


@MODES
@pytest.mark.parametrize("generation", ["tasks", "jobs"])
def test_every_mode_waits_for_tasks_runs_and_jobs(generation: str, mode: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:1")
    resource = uploaded(f"{web}/still.png")
    emulator.control.settle()
    assert wait(resource["id"], mode).result["status"] == "succeeded"


@MODES
def test_every_mode_waits_for_a_media_of_the_files_generations(mode: str, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    media_id = uploaded(image)["media_id"]
    emulator.control.settle()
    assert wait(media_id, mode).result["files"][0]["status"] == "ready"


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_what_is_done_already_never_defers(generation: str, connect: Connect, image: Path) -> None:
    emulator = connect(generation)
    resource = uploaded(image)
    emulator.control.settle()
    story = wait(resource, "deferred")
    assert (story.deferrals, story.result["width"]) == ([], 320)


@MODES
@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_every_mode_fails_in_the_words_of_ittybit(generation: str, mode: str, connect: Connect, tmp_path: Path) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    (tmp_path / "notes.txt").write_text("neither picture nor sound")
    resource = uploaded(tmp_path / "notes.txt")
    emulator.control.settle()
    with pytest.raises(IttybitProcessingFailedError) as caught:
        wait(resource, mode)
    assert caught.value.detail
    assert caught.value.detail in str(caught.value)
    assert isinstance(caught.value, AirflowFailException)


@MODES
def test_every_mode_times_out_with_the_id_and_the_last_status(mode: str, held: dict[str, Any]) -> None:
    with pytest.raises(IttybitProcessingTimeoutError) as caught:
        wait_without_time_left(held, mode)
    assert isinstance(caught.value, AirflowSensorTimeout)
    error: Any = caught.value
    assert (error.resource_id, error.last_status) == (held["id"], "waiting")
    assert held["id"] in str(error)


@MODES
def test_every_mode_fails_at_once_for_what_is_not_there(mode: str, connect: Connect) -> None:
    emulator = connect("files-flat")
    with pytest.raises(IttybitNotFoundError):
        wait("file_nothing", mode)
    assert sent(emulator) == ["GET /files/file_nothing"]


@MODES
@pytest.mark.parametrize("media_id", [None, "", "file 1", "file_1/../x", {}, {"id": ""}], ids=repr)
def test_every_mode_refuses_what_is_no_id_before_any_request(mode: str, media_id: object, connect: Connect) -> None:
    emulator = connect("files-flat")
    with pytest.raises(IttybitInputError):
        wait(media_id, mode)
    assert sent(emulator) == []


@MODES
def test_every_mode_fails_for_a_retry_with_ittybits_words_when_it_stays_down(
    mode: str, held: dict[str, Any], emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, after=1, times=0, status=503, message="Back at noon.")
    with pytest.raises(IttybitServerError, match="Back at noon") as caught:
        wait(held, mode)
    error: Any = caught.value
    assert (error.status, error.detail, error.method) == (503, "Back at noon.", "GET")


@MODES
def test_every_mode_goes_on_after_four_failing_looks(
    mode: str, connect: Connect, image: Path, emulator: RunningEmulator
) -> None:
    connect("files-flat", max_retries=0)
    emulator.control.settings(processing="after_reads:1")
    resource = uploaded(image)
    emulator.control.fault(match={"method": "GET"}, after=1, times=4, status=503)
    story = run_to_end(lambda: sensor(resource, mode), task_context(store=Store()))
    assert story.result["status"] == "ready"


def test_before_airflow_3_3_the_first_failing_look_counts_in_reschedule_mode(
    held: dict[str, Any], emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, after=1, times=1, status=503)
    with pytest.raises(IttybitServerError):
        wait(held, "reschedule")


def test_a_status_that_nobody_knows_is_told_once_however_often_it_is_seen(
    connect: Connect, image: Path, emulator: RunningEmulator, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    connect("files-flat")
    resource = uploaded(image)
    emulator.control.settle()
    word = f"polishing-{resource['id']}"
    body = json.dumps({**resource, "status": word})
    headers = {"content-type": "application/json"}
    emulator.control.fault(match={"method": "GET"}, times=3, status=200, body=body, headers=headers)
    assert wait(resource, "poke").result["status"] == "ready"
    told = [caplog.text, "".join(capfd.readouterr())]  # Airflow 2 logs both ways
    assert max(text.count(f"the status '{word}'") for text in told) == 1


@MODES
def test_soft_fail_skips_what_timed_out(mode: str, held: dict[str, Any]) -> None:
    with pytest.raises(AirflowSkipException):
        wait_without_time_left(held, mode, soft_fail=True)


@MODES
def test_soft_fail_skips_what_failed(mode: str, failed: dict[str, Any]) -> None:
    with pytest.raises(AirflowSkipException):
        wait(failed, mode, soft_fail=True)


@MODES
def test_soft_fail_does_not_skip_what_a_retry_may_heal(
    mode: str, held: dict[str, Any], emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, times=0, status=503)
    with pytest.raises(IttybitServerError):
        wait(held, mode, soft_fail=True)


@MODES
def test_never_fail_skips_what_failed(mode: str, failed: dict[str, Any]) -> None:
    with pytest.raises(AirflowSkipException):
        wait(failed, mode, never_fail=True)


@MODES
def test_never_fail_skips_what_a_retry_might_heal(mode: str, held: dict[str, Any], emulator: RunningEmulator) -> None:
    emulator.control.fault(match={"method": "GET"}, times=0, status=503)
    with pytest.raises(AirflowSkipException):
        wait(held, mode, never_fail=True)


@MODES
def test_silent_fail_goes_on_after_a_look_that_failed(
    mode: str, connect: Connect, image: Path, emulator: RunningEmulator
) -> None:
    connect("files-flat", max_retries=0)
    resource = uploaded(image)
    emulator.control.settle()
    emulator.control.fault(match={"method": "GET"}, times=12, status=503)
    assert wait(resource, mode, silent_fail=True).result["status"] == "ready"


@MODES
def test_silent_fail_does_not_hide_what_never_heals(mode: str, failed: dict[str, Any]) -> None:
    with pytest.raises(IttybitProcessingFailedError):
        wait(failed, mode, silent_fail=True)


@pytest.mark.parametrize("flag", [{}, {"soft_fail": True}, {"never_fail": True}])
def test_what_fails_while_deferred_ends_as_in_poke_mode(
    flag: dict[str, Any], connect: Connect, emulator: RunningEmulator, tmp_path: Path
) -> None:
    connect("files-flat").control.settings(processing="held")
    (tmp_path / "notes.txt").write_text("neither picture nor sound")
    resource = uploaded(tmp_path / "notes.txt")
    deferred = deferral_of(sensor(resource, **flag), task_context())
    emulator.control.release()
    emulator.control.settle()
    event = fire(deferred.trigger)
    assert (event["outcome"], event["status"]) == ("final", "failed")
    with pytest.raises(AirflowSkipException if flag else IttybitProcessingFailedError):
        resume(sensor(resource, **flag), deferred, event, task_context())


def test_all_that_the_trigger_needs_travels_with_it(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, held: dict[str, Any]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FILMS", emulator.airflow_connection(api_version="files-flat"))
    task = sensor(held, ittybit_conn_id="films", resource="files", poke_interval=timedelta(seconds=7), timeout=100)
    with time_machine.travel(1_900_000_000, tick=False):
        deferred = deferral_of(task, task_context())
    assert deferred.trigger.serialize()[1] == {
        "resource_id": held["id"],
        "ittybit_conn_id": "films",
        "resource": "files",
        "poll_interval": 7.0,
        "deadline": 1_900_000_100.0,
        "failed_looks": 0,
        "longest_pause": None,
        "delete_on_kill": False,
        "unfinished": None,
    }


@pytest.mark.parametrize(("pause", "net"), [(1, 160), (50, 200)])
def test_the_safety_net_of_airflow_is_later_than_the_deadline(pause: int, net: int, held: dict[str, Any]) -> None:
    with time_machine.travel(1_900_000_000, tick=False):
        deferred = deferral_of(sensor(held, timeout=100, poke_interval=pause), task_context())
    assert deferred.timeout == timedelta(seconds=net)


def test_an_event_is_only_a_hint_and_the_deadline_stays(held: dict[str, Any]) -> None:
    first = deferral_of(sensor(held), task_context())
    event = {"outcome": "final", "id": held["id"], "status": "ready", "message": None}
    with time_machine.travel(first.trigger.deadline - 10, tick=False), pytest.raises(TaskDeferred) as caught:
        resume(sensor(held), first, event, task_context())
    second: Any = caught.value
    assert second.trigger.serialize() == first.trigger.serialize()
    assert second.kwargs == first.kwargs
    assert second.timeout == timedelta(seconds=70)


@pytest.mark.parametrize("event", [None, {}, {"status": "success"}, "ready", {"outcome": "final", "id": "file_other"}])
def test_an_event_of_something_else_fails_the_task(
    event: object, held: dict[str, Any], emulator: RunningEmulator
) -> None:
    deferred = deferral_of(sensor(held), task_context())
    before = sent(emulator)
    with pytest.raises(IttybitTriggerEventError, match=held["id"]):
        resume(sensor(held), deferred, event, task_context())
    assert sent(emulator) == before


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"class": "IttybitServerError", "message": "ittybit was down", "status": 503}, IttybitServerError, "down"),
        ({"class": "of another version", "message": "gone wrong"}, IttybitError, "gone wrong"),
        (None, IttybitError, "given up"),
    ],
)
def test_waiting_that_was_given_up_in_the_triggerer_says_why(
    error: dict[str, Any] | None, kind: type[IttybitError], words: str, held: dict[str, Any]
) -> None:
    deferred = deferral_of(sensor(held), task_context())
    event = {"outcome": "error", "id": held["id"], **({"error": error} if error else {})}
    with pytest.raises(kind, match=words) as caught:
        resume(sensor(held), deferred, event, task_context())
    assert type(caught.value) is kind
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("outcome", ["timeout", "error"])
def test_what_ended_well_meanwhile_is_a_success(outcome: str, held: dict[str, Any], emulator: RunningEmulator) -> None:
    deferred = deferral_of(sensor(held), task_context())
    emulator.control.release()
    emulator.control.settle()
    event = {"outcome": outcome, "id": held["id"], "status": "waiting", "message": "ittybit was down"}
    assert resume(sensor(held), deferred, event, task_context())["status"] == "ready"


@pytest.mark.parametrize("flag", [{}, {"soft_fail": True}, {"never_fail": True}])
def test_the_safety_net_of_airflow_ends_as_a_timeout_of_ours(flag: dict[str, Any], held: dict[str, Any]) -> None:
    skips = "soft_fail" in flag
    with pytest.raises(AirflowSkipException if skips else IttybitProcessingTimeoutError) as caught:
        resume_by_safety_net(sensor(held, **flag), task_context())
    if not skips:
        error: Any = caught.value
        assert (error.resource_id, error.last_status) == (held["id"], "waiting")


def test_what_ended_well_before_the_safety_net_is_a_success(held: dict[str, Any], emulator: RunningEmulator) -> None:
    emulator.control.release()
    emulator.control.settle()
    assert resume_by_safety_net(sensor(held), task_context())["status"] == "ready"


def test_the_result_of_an_upload_can_be_templated(held: dict[str, Any], emulator: RunningEmulator) -> None:
    emulator.control.release()
    emulator.control.settle()
    task: Any = MediaProcessingSensor(task_id="task", media_id="{{ file.id }}", ittybit_conn_id="{{ where }}")
    task.render_template_fields({"file": held, "where": "ittybit_default"})
    assert task.execute(task_context())["id"] == held["id"]
