"""Upload what another pipeline wrote, as soon as it says so: its asset starts this DAG, its events name the files.

The upstream task has the asset as an outlet and adds the paths to its event::

    @task(outlets=[RENDERS])
    def render(*, outlet_events):
        ...
        outlet_events[RENDERS].extra["paths"] = ["s3://my-bucket/renders/talk.mp4"]

What is uploaded becomes an asset of its own, so that the next DAG can start with it. Started by hand, it takes all that
is there. It needs Airflow 3: before it, assets have no names, and a task gets their events by another name.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, AssetAlias, ObjectStoragePath, task

from airflow_provider_ittybit.operators.media import UploadMediaOperator

PLACE = os.environ.get("RENDERS", "s3://my-bucket/renders")

# [START howto_upstream_asset]
RENDERS = Asset(name="renders", uri=os.environ.get("RENDERS_ASSET", PLACE))
UPLOADED = AssetAlias("ittybit_uploads")

with DAG(
    "upload_what_arrived",
    schedule=[RENDERS],
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:

    @task
    def arrived(triggering_asset_events: Any = None) -> list[str]:
        """Name the files of the events that started this run."""
        if not triggering_asset_events:  # started by hand
            return sorted(str(path) for path in ObjectStoragePath(PLACE).iterdir())
        return sorted({path for event in triggering_asset_events[RENDERS] for path in event.extra.get("paths", [])})

    UploadMediaOperator.partial(task_id="upload", folder="renders", outlets=[UPLOADED]).expand(source=arrived())
    # [END howto_upstream_asset]

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
