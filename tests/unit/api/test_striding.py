"""Which pages of a list are asked for together, and when there are no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.api.decoding import Page
from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.striding import Strides

if TYPE_CHECKING:
    from collections.abc import Iterable

MANY = 10_000


def items(*numbers: int) -> tuple[dict[str, Any], ...]:
    return tuple({"id": f"file_{number}"} for number in numbers)


def full(number: int, **fields: Any) -> Page:
    """Make the page of that number, of a long list without a word about its length."""
    return Page(items(*range(100 * number, 100 * number + 100)), **fields)


def asked(strides: Strides, most: int = 8, wanted: int = MANY) -> list[str]:
    return [dict(call.request.query).get("page", "1") for call in strides.calls(wanted, most)]


def read(strides: Strides, pages: Iterable[Page]) -> list[list[str]]:
    return [[item["id"] for item in page] for page in strides.receive(pages)]


def after_page_one(generation: str = "files-flat", **fields: Any) -> Strides:
    strides = Strides(BY_NAME[generation], "files" if generation != "tasks" else "tasks")
    assert asked(strides) == ["1"]
    read(strides, [full(1, **fields)])
    return strides


def test_numbered_pages_are_asked_for_in_growing_numbers() -> None:
    strides = after_page_one()
    assert asked(strides) == ["2", "3"]
    assert len(read(strides, [full(2), full(3)])) == 2
    assert asked(strides) == ["4", "5", "6", "7", "8", "9"]
    read(strides, map(full, range(4, 10)))
    assert len(asked(strides)) == 8
    assert strides.read == 9


def test_no_more_pages_are_asked_for_than_could_hold_what_is_wanted() -> None:
    strides = after_page_one()
    read(strides, [full(2), full(3)] if asked(strides) else [])
    assert asked(strides, wanted=201) == ["4", "5", "6"]
    assert asked(strides, most=1) == ["4"]
    assert asked(strides, most=0) == []


@pytest.mark.parametrize(
    "last",
    [
        Page(()),
        full(3, has_more=False),
        full(3, links={"prev": "https://api.example/files?page=2"}),
        full(3, page=3, pages=3),
        full(1),
    ],
    ids=["empty", "has-more", "no next link", "count", "repeated"],
)
def test_the_last_page_is_the_end(last: Page) -> None:
    strides = after_page_one()
    asked(strides)
    read(strides, [full(2), last])
    assert asked(strides) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"page": 1, "pages": 3},
        {"links": {"next": "https://api.example/files?limit=100&page=2", "last": "https://api.example/files?page=3"}},
    ],
)
def test_no_page_after_the_last_is_asked_for_where_the_answer_tells_it(fields: dict[str, Any]) -> None:
    strides = after_page_one(**fields)
    assert asked(strides, wanted=200) == ["2", "3"]
    read(strides, [full(2, page=2, pages=9), full(3, page=3, pages=9)])
    assert asked(strides) == []


def test_items_that_moved_to_a_later_page_are_given_once() -> None:
    strides = after_page_one()
    asked(strides)
    pages = read(strides, [Page(items(199, 200, 201)), full(3)])
    assert pages[0] == ["file_200", "file_201"]


@pytest.mark.parametrize(
    ("generation", "fields"),
    [
        ("tasks", {"has_more": True}),
        ("files-flat", {"links": {"next": "https://api.example/files?page=7"}}),
        ("files-flat", {"links": {"next": "https://api.example/files?after=file_9"}}),
    ],
)
def test_where_pages_are_not_simply_numbered_the_answer_leads_to_the_next_one(
    generation: str, fields: dict[str, Any]
) -> None:
    strides = after_page_one(generation, **fields)
    [call] = strides.calls(MANY, 8)
    assert dict(call.request.query) != {"limit": "100", "page": "2"}


def test_a_list_of_one_page_is_over_after_it() -> None:
    assert asked(after_page_one(has_more=False)) == []
