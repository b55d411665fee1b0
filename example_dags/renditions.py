"""Make a video in several widths side by side, and wait for all of them without holding a worker slot.

Each width is a task of its own, so one that fails is tried again alone.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.task import TaskSensor

SOURCE = os.environ.get("MEDIA_SOURCE", "s3://my-bucket/talk.mp4")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))
WIDTHS = (320, 160)

with DAG(
    "renditions",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    # [START howto_upload_and_wait]
    upload = UploadMediaOperator(
        task_id="upload",
        source=SOURCE,
        folder="talks",
        wait_for_processing=True,
        deferrable=True,
        poll_interval=POLL_INTERVAL,
        timeout=3600,
    )
    # [END howto_upload_and_wait]

    # [START howto_create_task_mapped]
    make = CreateTaskOperator.partial(task_id="make", kind="video", input=upload.output).expand(
        options=[{"width": width, "format": "mp4"} for width in WIDTHS]
    )
    # [END howto_create_task_mapped]

    # [START howto_wait_for_task]
    ready = TaskSensor.partial(task_id="ready", deferrable=True, poke_interval=POLL_INTERVAL, timeout=3600).expand(
        ittybit_task_id=make.output
    )
    # [END howto_wait_for_task]

    @task
    def addresses(made: Any) -> list[str]:
        """Hand on where the videos are, as an example of what comes after."""
        return [str(one["output"]["url"]) for one in made]

    addresses(ready.output)

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
