"""Who waits for what in a poller, and when each is due: the state, without tasks or requests."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ittybit.api.pacing import EARLY, LEAST, next_pause, on_tick, spread
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
        "context", "deadline", "due", "early", "era", "failed", "future", "key", "limit", "longest_pause",
        "poll_interval", "poller", "progress", "since", "status", "told",
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
        self.limit: float | None = None
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


class Moments:
    """Waiters by a moment. Few moments are those of many waiters, so what has to be kept in order is the moments."""

    __slots__ = ("_at", "_moments")

    def __init__(self) -> None:
        self._at: dict[float, dict[Waiter, None]] = {}
        self._moments: list[float] = []

    def next(self) -> float | None:
        """Tell the first moment of anybody."""
        while self._moments and not self._at[self._moments[0]]:
            del self._at[heapq.heappop(self._moments)]
        return self._moments[0] if self._moments else None

    def _keep(self, waiter: Waiter, moment: float) -> None:
        if moment not in self._at:
            self._at[moment] = {}
            heapq.heappush(self._moments, moment)
        self._at[moment][waiter] = None

    def _forget(self, waiter: Waiter, moment: float) -> None:
        self._at.get(moment, {}).pop(waiter, None)


class DueList(Moments):
    """Waiters by the moment at which they are due. Who is put again is due at the new moment only."""

    __slots__ = ()

    def put(self, waiter: Waiter, moment: float) -> None:
        """Have a waiter due at a moment."""
        self.drop(waiter)
        waiter.due = moment
        self._keep(waiter, moment)

    def drop(self, waiter: Waiter) -> None:
        """Have a waiter due no more; nothing happens if it was not."""
        if waiter.due is not None:
            self._forget(waiter, waiter.due)
            waiter.due = None

    def next(self) -> float | None:
        """Tell when the next one is due that still waits."""
        while (moment := super().next()) is not None:
            waiter = next(iter(self._at[moment]))
            if not waiter.is_over:
                return moment
            self.drop(waiter)
        return None

    def take(self, now: float, most: int) -> list[Waiter]:
        """Take out those that are due, at most so many."""
        found: list[Waiter] = []
        while len(found) < most and (moment := self.next()) is not None and moment <= now:
            for waiter in list(islice(self._at[moment], most - len(found))):
                if not waiter.is_over:
                    found.append(waiter)
                self.drop(waiter)
        return found

    def nearly(self, now: float, most: int) -> list[Waiter]:
        """Tell who is not due yet, but may be looked at early; who is due sooner comes first."""
        some = (waiter for moment in sorted(self._at) for waiter in self._at[moment])
        return list(islice((waiter for waiter in some if waiter.early <= now and not waiter.is_over), most))


class LimitList(Moments):
    """Waiters by the moment until which they wait at most, whatever is under way for them."""

    __slots__ = ()

    def put(self, waiter: Waiter, moment: float) -> None:
        """Have a waiter wait until a moment at most, or a second longer."""
        waiter.limit = math.ceil(moment)
        self._keep(waiter, waiter.limit)

    def drop(self, waiter: Waiter) -> None:
        """Forget the limit of a waiter, if it has any."""
        if waiter.limit is not None:
            self._forget(waiter, waiter.limit)
            waiter.limit = None

    def take(self, now: float, most: int) -> list[Waiter]:
        """Take out those whose limit has passed, at most so many."""
        found: list[Waiter] = []
        while len(found) < most and (moment := self.next()) is not None and moment <= now:
            some = list(islice(self._at[moment], most - len(found)))
            for waiter in some:
                self.drop(waiter)
            found += some
        return found


class Pacer:
    """Decides when a waiter is due next, so that all who can be answered together come to be due together.

    Looks are taken in rounds. Whatever a look says counts as said when its round began, and all pauses of a round vary
    by the same share: so those who were answered in one round are due in one round again. It reads the time only from
    what it is given.
    """

    __slots__ = ("_began", "_chance", "_due")

    def __init__(self, due: DueList) -> None:
        self._due = due
        self.begin(math.inf)

    def begin(self, now: float) -> None:
        """Begin a round."""
        self._began = now
        self._chance = random.random()  # noqa: S311 - spreads load, guards nothing

    def first(self, waiter: Waiter, now: float, time: float) -> None:
        """Have a new waiter due in the next round, if that comes within its ``poll_interval``.

        Else it is due at once, together with those that come within the same tick.
        """
        waiter.since = now if waiter.since is None else waiter.since
        # a round that is under way may have taken all who wait, so that the next one is not known yet
        rounds = (self._due.next(), self._began + waiter.poll_interval)
        within = (one for one in rounds if one is not None and now <= one <= now + waiter.poll_interval)
        self._put(waiter, next(within, on_tick(now, waiter.poll_interval)), now, time)
        waiter.early = now

    def again(self, waiter: Waiter, before: float | None, now: float, time: float) -> None:
        """Have a waiter due after a look, ``before`` being the progress at the look before.

        After a look that took long, at least half the pause is left.
        """
        began = min(self._began, now)
        age = now - (now if waiter.since is None else waiter.since)
        usual = next_pause(waiter.poll_interval, age, waiter.progress, before, waiter.longest_pause)
        pause = spread(usual, chance=self._chance)
        moment = max(began + pause, now + LEAST * pause)
        self._put(waiter, on_tick(moment, waiter.poll_interval), now, time)
        waiter.early = min(moment, waiter.due or now) - EARLY * pause

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
