"""Lists from servers that are wrong, hostile, or changing while they are read, in every style of paging."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from reliability.bounds import ENDLESS_LIST, LONG_LIST

from airflow_provider_ittybit.api import paging
from airflow_provider_ittybit.api.decoding import Page, read_page
from airflow_provider_ittybit.api.generations import BY_NAME, Generation
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.messages import Headers, Response
from airflow_provider_ittybit.api.paging import BARREN_PAGES, REMEMBERED
from airflow_provider_ittybit.api.settings import read_settings
from airflow_provider_ittybit.api.wire import prepare

Items = list[dict[str, Any]]
KEY = "ittybit_live_TOPSECRET"
MIB = 1024 * 1024
MOST_REQUESTS = 60


def in_the_body(items: Items, link: str | None, **meta: Any) -> Response:
    meta = {"type": "list", "limit": len(items), **meta}
    body = {
        "meta": meta,
        "data": items,
        "error": None,
        "links": {"self": "https://api.ittybit.com/files", "next": link},
    }
    return Response(200, content=json.dumps(body).encode())


def in_the_links_header(items: Items, link: str | None, **_: Any) -> Response:
    headers = [("Links", f'<{link}>; rel="next"')] if link else [("Links", '</files>; rel="self"')]
    return Response(200, Headers(headers), json.dumps(items).encode())


def in_the_link_header(items: Items, link: str | None, **_: Any) -> Response:
    headers = [("Has-More", "true"), ("Link", f'<{link}>; rel="next"')] if link else [("Has-More", "false")]
    return Response(200, Headers(headers), json.dumps(items).encode())


Style = tuple[Generation, Callable[..., Response]]
STYLES: dict[str, Style] = {
    "links in the body": (BY_NAME["files-enveloped"], in_the_body),
    "Links header": (BY_NAME["files-flat"], in_the_links_header),
    "Link header with cursors": (BY_NAME["tasks"], in_the_link_header),
    "Link header of jobs": (BY_NAME["jobs"], in_the_link_header),
    "links of the media generation": (BY_NAME["media"], in_the_body),
}


@pytest.fixture(params=STYLES.values(), ids=STYLES)
def style(request: pytest.FixtureRequest) -> Style:
    found: Style = request.param
    return found


def named(*ids: str) -> Items:
    return [{"id": one, "kind": "video"} for one in ids]


def read(style: Style, server: Callable[[dict[str, str]], Response], **parameters: Any) -> tuple[list[Any], Listing]:
    """Read a list to its end from a server that is given the query of each request; return ids and the list."""
    listing = Listing(style[0], **parameters)
    ids: list[Any] = []
    for _ in range(MOST_REQUESTS):
        if listing.call is None:
            return ids, listing
        page = listing.call.read(listing.call.request, server(dict(listing.call.request.query)))
        ids += [item.get("id") for item in listing.receive(page)]
    pytest.fail(f"more than {MOST_REQUESTS} requests were made")


ELSEWHERE = {
    "another host": "https://evil.example/files?page=2",
    "plain http": "http://api.ittybit.com/files?page=2",
    "relative": "files?page=2",
    "only a query": "?page=2",
    "only a path": "/files?page=2",
    "another path": "/keys?page=2",
    "a path that climbs": "/../../keys/..%2f?page=2",
    "without a scheme": "//evil.example/files?page=2",
    "with three slashes": "///evil.example/files?page=2",
    "with backslashes": "\\\\evil.example\\files?page=2",
    "with credentials": "https://user:hush@api.ittybit.com/files?page=2",
    "with the host as a user": "https://api.ittybit.com@evil.example/files?page=2",
    "with a port that is none": "https://evil.example:99999999/files?page=2",
    "another scheme": "file:///etc/passwd?page=2",
    "a script": "javascript:alert(1)?page=2",
    "loopback": "http://127.0.0.1:1/files?page=2",
    "a fragment": "https://evil.example/files?page=2#@api.ittybit.com",
    "line breaks": "https://evil.example/files?page=2%0d%0aX-Evil:%20yes",
}


@pytest.mark.parametrize("link", ELSEWHERE.values(), ids=ELSEWHERE)
def test_wherever_a_next_link_leads_the_key_stays_with_its_host(style: Style, link: str) -> None:
    connection = read_settings("c", host=None, password=KEY, extra={"api_version": style[0].name})
    listing = Listing(style[0])
    assert listing.call is not None
    first = listing.call.request
    list(listing.receive(read_page(first, style[1](named("a"), link))))
    assert listing.call is not None, "the link was not followed at all"
    sent = prepare(listing.call.request, connection)
    assert (listing.call.request.path, listing.call.request.origin) == (first.path, first.origin)
    assert sent.url.startswith(f"https://api.ittybit.com{first.path}?")
    assert dict(parse_qsl(urlsplit(sent.url).query))["page"].startswith("2")
    assert all(part not in sent.url for part in ("hush", "evil.example", "\r", "\n", "%2f", "#"))
    assert all("\n" not in value and "\r" not in value for value in sent.headers.values())


@pytest.mark.parametrize(
    "loop",
    [{"1": "1"}, {"1": "2", "2": "2"}, {"1": "2", "2": "1"}, {"1": "2", "2": "3", "3": "2"}],
    ids=str,
)
def test_a_loop_of_next_links_ends_with_each_item_once(style: Style, loop: dict[str, str]) -> None:
    def server(query: dict[str, str]) -> Response:
        number = query.get("page", "1")
        return style[1](named(f"{number}a", f"{number}b"), f"/files?page={loop[number]}")

    ids, listing = read(style, server)
    assert ids == [f"{number}{letter}" for number in sorted(loop) for letter in "ab"]
    assert "leads back" in (listing.remark or "")


@pytest.mark.parametrize("items", [named("a", "b"), []], ids=["the same page", "empty pages"])
def test_pages_that_never_end_and_never_bring_anything_new_are_left(style: Style, items: Items) -> None:
    asked: list[dict[str, str]] = []

    def server(query: dict[str, str]) -> Response:
        asked.append(query)
        return style[1](items, f"/files?page={len(asked) + 1}")

    ids, _ = read(style, server)
    assert ids == [item["id"] for item in items]
    assert len(asked) <= BARREN_PAGES + 2


def test_an_item_that_a_page_repeats_comes_once(style: Style) -> None:
    pages = {"1": named("a", "b", "a", "a"), "2": named("b", "c", "c"), "3": named("a")}

    def server(query: dict[str, str]) -> Response:
        number = int(query.get("page", "1"))
        return style[1](pages[str(number)], f"/files?page={number + 1}" if number < 3 else None)

    assert read(style, server)[0] == ["a", "b", "c"]


def test_items_that_have_no_id_or_an_odd_one_all_come(style: Style) -> None:
    odd: Items = [{"id": 1}, {"id": 1}, {"id": None}, {}, {"id": ["x"]}, {"id": {"x": 1}}, {"id": 1.5}, {"id": True}]
    assert read(style, lambda _: style[1](odd, None))[0] == [item.get("id") for item in odd]


class Shelf:
    """A list by page numbers that changes whenever a page of it is read, before the page is made."""

    def __init__(self, style: Style, ids: list[str], size: int, change: Callable[[Shelf], None]) -> None:
        self.ids, self.reads = list(ids), 0
        self._style, self._size, self._change = style, size, change

    def __call__(self, query: dict[str, str]) -> Response:
        number = int(query.get("page", "1"))
        if self.reads:
            self._change(self)
        self.reads += 1
        shown = self.ids[(number - 1) * self._size : number * self._size]
        return self._style[1](
            named(*shown), f"/files?page={number + 1}" if number * self._size < len(self.ids) else None
        )


@pytest.mark.parametrize("added", [1, 2, 3, 7])
def test_what_is_added_while_a_list_is_read_neither_repeats_nor_hides_an_item(style: Style, added: int) -> None:
    def add(shelf: Shelf) -> None:
        if shelf.reads == 1:
            shelf.ids = [f"new_{number}" for number in range(added)] + shelf.ids

    before = [f"old_{number}" for number in range(9)]
    ids, _ = read(style, Shelf(style, before, 2, add))
    assert len(ids) == len(set(ids))
    assert set(before) <= set(ids)


def test_of_items_that_move_to_the_far_end_each_that_a_page_shows_comes_once(style: Style) -> None:
    def touch_the_first(shelf: Shelf) -> None:
        shelf.ids.append(shelf.ids.pop(0))

    before = [f"item_{number}" for number in range(40)]
    ids, _ = read(style, Shelf(style, before, 1, touch_the_first))
    assert ids == before[::2]  # the others slipped to a page that had been read, and the second round shows the same


def test_an_item_of_the_first_page_that_moves_to_the_last_comes_once(style: Style) -> None:
    def move(shelf: Shelf) -> None:
        if shelf.reads == 30:
            shelf.ids.append(shelf.ids[0])

    before = [f"item_{number}" for number in range(40)]
    assert read(style, Shelf(style, before, 1, move))[0] == before


@pytest.mark.parametrize("total", [0, 1, -5, 10**9, "many", "7", None, True, [], 1e300, 10**4000])
@pytest.mark.parametrize("count", ["total", "limit", "page"])
def test_a_count_that_lies_changes_nothing_where_links_lead_on(total: Any, count: str) -> None:
    def server(query: dict[str, str]) -> Response:
        number = int(query.get("page", "1"))
        return in_the_body(named(str(number)), f"/files?page={number + 1}" if number < 4 else None, **{count: total})

    ids, listing = read(STYLES["links in the body"], server)
    assert ids == ["1", "2", "3", "4"]
    assert listing.remark is None


def test_more_pages_than_there_are_end_with_the_first_empty_one() -> None:
    def server(query: dict[str, str]) -> Response:
        number = int(query.get("page", "1"))
        return in_the_body(named(str(number)) if number < 4 else [], None, page=number, pages=10**9, total=10**9)

    assert read(STYLES["links in the body"], server)[0] == ["1", "2", "3"]


def _many(style: Style, items: int) -> Iterator[Response]:
    for start in range(0, items, 100):
        rows = [
            {"id": f"file_{number:016}", "kind": "video", "created": "2025-08-20T10:00:00Z", "metadata": {"n": number}}
            for number in range(start, min(items, start + 100))
        ]
        yield style[1](rows, f"/files?page={start // 100 + 2}" if start + 100 < items else None)


def _peak(style: Style, items: int) -> int:
    """Return how much memory reading so many items took at most."""
    listing, answers, count = Listing(style[0]), iter(list(_many(style, items))), 0
    tracemalloc.start()
    try:
        while listing.call is not None:
            for _ in listing.receive(listing.call.read(listing.call.request, next(answers))):
                count += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == items
    return peak


def test_a_hundred_thousand_items_take_little_more_memory_than_a_thousand(
    style: Style, record_property: Callable[[str, object], None]
) -> None:
    few, many = _peak(style, 1_000), _peak(style, 100_000)
    LONG_LIST.check((many - few) / MIB, record_property)


def test_beyond_the_ids_that_are_remembered_a_list_takes_no_more_memory(
    record_property: Callable[[str, object], None],
) -> None:
    listing, count = Listing(BY_NAME["files-flat"]), 0
    peaks: dict[int, int] = {}
    tracemalloc.start()
    try:
        for start in range(0, 4 * REMEMBERED, 1_000):
            rows = tuple({"id": f"file_{number}"} for number in range(start, start + 1_000))
            count += sum(1 for _ in listing.receive(Page(rows, links={"next": f"/files?page={start}"})))
            peaks[count] = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    less, more = peaks[2 * REMEMBERED], peaks[4 * REMEMBERED]
    ENDLESS_LIST.check((more - less) / MIB, record_property)


@pytest.mark.parametrize(("others", "times"), [(10, 1), (11, 2)])
def test_an_item_comes_again_only_after_more_others_than_are_remembered(
    style: Style, monkeypatch: pytest.MonkeyPatch, *, others: int, times: int
) -> None:
    monkeypatch.setattr(paging, "REMEMBERED", 10)
    before = [f"before_{number}" for number in range(9)]  # after so many an id is forgotten first
    pages = [*before, "again", *(f"other_{number}" for number in range(others)), "again"]

    def server(query: dict[str, str]) -> Response:
        number = int(query.get("page", "1"))
        return style[1](named(pages[number - 1]), f"/files?page={number + 1}" if number < len(pages) else None)

    assert read(style, server)[0].count("again") == times
