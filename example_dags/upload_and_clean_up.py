"""Upload one file, wait for it in the triggerer, describe it, and delete it whatever happens in between.

A teardown runs only if its setup succeeded. So the upload ends as soon as ittybit accepted the file. The waiting, which
may fail, is a task of its own, and so is what some generations can set only once the file is there: title and metadata.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

SOURCE = os.environ.get("MEDIA_SOURCE", "s3://my-bucket/talk.mp4")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))

with DAG(
    "upload_and_clean_up",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    # [START howto_upload]
    upload = UploadMediaOperator(
        task_id="upload", source=SOURCE, folder="talks/{{ logical_date | ds if logical_date else run_id }}"
    )
    # [END howto_upload]

    # [START howto_wait]
    ready = MediaProcessingSensor(
        task_id="ready", media_id=upload.output, deferrable=True, poke_interval=POLL_INTERVAL, timeout=3600
    )
    # [END howto_wait]

    # [START howto_update]
    describe = UpdateMediaOperator(
        task_id="describe", media_id=upload.output, ref="original", metadata={"run": "{{ run_id }}", "checked": "yes"}
    )
    # [END howto_update]

    # [START howto_get]
    read = GetMediaOperator(task_id="read", media_id=upload.output)
    # [END howto_get]

    @task
    def check(file: Any) -> None:
        """Fail if the file is not what was wanted."""
        if file["metadata"].get("checked") != "yes":
            message = f"{file['id']} was not described"
            raise ValueError(message)

    # [START howto_teardown]
    delete = DeleteMediaOperator(task_id="delete", media_id="{{ ti.xcom_pull('upload', key='ittybit_id') }}")
    ready >> describe >> read
    check(read.output) >> delete.as_teardown(setups=upload)
    # [END howto_teardown]

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
