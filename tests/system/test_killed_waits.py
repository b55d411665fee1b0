"""Deferred waits under a real scheduler and triggerer, killed in every way, judged by what the emulator saw."""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import TASK_STATE_STORE
from system.scheduled_airflow import STANDALONE, ScheduledAirflow, TaskRun, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

pytestmark = TASK_STATE_STORE.needed

HOUR = 3600
HELD = 600
"""Seconds for which the emulator holds a request: longer than any test, so the kill falls into them for certain."""


@pytest.fixture(scope="module")
def scheduled(
    tmp_path_factory: pytest.TempPathFactory, running_emulator: RunningEmulator
) -> Iterator[ScheduledAirflow]:
    home = tmp_path_factory.mktemp("waits")
    (home / "dags").mkdir()
    shutil.copy(Path(__file__).with_name("killed_waits_dags.py"), home / "dags")
    environment = {
        "AIRFLOW_CONN_ITTYBIT_DEFAULT": running_emulator.airflow_connection("2025-08-20", timeout=HELD),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__CORE__FERNET_KEY": "",  # what is encrypted could not be searched
    }
    with ScheduledAirflow(home, environment, STANDALONE) as airflow:
        yield airflow


@pytest.fixture
def held(emulator: RunningEmulator) -> RunningEmulator:
    emulator.control.settings(processing="held")
    return emulator


def triggers(home: Path) -> str:
    """Return what the database holds of all triggers that are waited for."""
    with contextlib.closing(sqlite3.connect(home / "airflow.db")) as database:
        rows = database.execute("SELECT classpath, kwargs FROM trigger").fetchall()
    return "\n".join(f"{path} {kwargs}" for path, kwargs in rows if path.endswith("ProcessingTrigger"))


def places_of(secret: str, home: Path) -> list[str]:
    """Name the files of Airflow that hold a secret: its database, whose deleted rows are still there, and all logs."""
    looked_into = [*home.glob("airflow.db*"), *home.glob("*.log"), *home.glob("logs/**/*.log")]
    assert {"airflow.db", "standalone.log"} <= {path.name for path in looked_into}
    assert any("task_id=" in str(path) for path in looked_into), "no task has logged anything"
    forms = (secret.encode(), base64.b64encode(secret.encode()))
    return [path.name for path in looked_into if any(form in path.read_bytes() for form in forms)]


def uploads(emulator: RunningEmulator) -> int:
    return len(emulator.control.requests(method="PUT"))


def deletions(emulator: RunningEmulator) -> list[str]:
    return [row["path"] for row in emulator.control.requests(method="DELETE")]


def from_the_triggerer(emulator: RunningEmulator) -> list[dict[str, Any]]:
    return [row for row in emulator.control.requests() if "(triggerer)" in (row["user_agent"] or "")]


def first_looks(emulator: RunningEmulator) -> list[str]:
    """Return what workers asked for by its id, whose answers may be held."""
    asked = [row for row in emulator.control.requests(method="GET") if "(triggerer)" not in (row["user_agent"] or "")]
    return [row["path"] for row in asked if row["path"].startswith(("/files/", "/tasks/"))]


def uploaded_by(run: TaskRun) -> str:
    """Return the id of what the last try uploaded."""
    return str(run.notes()["ittybit_upload"]["id"])


def until_both_are_looked_at(emulator: RunningEmulator) -> None:
    """Wait until two triggers run: only for two at least the triggerer reads a list."""
    until(lambda: [row for row in from_the_triggerer(emulator) if row["path"] == "/files"], "a look at both")


def deadlines(run: TaskRun) -> list[float]:
    """Return the deadline of each deferral so far, which the tries wrote to their logs."""
    found = re.findall(r"Waiting in the triggerer for \w+, until (\S+) at the latest", run.log())
    return [datetime.fromisoformat(moment).timestamp() for moment in found]


def test_after_a_kill_between_submission_and_deferral_the_retry_waits_for_the_same_file(scheduled, held, video) -> None:
    held.control.fault(match={"method": "GET", "path": "^/files/"}, delay=HELD)
    run = scheduled.trigger("wait_an_hour", source=str(video))
    until(lambda: first_looks(held), "the first look")
    accepted = run.notes()["ittybit_upload"]["accepted"]
    run.kill_task()
    run.until_deferred(try_number=2)
    assert until(lambda: deadlines(run), "a deadline in the log") == [pytest.approx(accepted + HOUR, abs=0.001)]
    held.control.release()
    run.until_it("success", try_number=2)
    assert uploads(held) == len(held.control.files()) == 1


def test_what_ended_before_a_killed_task_saw_it_is_found_by_the_retry(scheduled, held, video, web) -> None:
    held.control.fault(match={"method": "GET", "path": "^/(files|tasks)/"}, delay=HELD, times=0)
    runs = [
        scheduled.trigger("wait_an_hour", source=str(video)),
        scheduled.trigger("create_and_wait", source=f"{web}/clip.mp4"),
    ]
    until(lambda: {path.split("/")[1] for path in first_looks(held)} == {"files", "tasks"}, "the first looks")
    held.control.release()
    held.control.settle()
    held.control.clear_faults()
    killed = [run.facts()["try_number"] for run in runs]
    for run in runs:
        run.kill_task()
    for run, try_number in zip(runs, killed, strict=True):
        run.until_it("success", try_number=try_number + 1)
        assert deadlines(run) == []
    created = [row["path"] for row in held.control.requests(method="POST") if "task" in row["path"]]
    assert (uploads(held), created) == (1, ["/tasks"])


def test_a_wait_whose_triggerer_is_killed_or_stopped_waits_on_and_ends_well(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_and_delete", source=str(video))
    run.until_deferred()
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    assert held.control.files()[-1]["id"] in triggers(scheduled.home)
    assert places_of(held.api_key, scheduled.home) == []
    for gracefully in (False, True):
        scheduled.restart("triggerer", gracefully=gracefully)
        held.control.forget_requests()
        until(lambda: from_the_triggerer(held), "a look by the new triggerer")
        assert deletions(held) == []
    held.control.release()
    run.until_it("success", try_number=1)
    assert len(deadlines(run)) == 1
    assert deletions(held) == []
    assert '"level":"debug"' in run.log(), "nothing was logged at DEBUG"
    assert places_of(held.api_key, scheduled.home) == []


def test_a_deadline_that_passes_while_no_triggerer_runs_holds_all_the_same(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_some_seconds", source=str(video))
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    scheduled.restart("triggerer")
    run.until_it("failed", try_number=1)
    assert len(deadlines(run)) == 1
    until(lambda: "IttybitProcessingTimeoutError" in run.log(), "the error in the task's log")
    assert uploads(held) == 1
    assert deletions(held) == []


def test_marking_a_deferred_task_failed_deletes_nothing_and_says_what_goes_on(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_an_hour", source=str(video))
    run.until_deferred()
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    (file,) = held.control.files()
    run.mark("failed")
    until(lambda: f"nobody waits for {file['id']} any more" in run.log(), "a word in the task's log")
    assert deletions(held) == []
    assert run.facts()["state"] == "failed"


def test_marking_a_deferred_task_deletes_once_if_that_was_asked_for(scheduled, held, video) -> None:
    runs = {state: scheduled.trigger("wait_and_delete", source=str(video)) for state in ("failed", "success")}
    for run in runs.values():
        run.until_deferred()
    until_both_are_looked_at(held)
    for state, run in runs.items():
        run.mark(state)
    for state, run in runs.items():
        until(lambda run=run: f"Deleted {uploaded_by(run)} at ittybit" in run.log(), "a word in the task's log")
        assert run.facts()["state"] == state
    assert sorted(deletions(held)) == sorted(f"/files/{uploaded_by(run)}" for run in runs.values())


def test_marking_a_task_failed_that_waits_in_its_worker_ends_it_soon(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_in_the_worker", source=str(video))
    until(lambda: first_looks(held), "the first look")
    (file,) = held.control.files()
    run.mark("failed")
    until(lambda: f"Deleted {file['id']} at ittybit" in run.log(), "a word in the task's log")
    until(lambda: "IttybitStoppedError" in run.log(), "the end of the waiting by itself")
    assert deletions(held) == [f"/files/{file['id']}"]


def test_a_deferred_task_that_is_cleared_starts_afresh(scheduled, held, video) -> None:
    left, deleted = runs = [scheduled.trigger(name, source=str(video)) for name in ("wait_an_hour", "wait_and_delete")]
    first = [run.until_deferred() for run in runs]
    ids = [uploaded_by(run) for run in runs]
    until_both_are_looked_at(held)
    for run in runs:
        run.clear(while_it_runs=True)
    second = [run.until_deferred(try_number=2) for run in runs]
    for run in runs:
        until(lambda run=run: len(deadlines(run)) == 2, "both deadlines in the log")
        before, after = deadlines(run)
        assert after > before
    assert all(later["max_tries"] > earlier["max_tries"] for earlier, later in zip(first, second, strict=True))
    until(lambda: f"Killed: nobody waits for {ids[0]}" in left.log(), "a word in the log of what is left")
    until(lambda: f"Deleted {ids[1]} at ittybit" in deleted.log(), "a word in the log of what is deleted")
    held.control.release()
    for run in runs:
        run.until_it("success", try_number=2)
    assert uploads(held) == len(held.control.files()) == 4
    assert deletions(held) == [f"/files/{ids[1]}"]


def test_a_task_that_is_cleared_while_it_waits_in_its_worker_starts_afresh(scheduled, held, video) -> None:
    run = scheduled.trigger("stay_in_the_worker", source=str(video))
    until(lambda: first_looks(held), "the first look")
    before = run.facts()
    run.clear(while_it_runs=True)
    until(lambda: len(held.control.files()) == 2, "the upload of the cleared task")
    held.control.release()
    after = run.until_it("success", try_number=2)
    assert after["max_tries"] > before["max_tries"]
    until(lambda: "IttybitStoppedError" in run.log(), "the end of the first try in the task's log")
    assert uploads(held) == 2


def test_time_that_runs_out_while_deferred_fails_the_task_and_no_retry_uploads_again(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_briefly", source=str(video))
    run.until_it("failed", try_number=1)
    (file,) = held.control.files()
    until(lambda: "IttybitProcessingTimeoutError" in run.log(), "the error in the task's log")
    assert f"The processing of {file['id']} did not end within 3 s; its last known status is waiting" in run.log()
    assert uploads(held) == 1
    assert deletions(held) == []
