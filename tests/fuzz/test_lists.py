"""Any pages, links and list parameters: the reading leads on or ends, and never elsewhere."""

from __future__ import annotations

import json
from typing import Any

from fuzz.made_up import HEADERS, JSON, LINK_HEADERS, PAGES, RESPONSES, TEXT, check_error, outcome
from hypothesis import example, given
from hypothesis import strategies as some

from airflow_provider_ittybit.api.decoding import Page, read_page
from airflow_provider_ittybit.api.generations import GENERATIONS, Generation
from airflow_provider_ittybit.api.links import read_links
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.messages import Headers, Origin, Request, Response
from airflow_provider_ittybit.api.paging import BARREN_PAGES, Pager, last_page, next_page
from airflow_provider_ittybit.api.settings import read_settings
from airflow_provider_ittybit.api.striding import Strides
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitError

REQUEST = Request("GET", "/files", query=(("limit", "2"), ("status", "failed")))
CONNECTION = read_settings("c", host=None, password="ittybit_key", extra={})
ANY_GENERATION = some.sampled_from(GENERATIONS)


def check_request(request: Request | None) -> None:
    """Look whether a next request goes to the same place, asks for the same, and can be sent."""
    if request is None:
        return
    assert (request.path, request.origin) == (REQUEST.path, Origin.API)
    assert len(request.query) <= 50
    sent = outcome(lambda: prepare(request, CONNECTION))
    assert isinstance(sent, IttybitError) or sent.url.startswith("https://api.ittybit.com/files?")


@given(ANY_GENERATION, some.lists(PAGES, max_size=6))
def test_any_pages_lead_on_or_end_and_never_elsewhere(generation: Generation, pages: list[Page]) -> None:
    pager = Pager(generation, REQUEST)
    seen: list[Any] = []
    for page in pages:
        if pager.request is None:
            break
        seen += [item["id"] for item in pager.receive(page) if isinstance(item.get("id"), str)]
        check_request(pager.request)
    assert len(seen) == len(set(seen))


@given(ANY_GENERATION, some.lists(RESPONSES, max_size=4))
def test_any_answers_in_the_place_of_pages_lead_on_or_end(generation: Generation, answers: list[Response]) -> None:
    pager = Pager(generation, REQUEST)
    for answer in answers:
        page = outcome(lambda answer=answer: read_page(REQUEST, answer))
        if pager.request is None or isinstance(page, IttybitError):
            break
        pager.receive(page)
        check_request(pager.request)
        assert last_page(page) is None or last_page(page) >= 0


@given(ANY_GENERATION, PAGES)
def test_a_page_that_never_changes_is_left_after_a_few(generation: Generation, page: Page) -> None:
    pager = Pager(generation, REQUEST)
    with_id = all(isinstance(item.get("id"), str) for item in page.items)
    for _ in range(BARREN_PAGES + 3):
        if pager.request is None:
            return
        pager.receive(page)
    assert not with_id


@given(ANY_GENERATION, TEXT | LINK_HEADERS, some.booleans() | some.none())
@example(GENERATIONS[0], "https://[broken/files?page=2", None)
@example(GENERATIONS[0], "//evil.example:99999999/?page=2", None)
def test_any_text_in_the_place_of_a_link_is_followed_on_our_host_or_not_at_all(
    generation: Generation,
    link: str,
    more: bool | None,  # noqa: FBT001 - made up by position
) -> None:
    page = Page(({"id": "a"},), links={"next": link, "last": link}, has_more=more)
    check_request(next_page(generation, REQUEST, page))
    last_page(page)


@given(HEADERS)
def test_any_headers_are_links_or_nothing(headers: Headers) -> None:
    links = read_links(headers)
    assert all(isinstance(name, str) and isinstance(url, str) and url for name, url in links.items())


@given(LINK_HEADERS, LINK_HEADERS)
def test_any_link_headers_are_links_or_nothing(one: str, other: str) -> None:
    for url in read_links(Headers([("Link", one), ("Links", other), ("link", other)])).values():
        assert url in f"{one}, {other}" or url in other
        assert not set(url) & set("<>")


@given(
    ANY_GENERATION,
    some.dictionaries(
        some.sampled_from(
            [
                "resource",
                "kind",
                "limit",
                "order_by",
                "order",
                "created_after",
                "created_before",
                "max_items",
                "status",
                "input",
            ]
        ),
        TEXT | JSON,
        max_size=4,
    ),
    some.lists(PAGES, max_size=3),
)
@example(GENERATIONS[0], {"resource": [None]}, [])
@example(GENERATIONS[0], {"kind": [None]}, [])
@example(GENERATIONS[-1], {"status": {"a": 1}}, [])
def test_any_parameters_make_a_list_or_are_refused(
    generation: Generation, parameters: dict[str, Any], pages: list[Page]
) -> None:
    listing = outcome_of_list(generation, parameters)
    for page in pages:
        if isinstance(listing, IttybitError) or listing.call is None:
            return
        assert json.dumps(listing.call.request.query)
        outcome(lambda page=page: list(listing.receive(page)))
    assert isinstance(listing, IttybitError) or listing.remark is None or isinstance(listing.remark, str)


def outcome_of_list(generation: Generation, parameters: dict[str, Any]) -> Any:
    """Make a list, or return the error, which repeats to a user what that user gave."""
    try:
        return Listing(generation, **parameters)
    except IttybitError as error:
        return error


@given(ANY_GENERATION, some.lists(some.lists(PAGES, min_size=1, max_size=3), max_size=3), some.integers(0, 5))
def test_any_pages_of_a_list_that_is_read_in_strides_come_to_an_end(
    generation: Generation, rounds: list[list[Page]], wanted: int
) -> None:
    strides = Strides(generation, generation.main)
    for pages in rounds:
        calls = strides.calls(wanted, 3)
        assert len(calls) <= 3
        if not calls:
            break
        for items in strides.receive((pages * 3)[: len(calls)]):
            assert all(isinstance(item, dict) for item in items)


def test_the_check_of_errors_sees_what_no_log_should_hold() -> None:
    for text in ("a\nb", "a\x1b[31m", "\u202e", "x" * 10_000, ""):
        failed = False
        try:
            check_error(IttybitError(text))
        except (AssertionError, UnicodeEncodeError):
            failed = True
        assert failed, ascii(text)
