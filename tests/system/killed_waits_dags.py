"""DAGs whose task uploads and waits, most in the triggerer; the tests give them to a scheduled Airflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ittybit.operators.media import UploadMediaOperator

HOUR = 3600


def wait(dag_id: str, **more: Any) -> None:
    """Make a DAG of one task."""
    with DAG(dag_id, schedule=None):
        UploadMediaOperator(
            task_id="upload",
            source="{{ dag_run.conf['source'] }}",
            wait_for_processing=True,
            retries=3,
            retry_delay=timedelta(0),
            **{"deferrable": True, "poll_interval": 0.5, **more},
        )


wait("wait_an_hour", timeout=HOUR)
wait("wait_and_delete", timeout=HOUR, delete_on_kill=True)
wait("wait_briefly", timeout=3)
wait("wait_in_the_worker", timeout=HOUR, deferrable=False, poll_interval=HOUR, delete_on_kill=True)
