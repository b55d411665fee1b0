"""Mapped tasks of ittybit, run by a real Airflow: each makes its own, and each has its own buttons."""

from __future__ import annotations

from pathlib import Path

import pytest
from system.kept_by_airflow import links, xcoms

from airflow_provider_ittybit.links.ittybit import IttybitMediaLink, IttybitPreviewLink

MAPPED = Path(__file__).parent / "mapped_tasks_dag.py"


@pytest.mark.parametrize("version", ["2025-08-20", "2025-09-15"])
def test_each_mapped_task_makes_its_own_and_has_its_own_buttons(airflow, emulator, web: str, version: str) -> None:
    emulator.control.settings(processing="after_reads:2")
    connection = emulator.airflow_connection(version)
    run = airflow.run(MAPPED, AIRFLOW_CONN_ITTYBIT_DEFAULT=connection, MEDIA_SOURCE=f"{web}/clip.mp4")
    assert run.state == "success", run.log[-4000:]
    assert len(emulator.control.requests(method="POST")) == 2
    done = xcoms("mapped_tasks", "wait")
    outputs = [task.get("output") or task["outputs"][0] for task in done]
    assert [output["width"] for output in outputs] == [32, 64]
    for button in (IttybitMediaLink, IttybitPreviewLink):
        assert links("mapped_tasks", "wait", button) == [output["url"] for output in outputs]
