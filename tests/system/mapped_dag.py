"""A DAG that uploads each file of MEDIA_FOLDER in a mapped task of its own."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ittybit.operators.media import UploadMediaOperator


@task
def files() -> list[str]:
    """Find the files."""
    return [str(path) for path in sorted(Path(os.environ["MEDIA_FOLDER"]).iterdir())]


with DAG("mapped_uploads", schedule=None) as dag:
    UploadMediaOperator.partial(task_id="upload", folder="mapped").expand(source=files())
