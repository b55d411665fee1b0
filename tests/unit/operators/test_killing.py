"""A waiting operator whose task is killed: it ends soon, says what goes on, and deletes only if asked."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout
from task_killing import killed
from task_running import Run, Store, deferral_of, run_to_end, sent, task_context

from airflow_provider_ittybit.exceptions import IttybitStoppedError, IttybitUnsupportedError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import UploadMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")
LONG = 600
"""Seconds between two looks: what ends earlier was not asleep."""


def upload(source: object, **arguments: Any) -> UploadMediaOperator:
    arguments = {"wait_for_processing": True, "poll_interval": LONG, **arguments}
    given = [str(path) for path in source] if isinstance(source, list) else str(source)
    return UploadMediaOperator(task_id="task", source=given, **arguments)


@pytest.fixture
def held(connect: Connect) -> Connect:
    """Connect to an emulator that processes nothing before it is told to."""

    def to(generation: str, **extra: Any) -> RunningEmulator:
        emulator = connect(generation, **extra)
        emulator.control.settings(processing="held")
        return emulator

    return to


def looks(emulator: RunningEmulator) -> list[str]:
    return [line for line in sent(emulator, "GET") if line.startswith(("GET /files/", "GET /media/"))]


def deletions(emulator: RunningEmulator) -> list[str]:
    return sent(emulator, "DELETE")


def kill_while_it_waits(
    emulator: RunningEmulator, task: UploadMediaOperator, context: Any = None
) -> IttybitStoppedError:
    """Kill a task once it waits, and return how it ended; it ended soon."""
    with killed(task, lambda: len(looks(emulator)) >= 1) as kill, pytest.raises(IttybitStoppedError) as caught:
        task.execute(context or task_context())
    assert kill.ended_soon()
    return caught.value


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_a_killed_task_ends_soon_although_its_next_look_is_far(
    generation: str, held: Connect, image: Path, logged: Callable[[], str]
) -> None:
    emulator, run = held(generation), Run()
    error = kill_while_it_waits(emulator, upload(image), task_context(run))
    assert not isinstance(error, AirflowFailException)  # so that a retry attaches
    assert f"nobody waits for {run.pushed('ittybit_id')} any more" in logged()
    assert deletions(emulator) == []


def test_a_task_that_waits_to_ask_again_after_an_error_ends_soon(held: Connect, image: Path) -> None:
    emulator = held("files-flat")
    emulator.control.fault(match={"method": "GET"}, times=0, status=503, retry_after=100)
    kill_while_it_waits(emulator, upload(image))
    assert len(looks(emulator)) == 1


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_deletion_that_was_asked_for_happens_once(
    generation: str, held: Connect, image: Path, logged: Callable[[], str]
) -> None:
    emulator, run = held(generation), Run()
    task = upload(image, delete_on_kill=True)
    kill_while_it_waits(emulator, task, task_context(run))
    task.on_kill()
    assert [line.rpartition("/")[2] for line in deletions(emulator)] == [run.pushed("ittybit_id")]
    assert f"Deleted {run.pushed('ittybit_id')} at ittybit" in logged()


def test_of_several_only_those_are_deleted_that_are_not_processed_yet(connect: Connect, media_folder: Path) -> None:
    emulator = connect("files-flat")
    run = Run()
    task = upload([media_folder / "still.png"], delete_on_kill=True, poll_interval=0.05)
    task.execute(task_context(run))
    assert deletions(emulator) == []  # what ended well is left alone
    emulator.control.settings(processing="held")
    task = upload([media_folder / "still.png", media_folder / "tone.mp3"], delete_on_kill=True, poll_interval=0.05)

    def first_is_done() -> bool:
        ids = run.pushed("ittybit_id")
        if len(ids) == 2:
            emulator.control.release(ids[0])
        return any(ids[1:]) and any(ids[1] in line for line in looks(emulator))

    with killed(task, first_is_done) as kill, pytest.raises(IttybitStoppedError):
        task.execute(task_context(run))
    assert kill.ended_soon()
    assert deletions(emulator) == [f"DELETE /files/{run.pushed('ittybit_id')[1]}"]


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}, {"drop": "before"}, {"delay": 100}], ids=str)
def test_a_deletion_that_fails_is_tried_once_and_briefly_and_says_what_is_left(
    fault: dict[str, Any], held: Connect, image: Path, logged: Callable[[], str]
) -> None:
    emulator, run = held("files-flat"), Run()
    emulator.control.fault(match={"method": "DELETE"}, times=0, **fault)
    task = upload(image, delete_on_kill=True)
    with killed(task, lambda: looks(emulator)) as kill, pytest.raises(IttybitStoppedError):
        task.execute(task_context(run))
    assert len(deletions(emulator)) == 1
    assert kill.took is not None
    assert kill.took < 5
    assert f"{run.pushed('ittybit_id')} could not be deleted and is left at ittybit" in logged()


def test_nothing_is_asked_of_airflow_while_the_task_is_being_killed(
    held: Connect, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator, task, calls = held("files-flat"), upload(image, delete_on_kill=True), []
    on_kill = task.on_kill

    def watched() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(IttybitHook, "get_connection", lambda *_: calls.append("connection"))
            patch.setattr(Run, "xcom_push", lambda *_, **__: calls.append("XCom"))
            patch.setattr(Run, "xcom_pull", lambda *_, **__: calls.append("XCom"))
            for name in ("get", "set", "delete"):
                patch.setattr(Store, name, lambda *_, **__: calls.append("store"))
            on_kill()

    monkeypatch.setattr(task, "on_kill", watched)
    kill_while_it_waits(emulator, task, task_context(store=Store()))
    assert len(deletions(emulator)) == 1
    assert calls == []


@pytest.mark.parametrize("delete_on_kill", [True, False])
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_task_that_is_killed_before_it_knows_an_id_ends_as_soon_as_it_does(
    held: Connect, image: Path, logged: Callable[[], str], *, deferrable: bool, delete_on_kill: bool
) -> None:
    emulator, run = held("files-flat"), Run()
    emulator.control.fault(match={"method": "PUT"}, answer_delay=1.5)  # the kill comes meanwhile, and waits for it
    task = upload(image, delete_on_kill=delete_on_kill, deferrable=deferrable)
    with killed(task, lambda: sent(emulator, "PUT")) as kill, pytest.raises(IttybitStoppedError):
        task.execute(task_context(run))
    assert kill.ended_soon()
    assert deletions(emulator) == ([f"DELETE /files/{run.pushed('ittybit_id')}"] if delete_on_kill else [])
    told = logged()
    assert "Killed before ittybit's answer was seen" in told
    assert f"{'Deleted' if delete_on_kill else 'nobody waits for'} {run.pushed('ittybit_id')}" in told


@pytest.mark.parametrize("after", ["nothing", "the end"])
def test_nothing_is_deleted_when_nothing_is_waited_for(after: str, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    task = upload(image, delete_on_kill=True, poll_interval=0.01)
    if after == "the end":
        task.execute(task_context())
    task.on_kill()
    assert deletions(emulator) == []


def test_execution_timeout_of_a_try_deletes_nothing_since_a_retry_goes_on(
    held: Connect, image: Path, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator, run = held("files-flat"), Run()
    task = upload(image, delete_on_kill=True)

    def run_out(*_: object, **__: object) -> None:
        raise AirflowTaskTimeout

    monkeypatch.setattr(IttybitHook, "get_processing", run_out)
    with pytest.raises(AirflowTaskTimeout):
        task.execute(task_context(run))
    task.on_kill()  # as Airflow's worker does then
    assert deletions(emulator) == []
    assert f"the processing of {run.pushed('ittybit_id')} goes on at ittybit" in logged()


def test_what_the_worker_handed_over_is_deleted_by_the_trigger_only(held: Connect, image: Path) -> None:
    emulator = held("files-flat")
    task = upload(image, delete_on_kill=True, deferrable=True)
    deferred = deferral_of(task, task_context())
    task.on_kill()
    assert deletions(emulator) == []
    assert deferred.trigger.delete_on_kill


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
@pytest.mark.parametrize("deferrable", [True, False])
def test_deletion_is_refused_before_anything_is_sent_where_there_is_none(
    generation: str, held: Connect, web: str, *, deferrable: bool
) -> None:
    emulator = held(generation)
    task = upload(f"{web}/still.png", delete_on_kill=True, deferrable=deferrable)
    with pytest.raises(IttybitUnsupportedError, match=r"cannot delete (runs|jobs).*Leave out delete_on_kill"):
        task.execute(task_context())
    assert sent(emulator) == []


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_a_retry_after_a_deletion_uploads_afresh(generation: str, held: Connect, image: Path) -> None:
    emulator, store, run = held(generation), Store(), Run()
    kill_while_it_waits(emulator, upload(image, delete_on_kill=True), task_context(run, store=store))
    emulator.control.settings(processing="auto")
    again = Run()
    story = run_to_end(lambda: upload(image, delete_on_kill=True, poll_interval=0.01), task_context(again, store=store))
    assert again.pushed("ittybit_id") != run.pushed("ittybit_id")
    assert story.result["id"] == again.pushed("ittybit_id")


def test_a_retry_after_a_kill_waits_for_the_same_file(held: Connect, image: Path) -> None:
    emulator, store, run, again = held("files-flat"), Store(), Run(), Run()
    kill_while_it_waits(emulator, upload(image), task_context(run, store=store))
    emulator.control.release()
    emulator.control.settle()
    story = run_to_end(lambda: upload(image, poll_interval=0.01), task_context(again, store=store))
    assert story.result["id"] == run.pushed("ittybit_id") == again.pushed("ittybit_id")
    assert len(emulator.control.files()) == 1


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
def test_a_task_can_be_copied_while_it_waits_and_no_key_goes_along(how: str, held: Connect, image: Path) -> None:
    emulator, task = held("files-flat"), upload(image, delete_on_kill=True)
    copies: list[UploadMediaOperator] = []
    makes: dict[str, Callable[[Any], Any]] = {
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),  # noqa: S301 - our own bytes of a moment ago
    }

    def once() -> bool:
        if looks(emulator) and not copies:
            copies.append(makes[how](task))
        return bool(copies)

    with killed(task, once), pytest.raises(IttybitStoppedError):
        task.execute(task_context())
    assert copies[0].delete_on_kill
    if how != "copy":  # a shallow copy shares what it holds
        assert copies[0]._underway is not None
        assert copies[0]._underway.hook._settings is None
