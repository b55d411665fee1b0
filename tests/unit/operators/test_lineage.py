from __future__ import annotations

import importlib.util
import json
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias, TaskInstanceState
from airflow_versions import OutletEventAccessors, alias_events
from task_running import Run, run_to_end, task_context, uploaded

from airflow_provider_ittybit.operators.lineage import Lineage, Made, dataset_of, to_openlineage
from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

HAS_OPENLINEAGE = importlib.util.find_spec("airflow.providers.openlineage") is not None
ALIAS = AssetAlias("uploads")


def done(task: Any, context: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
    """Run a task and what Airflow runs after it."""
    context = context or {**task_context(Run(task_id=task.task_id)), "outlet_events": OutletEventAccessors()}
    result = task.execute(context)
    task.post_execute(context)
    return result, context


def events(context: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return URI and ``extra`` of each event."""
    return alias_events(context["outlet_events"], ALIAS)


def authority(emulator: RunningEmulator) -> str:
    return emulator.api_url.partition("://")[2]


def test_an_upload_adds_its_asset_to_an_alias_with_id_and_kind(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    file, context = done(UploadMediaOperator(task_id="up", source=str(image), folder="in", outlets=[ALIAS]))
    ((uri, extra),) = events(context)
    assert uri == f"ittybit://{authority(emulator)}/files/{file['id']}"
    assert extra == {
        "id": file["id"],
        "resource": "files",
        "created": file["created"],
        "kind": "image",
        "folder": "in",
        "filename": "still.png",
        "ittybit_conn_id": "ittybit_default",
    }
    assert json.loads(json.dumps(extra)) == extra


def test_several_uploads_add_an_asset_each(connect: Connect, image: Path, video: Path) -> None:
    connect("files-flat")
    files, context = done(UploadMediaOperator(task_id="up", source=[str(image), str(video)], outlets=[ALIAS]))
    assert [extra["id"] for _, extra in events(context)] == [file["id"] for file in files]


def test_an_asset_as_outlet_gets_the_ids_with_its_event(connect: Connect, image: Path) -> None:
    connect("files-flat")
    asset = Asset("s3://bucket/uploads")
    file, context = done(UploadMediaOperator(task_id="up", source=str(image), outlets=[asset]))
    assert context["outlet_events"][asset].extra == {
        "ittybit_ids": [file["id"]],
        "ittybit_conn_id": "ittybit_default",
    }


def test_a_deferred_upload_tells_its_outlets_when_it_is_done(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="after_reads:2")
    made: list[UploadMediaOperator] = []

    def make() -> UploadMediaOperator:
        made.append(
            UploadMediaOperator(
                task_id="task",
                source=str(image),
                wait_for_processing=True,
                deferrable=True,
                poll_interval=0.01,
                outlets=[ALIAS],
            )
        )
        return made[-1]

    context = {**task_context(), "outlet_events": OutletEventAccessors()}
    story = run_to_end(make, context)
    assert story.deferrals
    made[-1].post_execute(context)
    ((_, extra),) = events(context)
    assert extra["id"] == story.result["id"]


def test_a_task_of_ittybit_adds_the_file_that_it_made(connect: Connect, video: Path) -> None:
    emulator = connect("files-flat")
    source = uploaded(video)
    emulator.control.settle()
    task = CreateTaskOperator(
        task_id="thumb",
        kind="image",
        input=source["id"],
        options={"width": 64, "start": 0.5},
        wait_for_processing=True,
        poll_interval=0.01,
        outlets=[ALIAS],
    )
    made, context = done(task)
    ((uri, _),) = events(context)
    assert uri == f"ittybit://{authority(emulator)}/files/{made['output']['id']}"
    assert task.lineage is not None
    assert list(task.lineage.inputs) == [f"ittybit://{authority(emulator)}/files/{source['id']}"]


def test_a_list_in_a_file_adds_the_file(connect: Connect, image: Path, tmp_path: Path) -> None:
    emulator = connect("files-flat")
    uploaded(image)
    target = tmp_path / "list.jsonl"
    task = ListMediaOperator(task_id="list", output_path=str(target), outlets=[ALIAS])
    _, context = done(task)
    ((uri, extra),) = events(context)
    assert (uri, extra["items"]) == (target.as_uri(), 1)
    assert task.lineage is not None
    assert list(task.lineage.inputs) == [f"ittybit://{authority(emulator)}/files"]


def test_a_change_adds_its_asset_and_a_deletion_does_not(connect: Connect, image: Path) -> None:
    connect("files-flat")
    file = uploaded(image)
    _, changed = done(UpdateMediaOperator(task_id="change", media_id=file, ref="poster", outlets=[ALIAS]))
    assert [extra["id"] for _, extra in events(changed)] == [file["id"]]
    task = DeleteMediaOperator(task_id="delete", media_id=file, outlets=[ALIAS])
    _, deleted = done(task)
    assert events(deleted) == []
    assert task.lineage is not None
    assert [(made.facts["id"], made.change) for made in task.lineage.outputs] == [(file["id"], "DROP")]


def test_without_outlets_nothing_is_asked_of_the_context(connect: Connect, image: Path) -> None:
    connect("files-flat")
    task = UploadMediaOperator(task_id="up", source=str(image))
    task.execute(task_context())
    task.post_execute(task_context())
    assert task.lineage is not None


def test_no_key_and_no_signature_is_in_what_is_told(connect: Connect, web: str) -> None:
    emulator = connect("files-flat")
    url = f"{web}/still.png?X-Amz-Signature=s3cret&X-Amz-Date=now&token=0ther"
    task = UploadMediaOperator(task_id="up", source=url, outlets=[ALIAS])
    _, context = done(task)
    told = f"{task.lineage} {events(context)} {task.get_openlineage_facets_on_complete(None)}"
    assert f"{web}/still.png" in told
    for secret in ("s3cret", "0ther", emulator.api_key):
        assert secret not in told


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("ittybit://api.ittybit.com/files/file_1", "ittybit://api.ittybit.com", "files/file_1"),
        ("file:///data/a.mp4", "file", "/data/a.mp4"),
        ("s3://bucket/in/a.mp4", "s3://bucket", "in/a.mp4"),
        ("https://cdn.example/a.mp4", "https://cdn.example", "a.mp4"),
        ("s3://bucket", "s3://bucket", "/"),
    ],
)
def test_datasets_have_the_names_that_openlineage_gives_them(uri: str, namespace: str, name: str) -> None:
    assert dataset_of(uri) == (namespace, name)


def test_without_the_openlineage_provider_nothing_is_told_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage", None)
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage.extractors", None)
    assert to_openlineage(Lineage(["s3://a/b"])) is None


@pytest.mark.skipif(not HAS_OPENLINEAGE, reason="the OpenLineage provider is not installed")
def test_openlineage_gets_what_was_read_and_made() -> None:
    made = [
        Made("ittybit://api.ittybit.com/files/file_1", {"id": "file_1"}, "CREATE"),
        Made("file:///exports/a.jsonl", {"items": 3}, None, 3),
    ]
    found = to_openlineage(Lineage(["s3://bucket/a.mp4", "s3://bucket/a.mp4"], made))
    assert [(one.namespace, one.name) for one in found.inputs] == [("s3://bucket", "a.mp4")]
    media, export = found.outputs
    assert (media.namespace, media.name) == ("ittybit://api.ittybit.com", "files/file_1")
    assert media.facets["lifecycleStateChange"].lifecycleStateChange.value == "CREATE"
    assert (export.name, export.outputFacets["outputStatistics"].rowCount) == ("/exports/a.jsonl", 3)
    assert to_openlineage(None).outputs == []


@pytest.mark.skipif(not HAS_OPENLINEAGE, reason="the OpenLineage provider is not installed")
def test_openlineages_own_provider_finds_what_a_task_tells(connect: Connect, image: Path) -> None:
    from airflow.providers.openlineage.extractors.manager import ExtractorManager

    emulator = connect("files-flat")
    task = UploadMediaOperator(task_id="up", source=str(image), dag=DAG("media", schedule=None))
    file, _ = done(task)
    run = Mock(run_id="run", dag_id="media")
    found = ExtractorManager().extract_metadata(run, task, TaskInstanceState.SUCCESS, Mock(task=task))
    assert [(one.namespace, one.name) for one in found.inputs] == [("file", str(image))]
    assert [(one.namespace, one.name) for one in found.outputs] == [
        (f"ittybit://{authority(emulator)}", f"files/{file['id']}")
    ]
