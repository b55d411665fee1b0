"""Mapped tasks of ittybit, run by a real Airflow: each makes its own, and each has its own button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ittybit.links.ittybit import IttybitMediaLink

pytestmark = pytest.mark.xdist_group("airflow")
MAPPED = Path(__file__).parent / "mapped_tasks_dag.py"


def xcoms(dag_id: str, task_id: str, key: str) -> list[Any]:
    """Return what the two mapped tasks of the last run pushed, in their order."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        wanted = select(XComModel).where(XComModel.dag_id == dag_id, XComModel.task_id == task_id, XComModel.key == key)
        rows = session.scalars(wanted.order_by(XComModel.run_id, XComModel.map_index)).all()
        return [XComModel.deserialize_value(row) for row in rows[-2:]]


@pytest.mark.parametrize("version", ["2025-08-20", "2025-09-15"])
def test_each_mapped_task_makes_its_own_and_has_its_own_button(airflow, emulator, web: str, version: str) -> None:
    emulator.control.settings(processing="after_reads:2")
    connection = emulator.airflow_connection(version)
    run = airflow.run(MAPPED, AIRFLOW_CONN_ITTYBIT_DEFAULT=connection, MEDIA_SOURCE=f"{web}/clip.mp4")
    assert run.state == "success", run.log[-4000:]
    assert len(emulator.control.requests(method="POST")) == 2
    done = xcoms("mapped_tasks", "wait", "return_value")
    outputs = [task.get("output") or task["outputs"][0] for task in done]
    assert [output["width"] for output in outputs] == [32, 64]
    links = xcoms("mapped_tasks", "wait", IttybitMediaLink().xcom_key)
    assert links == [output["url"] for output in outputs]
