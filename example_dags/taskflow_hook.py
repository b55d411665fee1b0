"""Use the hook in plain Python tasks, where no operator fits: here, keep only the newest of what this DAG uploaded.

The hook has the verbs of all operators and ``call()`` for the rest, reads lists page by page, and takes its key from
the connection. To find its own files, this DAG reads the list of the whole project.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

SOURCE = os.environ.get("MEDIA_SOURCE", "s3://my-bucket/talk.mp4")
KEEP = int(os.environ.get("KEEP", "3"))
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "10"))
MARK = {"made-by": "taskflow_hook"}

with DAG(
    "taskflow_hook",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    # [START howto_taskflow]
    @task
    def upload(source: str) -> Any:
        """Upload one more, and wait for it."""
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        with IttybitHook() as hook:
            file = hook.upload_media(source, folder="previews", metadata=MARK)
            return str(hook.wait_for_processing(file["id"], poll_interval=POLL_INTERVAL, timeout=600).id)

    @task
    def delete_older(newest: Any, keep: int) -> list[str]:
        """Delete all but the newest."""
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        with IttybitHook() as hook:
            ours = [file for file in hook.list_media() if (file.get("metadata") or {}).items() >= MARK.items()]
            ours.sort(key=lambda file: (file["id"] == newest, file["created"]), reverse=True)
            return [hook.delete_media(file["id"])["id"] for file in ours[keep:]]

    @task
    def report(deleted: Any) -> None:
        """Say what was done."""
        print(f"Deleted {len(deleted)} older files")  # noqa: T201 - what a task prints stands in its log

    report(delete_older(upload(SOURCE), KEEP))
    # [END howto_taskflow]

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
