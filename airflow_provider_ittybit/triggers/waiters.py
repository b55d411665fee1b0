"""Who waits for what in a poller, and when each is due: the state, without tasks or requests."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ittybit.api.pacing import EARLY, next_pause, on_tick, spread
from airflow_provider_ittybit.api.waiting import Patience

if TYPE_CHECKING:
    import asyncio
    from contextvars import Context

    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.exceptions import IttybitError
    from airflow_provider_ittybit.triggers.poller import Poller

FINAL, TIMEOUT, ERROR = "final", "timeout", "error"


class Key(NamedTuple):
    """What is looked at."""

    collection: str
    resource_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How waiting ended.

    :param outcome: ``final``, ``timeout`` or ``error``.
    :param status: ittybit's last word on the resource, ``None`` if it has none or was never seen.
    :param error: the error for which waiting was given up, as plain JSON.
    """

    outcome: str
    status: str | None = None
    error: dict[str, Any] | None = None


class Waiter:
    """One trigger that waits.

    :param key: what it waits for.
    :param future: gets the ``Ended``.
    :param context: what is logged for it is logged in, so that it stands in the log of its task.
    :param poll_interval: seconds between looks that the user asked for.
    :param deadline: Unix seconds of the last look, ``None`` for none.
    :param failed: how many of the last looks failed.
    :param longest_pause: seconds that pauses grow to exponentially, ``None`` for the usual growth.
    """

    __slots__ = (
        "context", "deadline", "due", "early", "era", "failed", "future", "key", "longest_pause", "poll_interval",
        "poller", "progress", "since", "status", "told",
    )  # fmt: skip

    def __init__(
        self,
        key: Key,
        future: asyncio.Future[Ended],
        context: Context,
        *,
        poll_interval: float,
        deadline: float | None = None,
        failed: int = 0,
        longest_pause: float | None = None,
    ) -> None:
        self.key = key
        self.future = future
        self.context = context
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.failed = failed
        self.longest_pause = longest_pause
        self.poller: Poller | None = None
        self.since: float | None = None
        self.due: float | None = None
        self.early = 0.0
        self.status: str | None = None
        self.progress: float | None = None
        self.era = 0
        self.told = 0

    @property
    def is_over(self) -> bool:
        """Whether it waits no more."""
        return self.future.done()

    async def leave(self) -> None:
        """Wait no more; the last one of a poller closes it."""
        if self.poller is not None:
            await self.poller.leave(self)

    def end(self, ended: Ended) -> None:
        """Let the trigger go on."""
        if not self.future.done():
            self.future.set_result(ended)

    def is_at_its_deadline(self, time: float) -> bool:
        """Tell whether a look that began at ``time`` (Unix seconds) is its last."""
        return self.deadline is not None and time >= self.deadline

    def takes(self, error: IttybitError) -> bool:
        """Count a look that failed, and tell whether to look again."""
        patience = Patience(self.failed)
        forgiven = patience.forgives(error)
        self.failed = patience.failed
        return forgiven

    def note(self, status: ProcessingStatus) -> float | None:
        """Note what a look said, and return the progress that the look before it said."""
        before, self.progress = self.progress, status.progress
        self.status, self.failed = status.status, 0
        return before


class DueList:
    """Waiters in the order in which they are due. Who is put again is due at the new moment only."""

    __slots__ = ("_heap", "_number")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Waiter]] = []
        self._number = itertools.count()

    def put(self, waiter: Waiter, moment: float) -> None:
        """Have a waiter due at a moment."""
        waiter.due = moment
        heapq.heappush(self._heap, (moment, next(self._number), waiter))

    def next(self) -> float | None:
        """Tell when the next one is due."""
        while self._heap and self._is_void(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float, most: int) -> list[Waiter]:
        """Take out those that are due, at most so many."""
        found: list[Waiter] = []
        while len(found) < most and (moment := self.next()) is not None and moment <= now:
            waiter = heapq.heappop(self._heap)[2]
            waiter.due = None
            found.append(waiter)
        return found

    def nearly(self, now: float, most: int) -> list[Waiter]:
        """Tell who is not due yet, but may be looked at early; the order is that of their dues."""
        found: list[Waiter] = []
        while len(found) < most and self.next() is not None and self._heap[0][2].early <= now:
            found.append(heapq.heappop(self._heap)[2])
        for waiter in found:
            if waiter.due is not None:
                heapq.heappush(self._heap, (waiter.due, next(self._number), waiter))
        return found

    @staticmethod
    def _is_void(entry: tuple[float, int, Waiter]) -> bool:
        return entry[2].due != entry[0] or entry[2].is_over


class Pacer:
    """Decides when a waiter is due next; it reads the time only from what it is given."""

    __slots__ = ("_due",)

    def __init__(self, due: DueList) -> None:
        self._due = due

    def first(self, waiter: Waiter, now: float, time: float) -> None:
        """Have a new waiter due at once, together with those that come within the same tick."""
        waiter.since = now if waiter.since is None else waiter.since
        self._put(waiter, on_tick(now, waiter.poll_interval), now, time)
        waiter.early = now

    def again(self, waiter: Waiter, before: float | None, now: float, time: float) -> None:
        """Have a waiter due after a look, ``before`` being the progress at the look before."""
        age = now - (now if waiter.since is None else waiter.since)
        chance = random.random()  # noqa: S311 - spreads load, guards nothing
        usual = next_pause(waiter.poll_interval, age, waiter.progress, before, waiter.longest_pause)
        pause = spread(usual, chance=chance)
        self._put(waiter, on_tick(now + pause, waiter.poll_interval), now, time)
        waiter.early = min(now + pause, waiter.due or now) - EARLY * pause

    def later(self, waiter: Waiter, moment: float, grace: float, now: float, time: float) -> None:
        """Have a waiter due at a moment before which nothing can be asked.

        One whose deadline passes more than ``grace`` seconds before it is due at its deadline, to give up then.
        """
        waiter.early = moment
        if waiter.deadline is not None and time + (moment - now) > waiter.deadline + grace:
            moment = now + max(0.0, waiter.deadline - time)
        self._due.put(waiter, moment)

    def _put(self, waiter: Waiter, moment: float, now: float, time: float) -> None:
        if waiter.deadline is not None:
            moment = min(moment, now + max(0.0, waiter.deadline - time))
        self._due.put(waiter, moment)
