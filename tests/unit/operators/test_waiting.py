"""Waiting in the worker and in the triggerer ends the same way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout, TaskDeferred
from airflow_versions import TaskDeferralError
from task_running import Run, Store, deferral_of, fire, resume, resume_by_safety_net, run_to_end, sent, task_context

from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitError,
    IttybitProcessingFailedError,
    IttybitProcessingTimeoutError,
    IttybitTriggerEventError,
)
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")
MODES = pytest.mark.parametrize("mode", ["in the worker", "deferred"])


def upload(source: Path, **arguments: Any) -> UploadMediaOperator:
    arguments = {"wait_for_processing": True, "poll_interval": 0.01, **arguments}
    return UploadMediaOperator(task_id="task", source=str(source), **arguments)


@pytest.fixture
def no_media(tmp_path: Path) -> Path:
    """A file that ittybit takes and then cannot process."""
    path = tmp_path / "notes.txt"
    path.write_text("neither picture nor sound")
    return path


@MODES
@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_both_modes_return_the_processed_resource(
    generation: str, mode: str, connect: Connect, hook_for: Callable[..., Any], image: Path
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:3")
    run = Run()
    story = run_to_end(lambda: upload(image, deferrable=mode == "deferred"), task_context(run, store=Store()))
    assert story.result == hook_for(generation).get_media(run.pushed("ittybit_id"))
    assert story.result["width"] == 320
    assert len(story.deferrals) == (1 if mode == "deferred" else 0)


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
@MODES
def test_both_modes_wait_for_what_is_fetched(generation: str, mode: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")

    def make() -> UploadMediaOperator:
        return UploadMediaOperator(
            task_id="task",
            source=f"{web}/still.png",
            wait_for_processing=True,
            deferrable=mode == "deferred",
            poll_interval=0.01,
        )

    assert run_to_end(make, task_context()).result["status"] == "succeeded"


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_what_is_done_already_never_defers(generation: str, connect: Connect, image: Path) -> None:
    emulator = connect(generation)
    emulator.control.settings(answer_wait=10)
    story = run_to_end(lambda: upload(image, deferrable=True), task_context())
    assert story.deferrals == []
    assert story.result["width"] == 320


@MODES
@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_both_modes_fail_in_the_words_of_ittybit(generation: str, mode: str, connect: Connect, no_media: Path) -> None:
    connect(generation)
    run = Run()
    with pytest.raises(IttybitProcessingFailedError) as caught:
        run_to_end(lambda: upload(no_media, deferrable=mode == "deferred"), task_context(run))
    error = caught.value
    assert isinstance(error, AirflowFailException)
    assert error.detail
    assert error.detail in str(error)
    if generation != "media":  # there it is a part of the resource that failed
        assert error.resource_id == run.pushed("ittybit_id")


@MODES
@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_both_modes_time_out_with_the_id_and_the_last_status(
    generation: str, mode: str, connect: Connect, image: Path
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="held")
    run = Run()
    with pytest.raises(IttybitProcessingTimeoutError) as caught:
        run_to_end(lambda: upload(image, deferrable=mode == "deferred", timeout=0.001), task_context(run))
    assert isinstance(caught.value, AirflowSensorTimeout)
    error: Any = caught.value
    assert error.resource_id == run.pushed("ittybit_id")
    assert error.resource_id in str(error)
    status = None if generation == "media" else "waiting"
    assert error.last_status == status
    assert f"last known status is {status or 'unknown'}" in str(error)
    assert "within 0.001 s" in str(error)


@MODES
def test_both_modes_fail_the_same_way_when_the_key_is_no_longer_good(mode: str, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": "GET"}, after=1, times=0, status=401)
    with pytest.raises(IttybitAuthenticationError):
        run_to_end(lambda: upload(image, deferrable=mode == "deferred"), task_context())


@pytest.mark.parametrize("limits", [{"execution_timeout": timedelta(seconds=100)}, {"timeout": timedelta(seconds=100)}])
@pytest.mark.parametrize(("pause", "net"), [(1, 160), (50, 200)])
def test_the_deadline_is_absolute_and_the_safety_net_of_airflow_later(
    limits: dict[str, timedelta], pause: int, net: int, connect: Connect, image: Path
) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    with time_machine.travel(1_900_000_000, tick=False):
        deferred = deferral_of(upload(image, deferrable=True, poll_interval=pause, **limits), task_context())
    assert deferred.trigger.deadline == 1_900_000_100
    assert deferred.kwargs["deadline"] == 1_900_000_100
    assert deferred.timeout == timedelta(seconds=net)


def test_the_shorter_of_two_limits_counts(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    task = upload(image, deferrable=True, timeout=50, execution_timeout=timedelta(seconds=100))
    with time_machine.travel(1_900_000_000, tick=False):
        assert deferral_of(task, task_context()).trigger.deadline == 1_900_000_050


def test_without_a_limit_nothing_ends_the_waiting(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    deferred = deferral_of(upload(image, deferrable=True), task_context())
    assert (deferred.timeout, deferred.trigger.deadline) == (None, None)


def test_all_that_the_trigger_needs_travels_with_it(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, image: Path
) -> None:
    emulator.control.settings(processing="held")
    monkeypatch.setenv("AIRFLOW_CONN_FILMS", emulator.airflow_connection(api_version="files-flat"))
    run = Run()
    deferred = deferral_of(upload(image, deferrable=True, ittybit_conn_id="films", poll_interval=7), task_context(run))
    trigger = deferred.trigger
    assert isinstance(trigger, ProcessingTrigger)
    assert trigger.resource_id == run.pushed("ittybit_id")
    assert (trigger.ittybit_conn_id, trigger.poll_interval) == ("films", 7)


def test_an_event_is_only_a_hint(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    run = Run()
    context = task_context(run)
    first = deferral_of(upload(image, deferrable=True, timeout=600), context)
    event = {"outcome": "final", "id": run.pushed("ittybit_id"), "status": "ready", "message": None}
    with pytest.raises(TaskDeferred) as caught:
        resume(upload(image, deferrable=True, timeout=600), first, event, context)
    second: Any = caught.value
    assert second.trigger.serialize() == first.trigger.serialize()
    assert second.kwargs == first.kwargs
    assert len(emulator.control.files()) == 1


@pytest.mark.parametrize("outcome", ["timeout", "error"])
def test_what_ended_well_meanwhile_is_a_success(outcome: str, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    run = Run()
    context = task_context(run)
    deferred = deferral_of(upload(image, deferrable=True, timeout=600), context)
    emulator.control.release()
    emulator.control.settle()
    event = {"outcome": outcome, "id": run.pushed("ittybit_id"), "status": "waiting", "message": "ittybit was down"}
    assert resume(upload(image), deferred, event, context)["status"] == "ready"


@pytest.mark.parametrize("message", [{"message": "ittybit was down"}, {}])
def test_waiting_that_was_given_up_in_the_triggerer_says_why(
    message: dict[str, str], connect: Connect, image: Path
) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    run = Run()
    context = task_context(run)
    deferred = deferral_of(upload(image, deferrable=True), context)
    resource_id = run.pushed("ittybit_id")
    with pytest.raises(IttybitError, match=f"{resource_id} was given up .*{message.get('message', '')}") as caught:
        resume(upload(image), deferred, {"outcome": "error", "id": resource_id, **message}, context)
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("event", [None, {}, {"status": "success"}, "ready", {"outcome": "final", "id": "file_other"}])
def test_an_event_of_something_else_fails_the_task(event: object, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    context = task_context()
    deferred = deferral_of(upload(image, deferrable=True), context)
    before = sent(emulator)
    with pytest.raises(IttybitTriggerEventError):
        resume(upload(image), deferred, event, context)
    assert sent(emulator) == before


@pytest.mark.parametrize("map_index", [-1, 1])
def test_the_safety_net_of_airflow_ends_as_a_timeout_of_ours(map_index: int, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    run = Run(map_index=map_index)
    run.xcom["ittybit_id"] = {0: "file_of_another_mapped_task"} if map_index == 1 else {}
    context = task_context(run)
    deferral_of(upload(image, deferrable=True, timeout=600), context)
    with pytest.raises(IttybitProcessingTimeoutError) as caught:
        resume_by_safety_net(upload(image, timeout=600), context)
    error: Any = caught.value
    assert (error.resource_id, error.last_status) == (run.pushed("ittybit_id"), "waiting")


def test_what_ended_well_before_the_safety_net_is_a_success(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    context = task_context()
    deferral_of(upload(image, deferrable=True), context)
    emulator.control.release()
    emulator.control.settle()
    assert resume_by_safety_net(upload(image), context)["status"] == "ready"


def test_a_trigger_that_broke_fails_the_task_as_airflow_does(image: Path) -> None:
    with pytest.raises(TaskDeferralError):
        upload(image).resume_execution("__fail__", {"error": "Trigger failure"}, task_context())


def test_a_retry_waits_for_what_an_earlier_try_uploaded(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    store = Store()
    first = Run()
    deferral_of(upload(image, deferrable=True), task_context(first, store=store))
    second = Run()
    deferred = deferral_of(upload(image, deferrable=True), task_context(second, store=store))
    assert deferred.trigger.resource_id == first.pushed("ittybit_id") == second.pushed("ittybit_id")
    assert len(emulator.control.files()) == 1
    emulator.control.release()
    emulator.control.settle()
    event = fire(deferred.trigger)
    assert resume(upload(image), deferred, event, task_context(second))["status"] == "ready"
