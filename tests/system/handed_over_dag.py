"""A DAG whose uploads take what upstream tasks return; MEDIA_FOLDER and MEDIA_URL say what there is."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, task

from airflow_provider_ittybit.operators.media import UploadMediaOperator

FOLDER, URL = Path(os.environ["MEDIA_FOLDER"]), os.environ["MEDIA_URL"]


@task
def a_path() -> str:
    """Return a path."""
    return str(FOLDER / "a_path.mp4")


@task
def a_url() -> str:
    """Return a URL that ittybit can fetch."""
    return URL


@task
def an_object() -> ObjectStoragePath:
    """Return a path of an object store."""
    return ObjectStoragePath(f"file://{FOLDER}/an_object.mp4")


@task
def several() -> list[object]:
    """Return a list of all kinds."""
    return [str(FOLDER / "several_1.mp4"), URL, ObjectStoragePath(f"file://{FOLDER}/several_2.mp4")]


@task
def one_each(number: int) -> str:
    """Return a path in each of some mapped tasks."""
    return str(FOLDER / f"one_each_{number}.mp4")


with DAG("handed_over", schedule=None) as dag:
    for upstream in (a_path, a_url, an_object, several):
        UploadMediaOperator(task_id=f"upload_{upstream.function.__name__}", source=upstream())
    mapped = one_each.expand(number=[1, 2])
    UploadMediaOperator(task_id="upload_all_of_one_each", source=mapped, folder="together")
    UploadMediaOperator.partial(task_id="upload_one_each", folder="alone").expand(source=mapped)
    UploadMediaOperator(
        task_id="upload_template", source="{{ ti.xcom_pull(task_ids='a_path') }}", folder="template"
    ) << dag.get_task("a_path")
