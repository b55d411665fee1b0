"""A DAG that makes pictures of several widths of one video, each in a mapped task, and waits for them by a sensor."""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.task import TaskSensor

with DAG("mapped_tasks", schedule=None) as dag:
    made = CreateTaskOperator.partial(task_id="make", kind="image", input=os.environ["MEDIA_SOURCE"]).expand(
        options=[{"width": 32}, {"width": 64}]
    )
    TaskSensor.partial(task_id="wait", deferrable=True, poke_interval=0.05, timeout=600).expand(
        ittybit_task_id=made.output
    )
