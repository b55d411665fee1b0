"""Time limits of waiting operators count from the submission, across all tries of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from airflow.providers.common.compat.sdk import TaskDeferred
from task_running import Run, Store, deferral_of, resume, resume_by_safety_net, sent, task_context

from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitNotFoundError,
    IttybitProcessingFailedError,
    IttybitProcessingTimeoutError,
)
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.waiting import WaitingOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

T0 = 1_900_000_000
LIMITS = pytest.mark.parametrize("limit", [{"timeout": 100}, {"execution_timeout": timedelta(seconds=100)}], ids=str)
MODES = pytest.mark.parametrize("deferrable", [True, False])


def upload(source: object, **arguments: Any) -> UploadMediaOperator:
    arguments = {"wait_for_processing": True, "deferrable": True, "poll_interval": 5, **arguments}
    given = [str(path) for path in source] if isinstance(source, list) else str(source)
    return UploadMediaOperator(task_id="task", source=given, **arguments)


@pytest.fixture
def held(connect: Connect) -> RunningEmulator:
    emulator = connect("files-flat", max_retries=0)
    emulator.control.settings(processing="held")
    return emulator


def deferral_at(moment: float, task: Any, context: Any) -> TaskDeferred:
    with time_machine.travel(moment, tick=False):
        deferred: TaskDeferred = deferral_of(task, context)
        return deferred


def deadline_at(moment: float, task: Any, context: Any) -> float:
    return float(deferral_at(moment, task, context).trigger.deadline)


@LIMITS
@pytest.mark.usefixtures("held")
def test_the_limit_of_a_retry_counts_from_the_submission_of_the_first_try(limit: dict[str, Any], image: Path) -> None:
    store = Store()
    assert deadline_at(T0, upload(image, **limit), task_context(store=store)) == T0 + 100
    assert deadline_at(T0 + 60, upload(image, **limit), task_context(store=store)) == T0 + 100


@pytest.mark.usefixtures("held")
def test_without_a_store_each_try_counts_on_its_own(image: Path) -> None:
    for moment in (T0, T0 + 60):
        assert deadline_at(moment, upload(image, timeout=100), task_context()) == moment + 100


@pytest.mark.usefixtures("held")
def test_a_task_that_is_not_durable_counts_each_try_on_its_own(image: Path) -> None:
    store = Store()
    for moment in (T0, T0 + 60):
        task = upload(image, timeout=100, durable=False)
        assert deadline_at(moment, task, task_context(store=store)) == moment + 100


@pytest.mark.usefixtures("held")
def test_a_cleared_task_has_all_its_time_again(image: Path) -> None:
    store = Store()
    assert deadline_at(T0, upload(image, timeout=100), task_context(Run(max_tries=1), store=store)) == T0 + 100
    assert deadline_at(T0 + 500, upload(image, timeout=100), task_context(Run(max_tries=2), store=store)) == T0 + 600


def test_what_is_uploaded_afresh_because_it_was_gone_has_all_its_time_again(
    held: RunningEmulator, image: Path, hook_for: Callable[..., Any]
) -> None:
    store, run = Store(), Run()
    assert deadline_at(T0, upload(image, timeout=100), task_context(run, store=store)) == T0 + 100
    hook_for("files-flat").delete_media(run.pushed("ittybit_id"))
    assert deadline_at(T0 + 60, upload(image, timeout=100), task_context(store=store)) == T0 + 160
    assert len(sent(held, "PUT")) == 2


@pytest.mark.usefixtures("held")
def test_the_limit_of_several_counts_from_the_last_that_was_accepted(media_folder: Path) -> None:
    store, some = Store(), [media_folder / "still.png", media_folder / "tone.mp3"]
    assert deadline_at(T0, upload(some[:1], timeout=100), task_context(store=store)) == T0 + 100
    assert deadline_at(T0 + 60, upload(some, timeout=100), task_context(store=store)) == T0 + 160
    assert deadline_at(T0 + 90, upload(some, timeout=100), task_context(store=store)) == T0 + 160


@MODES
def test_a_retry_without_time_left_looks_once_and_ends(held: RunningEmulator, image: Path, *, deferrable: bool) -> None:
    store, run = Store(), Run()
    deferral_at(T0, upload(image, timeout=100), task_context(run, store=store))
    held.control.forget_requests()
    with time_machine.travel(T0 + 101, tick=False), pytest.raises(IttybitProcessingTimeoutError) as caught:
        upload(image, timeout=100, deferrable=deferrable).execute(task_context(store=store))
    error: Any = caught.value
    assert (error.resource_id, error.last_status) == (run.pushed("ittybit_id"), "waiting")
    assert sent(held, "PUT", "POST") == []


class Making(WaitingOperator):
    """An operator that keeps no notes of its own."""

    def execute(self, context: Any) -> Any:
        """Go on from an answer."""
        with self.make_hook() as hook:
            return self.finish(hook, [{"id": self.made}], context, many=False)

    made = "file_1"


@pytest.mark.parametrize(("made", "left"), [("file_1", 40), ("file_2", 100)])
def test_an_operator_that_notes_nothing_shares_the_time_of_its_tries_by_the_id(
    made: str, left: int, held: RunningEmulator
) -> None:
    held.control.fault(match={"method": "GET"}, times=0, status=503)
    store = Store()
    task = Making(task_id="task", wait_for_processing=True, deferrable=True, timeout=100)
    assert deadline_at(T0, task, task_context(store=store)) == T0 + 100
    task.made = made
    assert deadline_at(T0 + 60, task, task_context(store=store)) == T0 + 60 + left


def ended_in_time(held: RunningEmulator) -> None:
    held.control.release()
    held.control.settle()


@pytest.mark.parametrize("way", ["the trigger", "Airflow"])
@pytest.mark.parametrize("answer", ["it goes on", "no answer", "it failed", "it ended well", "gone", "refused"])
def test_both_ways_out_end_the_same(
    way: str, answer: str, *, held: RunningEmulator, image: Path, tmp_path: Path, hook_for: Callable[..., Any]
) -> None:
    (tmp_path / "notes.txt").write_text("neither picture nor sound")
    run = Run()
    context = task_context(run, store=Store())
    source = tmp_path / "notes.txt" if answer == "it failed" else image
    task = upload(source, timeout=100)
    deferred = deferral_of(task, context)
    resource_id = run.pushed("ittybit_id")
    if answer in ("it failed", "it ended well"):
        ended_in_time(held)
    elif answer == "gone":
        hook_for("files-flat").delete_media(resource_id)
    elif answer != "it goes on":
        held.control.fault(match={"method": "GET"}, times=0, status=503 if answer == "no answer" else 401)
    event = {"outcome": "timeout", "id": resource_id, "status": "processing"}

    def end() -> Any:
        return resume(task, deferred, event, context) if way == "the trigger" else resume_by_safety_net(task, context)

    kinds: dict[str, type[Exception]] = {
        "it failed": IttybitProcessingFailedError,
        "gone": IttybitNotFoundError,
        "refused": IttybitAuthenticationError,
    }
    if answer == "it ended well":
        assert end()["status"] == "ready"
        return
    with pytest.raises(kinds.get(answer, IttybitProcessingTimeoutError)) as caught:
        end()
    error: Any = caught.value
    if answer == "it goes on":
        assert (error.resource_id, error.last_status) == (resource_id, "waiting")
    if answer == "no answer":
        seen = "processing" if way == "the trigger" else None
        assert (error.resource_id, error.last_status) == (resource_id, seen)
        assert f"last known status is {seen or 'unknown'}" in str(error)


@pytest.mark.parametrize("more", [{}, {"not_yet_known": 1}], ids=["this version", "another version"])
def test_a_trigger_that_could_not_look_leaves_the_status_of_the_look_before(
    more: dict[str, Any], held: RunningEmulator, image: Path
) -> None:
    run = Run()
    context = task_context(run)
    deferred = deferral_of(upload(image, timeout=100), context)
    deferred.kwargs.update(more)
    held.control.fault(match={"method": "GET"}, times=0, status=503)
    event = {"outcome": "timeout", "id": run.pushed("ittybit_id"), "status": None}
    with pytest.raises(IttybitProcessingTimeoutError, match="last known status is waiting"):
        resume(upload(image, timeout=100), deferred, event, context)


def test_the_look_after_the_deadline_is_brief(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat", max_retries=5)
    emulator.control.settings(processing="held")
    context = task_context()
    deferral_of(upload(image, timeout=100), context)
    emulator.control.forget_requests()
    emulator.control.fault(match={"method": "GET"}, times=0, status=503)
    with pytest.raises(IttybitProcessingTimeoutError):
        resume_by_safety_net(upload(image, timeout=100), context)
    assert len(sent(emulator, "GET")) == 2


@pytest.mark.usefixtures("held")
def test_a_task_that_resumes_gets_no_new_time(image: Path) -> None:
    run = Run()
    context = task_context(run)
    limit = {"execution_timeout": timedelta(seconds=100)}
    first = deferral_at(T0, upload(image, **limit), context)
    event = {"outcome": "final", "id": run.pushed("ittybit_id"), "status": "ready"}
    with time_machine.travel(T0 + 99, tick=False), pytest.raises(TaskDeferred) as caught:
        resume(upload(image, **limit), first, event, context)
    second: Any = caught.value
    assert second.trigger.deadline == T0 + 100
    assert second.timeout == timedelta(seconds=61)
    with time_machine.travel(T0 + 101, tick=False), pytest.raises(IttybitProcessingTimeoutError):
        resume(upload(image, **limit), first, event, context)
