"""ListMediaOperator: what is chosen of a list, and where it goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from task_running import sent, task_context, uploaded

from airflow_provider_ittybit.exceptions import (
    IttybitInputError,
    IttybitInvalidRequestError,
    IttybitUnsupportedError,
)
from airflow_provider_ittybit.operators.media import ListMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]
    Three = Callable[[str], list[dict[str, Any]]]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")


def listed(**arguments: Any) -> Any:
    return ListMediaOperator(task_id="task", **arguments).execute(task_context())


@pytest.fixture
def three(connect: Connect, image: Path, audio: Path, video: Path) -> Three:
    """Upload an image, an audio and a video, and return them newest first as the list has them."""

    def upload(generation: str) -> list[dict[str, Any]]:
        emulator = connect(generation)
        emulator.control.settings(processing="held")
        ids = [uploaded(path)["id"] for path in (image, audio, video)]
        items = listed()
        assert [item["id"] for item in items] == ids[::-1]
        emulator.control.forget_requests()
        return list(items)

    return upload


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_all_pages_come_newest_first(generation: str, three: Three, emulator: RunningEmulator) -> None:
    items = three(generation)
    assert listed(limit=1) == items
    assert len(sent(emulator, "GET")) >= 3


@pytest.mark.parametrize("generation", TAKE_BYTES)
@pytest.mark.parametrize(("kind", "place"), [("video", 0), ("audio", 1), ("image", 2)])
def test_one_kind_can_be_wanted(generation: str, kind: str, place: int, three: Three) -> None:
    items = three(generation)
    assert listed(kind=kind) == [items[place]]


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_neighbouring_intervals_share_nothing_and_leave_nothing_out(generation: str, three: Three) -> None:
    newest, middle, oldest = three(generation)
    edge = middle["created"]
    assert listed(created_after=edge) == [newest, middle]
    assert listed(created_before=edge) == [oldest]
    assert listed(created_after=oldest["created"], created_before=edge) == [oldest]
    with pytest.raises(IttybitInputError, match="timetable with intervals"):
        listed(created_after=edge, created_before=edge)


def test_the_data_interval_of_a_run_can_be_templated(three: Three) -> None:
    newest, middle, _ = three("files-flat")
    task = ListMediaOperator(
        task_id="task", created_after="{{ data_interval_start }}", created_before="{{ data_interval_end }}"
    )
    task.render_template_fields({"data_interval_start": middle["created"], "data_interval_end": newest["created"]})
    assert task.execute(task_context()) == [middle]


@pytest.mark.parametrize("name", ["kind", "created_after", "created_before"])
def test_a_template_that_renders_to_nothing_does_not_list_everything(name: str, connect: Connect) -> None:
    emulator = connect("files-flat")
    task = ListMediaOperator(task_id="task", **{name: "{{ params.unset }}"})  # type: ignore[arg-type]  # any of three
    task.render_template_fields({"params": {"unset": ""}})
    with pytest.raises(IttybitInputError, match=name):
        task.execute(task_context())
    assert sent(emulator) == []


def test_numbers_can_be_templated(three: Three) -> None:
    items = three("files-flat")
    task = ListMediaOperator(task_id="task", limit="{{ params.page }}", max_items="{{ params.most }}")
    task.render_template_fields({"params": {"page": 1, "most": 2}})
    assert task.execute(task_context()) == items[:2]


@pytest.mark.parametrize("fields", [["id", "kind"], ("id", "kind"), "id, kind"])
def test_only_the_wanted_fields_are_kept(fields: Any, three: Three) -> None:
    items = three("files-flat")
    assert listed(fields=fields) == [{"id": item["id"], "kind": item["kind"]} for item in items]


def test_a_field_that_an_item_lacks_is_none(three: Three) -> None:
    three("media")
    assert listed(fields=["nothing"], max_items=1) == [{"nothing": None}]


@pytest.mark.parametrize("generation", TAKE_BYTES)
@pytest.mark.parametrize(("most", "found"), [(0, 0), (2, 2), (9, 3)])
def test_at_most_so_many_items_are_read(generation: str, most: int, found: int, three: Three) -> None:
    items = three(generation)
    assert listed(max_items=most, limit=1) == items[:found]


def test_no_item_wanted_means_no_request(connect: Connect) -> None:
    emulator = connect("files-flat")
    assert listed(max_items=0) == []
    assert sent(emulator) == []


def test_the_order_can_be_chosen_where_it_is_documented(three: Three) -> None:
    items = three("media")
    assert listed(order_by="created", order="asc") == items[::-1]
    by_size = listed(order_by="filesize", order="desc")
    assert [item["filesize"] for item in by_size] == sorted((item["filesize"] for item in items), reverse=True)


def test_other_filters_go_to_the_server(connect: Connect, image: Path, hook_for: Callable[..., Any]) -> None:
    emulator = connect("files-enveloped")
    file = uploaded(image)
    task = hook_for("files-enveloped").create_task("image", file["id"], {"width": 16})
    emulator.control.settle()
    assert [item["id"] for item in listed(resource="tasks", filters={"status": "completed"})] == [task["id"]]
    assert listed(resource="tasks", filters={"status": "failed"}) == []
    assert [item["id"] for item in listed(resource="tasks", filters={"kind": "image"})] == [task["id"]]


@pytest.mark.parametrize(
    ("generation", "arguments", "error"),
    [
        ("files-flat", {"order_by": "filesize"}, IttybitUnsupportedError),
        ("media", {"resource": "jobs"}, IttybitUnsupportedError),
        ("media", {"limit": 251}, IttybitInputError),
        ("files-flat", {"limit": 0}, IttybitInputError),
        ("files-flat", {"max_items": -1}, IttybitInputError),
        ("files-flat", {"created_after": "yesterday"}, IttybitInputError),
    ],
)
def test_what_cannot_be_listed_is_refused_before_any_request(
    generation: str, arguments: dict[str, Any], error: type[Exception], connect: Connect
) -> None:
    emulator = connect(generation)
    with pytest.raises(error):
        listed(**arguments)
    assert sent(emulator) == []


@pytest.mark.parametrize("form", ["path", "file URL", "ObjectStoragePath"])
def test_a_list_can_go_into_a_file_as_json_lines(form: str, three: Three, tmp_path: Path) -> None:
    items = three("files-flat")
    path = tmp_path / "new" / "folder" / "list.jsonl"
    target = {"path": str(path), "file URL": f"file://{path}", "ObjectStoragePath": ObjectStoragePath(f"file://{path}")}
    assert listed(output_path=target[form]) == {"output_path": str(target[form]), "items": 3}
    assert [json.loads(line) for line in path.read_text().splitlines()] == items


def test_an_empty_list_makes_an_empty_file(connect: Connect, tmp_path: Path) -> None:
    connect("files-flat")
    assert listed(output_path=str(tmp_path / "list.jsonl"))["items"] == 0
    assert (tmp_path / "list.jsonl").read_bytes() == b""


@pytest.mark.parametrize("before", [None, b"what the last run wrote\n"])
def test_a_list_that_breaks_off_leaves_no_half_file(
    before: bytes | None, three: Three, emulator: RunningEmulator, tmp_path: Path
) -> None:
    three("files-flat")
    path = tmp_path / "list.jsonl"
    if before:
        path.write_bytes(before)
    emulator.control.fault(match={"path": "^/files$"}, after=1, status=400)
    with pytest.raises(IttybitInvalidRequestError):
        listed(limit=1, output_path=str(path))
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("after", [0, 1])
def test_a_list_that_breaks_off_fails_the_task(after: int, three: Three, emulator: RunningEmulator) -> None:
    three("files-flat")
    emulator.control.fault(match={"path": "^/files$"}, after=after, status=400)
    with pytest.raises(IttybitInvalidRequestError):
        listed(limit=1)
