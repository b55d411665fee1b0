"""Operators and sensors cross processes: as serialized DAGs, copies and pickles, mapped and not."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath
from airflow_versions import DagSerialization, is_mapped
from task_running import Store, rebuilt, task_context

from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.sensors.task import TaskSensor
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

ARGUMENTS: dict[type[Any], dict[str, Any]] = {
    UploadMediaOperator: {
        "source": "/data/{{ ds }}.mp4",
        "metadata": {"run": "{{ run_id }}", "deep": [1, None]},
        "options": {"width": 320},
        "wait_for_processing": True,
        "deferrable": True,
        "poll_interval": timedelta(seconds=30),
        "timeout": timedelta(hours=1),
    },
    ListMediaOperator: {
        "created_after": "{{ data_interval_start }}",
        "fields": ["id", "kind"],
        "filters": {"status": "failed"},
        "max_items": 5,
    },
    GetMediaOperator: {"media_id": {"id": "file_1", "files": [{"a": 1}]}, "resource": "files"},
    UpdateMediaOperator: {"media_id": "file_1", "metadata": {"drop": None}},
    DeleteMediaOperator: {"media_id": ["file_1", {"id": "file_2"}]},
    CreateTaskOperator: {
        "input": {"id": "file_1", "url": "https://p.ittybit.net/a.mp4"},
        "kind": "workflow",
        "options": {"width": 320},
        "workflow": [{"kind": "image", "ref": "{{ ds }}"}],
        "fields": {"label": "{{ run_id }}"},
        "deferrable": True,
        "timeout": timedelta(hours=1),
    },
    MediaProcessingSensor: {"media_id": "file_1", "deferrable": True, "soft_fail": True, "poke_interval": 5},
    TaskSensor: {"ittybit_task_id": {"id": "task_1"}, "deferrable": True},
}
TRIGGERED: list[dict[str, Any]] = [
    {},
    {"ittybit_conn_id": "films", "resource": "media", "poll_interval": 0.5, "deadline": 1_900_000_000.25},
    {"failed_looks": 3, "longest_pause": 60.0, "delete_on_kill": True, "unfinished": ["file_2", "file_3"]},
]
TASKS = pytest.mark.parametrize("task", ARGUMENTS)


def round_trip(dag: DAG) -> Any:
    """Bring a DAG into the database and back."""
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    DagSerialization.validate_schema(stored)
    return DagSerialization.from_dict(stored)


def new_dag() -> DAG:
    return DAG("media", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))


@TASKS
def test_a_serialized_task_keeps_what_the_scheduler_and_the_ui_need(task: type[Any]) -> None:
    with new_dag() as dag:
        made = task(task_id="task", ittybit_conn_id="films", **ARGUMENTS[task])
    kept = round_trip(dag).get_task("task")
    assert kept.task_type == task.__name__
    assert tuple(kept.template_fields) == tuple(made.template_fields)
    assert dict(kept.template_fields_renderers) == dict(made.template_fields_renderers)
    assert kept.ui_color == made.ui_color
    for name in made.template_fields:
        assert getattr(kept, name) == getattr(made, name)


@TASKS
def test_a_task_can_be_mapped_over_what_is_templated(task: type[Any]) -> None:
    arguments = dict(ARGUMENTS[task])
    name = next(iter(arguments)) if task is not ListMediaOperator else "kind"
    arguments.pop(name, None)
    with new_dag() as dag:
        task.partial(task_id="task", ittybit_conn_id="films", **arguments).expand(**{name: ["video", "image"]})
    kept = round_trip(dag).get_task("task")
    assert is_mapped(kept)
    assert tuple(kept.template_fields) == tuple(task.template_fields)
    assert kept.partial_kwargs["ittybit_conn_id"] == "films"
    assert kept.partial_kwargs.get("deferrable") == arguments.get("deferrable")


@TASKS
def test_the_connection_and_all_else_can_be_mapped_together(task: type[Any]) -> None:
    with new_dag() as dag:
        task.partial(task_id="task").expand_kwargs([{**ARGUMENTS[task], "ittybit_conn_id": "films"}])
    assert is_mapped(round_trip(dag).get_task("task"))


def test_a_path_of_an_object_store_is_serialized_as_its_url() -> None:
    with new_dag() as dag:
        UploadMediaOperator(task_id="task", source=ObjectStoragePath("file:///data/clip.mp4"))
    assert "file:///data/clip.mp4" in json.dumps(DagSerialization.to_dict(dag))


@pytest.mark.parametrize("arguments", TRIGGERED, ids=lambda arguments: ", ".join(arguments) or "no arguments")
def test_a_trigger_comes_back_the_same_from_the_database(arguments: dict[str, Any]) -> None:
    made = ProcessingTrigger("file_1", **arguments)
    again = rebuilt(made)
    assert type(again) is ProcessingTrigger
    assert again.serialize() == made.serialize()
    assert vars(again) == vars(made)


@TASKS
@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
def test_a_copy_of_a_task_is_equal_and_stands_alone(task: type[Any], how: str) -> None:
    made = task(task_id="task", **ARGUMENTS[task])
    copies: dict[str, Callable[[Any], Any]] = {
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),  # noqa: S301 - our own bytes of a moment ago
    }
    other = copies[how](made)
    for name in (*made.template_fields, "task_id"):
        assert getattr(other, name) == getattr(made, name)
    assert getattr(other, "deferrable", None) == getattr(made, "deferrable", None)


@pytest.mark.parametrize("how", ["copy", "pickle"])
def test_a_task_that_ran_can_still_be_copied_and_takes_no_client_along(
    how: str, connect: Callable[..., RunningEmulator], image: Path
) -> None:
    emulator = connect("files-flat")
    task = UploadMediaOperator(task_id="task", source=str(image))
    resource = task.execute(task_context(store=Store()))
    emulator.control.settle()
    sensor = MediaProcessingSensor(task_id="task", media_id=resource)
    sensor.execute(task_context())
    for ran in (task, sensor):
        packed = pickle.dumps(ran)
        assert emulator.api_key.encode() not in packed
        other: Any = copy.copy(ran) if how == "copy" else pickle.loads(packed)  # noqa: S301 - our own bytes
        assert other.execute(task_context(store=Store()))["id"]
