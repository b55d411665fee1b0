"""What is made of the figures: ratios within a round, medians, and a verdict that can be no."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.job import Outcome
from benchmarks.plan import GIB, Entry, Experiment
from benchmarks.results import MIB, summary, verdicts
from benchmarks.rounds import Series
from benchmarks.tables import all_tables
from benchmarks.uploads import renewed

CURL = Entry("curl-form", "curl -F", "curl-form")
OURS = Entry("ittybit-multipart", "ittybit, multipart", "curl-form")
CHUNKED = Entry("ittybit-chunked", "chunked", "ittybit-put")
WHOLE = Entry("ittybit-put", "one stream", "ittybit-put")


def experiment(name: str, *entries: Entry) -> Experiment:
    return Experiment(name, name, "http", GIB, entries)


def series(entry: Entry, *seconds: float, grown: int = MIB) -> Series:
    return Series(entry, [Outcome(value, value, 10 * MIB, 10 * MIB + grown) for value in seconds])


def described(name: str, *all_series: Series) -> dict[str, Any]:
    return summary(experiment(name, *(one.entry for one in all_series)), all_series)


def test_a_ratio_is_taken_within_a_round_and_then_their_median() -> None:
    ours = described("fast", series(OURS, 1, 8, 3), series(CURL, 2, 4, 6))["contenders"][0]
    assert ours["ratios"] == [0.5, 2.0, 0.5]
    assert ours["median_ratio"] == 0.5
    assert ours["median_seconds"] == 3


@pytest.mark.parametrize(("seconds", "met"), [(1.0, True), (1.01, False)])
def test_slower_than_curl_is_said(seconds: float, *, met: bool) -> None:
    (verdict,) = verdicts([described("fast", series(OURS, seconds), series(CURL, 1.0))])
    assert verdict["met"] is met


@pytest.mark.parametrize(("chunked", "met"), [(1.0, True), (1.2, False)])
def test_chunks_that_gain_too_little_are_said(chunked: float, *, met: bool) -> None:
    (verdict,) = verdicts([described("limited", series(WHOLE, 4.0), series(CHUNKED, chunked))])
    assert verdict["met"] is met


@pytest.mark.parametrize(
    ("peaks", "met"), [((2, 3, 4), True), ((2, 3, 40), False), ((2, 10, 20), False), ((33, 33, 33), False)]
)
def test_memory_that_is_much_or_grows_with_the_file_is_said(peaks: tuple[int, ...], *, met: bool) -> None:
    found = [described("memory", series(WHOLE, 1.0, grown=peak * MIB)) for peak in peaks]
    (verdict,) = verdicts(found)
    assert verdict["met"] is met


def test_a_contender_that_failed_is_in_the_table_with_its_reason() -> None:
    failed = Series(OURS, error="not installed")
    found = {"experiments": [described("fast", failed, series(CURL, 1.0))], "wanted": []}
    (table,) = all_tables(found)
    assert table.rows[0][:2] == ("ittybit, multipart", "failed")
    assert "not installed" in table.note


def test_what_was_measured_again_takes_the_place_of_the_earlier_figures_and_of_no_others() -> None:
    slow = described("fast", series(OURS, 2.0), series(CURL, 1.0))
    other = described("limited", series(WHOLE, 4.0), series(CHUNKED, 1.0))
    earlier = {"seconds": 10, "experiments": [slow, other], "wanted": verdicts([slow, other])}
    fast = described("fast", series(OURS, 0.9), series(CURL, 1.0))
    found = renewed(earlier, {"seconds": 5, "experiments": [fast], "wanted": verdicts([fast])})
    assert found["experiments"] == [fast, other]
    assert found["seconds"] == 5
    assert [one["met"] for one in found["wanted"]] == [True, True]
