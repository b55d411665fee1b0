"""The buttons that lead from a task to its media and to a preview of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, XCom
from airflow_versions import LINKS_IN_XCOM, DagSerialization
from task_running import run_to_end, task_context

from airflow_provider_ittybit.links.ittybit import IttybitMediaLink, IttybitPreviewLink
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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

BUTTONS = (IttybitMediaLink, IttybitPreviewLink)
GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
WITH_LINK: dict[type[Any], dict[str, Any]] = {
    UploadMediaOperator: {"source": "a.mp4"},
    GetMediaOperator: {"media_id": "file_1"},
    UpdateMediaOperator: {"media_id": "file_1", "ref": "main"},
    CreateTaskOperator: {"kind": "image", "input": "file_1"},
    MediaProcessingSensor: {"media_id": "file_1"},
    TaskSensor: {"ittybit_task_id": "task_1"},
}


@dataclass(frozen=True)
class Key:
    """Names a task instance, as Airflow does."""

    dag_id: str = "dag"
    task_id: str = "task"
    run_id: str = "run"
    map_index: int = -1


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """The result of a task in XCom, by map index."""
    kept: dict[int, Any] = {}

    def get_value(*, ti_key: Any, key: str) -> Any:
        assert (ti_key.dag_id, ti_key.task_id, ti_key.run_id, key) == ("dag", "task", "run", "return_value")
        return kept.get(ti_key.map_index)

    monkeypatch.setattr(XCom, "get_value", get_value)
    return kept


def link(map_index: int = -1, button: type[Any] = IttybitMediaLink) -> str:
    return button().get_link(GetMediaOperator(task_id="task", media_id="x"), ti_key=Key(map_index=map_index))


@pytest.mark.parametrize("button", BUTTONS)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_both_lead_to_an_image_of_every_generation(
    generation: str, button: type[Any], results: dict[int, Any], connect: Callable[..., RunningEmulator], web: str
) -> None:
    emulator = connect(generation)
    task = UploadMediaOperator(task_id="task", source=f"{web}/still.png", wait_for_processing=True, poll_interval=0.01)
    results[-1] = task.execute(task_context())
    led = link(button=button)
    assert led.startswith((emulator.api_url, emulator.uploads_url, emulator.delivery_url))


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_preview_of_a_video_is_the_one_that_ittybit_names(
    generation: str, results: dict[int, Any], connect: Callable[..., RunningEmulator], web: str
) -> None:
    connect(generation)
    task = UploadMediaOperator(task_id="task", source=f"{web}/clip.mp4", wait_for_processing=True, poll_interval=0.01)
    results[-1] = task.execute(task_context())
    assert link()
    assert link(button=IttybitPreviewLink) == (results[-1]["urls"]["preview"] if generation == "media" else "")


@pytest.mark.parametrize("generation", GENERATIONS[1:])
def test_both_lead_to_the_image_that_a_task_made(
    generation: str, results: dict[int, Any], connect: Callable[..., RunningEmulator], web: str
) -> None:
    emulator = connect(generation)
    arguments: dict[str, Any] = {"wait_for_processing": True, "poll_interval": 0.01}
    made = run_to_end(
        lambda: CreateTaskOperator(task_id="task", kind="image", input=f"{web}/clip.mp4", **arguments), task_context()
    ).result
    results[-1] = made
    assert link().startswith(emulator.delivery_url)
    assert emulator.api_key not in link()
    assert link(button=IttybitPreviewLink) == link()


@pytest.mark.parametrize("button", BUTTONS)
def test_each_mapped_task_has_its_own(button: type[Any], results: dict[int, Any]) -> None:
    image = {"object": "source", "kind": "image"}
    results.update({index: {**image, "id": f"file_{index}", "url": f"https://p.example/{index}"} for index in range(2)})
    assert [link(index, button) for index in range(3)] == ["https://p.example/0", "https://p.example/1", ""]


@pytest.mark.parametrize("button", BUTTONS)
@pytest.mark.parametrize(
    "result",
    [
        None,
        "file_1",
        [],
        {"id": "file_1", "kind": "image"},
        {"id": "file_1", "kind": "image", "url": "https://p.ittybit.net/a?signature=hush"},
        {"ids": ["file_1", "file_2"], "output_path": "/data/ids.jsonl"},
    ],
)
def test_without_a_public_address_there_is_none(button: type[Any], result: object, results: dict[int, Any]) -> None:
    results[-1] = result
    assert link(button=button) == ""


@pytest.mark.parametrize("mapped", [False, True], ids=["single", "mapped"])
@pytest.mark.parametrize("task", WITH_LINK, ids=lambda task: task.__name__)
def test_a_serialized_task_keeps_its_buttons(task: type[Any], *, mapped: bool) -> None:
    arguments = dict(WITH_LINK[task])
    with DAG("dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        if mapped:
            name = next(iter(arguments))
            value = arguments.pop(name)
            task.partial(task_id="task", **arguments).expand(**{name: [value]})
        else:
            task(task_id="task", **arguments)
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    links = DagSerialization.from_dict(stored).get_task("task").operator_extra_links
    kept = {link.name: link for link in links}
    assert (len(links), set(kept)) == (2, {"ittybit media", "ittybit preview"})
    for button in BUTTONS:
        if LINKS_IN_XCOM.is_here:
            assert kept[button.name].xcom_key == button().xcom_key
        else:
            assert type(kept[button.name]) is button


def test_lists_and_deletions_have_none() -> None:
    assert not ListMediaOperator.operator_extra_links
    assert not DeleteMediaOperator.operator_extra_links


def test_it_is_found_after_a_real_upload_of_bytes(
    results: dict[int, Any], connect: Callable[..., RunningEmulator], image: Path
) -> None:
    connect("files-flat")
    results[-1] = [UploadMediaOperator(task_id="task", source=str(image)).execute(task_context())]
    assert link() == results[-1][0]["url"]
