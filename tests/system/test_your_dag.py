"""The tests that docs/testing.md shows; it includes what stands between the tags."""

from __future__ import annotations

# [START testing_imports]
import hashlib
import os
import runpy
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.emulator.media.samples import make_video
from airflow_provider_ittybit.emulator.running import RunningEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator
# [END testing_imports]

EXAMPLE = Path(__file__).parents[2] / "example_dags" / "upload_and_clean_up.py"


@pytest.fixture(autouse=True)
def dag_file() -> Iterator[None]:
    """Put the DAG where a project of one's own has it already."""
    target = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / EXAMPLE.name
    target.parent.mkdir(exist_ok=True)
    shutil.copy(EXAMPLE, target)
    yield
    target.unlink()


# [START testing_fixtures]
@pytest.fixture(scope="session", autouse=True)
def airflow_database() -> None:
    """Make Airflow's tables, once."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def ittybit(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningEmulator]:
    """Run a local ittybit, and have the connection lead to it."""
    with RunningEmulator(processing="after_reads:2") as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", emulator.airflow_connection("2025-08-20"))
        monkeypatch.setenv("MEDIA_POLL_INTERVAL", "0.05")  # the DAG takes its poke_interval from it
        yield emulator


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a real video of two seconds, and have the DAG upload it."""
    path = make_video(tmp_path / "talk.mp4")
    monkeypatch.setenv("MEDIA_SOURCE", str(path))
    return path


def run_dag(name: str) -> Any:
    """Run a DAG of the DAGs folder in this process; its deferred tasks wait here as well."""
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    return runpy.run_path(str(folder / name))["dag"].test()


# [END testing_fixtures]


# [START testing_success]
def test_the_dag_uploads_the_video_as_it_is_and_deletes_it(ittybit: RunningEmulator, video: Path) -> None:
    assert run_dag("upload_and_clean_up.py").state == "success"
    [file] = ittybit.control.files()
    assert file["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
    assert (file["status"], file["deleted"]) == ("ready", True)


# [END testing_success]


# [START testing_failure]
@pytest.mark.usefixtures("video")
def test_the_dag_fails_and_cleans_up_when_ittybit_cannot_process(ittybit: RunningEmulator) -> None:
    ittybit.control.fault(fail_processing="moov atom not found")
    assert run_dag("upload_and_clean_up.py").state == "failed"
    [file] = ittybit.control.files()
    assert file["deleted"]


# [END testing_failure]


# [START testing_outage]
@pytest.mark.usefixtures("video")
def test_the_dag_outlives_a_short_outage(ittybit: RunningEmulator) -> None:
    ittybit.control.fault(match={"method": "GET"}, status=503, times=2)
    assert run_dag("upload_and_clean_up.py").state == "success"
    assert 503 in [request["status"] for request in ittybit.control.requests()]


# [END testing_outage]
