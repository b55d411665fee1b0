"""Deferred waits under a real scheduler and triggerer, killed in every way, judged by what the emulator saw."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import TASK_STATE_STORE
from system.scheduled_airflow import STANDALONE, ScheduledAirflow, TaskRun, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

pytestmark = [pytest.mark.xdist_group("scheduled airflow"), TASK_STATE_STORE.needed]

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
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    }
    with ScheduledAirflow(home, environment, STANDALONE) as airflow:
        yield airflow


@pytest.fixture
def held(emulator: RunningEmulator) -> RunningEmulator:
    emulator.control.settings(processing="held")
    return emulator


def uploads(emulator: RunningEmulator) -> int:
    return len(emulator.control.requests(method="PUT"))


def deletions(emulator: RunningEmulator) -> list[str]:
    return [row["path"] for row in emulator.control.requests(method="DELETE")]


def from_the_triggerer(emulator: RunningEmulator) -> list[dict[str, Any]]:
    return [row for row in emulator.control.requests() if "(triggerer)" in (row["user_agent"] or "")]


def deadlines(run: TaskRun) -> list[float]:
    """Return the deadline of each deferral so far, which the tries wrote to their logs."""
    found = re.findall(r"Waiting in the triggerer for \w+, until (\S+) at the latest", run.log())
    return [datetime.fromisoformat(moment).timestamp() for moment in found]


def test_after_a_kill_between_submission_and_deferral_the_retry_waits_for_the_same_file(scheduled, held, video) -> None:
    held.control.fault(match={"method": "GET", "path": "^/files/"}, delay=HELD)
    run = scheduled.trigger("wait_an_hour", source=str(video))
    until(lambda: [row for row in held.control.requests(method="GET") if "/files/" in row["path"]], "the first look")
    accepted = run.notes()["ittybit_upload"]["accepted"]
    run.kill_task()
    run.until_deferred(try_number=2)
    assert deadlines(run) == [pytest.approx(accepted + HOUR, abs=0.001)]
    held.control.release()
    run.until_it("success", try_number=2)
    assert uploads(held) == len(held.control.files()) == 1


def test_a_wait_whose_triggerer_is_killed_waits_on_and_ends_well(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_and_delete", source=str(video))
    run.until_deferred()
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    scheduled.restart("triggerer")
    held.control.forget_requests()
    until(lambda: from_the_triggerer(held), "a look by the new triggerer")
    held.control.release()
    run.until_it("success", try_number=1)
    assert len(deadlines(run)) == 1
    assert deletions(held) == []


def test_a_deadline_that_passes_while_no_triggerer_runs_holds_all_the_same(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_briefly", source=str(video))
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    scheduled.restart("triggerer")
    run.until_it("failed", try_number=1)
    assert len(deadlines(run)) == 1
    until(lambda: "IttybitProcessingTimeoutError" in run.log(), "the error in the task's log")
    assert uploads(held) == 1


def test_marking_a_deferred_task_failed_deletes_nothing_and_says_what_goes_on(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_an_hour", source=str(video))
    run.until_deferred()
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    (file,) = held.control.files()
    run.mark("failed")
    until(lambda: f"nobody waits for {file['id']} any more" in run.log(), "a word in the task's log")
    assert deletions(held) == []
    assert run.facts()["state"] == "failed"


def test_marking_a_deferred_task_failed_deletes_once_if_that_was_asked_for(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_and_delete", source=str(video))
    run.until_deferred()
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    (file,) = held.control.files()
    run.mark("failed")
    until(lambda: f"Deleted {file['id']} at ittybit" in run.log(), "a word in the task's log")
    assert deletions(held) == [f"/files/{file['id']}"]
    assert run.facts()["state"] == "failed"


def test_marking_a_task_failed_that_waits_in_its_worker_ends_it_soon(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_in_the_worker", source=str(video))
    until(lambda: [row for row in held.control.requests(method="GET") if "/files/" in row["path"]], "the first look")
    (file,) = held.control.files()
    run.mark("failed")
    until(lambda: f"Deleted {file['id']} at ittybit" in run.log(), "a word in the task's log")
    until(lambda: "IttybitStoppedError" in run.log(), "the end of the waiting by itself")
    assert deletions(held) == [f"/files/{file['id']}"]


def test_a_deferred_task_that_is_cleared_starts_afresh(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_an_hour", source=str(video))
    first = run.until_deferred()
    until(lambda: from_the_triggerer(held), "a look by the triggerer")
    run.clear(while_it_runs=True)
    second = run.until_deferred(try_number=2)
    before, after = deadlines(run)
    assert after > before
    assert second["max_tries"] > first["max_tries"]
    until(lambda: "Killed: nobody waits for" in run.log(), "a word in the task's log")
    held.control.release()
    run.until_it("success", try_number=2)
    assert uploads(held) == len(held.control.files()) == 2
    assert deletions(held) == []


def test_time_that_runs_out_while_deferred_fails_the_task_and_no_retry_uploads_again(scheduled, held, video) -> None:
    run = scheduled.trigger("wait_briefly", source=str(video))
    run.until_it("failed", try_number=1)
    (file,) = held.control.files()
    until(lambda: "IttybitProcessingTimeoutError" in run.log(), "the error in the task's log")
    assert f"The processing of {file['id']} did not end within 3 s; its last known status is waiting" in run.log()
    assert uploads(held) == 1
