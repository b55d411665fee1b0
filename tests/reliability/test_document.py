"""The page about reliability says what the table says, and the table is what the tests hold."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from reliability.bounds import BOUNDS, PROPERTY, gathered
from reliability.document import PAGE, page
from reliability.operations import RETRIES
from reliability.table import LATER, Cell, as_plain, plain

from airflow_provider_ittybit.api.paging import REMEMBERED
from airflow_provider_ittybit.api.retrying import LONGEST_WAIT
from airflow_provider_ittybit.api.settings import DEFAULT_TIMEOUT
from airflow_provider_ittybit.transport.blocking import GRACE
from airflow_provider_ittybit.transport.receiving import LARGEST, LARGEST_REFUSAL, PATIENCE

NOW = PAGE.read_text()


def test_the_page_is_up_to_date() -> None:
    assert page(NOW, plain()) == NOW, "run make reliability"


def test_the_order_in_which_things_were_seen_does_not_matter() -> None:
    assert page(NOW, plain()[::-1]) == page(NOW, plain())


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    bounds = (
        f"at most {LARGEST // 1_000_000} MB, unpacked",
        f'means "no", {LARGEST_REFUSAL // 1_000_000} MB is read',
        f"({DEFAULT_TIMEOUT:g} s by default), and the whole answer within {PATIENCE:g} times",
        f"counts up to {LONGEST_WAIT:g} s",
        f"gets {GRACE:g} s more",
        f"after up to {REMEMBERED:,} others, on whatever page; after {2 * REMEMBERED:,} it may",
        f"`max_retries: {RETRIES}`",
    )
    assert [bound for bound in bounds if bound not in " ".join(NOW.split())] == []


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (Cell("IttybitError", 2), "`IttybitError` | 2 | none"),
        (Cell(LATER, 1, (7.0,)), "looks again later | 1 | 7 s"),
        (Cell("", 10, (0.25, 0.5) * 5), "ends well | 10 | 0.25 s, 0.5 s, 5 times"),
    ],
)
def test_what_was_seen_otherwise_is_on_the_page(cell: Cell, shown: str) -> None:
    seen = [one for one in plain() if (one["fault"], one["operation"]) != ("500", "list")]
    assert f"list | {shown} |" in page(NOW, [*seen, as_plain("500", "list", cell)])


def test_what_was_measured_is_on_the_page_with_its_bound_and_within_it() -> None:
    rows = [line.strip("| ").split(" | ") for line in NOW.splitlines() if line.startswith("|")]
    told = {row[0]: row[1:] for row in rows if len(row) == 3}
    for bound in BOUNDS:
        seen, most = told[bound.what]
        assert most == bound.told(bound.most)
        assert float(seen.partition(" ")[0]) <= bound.most


def test_the_largest_of_what_was_measured_counts_and_nothing_may_be_missing() -> None:
    several = gathered([[bound.what, value] for bound in BOUNDS for value in (0.25, 1, 0.5)])
    assert set(several.values()) == {1}
    assert f"| {BOUNDS[0].what} | 1 s | 5 s |" in page(NOW, plain(), several)
    with pytest.raises(KeyError):
        page(NOW, plain(), {BOUNDS[0].what: 1.0})


@pytest.mark.parametrize(("seen", "is_fine"), [(5.0, True), (5.1, False)])
def test_more_than_the_bound_fails_and_is_noted_all_the_same(seen: float, *, is_fine: bool) -> None:
    noted: list[Any] = []
    with contextlib.nullcontext() if is_fine else pytest.raises(AssertionError, match=r"5\.1 s, at most 5 s"):
        BOUNDS[0].check(seen, lambda name, value: noted.append((name, value)))
    assert noted == [(PROPERTY, [BOUNDS[0].what, seen])]


def test_something_that_was_not_seen_is_no_page() -> None:
    with pytest.raises(KeyError):
        page(NOW, plain()[1:])
