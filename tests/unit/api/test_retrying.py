"""May a request be sent again, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.api.messages import Request
from airflow_provider_ittybit.api.retrying import (
    FIRST_WAIT,
    LONGEST_BACKOFF,
    LONGEST_WAIT,
    Outcome,
    may_send_again,
    retry_after,
    wait_before,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.api.messages import Response

NOW = datetime(2025, 8, 22, 10, 0, 0, tzinfo=UTC)
NO_ANSWER, NEVER_ARRIVED = Outcome(), Outcome(may_have_arrived=False)
STATUSES = {
    status: Outcome(status) for status in (200, 202, 302, 400, 401, 402, 403, 404, 405, 409, 413, 422, 429, 500, 503)
}


def repeated(request: Request) -> set[str]:
    outcomes = {"no answer": NO_ANSWER, "never arrived": NEVER_ARRIVED, "408": Outcome(408)}
    outcomes |= {str(status): outcome for status, outcome in STATUSES.items()}
    return {name for name, outcome in outcomes.items() if may_send_again(request, outcome)}


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_what_can_do_no_harm_twice_is_sent_again_after_a_fault(method: str) -> None:
    assert repeated(Request(method, "/x")) == {"no answer", "never arrived", "408", "429", "500", "503"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_what_may_have_been_done_is_not_sent_again(method: str) -> None:
    assert repeated(Request(method, "/x")) == {"never arrived", "429"}


def test_an_idempotency_key_makes_a_post_safe_to_send_again() -> None:
    request = Request("POST", "/jobs", idempotency_key="k1")
    assert repeated(request) == {"no answer", "never arrived", "408", "429", "500", "503"}


def test_an_empty_idempotency_key_is_none_because_it_is_not_sent() -> None:
    assert repeated(Request("POST", "/jobs", idempotency_key="")) == {"never arrived", "429"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("3600", 3600.0),
        ("Fri, 22 Aug 2025 10:00:30 GMT", 30.0),
        ("Fri, 22 Aug 2025 12:00:30 +0200", 30.0),
        ("Fri, 22 Aug 2025 10:00:30 -0000", 30.0),
        ("Fri, 22 Aug 2025 09:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str, seconds: float) -> None:
    assert retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value", [None, "", " ", "soon", "-5", ".", "1.2.3", "1e3", "nan", "inf", "²", "٣", "5, 5", "9" * 16, "Fri", "\0"]
)
def test_a_retry_after_that_says_nothing_is_none(value: str | None) -> None:
    assert retry_after(value, now=NOW) is None


def test_the_recorded_retry_after_headers_are_read(recorded: Callable[[str], Response]) -> None:
    def header(name: str) -> str | None:
        return recorded(name).headers.get("retry-after")

    assert retry_after(header("errors/2025_08_20_rate_limited"), now=NOW) == 7.0
    assert retry_after(header("errors/rate_limited_until_a_date"), now=NOW) == 30.0
    assert retry_after(header("errors/service_unavailable_empty"), now=NOW) == 120.0


def test_a_date_says_nothing_without_the_present() -> None:
    assert retry_after("Fri, 22 Aug 2025 10:00:30 GMT", now=None) is None
    assert retry_after("7", now=None) == 7.0


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 7.0), (0.5, 7.125), (1.0, 7.25)])
def test_retry_after_is_obeyed_with_a_little_spread(chance: float, seconds: float) -> None:
    assert wait_before(1, Outcome(429, "7"), now=NOW, chance=chance) == seconds
    assert wait_before(9, Outcome(429, "Fri, 22 Aug 2025 10:00:07 GMT"), now=NOW, chance=chance) == seconds


@pytest.mark.parametrize("asked", ["121", "86400", "999999999999999", "Fri, 22 Aug 2026 10:00:00 GMT"])
def test_a_long_retry_after_is_cut(asked: str) -> None:
    assert wait_before(1, Outcome(503, asked), now=NOW, chance=0.0) == LONGEST_WAIT


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (7, 30.0), (10_000, 30.0)])
def test_without_retry_after_the_wait_doubles_up_to_a_bound(attempt: int, longest: float) -> None:
    waits = [wait_before(attempt, Outcome(500), now=NOW, chance=chance) for chance in (0.0, 0.5, 1.0)]
    assert waits == [longest / 2, longest * 0.75, longest]
    assert (FIRST_WAIT, LONGEST_BACKOFF) == (0.5, 30.0)
