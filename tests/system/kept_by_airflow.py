"""What Airflow kept of the last run of a DAG: results, and where the buttons of its tasks lead."""

from __future__ import annotations

from typing import Any

from airflow_versions import AIRFLOW, LINKS_IN_XCOM, found

from airflow_provider_ittybit.links.ittybit import RESULT, IttybitMediaLink


def xcoms(dag_id: str, task_id: str, key: str = RESULT) -> list[Any]:
    """Return what a task pushed in the last run, each mapped one in its turn."""
    from airflow.utils.session import create_session
    from sqlalchemy import select

    model = found("airflow.models.xcom:XComModel", "airflow.models.xcom:XCom")
    with create_session() as session:
        wanted = select(model).where(model.dag_id == dag_id, model.task_id == task_id, model.key == key)
        rows = session.scalars(wanted.order_by(model.timestamp, model.map_index)).all()
        last = [row for row in rows if row.run_id == rows[-1].run_id]
        last.sort(key=lambda row: row.map_index)
        return [row.value if AIRFLOW < (3, 0) else model.deserialize_value(row) for row in last]  # Airflow 2 did


def links(dag_id: str, task_id: str, button: type[Any] = IttybitMediaLink) -> list[str]:
    """Find where a button of a task leads, each mapped one in its turn."""
    if LINKS_IN_XCOM.is_here:
        return xcoms(dag_id, task_id, button().xcom_key)
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        wanted = select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.task_id == task_id)
        found_tasks = session.scalars(wanted.order_by(TaskInstance.start_date)).all()
        last = [ti for ti in found_tasks if ti.run_id == found_tasks[-1].run_id]
        keys = [ti.key for ti in sorted(last, key=lambda ti: ti.map_index)]
    operator: Any = None
    return [button().get_link(operator, ti_key=key) for key in keys]
