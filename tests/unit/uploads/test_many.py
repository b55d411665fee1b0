"""What a list or a pattern means, and that no more is done at a time than was asked for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, ObjectStoragePath
from task_killing import interrupted

from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitServerError, IttybitSourceNotFoundError
from airflow_provider_ittybit.uploads.many import connect_stores, expand, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.mp4", "c.png", "ä [1].mp4", "deep/d.mp4", "deep/er/e.mp4"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "folder.mp4").mkdir()
    return tmp_path


class Lazy:
    """As much of the lazy sequence of an XCom as is there: it is iterable and has a length, but is no list."""

    def __init__(self, *values: object) -> None:
        self.values = values

    def __iter__(self) -> Iterator[object]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)


@pytest.mark.parametrize(
    "source",
    ["/data/a.mp4", "https://cdn.example/*.mp4", "s3://bucket/a.mp4", Path("/data/*.mp4"), None, 7, b"/a*", {"a": 1}],
    ids=repr,
)
def test_a_single_source_is_not_taken_for_several(source: object) -> None:
    assert expand(source) is None


def test_an_object_of_a_store_is_not_taken_for_several(folder: Path) -> None:
    assert expand(ObjectStoragePath(f"file://{folder}/a.mp4")) is None


@pytest.mark.parametrize(
    "form", [list, tuple, iter, lambda values: Lazy(*values)], ids=["list", "tuple", "iter", "lazy"]
)
def test_a_sequence_is_taken_in_its_order(form: Any) -> None:
    values = ["/b.mp4", Path("/a.mp4"), "https://cdn.example/c.mp4", "/b.mp4"]
    assert expand(form(values)) == values


@pytest.mark.parametrize("empty", [[], (), Lazy()], ids=["list", "tuple", "lazy"])
def test_an_empty_sequence_is_refused(empty: object) -> None:
    with pytest.raises(IttybitInputError, match=r"is empty.*upstream task"):
        expand(empty)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.mp4", ["a.mp4", "b.mp4", "ä [1].mp4"]),
        ("?.*", ["a.mp4", "b.mp4", "c.png"]),
        ("[ab].mp4", ["a.mp4", "b.mp4"]),
        ("**/*.mp4", ["a.mp4", "b.mp4", "deep/d.mp4", "deep/er/e.mp4", "ä [1].mp4"]),
        ("deep/*", ["deep/d.mp4"]),
    ],
)
@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_pattern_is_the_files_that_match_in_order(folder: Path, prefix: str, pattern: str, names: list[str]) -> None:
    found = expand(f"{prefix}{folder}/{pattern}")
    assert found == [f"{prefix}{folder}/{name}" for name in sorted(names)]


def test_a_pattern_in_the_home_folder_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert expand("~/*.png") == [f"{folder}/c.png"]


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_file_that_looks_like_a_pattern_is_itself(folder: Path, prefix: str) -> None:
    assert expand(f"{prefix}{folder}/ä [1].mp4") is None


@pytest.mark.parametrize("prefix", ["", "file://"])
@pytest.mark.parametrize("pattern", ["*.mov", "none/*.mp4", "folder*"])
def test_a_pattern_that_nothing_matches_is_named_and_may_match_at_a_retry(
    folder: Path, prefix: str, pattern: str
) -> None:
    with pytest.raises(IttybitSourceNotFoundError, match=r"No file matches .*check the pattern"):
        expand(f"{prefix}{folder}/{pattern}")


def test_the_stores_of_all_sources_are_connected_and_what_cannot_be_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []
    monkeypatch.setattr(ObjectStoragePath, "fs", property(lambda self: connected.append(str(self))))
    path = ObjectStoragePath(f"file://{folder}/a.mp4")
    connect_stores([path, f"file://{folder}/b.mp4", f"{folder}/c.png", Path("/a"), "https://x/a", "odd://x", None, 7])
    assert [name.rpartition("/")[2] for name in connected][:2] == ["a.mp4", "b.mp4"]
    assert not [name for name in connected if "https" in name or "c.png" in name]


def nothing_stops() -> None:
    pytest.fail("stopped")


@pytest.mark.parametrize("parallel", [1, 3])
def test_as_many_are_done_at_a_time_as_were_asked_for_and_no_more(parallel: int) -> None:
    together = threading.Barrier(parallel)
    lock, under_way, most = threading.Lock(), [0], [0]

    def action(item: int) -> dict[str, object]:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        together.wait(10)  # goes on only with as many as were asked for
        with lock:
            under_way[0] -= 1
        return {"id": item}

    results, errors = side_by_side(range(9), action, parallel, stop=nothing_stops)
    assert results == [{"id": item} for item in range(9)]
    assert (errors, most) == ({}, [parallel])


def test_one_that_fails_keeps_no_other_from_being_done() -> None:
    def action(item: int) -> dict[str, object]:
        if item == 1:
            raise IttybitServerError
        if item == 3:
            raise KeyError  # a store's own
        return {"id": item}

    results, errors = side_by_side(range(5), action, 2, stop=nothing_stops)
    assert results == [{"id": 0}, None, {"id": 2}, None, {"id": 4}]
    assert [(place, type(error)) for place, error in errors.items()] == [(1, IttybitServerError), (3, KeyError)]


def test_what_leads_to_one_place_goes_one_after_another_and_keeps_nothing_else_waiting() -> None:
    places = ["a", "a", None, "b", "a", None, "b"]
    lock, under_way, order = threading.Lock(), list[int](), list[int]()
    others_done = threading.Event()

    def action(item: int) -> dict[str, object]:
        with lock:
            assert not {places[one] for one in under_way if places[one]} & {places[item]}
            under_way.append(item)
        if item == 0:
            assert others_done.wait(10)  # the first of its place ends when all of other places are done
        with lock:
            under_way.remove(item)
            order.append(item)
            if {2, 3, 5, 6} <= set(order):
                others_done.set()
        if item == 1:
            raise IttybitServerError
        return {"id": item}

    results, errors = side_by_side(range(7), action, 2, places, stop=nothing_stops)
    assert results == [None if item == 1 else {"id": item} for item in range(7)]
    assert list(errors) == [1]
    assert order[-3:] == [0, 1, 4]


@pytest.mark.parametrize("ends_wait", [True, False], ids=["waiting", "about-to-wait"])
@pytest.mark.parametrize("by", [AirflowTaskTimeout, KeyboardInterrupt])
def test_what_interrupts_the_waiting_for_all_stops_those_under_way(by: type[BaseException], *, ends_wait: bool) -> None:
    begun, stopped = threading.Event(), threading.Event()
    ended_by: list[bool] = []

    def action(item: int) -> dict[str, object]:
        begun.set()
        ended_by.append(stopped.wait(20))
        return {"id": item}

    with interrupted(begun.is_set, by, ends_wait=ends_wait), pytest.raises(by):
        side_by_side(range(5), action, 2, stop=stopped.set)
    assert ended_by
    assert all(ended_by)
    assert len(ended_by) <= 2, "one began after that"


@pytest.mark.parametrize("parallel", [0, -1, 1.5, "4", True, None])
def test_what_is_no_number_of_uploads_is_refused(parallel: Any) -> None:
    with pytest.raises(IttybitInputError, match="parallel_uploads="):
        side_by_side([1], lambda item: {"id": item}, parallel, stop=nothing_stops)
