"""An operator of your own, which waits in the triggerer like those of this package.

It makes a video half as wide as it was, which it has to look up first, and gives up after an hour.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ittybit.operators.base import IttybitOperator
from airflow_provider_ittybit.operators.media import UploadMediaOperator

SOURCE = os.environ.get("MEDIA_SOURCE", "s3://my-bucket/talk.mp4")
POLL_INTERVAL = float(os.environ.get("MEDIA_POLL_INTERVAL", "30"))
LONGEST = 3600.0


# [START howto_processing_trigger]
class HalfSizeOperator(IttybitOperator):
    """Make a video of half the width. A retry asks for it once more."""

    template_fields = ("file_id", "ittybit_conn_id")

    def __init__(self, *, file_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file_id = file_id

    def execute(self, context: Any) -> None:
        """Ask for it, then leave the worker until the triggerer has seen its end."""
        from airflow_provider_ittybit.triggers.processing import ProcessingTrigger, safety_net

        del context
        with self.make_hook() as hook:
            width = hook.get_media(self.file_id)["width"] // 4 * 2  # encoders want even widths
            made = hook.create_task("video", self.file_id, {"width": width, "format": "mp4"})
        deadline = time.time() + LONGEST
        trigger = ProcessingTrigger(made["id"], self.ittybit_conn_id, poll_interval=POLL_INTERVAL, deadline=deadline)
        self.defer(trigger=trigger, method_name="resume", timeout=safety_net(deadline, POLL_INTERVAL))

    def resume(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """Read what came of it: the event only says that it is time to look, or why the triggerer gave up."""
        from airflow_provider_ittybit.triggers.processing import ERROR, error_of

        del context
        if event["outcome"] == ERROR:
            raise error_of(event)
        with self.make_hook() as hook:
            return dict(hook.wait_for_processing(event["id"], timeout=10).resource)


# [END howto_processing_trigger]

with DAG(
    "own_operator",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own default time zone
    catchup=False,
    tags=["ittybit"],
    doc_md=__doc__,
) as dag:
    upload = UploadMediaOperator(
        task_id="upload", source=SOURCE, wait_for_processing=True, deferrable=True, poll_interval=POLL_INTERVAL
    )
    half = HalfSizeOperator(task_id="half", file_id="{{ ti.xcom_pull('upload', key='ittybit_id') }}")
    upload >> half

if __name__ == "__main__":
    import sys

    run = dag.test()
    sys.exit(0 if run.state == "success" else 1)
