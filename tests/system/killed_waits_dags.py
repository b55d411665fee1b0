"""DAGs whose task makes something and waits, most in the triggerer; the tests give them to a scheduled Airflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator

HOUR = 3600
SOURCE = "{{ dag_run.conf['source'] }}"


def wait(dag_id: str, **more: Any) -> None:
    """Make a DAG of one task."""
    waiting = {
        "wait_for_processing": True,
        "deferrable": True,
        "poll_interval": 0.5,
        "retries": 3,
        "retry_delay": timedelta(0),
        **more,
    }
    with DAG(dag_id, schedule=None):
        if "kind" in more:
            CreateTaskOperator(task_id="create", input=SOURCE, **waiting)
        else:
            UploadMediaOperator(task_id="upload", source=SOURCE, **waiting)


wait("wait_an_hour", timeout=HOUR)
wait("wait_and_delete", timeout=HOUR, delete_on_kill=True)
wait("wait_briefly", timeout=3, delete_on_kill=True)
wait("wait_some_seconds", timeout=8, delete_on_kill=True)  # fewer than until a dead triggerer's waits are taken over
wait("wait_in_the_worker", timeout=HOUR, deferrable=False, poll_interval=HOUR, delete_on_kill=True)
wait("stay_in_the_worker", timeout=HOUR, deferrable=False)
wait("create_and_wait", timeout=HOUR, kind="image")
