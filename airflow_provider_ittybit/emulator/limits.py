"""The rate limit: a sliding window over all requests that are not for the control endpoint."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.settings import RateLimit


class RateGate:
    """Counts requests. It is used by the event loop alone, so it needs no lock."""

    def __init__(self) -> None:
        self._admitted: deque[float] = deque()

    def wait_needed(self, limit: RateLimit | None) -> float:
        """Admit a request and return 0, or return the seconds after which the next one is admitted."""
        if limit is None:
            return 0.0
        now = monotonic()
        while self._admitted and self._admitted[0] <= now - limit.per_seconds:
            self._admitted.popleft()
        if len(self._admitted) < limit.requests:
            self._admitted.append(now)
            return 0.0
        return self._admitted[-limit.requests] + limit.per_seconds - now

    def clear(self) -> None:
        """Forget all requests."""
        self._admitted.clear()
