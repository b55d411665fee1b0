from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_ittybit.operators.output import _into_place, only, write_json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ITEM = {"id": "file_1", "kind": "video", "metadata": {"a": 1}}


@pytest.mark.parametrize("fields", [None, [], "", ()])
def test_without_fields_an_item_is_kept_whole(fields: Any) -> None:
    assert only(ITEM, fields) == ITEM
    assert only(ITEM, fields) is not ITEM


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        (["kind", "id"], {"kind": "video", "id": "file_1"}),
        ("kind,id", {"kind": "video", "id": "file_1"}),
        (" kind , id ,", {"kind": "video", "id": "file_1"}),
        (["none"], {"none": None}),
        (["metadata.a"], {"metadata.a": None}),
    ],
)
def test_fields_are_kept_in_the_order_asked_for(fields: Sequence[str], kept: dict[str, Any]) -> None:
    assert list(only(ITEM, fields).items()) == list(kept.items())


def test_each_item_is_one_line_whatever_it_holds(tmp_path: Path) -> None:
    items = [{"title": 'line\nbreak " \u2028 \r'}, {"title": "日本語 🎬"}, {}]
    path = tmp_path / "list.jsonl"
    assert write_json_lines(items, str(path)) == 3
    text = path.read_bytes()
    assert [json.loads(line) for line in text.split(b"\n")[:-1]] == items
    assert "日本語 🎬".encode() in text


def test_a_longer_earlier_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text("x" * 1000)
    assert write_json_lines([{"a": 1}], ObjectStoragePath(f"file://{path}")) == 1
    assert path.read_text() == '{"a": 1}\n'


class Breaking:
    """Collected lines whose second block cannot be read."""

    def __init__(self) -> None:
        self.blocks = [b"x" * 1000]

    def read(self, _: int = -1) -> bytes:
        if self.blocks:
            return self.blocks.pop()
        message = "the disk is gone"
        raise OSError(message)


def test_a_copy_that_breaks_off_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text("earlier")
    with pytest.raises(OSError, match="the disk is gone"):
        _into_place(Breaking(), path)  # type: ignore[arg-type] # enough of a file
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_at_once_so_who_reads_the_old_one_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text("earlier")
    with path.open() as reader:
        write_json_lines([{"a": 1}], str(path))
        assert reader.read() == "earlier"
    assert path.read_text() == '{"a": 1}\n'


def test_what_a_link_names_is_replaced_and_not_the_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "list.jsonl")
    write_json_lines([{"a": 1}], str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "list.jsonl").read_text() == '{"a": 1}\n'


def test_a_device_is_written_to_and_not_replaced() -> None:
    assert write_json_lines([{"a": 1}], "/dev/null") == 1
    assert not Path("/dev/null").is_file()


def test_items_are_taken_one_by_one(tmp_path: Path) -> None:
    alive: list[object] = []

    class Item(dict[str, int]):
        def __init__(self) -> None:
            super().__init__(a=1)
            alive.append(None)

        def __del__(self) -> None:
            alive.pop()

    def items() -> Iterator[dict[str, int]]:
        for _ in range(100):
            yield Item()
            assert len(alive) <= 2

    assert write_json_lines(items(), str(tmp_path / "list.jsonl")) == 100


def test_a_source_that_breaks_off_leaves_the_target_alone(tmp_path: Path) -> None:
    def items() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        message = "the second page never came"
        raise ConnectionError(message)

    with pytest.raises(ConnectionError):
        write_json_lines(items(), str(tmp_path / "folder" / "list.jsonl"))
    assert list(tmp_path.iterdir()) == []
