"""Tasks that are given signed URLs in every way there is; the addresses come from Airflow variables."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ittybit.operators.media import GetMediaOperator, ListMediaOperator, UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.sensors.task import TaskSensor

SIGNED = "{{ var.value.signed_url }}"
FAST = {"poll_interval": 0.2, "deferrable": True}

with DAG("secret", schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False) as dag:
    upload = UploadMediaOperator(task_id="upload", source=SIGNED, wait_for_processing=True, **FAST)
    several = UploadMediaOperator(task_id="several", source=[SIGNED, SIGNED])
    fetched = UploadMediaOperator(
        task_id="fetched", source=SIGNED, fetch=True, chunking={"threshold": 1, "size": 9_000}
    )
    mapped = UploadMediaOperator.partial(task_id="mapped", source=SIGNED).expand(folder=["one", "two"])
    nowhere = UploadMediaOperator(task_id="nowhere", source="{{ var.value.nowhere_url }}", fetch=True, retries=0)
    awaited = MediaProcessingSensor(task_id="awaited", media_id=upload.output, deferrable=True, poke_interval=0.2)
    poked = MediaProcessingSensor(task_id="poked", media_id=fetched.output, poke_interval=0.2)
    rescheduled = MediaProcessingSensor(
        task_id="rescheduled",
        media_id="{{ ti.xcom_pull(task_ids='several')[0]['id'] }}",
        mode="reschedule",
        poke_interval=0.2,
    )
    several >> rescheduled
    create = CreateTaskOperator(task_id="create", kind="image", input=SIGNED, options={"width": 16}, **FAST)
    made = TaskSensor(task_id="made", ittybit_task_id=create.output, deferrable=True, poke_interval=0.2)
    read = GetMediaOperator(task_id="read", media_id=create.output)
    listed = ListMediaOperator(task_id="listed", resource="tasks")
    made >> read >> listed
