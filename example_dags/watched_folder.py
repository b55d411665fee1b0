"""Make a thumbnail of each video that appears in a folder at ittybit, as soon as it is ready there.

Nothing runs and nobody waits until one appears: a watcher in the triggerer looks, and each new video is an event of an
asset, which starts this DAG. It needs Airflow 3.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.triggers.watcher import MediaWatcherTrigger

FOLDER = os.environ.get("WATCHED_FOLDER", "inbox")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))

# [START howto_watch]
new_videos = Asset(
    "ittybit_new_videos",
    watchers=[
        AssetWatcher(
            name="ittybit_inbox",
            trigger=MediaWatcherTrigger(kind="video", folder=FOLDER, poll_interval=POLL_INTERVAL),
        )
    ],
)
# [END howto_watch]

with DAG(
    "watched_folder",
    schedule=[new_videos],
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    # [START howto_read_events]
    @task
    def appeared(triggering_asset_events: Any = None) -> list[str]:
        """Name the videos that this run is for: one, or several that appeared together."""
        events = triggering_asset_events[new_videos] if triggering_asset_events else []
        return sorted({event.extra["payload"]["id"] for event in events})

    # [END howto_read_events]

    CreateTaskOperator.partial(
        task_id="thumbnail",
        kind="image",
        options={"width": 160, "format": "jpg", "start": 0.5},
        ref="thumbnail",
        wait_for_processing=True,
        deferrable=True,
        poll_interval=POLL_INTERVAL,
        timeout=3600,
    ).expand(input=appeared())

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
