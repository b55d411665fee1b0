"""A DAG whose upload waits in the triggerer for what the test names; what came of it is written to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ittybit.operators.media import UploadMediaOperator

with DAG("upload_and_wait_deferred", schedule=None) as dag:
    upload = UploadMediaOperator(
        task_id="upload",
        source=json.loads(os.environ["MEDIA_SOURCE"]),
        wait_for_processing=True,
        deferrable=True,
        poll_interval=0.05,
        timeout=600,
    )

    @task
    def write_down(uploaded: Any) -> None:
        """Write what stands in XCom to a file."""
        Path(os.environ["RESULT_FILE"]).write_text(json.dumps(uploaded))

    write_down(upload.output)
