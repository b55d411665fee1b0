"""The example DAGs that the pages on TaskSensor and ProcessingTrigger show, run by a real Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.running import RunningEmulator

EXAMPLES = Path(__file__).parents[2] / "example_dags"


def environment(emulator: RunningEmulator, source: Path) -> dict[str, str]:
    """Say where ittybit and the media are, and that looks follow each other quickly."""
    return {
        "AIRFLOW_CONN_ITTYBIT_DEFAULT": emulator.airflow_connection("2025-08-20"),
        "MEDIA_POLL_INTERVAL": "0.05",
        "MEDIA_SOURCE": str(source),
    }


def tasks_read_by_the_triggerer(emulator: RunningEmulator) -> set[str]:
    reads = emulator.control.requests(method="GET")
    return {
        entry["path"].rsplit("/", 1)[-1]
        for entry in reads
        if "(triggerer)" in (entry["user_agent"] or "") and "/task" in entry["path"]
    }


def test_renditions_makes_each_width_once_and_waits_for_both_by_deferral(airflow, emulator, video) -> None:
    emulator.control.settings(processing="after_reads:2")
    run = airflow.run(EXAMPLES / "renditions.py", **environment(emulator, video))
    assert run.state == "success", run.log[-4000:]
    assert run.tasks["ready"] == ["success", "success"]
    source, *made = emulator.control.files()
    assert source["width"] == 320
    assert sorted(file["width"] for file in made) == [160, 320]
    assert {file["kind"] for file in made} == {"video"}
    assert len(emulator.control.requests(method="POST", path="/tasks")) == 2
    assert len({one for one in tasks_read_by_the_triggerer(emulator) if one.startswith("task_")}) == 2


def test_an_operator_of_ones_own_waits_by_deferral_and_returns_what_was_made(airflow, emulator, video) -> None:
    emulator.control.settings(processing="after_reads:2")
    run = airflow.run(EXAMPLES / "own_operator.py", **environment(emulator, video))
    assert run.state == "success", run.log[-4000:]
    source, half = emulator.control.files()
    assert (source["width"], half["width"], half["kind"]) == (320, 160, "video")
    assert any(one.startswith("task_") for one in tasks_read_by_the_triggerer(emulator))


def test_an_operator_of_ones_own_fails_in_ittybits_own_words(airflow, emulator, video) -> None:
    emulator.control.fault(match={"path": "/tasks"}, fail_processing="the codec is unknown", times=1)
    run = airflow.run(EXAMPLES / "own_operator.py", **environment(emulator, video))
    assert run.state == "failed"
    assert run.tasks["upload"] == ["success"]
    assert "the codec is unknown" in run.log
