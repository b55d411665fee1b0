"""Which items of a list are wanted, and when later pages can hold no more."""

from __future__ import annotations

from typing import Any

import pendulum
import pytest

from airflow_provider_ittybit.api.selection import Selection, Wanted
from airflow_provider_ittybit.exceptions import IttybitUnreadableAnswerError

NOON = pendulum.datetime(2025, 8, 20, 12)


def item(hour: int, kind: str = "video") -> dict[str, Any]:
    return {"id": f"file_{hour}", "kind": kind, "created": NOON.set(hour=hour).isoformat()}


def hours(selection: Selection, *wanted: int, kind: str = "video") -> list[int]:
    return [pendulum.parse(one["created"]).hour for one in selection.take(item(hour, kind) for hour in wanted)]  # type: ignore[union-attr] # these are times


def test_without_a_wish_everything_is_kept_and_nothing_is_complete() -> None:
    selection = Selection(Wanted())
    assert list(selection.take([{"id": "a"}, {}])) == [{"id": "a"}, {}]
    assert not selection.complete


def test_the_interval_holds_its_start_and_not_its_end() -> None:
    selection = Selection(Wanted(created_after=NOON.set(hour=10), created_before=NOON))
    assert hours(selection, 13, 12, 11, 10, 9) == [11, 10]


def test_neighbouring_intervals_share_no_item_and_leave_none_out() -> None:
    first = Selection(Wanted(created_after=NOON.set(hour=8), created_before=NOON.set(hour=10)))
    second = Selection(Wanted(created_after=NOON.set(hour=10), created_before=NOON))
    assert sorted(hours(first, 11, 10, 9, 8) + hours(second, 11, 10, 9, 8)) == [8, 9, 10, 11]


def test_only_the_wanted_kind_is_kept() -> None:
    selection = Selection(Wanted(kind="image"))
    assert hours(selection, 3, 2) == []
    assert hours(selection, 1, kind="image") == [1]
    assert list(selection.take([{"id": "no kind"}])) == []


def test_max_items_bounds_all_pages_together() -> None:
    selection = Selection(Wanted(max_items=3))
    assert hours(selection, 9, 8) == [9, 8]
    assert not selection.complete
    assert hours(selection, 7, 6) == [7]
    assert selection.complete
    assert hours(selection, 5) == []


@pytest.mark.parametrize("bound", [0, -1])
def test_with_no_item_wanted_it_is_complete_from_the_start(bound: int) -> None:
    selection = Selection(Wanted(max_items=bound))
    assert selection.complete
    assert hours(selection, 5) == []


def test_items_that_are_sifted_out_do_not_count() -> None:
    selection = Selection(Wanted(max_items=1, kind="image"))
    assert list(selection.take([item(9), item(8, "image"), item(7, "image")])) == [item(8, "image")]


@pytest.mark.parametrize(
    ("documented", "pages", "complete"),
    [
        (True, [[9, 8]], True),
        (True, [[11, 9]], True),
        (True, [[11], [9, 8]], True),
        (True, [[]], False),
        (True, [[8, 9]], False),
        (None, [[9, 8]], True),
        (None, [[9]], False),
        (None, [[9, 9]], False),
        (None, [[11], [9]], True),
        (None, [[8, 9]], False),
        (None, [[11, 12], [9, 8]], False),
        (False, [[9, 8]], False),
    ],
)
def test_reading_stops_after_an_older_page_only_if_newest_come_first(
    documented: bool | None,  # noqa: FBT001 - a column of the table
    pages: list[list[int]],
    complete: bool,  # noqa: FBT001 - a column of the table
) -> None:
    selection = Selection(Wanted(created_after=NOON.set(hour=10), newest_first=documented))
    for one in pages:
        hours(selection, *one)
    assert selection.complete is complete


def test_an_upper_bound_alone_never_ends_the_reading() -> None:
    selection = Selection(Wanted(created_before=NOON, newest_first=True))
    assert hours(selection, 14, 13) == []
    assert not selection.complete


def test_an_item_without_a_time_cannot_be_told_into_an_interval() -> None:
    selection = Selection(Wanted(created_after=NOON))
    with pytest.raises(IttybitUnreadableAnswerError, match="file_x without a readable creation time") as raised:
        list(selection.take([{"id": "file_x", "created": "soon"}]))
    assert raised.value.resource_id == "file_x"
