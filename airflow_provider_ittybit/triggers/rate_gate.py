"""One gate for all requests of a poller: what one 429 says holds for all, and traffic comes back step by step."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.retrying import pause_for
from airflow_provider_ittybit.exceptions import IttybitRateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable


class GateClosedError(IttybitRateLimitError):
    """Nothing was sent, since an earlier answer asked to slow down."""


class RateGate:
    """Closes for as long as ittybit asked, and lets one request through at first when it opens again.

    :param most: requests that may be under way at once when nothing holds them back.
    :param now: tells the time in seconds, on any clock that never goes back.
    """

    __slots__ = ("_most", "_now", "_refused", "allowed", "closings", "opens_at")

    def __init__(self, most: int, now: Callable[[], float]) -> None:
        self._most = most
        self._now = now
        self._refused = 0
        self.closings = 0
        self.allowed = most
        self.opens_at = float("-inf")

    @property
    def is_closed(self) -> bool:
        """Whether nothing may be sent now."""
        return self._now() < self.opens_at

    def admit(self) -> None:
        """Let a request through.

        :raises GateClosedError: nothing may be sent now.
        """
        if self.is_closed:
            message = "Nothing was sent: ittybit asked to slow down a moment ago."
            raise GateClosedError(message)

    def close(self, asked: float | None) -> float:
        """Take in a 429: let nothing through for as long as it asked, at most 120 s.

        :param asked: seconds of its ``Retry-After``; without one, 0.5 s that double with each 429 in a row up to 30 s.
        :return: seconds until the gate opens.
        """
        if not self.is_closed:
            self._refused += 1
        self.closings += 1
        self.allowed = 1
        chance = random.random()  # noqa: S311 - spreads load, guards nothing
        self.opens_at = max(self.opens_at, self._now() + pause_for(self._refused, asked, chance=chance))
        return self.opens_at - self._now()

    def passed(self, closings: int) -> None:
        """Take in an answer that was no 429: twice as many requests may be under way from now on.

        One to a request from before the last 429 says nothing about how many are too many now, so it changes nothing.

        :param closings: what ``closings`` said when the request began.
        """
        if closings == self.closings:
            self._refused = 0
            self.allowed = min(2 * self.allowed, self._most)
