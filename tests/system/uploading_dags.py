"""DAGs whose task uploads what the run's configuration names; the tests give them to a scheduled Airflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ittybit.operators.media import UploadMediaOperator

MIB = 1024 * 1024


def upload(**more: Any) -> None:
    """Make the task."""
    UploadMediaOperator(
        task_id="upload",
        ittybit_conn_id="{{ dag_run.conf.get('connection', 'ittybit_default') }}",
        title="{{ dag_run.conf.get('title', '') }}",
        chunking={"threshold": MIB, "size": MIB, "parallel": 2},
        retries=3,
        retry_delay=timedelta(0),
        **more,
    )


with DAG("upload_one", schedule=None):
    upload(source="{{ dag_run.conf['source'] }}")

with DAG("upload_and_wait", schedule=None):
    upload(source="{{ dag_run.conf['source'] }}", wait_for_processing=True, poll_interval=0.1)

with DAG("upload_many", schedule=None):
    upload(source="{{ dag_run.conf['source'] }}/*.mp4")
