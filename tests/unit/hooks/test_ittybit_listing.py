"""Lists in every API generation: page by page, only what is wanted, with as few requests as that takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitUnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
FILES = ("files-enveloped", "files-flat")
ORDERING = ("media", "tasks", "jobs")
NAMES = [f"{number}.mp4" for number in range(7)]
MIXED = ["a.mp4", "b.png", "c.mp3", "d.mp4", "e.png", "f.mp4"]
START = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 12
Filled = Any
Sent = Any


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


@pytest.fixture
def hourly(held: Callable[..., IttybitHook], emulator: Any) -> Callable[[str], tuple[IttybitHook, list[str]]]:
    """Make a hook on an emulator that got one resource each hour, and their ids by hour."""

    def make(version: str) -> tuple[IttybitHook, list[str]]:
        hook, ids = held(version), []
        for number in range(HOURS):
            with time_machine.travel(hour(number), tick=False):
                ids.append(hook.upload_media(f"https://cdn.example/{number}.mp4")["id"])
        emulator.control.forget_requests()
        return hook, ids

    return make


Hourly = Any


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize(("limit", "pages"), [(1, 7), (3, 3), (4, 2), (7, 1), (50, 1), (None, 1)])
def test_all_items_come_newest_first_whatever_the_page_size(
    filled: Filled, sent: Sent, *, version: str, limit: int | None, pages: int
) -> None:
    hook, ids = filled(version, *NAMES)
    before = len(sent())
    assert [item["id"] for item in hook.list_media(limit=limit)] == ids[::-1]
    assert len(sent()) - before == pages


@pytest.mark.parametrize("version", GENERATIONS)
def test_an_empty_project_is_an_empty_list(held: Filled, sent: Sent, version: str) -> None:
    assert list(held(version).list_media()) == []
    assert len(sent()) == 1


@pytest.mark.parametrize("version", GENERATIONS)
def test_nothing_is_asked_before_the_first_item_is_wanted(filled: Filled, sent: Sent, version: str) -> None:
    hook, ids = filled(version, *NAMES)
    before = len(sent())
    items = hook.list_media(limit=3)
    assert len(sent()) == before
    assert next(items)["id"] == ids[-1]
    assert len(sent()) == before + 1


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize(("max_items", "pages"), [(0, 0), (1, 1), (3, 1), (4, 2), (7, 3), (99, 3)])
def test_max_items_bounds_the_list_and_the_requests(
    filled: Filled, sent: Sent, *, version: str, max_items: int, pages: int
) -> None:
    hook, ids = filled(version, *NAMES)
    before = len(sent())
    assert [item["id"] for item in hook.list_media(limit=3, max_items=max_items)] == ids[::-1][:max_items]
    assert len(sent()) - before == pages


@pytest.mark.parametrize("version", GENERATIONS)
def test_items_that_are_added_meanwhile_make_no_item_come_twice(filled: Filled, version: str) -> None:
    hook, ids = filled(version, *NAMES)
    items = hook.list_media(limit=3)
    found = [next(items)["id"]]
    hook.upload_media("https://cdn.example/late.mp4")
    found += [item["id"] for item in items]
    assert found == ids[::-1]


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("limit", [0, -1, 251, True, "5.0", ""])
def test_a_page_size_that_cannot_be_is_refused_before_any_request(
    held: Filled, sent: Sent, version: str, limit: Any
) -> None:
    with pytest.raises(IttybitInputError, match="page size"):
        held(version).list_media(limit=limit)
    assert sent() == []


@pytest.mark.parametrize("version", GENERATIONS)
def test_the_largest_page_is_asked_for_by_default(held: Filled, emulator: Any, version: str) -> None:
    list(held(version).list_media())
    [request] = emulator.control.requests()
    assert f"limit={250 if version == 'media' else 100}" in request["query"]


@pytest.mark.parametrize("version", ["media", *FILES, "jobs"])
@pytest.mark.parametrize(("kind", "names"), [("video", "fda"), ("image", "eb"), ("audio", "c")])
def test_only_one_kind_is_listed(filled: Filled, *, version: str, kind: str, names: str) -> None:
    hook, ids = filled(version, *MIXED)
    by_id = dict(zip(ids, "abcdef", strict=True))
    assert "".join(by_id[item["id"]] for item in hook.list_media(kind=kind, limit=2)) == names


@pytest.mark.parametrize(
    ("version", "asked"), [("media", "GET /videos"), ("files-flat", "GET /files"), ("jobs", "GET /jobs")]
)
def test_the_server_sifts_by_kind_where_it_can(
    filled: Filled, emulator: Any, sent: Sent, version: str, asked: str
) -> None:
    hook, _ = filled(version, *MIXED)
    emulator.control.forget_requests()
    list(hook.list_media(kind="video"))
    assert sent() == [asked]
    assert ("kind=video" in emulator.control.requests()[0]["query"]) is (version == "jobs")


def test_tasks_of_one_kind_or_run_or_status_are_sifted_by_the_server(held: Filled, emulator: Any) -> None:
    hook = held("tasks")
    image = hook.create_task("image", "https://cdn.example/a.mp4")
    hook.create_task("audio", "https://cdn.example/a.mp4")
    emulator.control.forget_requests()
    assert [task["id"] for task in hook.list_tasks(kind="image")] == [image["id"]]
    assert [task["id"] for task in hook.list_tasks(run_id=image["run_id"])] == [image["id"]]
    assert list(hook.list_tasks(status="succeeded")) == []
    assert [request["query"] for request in emulator.control.requests()] == [
        "limit=100&kind=image",
        f"limit=100&run_id={image['run_id']}",
        "limit=100&status=succeeded",
    ]


@pytest.mark.parametrize("kind", ["document", "Video"])
def test_a_kind_that_the_media_generation_does_not_have_is_refused(held: Filled, sent: Sent, kind: str) -> None:
    with pytest.raises(IttybitInputError, match="none of video, image, audio"):
        held("media").list_media(kind=kind)
    assert sent() == []


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("form", [lambda t: t, datetime.isoformat, datetime.timestamp])
def test_an_interval_has_its_start_and_not_its_end(hourly: Hourly, version: str, form: Any) -> None:
    hook, ids = hourly(version)
    found = [i["id"] for i in hook.list_media(created_after=form(hour(3)), created_before=form(hour(6)), limit=2)]
    assert found == [ids[5], ids[4], ids[3]]


@pytest.mark.parametrize("version", GENERATIONS)
def test_neighbouring_intervals_share_nothing_and_leave_nothing_out(hourly: Hourly, version: str) -> None:
    hook, ids = hourly(version)
    cuts = [None, hour(3), hour(4), hour(9), None]
    found = []
    for after, before in pairwise(cuts):
        found += [item["id"] for item in hook.list_media(created_after=after, created_before=before, limit=2)]
    assert sorted(found) == sorted(ids)


@pytest.mark.parametrize("version", GENERATIONS)
def test_reading_stops_with_the_first_page_that_is_too_old(hourly: Hourly, sent: Sent, version: str) -> None:
    hook, ids = hourly(version)
    assert [item["id"] for item in hook.list_media(created_after=hour(9), limit=3)] == ids[:8:-1]
    assert len(sent()) == 2


@pytest.mark.parametrize("version", ORDERING)
def test_oldest_first_is_read_to_the_end(hourly: Hourly, sent: Sent, version: str) -> None:
    hook, ids = hourly(version)
    assert [item["id"] for item in hook.list_media(created_after=hour(9), limit=3, order="asc")] == ids[9:]
    assert len(sent()) == 4


@pytest.mark.parametrize("version", ORDERING)
def test_the_order_can_be_turned(filled: Filled, version: str) -> None:
    hook, ids = filled(version, *NAMES)
    assert [item["id"] for item in hook.list_media(order="asc", limit=3)] == ids
    assert [item["id"] for item in hook.list_media(order="desc", limit=3)] == ids[::-1]


def test_the_media_generation_sorts_by_size_and_by_last_change(held: Filled, tmp_path: Path) -> None:
    hook = held("media")
    by_size = {}
    for size in (30, 10, 20):
        (tmp_path / "a.mp4").write_bytes(b"x" * size)
        by_size[size] = hook.upload_media(tmp_path / "a.mp4")["id"]
    ascending = [by_size[size] for size in (10, 20, 30)]
    listed = hook.list_media(order_by="filesize", order="asc", limit=2)
    assert [item["id"] for item in listed] == ascending
    assert [item["id"] for item in hook.list_media(order_by="filesize", limit=2)] == ascending[::-1]
    newest = [by_size[size] for size in (20, 10, 30)]
    assert [item["id"] for item in hook.list_media(order_by="updated", limit=2)] == newest


def test_sorted_by_size_an_interval_is_read_to_the_end(hourly: Hourly, sent: Sent) -> None:
    hook, ids = hourly("media")
    found = {item["id"] for item in hook.list_media(order_by="filesize", created_after=hour(9), limit=3)}
    assert found == set(ids[9:])
    assert len(sent()) == 4


@pytest.mark.parametrize("order", [{"order": "down"}, {"order_by": "name"}])
def test_an_order_that_is_none_is_refused(held: Filled, sent: Sent, order: dict[str, str]) -> None:
    with pytest.raises(IttybitInputError):
        held("media").list_media(**order)
    assert sent() == []


@pytest.mark.parametrize("when", ["yesterday", "2026-13-01", [], -5])
def test_a_time_that_is_none_is_refused_before_any_request(held: Filled, sent: Sent, when: Any) -> None:
    with pytest.raises(IttybitInputError, match="created_after"):
        held("files-flat").list_media(created_after=when)
    assert sent() == []


def test_an_item_without_a_time_cannot_be_put_into_an_interval(held: Filled, emulator: Any) -> None:
    emulator.control.fault(status=200, body='[{"id": "file_1"}]')
    with pytest.raises(IttybitUnreadableAnswerError, match="file_1") as caught:
        list(held("files-flat").list_media(created_after=hour(0)))
    assert caught.value.resource_id == "file_1"


def test_a_next_link_that_leads_back_ends_the_list_and_is_told(
    held: Filled, emulator: Any, sent: Sent, logged: Any
) -> None:
    body = '{"meta": {"page": 1}, "data": [{"id": "file_1"}], "links": {"next": "/files?limit=100"}}'
    emulator.control.fault(status=200, body=body, times=0)
    assert [item["id"] for item in held("files-enveloped").list_media()] == ["file_1"]
    assert len(sent()) == 1
    assert "ended early" in logged()


@pytest.mark.parametrize("version", ["files-enveloped", "files-flat"])
def test_a_mistyped_kind_is_told_with_the_kinds_there_are(filled: Filled, logged: Any, version: str) -> None:
    hook, _ = filled(version, *MIXED)
    assert list(hook.list_media(kind="vidio")) == []
    assert "no item has the kind 'vidio'; there are: audio, image, video" in logged()


def test_a_next_link_to_another_host_is_followed_on_the_connections_host_only(
    held: Filled, emulator: Any, sent: Sent
) -> None:
    body = '{"meta": {}, "data": [{"id": "file_1"}], "links": {"next": "https://elsewhere.example/x?page=2&limit=100"}}'
    emulator.control.fault(status=200, body=body)
    assert [item["id"] for item in held("files-enveloped").list_media()] == ["file_1"]
    assert sent() == ["GET /files", "GET /files"]
    assert "page=2" in emulator.control.requests()[1]["query"]
