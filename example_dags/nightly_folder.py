"""Each night, upload what lies in a folder or bucket, and have a small version of each video made.

A file that cannot be uploaded fails only its own try: on Airflow 3.3 a retry sends what is missing and nothing else.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, task

from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator

FOLDER = os.environ.get("MEDIA_FOLDER", "s3://my-bucket/incoming")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))

with DAG(
    "nightly_folder",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
) as dag:
    # [START howto_folder]
    @task
    def videos(folder: str) -> list[str]:
        """Find what lies there; any scheme of ``ObjectStoragePath`` will do."""
        return sorted(str(path) for path in ObjectStoragePath(folder).iterdir() if path.suffix == ".mp4")

    upload = UploadMediaOperator(
        task_id="upload",
        source=videos(FOLDER),
        folder="{{ logical_date | ds if logical_date else 'by-hand' }}",
        wait_for_processing=True,
        deferrable=True,
        poll_interval=POLL_INTERVAL,
        timeout=3600,
    )
    # [END howto_folder]

    # [START howto_transcode_mapped]
    small = CreateTaskOperator.partial(
        task_id="small",
        kind="video",
        options={"width": 160, "format": "mp4"},
        ref="small",
        wait_for_processing=True,
        deferrable=True,
        poll_interval=POLL_INTERVAL,
        timeout=3600,
        max_active_tis_per_dag=16,
    ).expand(input=upload.output)
    # [END howto_transcode_mapped]

    @task
    def report(made: Any) -> int:
        """Count what was made, as an example of what comes after."""
        return len(list(made))

    report(small.output)

if __name__ == "__main__":
    import sys

    import pendulum

    run = dag.test(logical_date=pendulum.now("UTC"))
    sys.exit(0 if run.state == "success" else 1)
