"""A real Airflow with SQLite in the throw-away AIRFLOW_HOME of this test process, in which DAG files run."""

from __future__ import annotations

import os
import runpy
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from airflow_versions import date_of_run, share_api_of_test_runs

EXAMPLES = Path(__file__).parents[2] / "example_dags"


@dataclass(frozen=True)
class Run:
    """How a DAG run ended.

    :param state: of the run.
    :param tasks: state by task id; of mapped tasks a list.
    :param log: what Airflow and the tasks wrote.
    """

    state: str
    tasks: dict[str, list[str]]
    log: str


class Airflow:
    """One Airflow whose DAGs folder holds only what a test puts there."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def run(self, dag_file: Path, **environment: object) -> Run:
        """Run a DAG file with ``dag.test()``; the data interval ends in an hour."""
        import pendulum

        for name, value in environment.items():
            self._monkeypatch.setenv(name, str(value))
        target = self.home / "dags" / dag_file.name
        shutil.copy(dag_file, target)
        try:
            self._capfd.readouterr()
            dag = runpy.run_path(str(target))["dag"]
            run = dag.test(**date_of_run(dag.test, pendulum.now("UTC").add(hours=2)))
            tasks: dict[str, list[str]] = {}
            for ti in run.get_task_instances():
                tasks.setdefault(ti.task_id, []).append(str(ti.state))
            out, err = self._capfd.readouterr()
            return Run(str(run.state), tasks, out + err)
        finally:
            target.unlink()


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    from airflow.utils.db import initdb

    home = Path(os.environ["AIRFLOW_HOME"])
    (home / "dags").mkdir(exist_ok=True)
    initdb()
    share_api_of_test_runs()
    return home


@pytest.fixture
def airflow(airflow_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Airflow:
    return Airflow(airflow_home, monkeypatch, capfd)
