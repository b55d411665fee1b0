"""Each night, upload the videos that lie in a folder or bucket, have a small version made of each, and put them aside.

Each file goes its own way through the group: one that fails holds up no other. It stays where it is until the next
night, which uploads it again: what was uploaded before stays at ittybit too, until somebody deletes it.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, task, task_group

from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator

FOLDER = os.environ.get("MEDIA_FOLDER", "s3://my-bucket/incoming")
DONE = os.environ.get("MEDIA_DONE", "s3://my-bucket/done")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))

with DAG(
    "nightly_folder",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    max_active_runs=1,  # two would take the same files
    tags=["ittybit"],
    doc_md=__doc__,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
) as dag:
    # [START howto_folder]
    @task
    def videos(folder: str) -> list[str]:
        """Find what lies there; any scheme of ``ObjectStoragePath`` will do."""
        return sorted(str(path) for path in ObjectStoragePath(folder).iterdir() if path.suffix == ".mp4")

    @task
    def put_aside(path: str, done: str) -> str:
        """Move a file out of the way of the next night."""
        source = ObjectStoragePath(path)
        target = ObjectStoragePath(done) / source.name
        source.move(target)
        return str(target)

    @task_group
    def one_video(path: Any) -> None:
        """Upload one video, and have it made small."""
        upload = UploadMediaOperator(
            task_id="upload",
            source=path,
            folder="nightly",
            wait_for_processing=True,
            deferrable=True,
            poll_interval=POLL_INTERVAL,
            timeout=3600,
            max_active_tis_per_dag=16,
        )
        small = CreateTaskOperator(
            task_id="small",
            kind="video",
            input=upload.output,
            options={"width": 160, "format": "mp4"},
            ref="small",
            wait_for_processing=True,
            deferrable=True,
            poll_interval=POLL_INTERVAL,
            timeout=3600,
        )
        small >> put_aside(path, DONE)

    one_video.expand(path=videos(FOLDER))
    # [END howto_folder]

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
