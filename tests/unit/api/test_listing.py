"""A whole list, from its parameters to its last item, without sending anything."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api.decoding import Page
from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.exceptions import IttybitInputError

FLAT, MEDIA, TASKS, JOBS = (BY_NAME[name] for name in ("files-flat", "media", "tasks", "jobs"))


def page(*hours: int, more: bool = False, kind: str = "video") -> Page:
    items = tuple({"id": f"x_{h}", "kind": kind, "created": f"2025-08-20T{h:02}:00:00Z"} for h in hours)
    return Page(items, links={"next": f"?after=x_{hours[-1]}&page={hours[-1]}"} if more else {})


def read(listing: Listing, *pages: Page) -> tuple[list[str], int]:
    got: list[str] = []
    for number, one in enumerate(pages):
        if listing.call is None:
            return got, number
        got += [item["id"] for item in listing.receive(one)]
    return got, len(pages)


def test_all_pages_are_read_to_the_end() -> None:
    listing = Listing(FLAT)
    assert read(listing, page(9, 8, more=True), page(7), page()) == (["x_9", "x_8", "x_7"], 3)
    assert listing.call is None
    assert listing.remark is None


def test_no_page_is_asked_for_once_enough_is_there() -> None:
    listing = Listing(FLAT, max_items=3)
    assert read(listing, page(9, 8, more=True), page(7, 6, more=True), page(5)) == (["x_9", "x_8", "x_7"], 2)


def test_no_item_wanted_asks_for_nothing() -> None:
    assert Listing(FLAT, max_items=0).call is None


@pytest.mark.parametrize("bound", [-1, True, "-5", "5 items", "", 1.0])
def test_a_bound_that_is_no_number_of_items_is_refused(bound: Any) -> None:
    with pytest.raises(IttybitInputError, match="max_items"):
        Listing(FLAT, max_items=bound)


@pytest.mark.parametrize("bound", [2, "2"])
def test_a_bound_may_be_rendered_by_a_template(bound: Any) -> None:
    assert read(Listing(FLAT, max_items=bound), page(9, 8, 7)) == (["x_9", "x_8"], 1)


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({"max_items": 5}, "5"),
        ({"max_items": "5"}, "5"),
        ({"max_items": 500}, "100"),
        ({"max_items": 5, "limit": 20}, "20"),
        ({"max_items": 5, "limit": "20"}, "20"),
        ({"max_items": 5, "kind": "video"}, "100"),
        ({"max_items": 5, "created_after": "2025-08-20"}, "100"),
        ({"max_items": 5, "created_before": "2025-08-20"}, "100"),
        ({}, "100"),
    ],
)
def test_a_page_is_no_larger_than_what_is_wanted_of_it(arguments: dict[str, Any], size: str) -> None:
    call = Listing(FLAT, **arguments).call
    assert call is not None
    assert dict(call.request.query)["limit"] == size


def test_a_kind_that_nothing_has_is_remarked_with_the_kinds_there_are() -> None:
    listing = Listing(FLAT, kind="vidio")
    assert read(listing, Page((*page(9).items, *page(8, kind="image").items))) == ([], 1)
    assert "no item has the kind 'vidio'; there are: image, video" in (listing.remark or "")


@pytest.mark.parametrize("pages", [[page()], [page(9, kind="image"), page(8)]])
def test_an_empty_list_and_one_with_the_wanted_kind_need_no_remark(pages: list[Page]) -> None:
    listing = Listing(FLAT, kind="video")
    read(listing, *pages)
    assert listing.remark is None


@pytest.mark.parametrize("generation", [MEDIA, FLAT, TASKS, JOBS], ids=lambda row: row.name)
@pytest.mark.parametrize("empty", [{"kind": ""}, {"kind": " "}, {"created_after": ""}, {"created_before": ""}])
def test_an_empty_text_does_not_widen_the_list(generation: Any, empty: dict[str, Any]) -> None:
    with pytest.raises(IttybitInputError, match=next(iter(empty))):
        Listing(generation, **empty)


def test_an_empty_filter_does_not_widen_the_list() -> None:
    with pytest.raises(IttybitInputError, match="status is an empty string"):
        Listing(JOBS, status="")


def test_a_list_of_one_kind_is_sifted_here_if_another_was_asked_for() -> None:
    assert read(Listing(MEDIA, resource="videos", kind="image"), page(9)) == ([], 1)


def test_a_kind_is_sifted_here_where_the_server_cannot() -> None:
    both = Page((*page(9).items, *page(8, kind="image").items))
    assert read(Listing(FLAT, kind="image"), both) == (["x_8"], 1)


@pytest.mark.parametrize("generation", [MEDIA, JOBS], ids=lambda row: row.name)
def test_a_kind_is_not_sifted_twice_where_the_server_can(generation: Any) -> None:
    assert read(Listing(generation, kind="image"), page(9, kind="other")) == (["x_9"], 1)


def test_an_interval_ends_the_reading_where_newest_come_first() -> None:
    listing = Listing(TASKS, created_after="2025-08-20T08:00:00Z", created_before="2025-08-20T10:00:00Z")
    pages = (page(11, 10, more=True), page(9, 8, more=True), page(7, more=True), page(6))
    assert read(listing, *pages) == (["x_9", "x_8"], 3)


@pytest.mark.parametrize(
    ("generation", "order", "order_by"), [(TASKS, "asc", None), (MEDIA, None, "filesize"), (MEDIA, "asc", "created")]
)
def test_an_interval_reads_on_where_newest_do_not_come_first(
    generation: Any, order: str | None, order_by: str | None
) -> None:
    listing = Listing(generation, order=order, order_by=order_by, created_after="2025-08-20T08:00:00Z")
    assert read(listing, page(7, 6, more=True), page(9)) == (["x_9"], 2)


def test_a_time_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(IttybitInputError, match="created_before"):
        Listing(FLAT, created_before="tomorrow")


def test_a_list_that_leads_back_says_so() -> None:
    listing = Listing(FLAT)
    read(listing, page(9, more=True), page(9, more=True))
    assert listing.call is None
    assert "leads back" in (listing.remark or "")
