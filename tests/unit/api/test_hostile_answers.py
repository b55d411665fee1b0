"""Whatever comes back, reading it gives a value or one of our errors, nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from airflow_provider_ittybit.api.decoding import (
    Page,
    read_anything,
    read_confirmation,
    read_page,
    read_resource,
)
from airflow_provider_ittybit.api.generations import BY_NAME, GENERATIONS
from airflow_provider_ittybit.api.identifiers import check_id, path_segment
from airflow_provider_ittybit.api.links import read_links
from airflow_provider_ittybit.api.messages import Headers, Origin, Request, Response
from airflow_provider_ittybit.api.paging import Pager
from airflow_provider_ittybit.api.processing import STATUSES, ProcessingState, read_processing
from airflow_provider_ittybit.api.retrying import retry_after
from airflow_provider_ittybit.api.settings import read_settings
from airflow_provider_ittybit.api.timestamps import as_time, created_at, read_time
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitError

SMALL = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

REQUEST = Request("GET", "/files/file_1", query=(("limit", "2"),))
CONNECTION = read_settings("c", host=None, password="ittybit_key", extra={})

TEXT = some.text(some.characters(codec=None), max_size=40)
NUMBERS = some.integers() | some.integers(10**300, 10**320) | some.floats()
LEAVES = some.none() | some.booleans() | NUMBERS | TEXT
NAMES = some.sampled_from(
    [
        "id",
        "object",
        "kind",
        "status",
        "error",
        "message",
        "data",
        "meta",
        "links",
        "pagination",
        "files",
        "sources",
        "tasks",
        "workflow",
        "url",
        "progress",
        "created",
        "created_at",
        "page",
        "pages",
        "total",
        "type",
        "request_id",
        "next",
        "prev",
    ]
)
WORDS = some.sampled_from([*STATUSES, "list", "object", "error", "/files?page=2", "?after=%ff", "2025-01-01T00:00:00Z"])
JSON = some.recursive(
    LEAVES | WORDS,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(NAMES | TEXT, inner, max_size=6),
    max_leaves=20,
)
OBJECTS = some.dictionaries(NAMES | TEXT, JSON, max_size=8)
HEADERS = some.lists(
    some.tuples(
        some.sampled_from(["Link", "Links", "Has-More", "Limit", "Retry-After", "X-Request-Id", "Content-Type"]) | TEXT,
        TEXT | some.sampled_from(["true", "7", '</x?page=2>; rel="next"', "<>;rel=", "Fri, 22 Aug 2025 10:00:30 GMT"]),
    ),
    max_size=4,
).map(Headers)
STATUS = some.sampled_from([200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 405, 408, 413, 422, 429, 500, 503]) | (
    some.integers(100, 999)
)
BYTES = some.binary(max_size=200)
RESPONSES = some.builds(
    Response,
    STATUS,
    HEADERS,
    BYTES | JSON.map(lambda body: json.dumps(body).encode()) | OBJECTS.map(lambda b: json.dumps(b).encode()),
)
ITEMS = some.lists(some.fixed_dictionaries({}, optional={"id": TEXT | NUMBERS | some.sampled_from("abc")}), max_size=3)
COUNTS = some.none() | some.integers(0, 5)
LINKS = some.fixed_dictionaries({}, optional={"next": TEXT | some.from_regex(r"\?[a-z]+=[^&]{0,5}"), "prev": TEXT})
PAGES = some.builds(Page, ITEMS.map(tuple), LINKS, COUNTS, COUNTS, COUNTS, some.none() | some.booleans())


@SMALL
@given(RESPONSES)
def test_any_answer_is_a_resource_or_our_error(response: Response) -> None:
    with contextlib.suppress(IttybitError):
        resource = read_resource(REQUEST, response)
        assert isinstance(resource, dict)
        assert resource
        assert 200 <= response.status < 300


@SMALL
@given(RESPONSES)
def test_any_answer_is_a_page_or_our_error(response: Response) -> None:
    with contextlib.suppress(IttybitError):
        page = read_page(REQUEST, response)
        assert all(isinstance(item, dict) for item in page.items)
        assert all(isinstance(link, str) for link in page.links.values())
        assert 200 <= response.status < 300


@SMALL
@given(RESPONSES)
def test_any_answer_to_a_deletion_is_words_or_nothing_or_our_error(response: Response) -> None:
    with contextlib.suppress(IttybitError):
        words = read_confirmation(REQUEST, response)
        assert words is None or isinstance(words, str)
        assert 200 <= response.status < 300


@SMALL
@given(RESPONSES)
def test_an_error_status_is_never_a_value(response: Response) -> None:
    if 200 <= response.status < 300:
        return
    for read in (read_resource, read_page, read_confirmation, read_anything):
        with pytest.raises(IttybitError) as raised:
            read(REQUEST, response)
        assert raised.value.status == response.status
        assert str(raised.value)


@SMALL
@given(HEADERS)
def test_any_headers_are_links_or_nothing(headers: Headers) -> None:
    links = read_links(headers)
    assert all(isinstance(name, str) and isinstance(url, str) and url for name, url in links.items())


@SMALL
@given(TEXT | some.from_regex(r"[0-9.+\-e ]{0,20}") | some.datetimes().map(lambda t: f"{t:%a, %d %b %Y %H:%M:%S} GMT"))
def test_any_retry_after_is_seconds_or_nothing(value: str) -> None:
    seconds = retry_after(value, now=datetime(2025, 8, 22, tzinfo=UTC))
    assert seconds is None or seconds >= 0


@SMALL
@given(
    JSON | some.datetimes().map(str) | some.from_regex(r"\d{4}-\d\d-\d\d[TZ ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?")
)
def test_anything_is_a_time_or_nothing(value: Any) -> None:
    time = read_time(value)
    assert time is None or time.utcoffset() is not None
    assert created_at({"created": value}) == time
    with contextlib.suppress(IttybitError):
        as_time(value, "created_after")


@SMALL
@given(OBJECTS)
def test_any_resource_has_a_processing_state(resource: dict[str, Any]) -> None:
    status = read_processing(resource)
    assert isinstance(status.state, ProcessingState)
    if not status.known:
        assert status.state is ProcessingState.PROCESSING
    assert status.progress is None or 0 <= status.progress <= 100
    assert status.error is None or status.state in (ProcessingState.FAILED, ProcessingState.CANCELLED)


@SMALL
@given(TEXT.filter(lambda word: word.strip().lower() not in STATUSES and word))
def test_no_unknown_word_is_success(word: str) -> None:
    status = read_processing({"id": "task_1", "status": word, "url": "https://x", "files": [{"status": "ready"}]})
    assert (status.state, status.known) == (ProcessingState.PROCESSING, False)


@SMALL
@given(some.sampled_from(GENERATIONS), some.lists(PAGES, max_size=6))
def test_any_pages_lead_on_or_end_and_never_elsewhere(generation: Any, pages: list[Page]) -> None:
    pager = Pager(generation, REQUEST)
    for page in pages:
        if pager.request is None:
            break
        pager.receive(page)
        if pager.request is not None:
            assert (pager.request.path, pager.request.origin) == (REQUEST.path, Origin.API)
            with contextlib.suppress(IttybitError):
                assert prepare(pager.request, CONNECTION).url.startswith("https://api.ittybit.com/files/file_1?")


@SMALL
@given(TEXT)
def test_any_text_is_an_id_that_stays_in_its_segment_or_our_error(value: str) -> None:
    with contextlib.suppress(IttybitError):
        assert check_id(value) == value
        segment = path_segment(value)
        assert segment.strip(".")
        assert not set(segment) & set("/?#\\ ")
        url = prepare(Request("DELETE", f"/files/{segment}"), CONNECTION).url
        assert url == f"https://api.ittybit.com/files/{segment}"


@SMALL
@given(some.sampled_from([None, *BY_NAME, "latest"]) | TEXT, TEXT, TEXT, some.dictionaries(TEXT, JSON, max_size=2))
def test_any_connection_is_settings_or_our_error(version: Any, host: str, password: str, extra: dict[str, Any]) -> None:
    with contextlib.suppress(IttybitError):
        read = read_settings("c", host=host, password=password, extra={**extra, "api_version": version})
        assert read.host.lower().startswith(("https://", "http://"))
        assert repr(read) == repr(dataclasses.replace(read, api_key="another"))
