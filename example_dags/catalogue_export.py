"""Export what came in during each interval to JSON Lines, one file a run, for whatever loads the warehouse.

Neighbouring runs share no item. Each takes what was created between an hour before its data interval and an hour before
its end, so that what is late in ittybit's list is there, and what was uploaded last is processed: the list has its
duration. Reading stops as soon as the list is past it, so a run costs the same however much the project holds.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, task
from airflow.timetables.interval import DeltaDataIntervalTimetable

from airflow_provider_ittybit.operators.media import ListMediaOperator

EXPORTS = os.environ.get("CATALOGUE_EXPORTS", "s3://my-bucket/ittybit")

with DAG(
    "catalogue_export",
    schedule=DeltaDataIntervalTimetable(timedelta(days=1)),
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    # [START howto_list_to_file]
    export = ListMediaOperator(
        task_id="export",
        kind="video",
        created_after="{{ data_interval_start.subtract(hours=1) }}",
        created_before="{{ data_interval_end.subtract(hours=1) }}",
        fields=["id", "filename", "duration", "width", "height", "filesize", "created"],
        output_path=EXPORTS + "/{{ data_interval_start | ds }}.jsonl",
    )
    # [END howto_list_to_file]

    @task
    def total_minutes(exported: Any) -> float:
        """Add up the minutes of video, as an example of what comes after."""
        import json

        lines = ObjectStoragePath(exported["output_path"]).read_text().splitlines()
        return round(sum(json.loads(line)["duration"] or 0 for line in lines) / 60, 3)

    total_minutes(export.output)

if __name__ == "__main__":
    import sys
    from inspect import signature

    import pendulum

    date = "logical_date" if "logical_date" in signature(dag.test).parameters else "execution_date"  # so in Airflow 2
    when: Any = {date: pendulum.now("UTC").add(hours=2)}
    run = dag.test(**when)
    sys.exit(0 if run.state == "success" else 1)
