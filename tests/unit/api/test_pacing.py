"""How the pause between two looks grows, shrinks, varies, and falls together with others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ittybit.api.pacing import next_pause, on_tick, spread

INTERVALS = st.floats(0.01, 3600)
AGES = st.floats(0, 1e6)
PERCENT = st.none() | st.floats(0, 100)


@pytest.mark.parametrize(
    ("poll_interval", "age", "pause"),
    [
        (10, 0, 10),
        (10, 100, 10),
        (5, 60, 5),
        (5, 300, 20),
        (5, 600, 20),
        (10, 60, 10),
        (10, 199, 10),
        (10, 200, 20),
        (10, 290, 20),
        (10, 300, 30),
        (10, 600, 40),
        (10, 400, 40),
        (10, 100_000, 40),
        (30, 100_000, 60),
        (25, 100_000, 50),
        (60, 100_000, 60),
        (300, 100_000, 300),
        (1, 5, 1),
        (1, 100_000, 4),
    ],
)
def test_a_pause_grows_to_a_tenth_of_the_age_and_no_further_than_its_cap(
    poll_interval: float, age: float, pause: float
) -> None:
    assert next_pause(poll_interval, age) == pause


@given(INTERVALS, AGES, PERCENT, PERCENT)
def test_no_pause_is_shorter_than_asked_for_or_longer_than_documented(
    poll_interval: float, age: float, progress: float | None, before: float | None
) -> None:
    pause = next_pause(poll_interval, age, progress, before)
    assert poll_interval <= pause <= max(poll_interval, 60)
    assert pause <= 4 * poll_interval
    assert pause <= max(poll_interval, age / 10)


@pytest.mark.parametrize(
    ("progress", "before", "pause"),
    [
        (40, 30, 10),
        (30, 40, 10),
        (90, 90, 10),
        (100, None, 10),
        (40, 40, 40),
        (40, None, 40),
        (None, 40, 40),
        (0, 0, 40),
    ],
)
def test_progress_that_moves_or_nears_its_end_takes_the_pause_back(
    progress: float | None, before: float | None, pause: float
) -> None:
    assert next_pause(10, 3600, progress, before) == pause


@pytest.mark.parametrize(
    ("age", "longest", "pause"),
    [(0, 300, 10), (10, 300, 10), (25, 300, 25), (299, 300, 299), (4000, 300, 300), (4000, 100_000, 4000), (50, 1, 10)],
)
def test_a_pause_that_grows_exponentially_is_as_long_as_all_before_it(age: float, longest: float, pause: float) -> None:
    assert next_pause(10, age, longest=longest) == pause


def test_progress_takes_back_a_pause_that_grew_exponentially_as_well() -> None:
    assert next_pause(10, 4000, 95, 95, longest=300) == 10


def test_pauses_vary_by_a_fifth_and_grow_no_longer_by_it() -> None:
    assert [spread(100, chance=chance) for chance in (0.0, 0.5, 1.0)] == pytest.approx([80, 90, 100])


@given(st.floats(0, 1e7), INTERVALS)
def test_a_tick_comes_at_most_a_tenth_of_the_interval_and_a_second_later(moment: float, poll_interval: float) -> None:
    tick = on_tick(moment, poll_interval)
    assert moment <= tick <= moment + min(1.0, poll_interval / 10)


@pytest.mark.parametrize("poll_interval", [0, 0.01, 1, 3, 10, 600])
def test_ticks_of_all_intervals_fall_together_at_whole_seconds(poll_interval: float) -> None:
    assert on_tick(1000.0, poll_interval) == 1000.0
    assert on_tick(999.99999, poll_interval) <= 1000.0
