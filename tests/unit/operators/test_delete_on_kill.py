"""``delete_on_kill`` deletes what goes on and nothing else, and no retry waits for what it deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from task_killing import killed
from task_running import Run, Store, deferral_of, resume, run_to_end, sent, task_context

from airflow_provider_ittybit.exceptions import IttybitStoppedError
from airflow_provider_ittybit.operators.media import UploadMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

GENERATIONS = pytest.mark.parametrize("generation", ["media", "files-enveloped", "files-flat"])
LONG = 600
"""Seconds between two looks: what ends earlier was not asleep."""
ONE_LOOK_WAITS: dict[str, Any] = {"times": 1, "status": 503, "retry_after": 100}
"""A fault after which a look waits to be sent again, so that a kill finds it under way."""


def upload(source: list[str] | str, **arguments: Any) -> UploadMediaOperator:
    arguments = {"wait_for_processing": True, "delete_on_kill": True, "poll_interval": LONG, **arguments}
    return UploadMediaOperator(task_id="task", source=source, **arguments)


@pytest.fixture
def held(connect: Connect) -> Connect:
    """Connect to an emulator that processes nothing before it is told to."""

    def to(generation: str) -> RunningEmulator:
        emulator = connect(generation)
        emulator.control.settings(processing="held")
        return emulator

    return to


@pytest.fixture
def two(media_folder: Path) -> list[str]:
    return [str(media_folder / "still.png"), str(media_folder / "tone.mp3")]


def end(emulator: RunningEmulator, resource_id: str) -> None:
    """Let ittybit process one, and no other."""
    emulator.control.release(resource_id)
    emulator.control.settle()


def looks(emulator: RunningEmulator, resource_id: str = "") -> list[str]:
    return [line for line in sent(emulator, "GET") if f"/{resource_id}" in line and line.count("/") > 1]


def deleted(emulator: RunningEmulator) -> list[str]:
    return [line.rpartition("/")[2] for line in sent(emulator, "DELETE")]


@GENERATIONS
def test_what_ended_while_an_earlier_one_was_waited_for_stays(
    generation: str, held: Connect, two: list[str], logged: Callable[[], str]
) -> None:
    emulator, run, task = held(generation), Run(), upload(two)

    def second_ended() -> bool:
        ids = run.pushed("ittybit_id")
        if not ids or not looks(emulator, ids[0]):
            return False
        end(emulator, ids[1])
        return True

    with killed(task, second_ended) as kill, pytest.raises(IttybitStoppedError):
        task.execute(task_context(run))
    assert kill.ended_soon()
    first, second = run.pushed("ittybit_id")
    assert deleted(emulator) == [first]
    assert f"{second} stays at ittybit: its processing is over" in logged()


@pytest.mark.parametrize("outcome", ["final", "timeout", "error"])
@pytest.mark.parametrize("goes_on", ["the second", "nothing"])
def test_a_kill_after_the_task_resumed_deletes_only_what_goes_on(
    goes_on: str, outcome: str, held: Connect, two: list[str]
) -> None:
    emulator, run = held("files-flat"), Run()
    context = task_context(run)
    deferred = deferral_of(upload(two, deferrable=True, timeout=LONG), context)
    first, second = run.pushed("ittybit_id")
    end(emulator, first)
    if goes_on == "nothing":
        end(emulator, second)
    emulator.control.forget_requests()
    emulator.control.fault(match={"method": "GET", "path": second}, **ONE_LOOK_WAITS)
    task = upload(two, deferrable=True, timeout=LONG)
    event = {"outcome": outcome, "id": first, "status": "ready", "message": "ittybit was down"}
    with killed(task, lambda: looks(emulator, second)) as kill, pytest.raises(IttybitStoppedError):
        resume(task, deferred, event, context)
    assert kill.ended_soon()
    assert deleted(emulator) == ([second] if goes_on == "the second" else [])


def test_a_failed_one_stays_as_well_since_it_goes_on_no_more(held: Connect, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("neither picture nor sound")
    emulator, run, task = held("files-flat"), Run(), upload(str(tmp_path / "notes.txt"))

    def it_failed() -> bool:
        if not looks(emulator, run.pushed("ittybit_id") or "none"):
            return False
        end(emulator, run.pushed("ittybit_id"))
        return True

    with killed(task, it_failed), pytest.raises(IttybitStoppedError):
        task.execute(task_context(run))
    assert deleted(emulator) == []


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 404}, {"drop": "before"}, {"delay": 100}], ids=str)
def test_what_no_look_can_see_is_deleted_all_the_same(
    fault: dict[str, Any], held: Connect, image: Path, logged: Callable[[], str]
) -> None:
    emulator, run, task = held("files-flat"), Run(), upload(str(image))

    def no_more_answers() -> bool:
        if not looks(emulator):
            return False
        emulator.control.fault(match={"method": "GET"}, times=0, **fault)
        return True

    with killed(task, no_more_answers) as kill, pytest.raises(IttybitStoppedError):
        task.execute(task_context(run))
    assert kill.took is not None
    assert kill.took < 5
    assert deleted(emulator) == [run.pushed("ittybit_id")]
    assert f"Whether {run.pushed('ittybit_id')} was processed meanwhile could not be seen" in logged()


@pytest.mark.parametrize("generation", ["media", "files-flat"])
@pytest.mark.parametrize("many", [True, False])
def test_a_retry_after_the_deletion_of_a_resumed_task_uploads_afresh(
    generation: str, *, many: bool, held: Connect, two: list[str]
) -> None:
    emulator, store, run, again = held(generation), Store(), Run(), Run()
    source, context = (two if many else two[0]), task_context(run, store=store)
    deferred = deferral_of(upload(source, deferrable=True), context)
    emulator.control.forget_requests()
    emulator.control.fault(match={"method": "GET"}, **ONE_LOOK_WAITS)
    task, pushed = upload(source, deferrable=True), run.pushed("ittybit_id")
    ids = pushed if many else [pushed]
    with killed(task, lambda: looks(emulator)), pytest.raises(IttybitStoppedError):
        resume(task, deferred, {"outcome": "final", "id": ids[0]}, context)
    assert deleted(emulator) == ids
    emulator.control.settings(processing="auto")
    story = run_to_end(lambda: upload(source, poll_interval=0.01, timeout=20), task_context(again, store=store))
    uploaded = story.result if many else [story.result]
    assert len(uploaded) == len(ids)
    assert {one["id"] for one in uploaded}.isdisjoint(ids)


def test_a_retry_keeps_what_the_kill_of_a_resumed_task_left(held: Connect, two: list[str]) -> None:
    emulator, store, run, again = held("media"), Store(), Run(), Run()
    context = task_context(run, store=store)
    deferred = deferral_of(upload(two, deferrable=True), context)
    first, second = run.pushed("ittybit_id")
    end(emulator, first)
    emulator.control.fault(match={"method": "GET", "path": second}, **ONE_LOOK_WAITS)
    task = upload(two, deferrable=True)
    before = len(looks(emulator, second))
    with killed(task, lambda: len(looks(emulator, second)) > before), pytest.raises(IttybitStoppedError):
        resume(task, deferred, {"outcome": "final", "id": first}, context)
    emulator.control.settings(processing="auto")
    story = run_to_end(lambda: upload(two, poll_interval=0.01, timeout=20), task_context(again, store=store))
    assert story.result[0]["id"] == first
    assert story.result[1]["id"] != second


def test_a_kill_when_all_is_processed_says_and_deletes_nothing(
    held: Connect, image: Path, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator, run = held("files-flat"), Run()
    context = task_context(run)
    deferred = deferral_of(upload(str(image), deferrable=True), context)
    end(emulator, run.pushed("ittybit_id"))
    task = upload(str(image), deferrable=True)
    monkeypatch.setattr(task, "note_lineage", lambda *_, **__: task.on_kill())
    assert resume(task, deferred, {"outcome": "final", "id": run.pushed("ittybit_id")}, context)["status"] == "ready"
    assert deleted(emulator) == []
    assert "Killed" not in logged()
