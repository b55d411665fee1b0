"""Media from arrival to deletion: upload, wait without a worker slot, make a thumbnail, list, delete.

It deletes all that ittybit got during its data interval, whoever sent it: run it on a project of its own, or without an
account against the local ittybit, by ``make demo``.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import DeltaDataIntervalTimetable

from airflow_provider_ittybit.operators.media import DeleteMediaOperator, ListMediaOperator, UploadMediaOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

FOLDER = os.environ.get("MEDIA_FOLDER", "/data/incoming")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))

with DAG(
    "media_lifecycle",
    schedule=DeltaDataIntervalTimetable(timedelta(days=1)),
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    # [START howto_list]
    before = ListMediaOperator(
        task_id="list_before",
        created_after="{{ data_interval_start }}",
        created_before="{{ data_interval_end }}",
        fields=["id", "filename"],
    )
    # [END howto_list]

    @task
    def find_media(folder: str) -> list[str]:
        """Find what arrived."""
        return sorted(str(path) for path in Path(folder).iterdir() if path.is_file())

    # [START howto_upload_mapped]
    upload = UploadMediaOperator.partial(
        task_id="upload", folder="incoming", metadata={"run": "{{ run_id }}"}, wait_for_processing=False
    ).expand(source=find_media(FOLDER))
    # [END howto_upload_mapped]

    # [START howto_wait_deferred]
    processed = MediaProcessingSensor.partial(
        task_id="wait", deferrable=True, poke_interval=POLL_INTERVAL, timeout=3600
    ).expand(media_id=upload.output)
    # [END howto_wait_deferred]

    # [START howto_hook_in_task]
    @task
    def make_thumbnail(files: Any) -> Any:
        """Ask for one frame of the first video, as an image of its own."""
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        video = next(file for file in files if file["kind"] == "video")
        with IttybitHook() as hook:
            return hook.create_task("image", video["id"], {"width": 160, "start": 0.5}, ref="thumbnail")

    # [END howto_hook_in_task]

    thumbnail = MediaProcessingSensor(
        task_id="wait_for_thumbnail",
        media_id=make_thumbnail(processed.output),
        deferrable=True,
        poke_interval=POLL_INTERVAL,
        timeout=3600,
    )

    listed = ListMediaOperator(
        task_id="list_interval",
        created_after="{{ data_interval_start }}",
        created_before="{{ data_interval_end }}",
        fields=["id", "kind", "filename", "filesize", "status", "created"],
    )

    # [START howto_delete]
    delete = DeleteMediaOperator(task_id="delete", media_id=listed.output)
    # [END howto_delete]

    before >> upload
    thumbnail >> listed >> delete

if __name__ == "__main__":
    import sys
    from inspect import signature

    import pendulum

    date = "logical_date" if "logical_date" in signature(dag.test).parameters else "execution_date"  # so in Airflow 2
    when: Any = {date: pendulum.now("UTC").add(hours=1)}
    run = dag.test(**when)
    sys.exit(0 if run.state == "success" else 1)
