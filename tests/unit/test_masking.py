"""What Airflow stores and shows of rendered template fields: all but what opens a URL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, redact
from airflow_versions import MASKED_FIELDS, forget_masks, stored_fields

from airflow_provider_ittybit.operators.media import DeleteMediaOperator, UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.sensors.task import TaskSensor

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = "https://bucket.example/clip.mp4"
SIGNED = f"{PLACE}?X-Amz-Expires=60&X-Amz-Signature=hush%2Fhush"
UNKNOWN = f"{PLACE}?t=hush-hush-hush"


@pytest.fixture(autouse=True)
def _no_masks() -> Iterator[None]:
    forget_masks()
    yield
    forget_masks()


def stored(task: Any, **params: Any) -> dict[str, Any]:
    """Render a task and return what Airflow stores of its fields."""
    task.render_template_fields({"params": params})
    fields: dict[str, Any] = json.loads(json.dumps(stored_fields(task)))
    return fields


@MASKED_FIELDS.needed
@pytest.mark.parametrize(
    ("url", "shown"),
    [(SIGNED, f"{PLACE}?***"), (UNKNOWN, f"{PLACE}***"), (PLACE, PLACE), ("/data/a.mp4", "/data/a.mp4")],
)
def test_a_source_is_stored_without_its_query_and_used_with_it(url: str, shown: str) -> None:
    task = UploadMediaOperator(task_id="task", source="{{ params.url }}", folder="talks")
    fields = stored(task, url=url)
    assert (fields["source"], fields["folder"]) == (shown, "talks")
    assert task.source == url


@MASKED_FIELDS.needed
@pytest.mark.parametrize(
    "make",
    [
        lambda: UploadMediaOperator(task_id="task", source=["{{ params.url }}", "{{ params.url }}"]),
        lambda: UploadMediaOperator(task_id="task", source="a.mp4", metadata={"from": {"url": ["{{ params.url }}"]}}),
        lambda: CreateTaskOperator(task_id="task", kind="video", input="{{ params.url }}"),
        lambda: CreateTaskOperator(task_id="task", kind="video", input={"url": "{{ params.url }}"}),
        lambda: CreateTaskOperator(
            task_id="task", kind="video", input="file_1", options={"layers": [{"url": "{{ params.url }}"}]}
        ),
        lambda: CreateTaskOperator(task_id="task", kind="video", input="file_1", fields={"x": "see {{ params.url }}!"}),
        lambda: DeleteMediaOperator(task_id="task", media_id=[{"id": "file_1", "url": "{{ params.url }}"}]),
        lambda: MediaProcessingSensor(task_id="task", media_id={"id": "file_1", "url": "{{ params.url }}"}),
        lambda: TaskSensor(task_id="task", ittybit_task_id={"id": "task_1", "input": "{{ params.url }}"}),
    ],
)
@pytest.mark.parametrize("url", [SIGNED, UNKNOWN])
def test_wherever_a_field_holds_a_url_its_query_is_not_stored(make: Any, url: str) -> None:
    fields = stored(make(), url=url)
    assert "bucket.example" in str(fields)
    assert "hush" not in str(fields)


def test_a_long_field_that_airflow_cuts_short_hides_the_query_too() -> None:
    fields = stored(UploadMediaOperator(task_id="task", source=["{{ params.url }}"] * 200), url=SIGNED)
    assert "***" in str(fields["source"])
    assert "hush" not in str(fields)


@MASKED_FIELDS.needed
@pytest.mark.parametrize("conn", ["AKIA:hush-hush", "user:hush-hush"])
def test_a_password_in_the_path_of_an_object_store_is_not_stored(conn: str) -> None:
    for source in (f"s3://{conn}@bucket/a.mp4", ObjectStoragePath(f"s3://{conn}@bucket/a.mp4")):
        fields = stored(UploadMediaOperator(task_id="task", source=source))
        assert "bucket/a.mp4" in str(fields["source"])
        assert "hush" not in str(fields)


def test_the_id_of_a_connection_in_a_path_is_no_secret() -> None:
    fields = stored(UploadMediaOperator(task_id="task", source="s3://aws_default@bucket/a.mp4"))
    assert fields["source"] == "s3://aws_default@bucket/a.mp4"


@MASKED_FIELDS.needed
def test_a_mapped_task_hides_the_query_too() -> None:
    with DAG("media", schedule=None):
        mapped = UploadMediaOperator.partial(task_id="task", folder="{{ params.folder }}").expand(source=[SIGNED])
    task = mapped.unmap({"source": SIGNED})
    context: Any = {"params": {"folder": "talks"}}
    task._do_render_template_fields(
        parent=task,
        template_fields=mapped.template_fields,
        context=context,
        jinja_env=task.get_template_env(),
        seen_oids=set(),
    )
    fields = stored_fields(task)
    assert (fields["source"], fields["folder"]) == (f"{PLACE}?***", "talks")


def test_logs_hide_the_signature_decoded_as_well() -> None:
    stored(UploadMediaOperator(task_id="task", source=SIGNED))
    assert redact("asked with hush/hush") == "asked with ***"
    assert redact("asked with hush%2Fhush") == "asked with ***"


def test_an_ordinary_query_hides_no_word_of_the_log() -> None:
    stored(UploadMediaOperator(task_id="task", source=f"{PLACE}?download=video"))
    assert redact("download=video and video") == "download=video and video"
