"""A DAG whose upload waits in its worker, and whose first try the test lets fail after the upload."""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ittybit.operators.media import UploadMediaOperator

with DAG("upload_and_retry", schedule=None) as dag:
    UploadMediaOperator(
        task_id="upload",
        source=os.environ["MEDIA_SOURCE"],
        wait_for_processing=True,
        deferrable=False,
        poll_interval=0.01,
        retries=1,
        retry_delay=timedelta(0),
    )
