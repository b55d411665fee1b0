"""Upload a video, make a thumbnail of it without holding a worker slot, use it, and delete the video at the end.

The thumbnail stays; it is a file of its own in the same media.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ittybit.operators.media import DeleteMediaOperator, UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

SOURCE = os.environ.get("MEDIA_SOURCE", "s3://my-bucket/talk.mp4")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))

with DAG(
    "thumbnails",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    upload = UploadMediaOperator(task_id="upload", source=SOURCE, folder="talks")
    ready = MediaProcessingSensor(
        task_id="ready", media_id=upload.output, deferrable=True, poke_interval=POLL_INTERVAL, timeout=3600
    )

    # [START howto_create_task]
    thumbnail = CreateTaskOperator(
        task_id="thumbnail",
        kind="image",
        input=ready.output,
        options={"width": 160, "format": "jpg", "start": 0.5},
        ref="thumbnail",
        wait_for_processing=True,
        deferrable=True,
        poll_interval=POLL_INTERVAL,
        timeout=3600,
    )
    # [END howto_create_task]

    @task
    def publish(made: Any) -> str:
        """Hand on the address, as an example of what comes after."""
        return str(made["output"]["url"])

    delete = DeleteMediaOperator(task_id="delete", media_id="{{ ti.xcom_pull('upload', key='ittybit_id') }}")
    publish(thumbnail.output) >> delete.as_teardown(setups=upload)

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
