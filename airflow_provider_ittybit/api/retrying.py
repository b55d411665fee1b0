"""May this be sent again, and after how long: one policy for both transports.

Time and chance are given to it, so the same arguments always have the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.timestamps import http_date

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_ittybit.api.messages import Request

LONGEST_WAIT = 120.0
"""Seconds: a longer ``Retry-After`` is cut to this, so that one answer cannot hold a worker for hours."""
FIRST_WAIT = 0.5
LONGEST_BACKOFF = 30.0
SPREAD = 0.25
"""Seconds that may be added to a ``Retry-After``."""
_READS_AND_DELETES = frozenset({"GET", "HEAD", "DELETE"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt went.

    :param status: the answer's status, ``None`` if none came.
    :param retry_after: value of its ``Retry-After`` header.
    :param may_have_arrived: without an answer: whether the request may have reached ittybit.
    """

    status: int | None = None
    retry_after: str | None = None
    may_have_arrived: bool = True


def may_send_again(request: Request, outcome: Outcome) -> bool:
    """Tell whether a request can be sent again without doing anything twice.

    - 429 means it was not acted on: any request may go again.
    - A request that surely never arrived may go again.
    - GET and DELETE may go again after no answer, 408 and 5xx. So may a POST with an idempotency key, and
      what is marked as repeatable.
    - Any other POST, PUT and PATCH may not: ittybit may have acted on it.
    """
    if outcome.status == 429:
        return True
    if outcome.status is None and not outcome.may_have_arrived:
        return True
    repeatable = request.method in _READS_AND_DELETES or request.repeatable or bool(request.idempotency_key)
    return repeatable and (outcome.status is None or outcome.status == 408 or outcome.status >= 500)


def wait_before(attempt: int, outcome: Outcome, *, now: datetime, chance: float) -> float:
    """Tell how many seconds to wait before the next attempt.

    ``Retry-After`` is obeyed up to 120 s; otherwise the wait doubles from 0.5 s up to 30 s. A random part
    keeps many tasks from coming back at once.

    :param attempt: number of attempts made so far, from 1.
    :param outcome: how the last one went.
    :param now: the present, with which a date in ``Retry-After`` is compared.
    :param chance: a random number from 0 to 1, which decides the random part.
    """
    return pause_for(attempt, retry_after(outcome.retry_after, now=now), chance=chance)


def pause_for(attempt: int, asked: float | None, *, chance: float) -> float:
    """Tell how many seconds to wait, as ``wait_before`` does.

    :param attempt: number of attempts made so far, from 1.
    :param asked: seconds that ittybit asked to wait, ``None`` if it did not say.
    :param chance: a random number from 0 to 1, which decides the random part.
    """
    if asked is not None:
        return min(asked, LONGEST_WAIT) + SPREAD * chance
    backoff: float = min(FIRST_WAIT * 2.0 ** min(attempt - 1, 16), LONGEST_BACKOFF)
    return backoff * (0.5 + chance / 2)


def retry_after(value: str | None, *, now: datetime | None) -> float | None:
    """Read a ``Retry-After`` header.

    :param value: seconds or an HTTP date.
    :param now: the time that a date is compared with; without it, only seconds say something.
    :return: seconds from now, not below 0; ``None`` if there is no such header or it says nothing.
    """
    text = (value or "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 16:
        return float(text)
    date = http_date(text)
    return None if date is None or now is None else max(0.0, (date - now).total_seconds())
