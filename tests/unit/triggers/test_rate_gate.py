"""A gate that one 429 closes for all, and that opens step by step."""

from __future__ import annotations

import pytest

from airflow_provider_ittybit.exceptions import IttybitRateLimitError
from airflow_provider_ittybit.triggers.rate_gate import GateClosedError, RateGate


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def gate(time: Time) -> RateGate:
    return RateGate(16, time)


def test_it_is_open_at_first_for_as_many_as_it_takes(gate: RateGate) -> None:
    gate.admit()
    assert (gate.is_closed, gate.allowed) == (False, 16)


def test_nothing_passes_until_the_time_that_was_asked_for_is_over(gate: RateGate, time: Time) -> None:
    assert 5 <= gate.close(5) <= 5.25
    time.now += 4.99
    with pytest.raises(GateClosedError) as caught:
        gate.admit()
    assert isinstance(caught.value, IttybitRateLimitError)
    assert caught.value.status is None
    time.now += 0.27
    gate.admit()


def test_a_longer_wish_than_two_minutes_is_cut(gate: RateGate) -> None:
    assert 120 <= gate.close(86_400) <= 120.25


def test_several_answers_of_one_moment_close_it_once_for_the_longest(gate: RateGate, time: Time) -> None:
    gate.close(10)
    gate.close(2)
    time.now += 9.9
    assert gate.is_closed


def test_without_a_wish_the_pause_doubles_with_each_refusal_in_a_row(gate: RateGate, time: Time) -> None:
    pauses = []
    for _ in range(4):
        gate.close(None)
        pauses.append(gate.close(None))
        time.now = gate.opens_at
    for pause, longest in zip(pauses, (0.5, 1, 2, 4), strict=True):
        assert longest / 2 <= pause <= longest


def test_after_it_opens_one_may_pass_and_then_ever_more(gate: RateGate, time: Time) -> None:
    gate.close(1)
    time.now = gate.opens_at
    allowed = [gate.allowed]
    for _ in range(6):
        gate.passed(gate.closings)
        allowed.append(gate.allowed)
    assert allowed == [1, 2, 4, 8, 16, 16, 16]


def test_an_answer_that_is_no_refusal_ends_the_row(gate: RateGate, time: Time) -> None:
    for _ in range(5):
        gate.close(None)
        time.now = gate.opens_at
    gate.passed(gate.closings)
    assert gate.close(None) <= 0.5


def test_an_answer_to_a_request_from_before_the_refusal_opens_it_no_wider(gate: RateGate, time: Time) -> None:
    before = gate.closings
    pauses = []
    for _ in range(5):
        pauses.append(gate.close(None))
        for _ in range(15):
            gate.passed(before)
        time.now = gate.opens_at
    assert gate.allowed == 1
    assert pauses[-1] >= 4


def test_of_several_refusals_the_last_one_counts(gate: RateGate, time: Time) -> None:
    gate.close(1)
    between = gate.closings
    gate.close(1)
    time.now = gate.opens_at
    gate.passed(between)
    assert gate.allowed == 1
