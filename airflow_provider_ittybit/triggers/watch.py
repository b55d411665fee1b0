"""What a poller waits for: which look answers whom, and who goes on waiting."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from airflow_provider_ittybit.triggers.slices import SLICE
from airflow_provider_ittybit.triggers.waiters import (
    ERROR,
    FINAL,
    TIMEOUT,
    DueList,
    Ended,
    Key,
    LimitList,
    Pacer,
    Waiter,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.exceptions import IttybitError
    from airflow_provider_ittybit.triggers.clock import Clock

GRACE = 30.0
"""Seconds past its deadline for which a last look waits, at a closed gate, in line or for its answer.

It is well within Airflow's own limit, which is 60 s past the deadline.
"""

log = logging.getLogger(__name__)


class Watch:
    """All that wait in one poller, by what they wait for and by when they are due.

    :param clock: tells the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiters: dict[Key, list[Waiter]] = {}
        self._due = DueList()
        self._limits = LimitList()
        self._pacer = Pacer(self._due)

    def __len__(self) -> int:
        return sum(map(len, self._waiters.values()))

    def __contains__(self, key: Key) -> bool:
        return key in self._waiters

    def all(self) -> list[Waiter]:
        """Return all that wait."""
        return [waiter for waiters in self._waiters.values() for waiter in waiters]

    def keys(self) -> list[Key]:
        """Return all that is waited for."""
        return list(self._waiters)

    def one_of(self, key: Key) -> Waiter | None:
        """Return one of those that wait for something."""
        return next(iter(self._waiters.get(key, ())), None)

    def add(self, waiter: Waiter) -> None:
        """Have a waiter looked at soon."""
        self._waiters.setdefault(waiter.key, []).append(waiter)
        self._pacer.first(waiter, self._clock.now(), self._clock.time())
        self._limit(waiter, GRACE)

    def remove(self, waiter: Waiter) -> None:
        """Forget a waiter, if it is here."""
        others = self._waiters.get(waiter.key, [])
        if waiter in others:
            others.remove(waiter)
            self._due.drop(waiter)
            self._limits.drop(waiter)
        if not others:
            self._waiters.pop(waiter.key, None)

    def begin_round(self) -> None:
        """Begin to look: what is answered from now on comes to be due together."""
        self._pacer.begin(self._clock.now())

    def next_due(self) -> float | None:
        """Tell when the next look is due."""
        return self._due.next()

    def next_limit(self) -> float | None:
        """Tell when somebody may have waited for too long."""
        return self._limits.next()

    async def end_overdue(self) -> None:
        """End the waiting of all whose last look did not come in time."""
        while some := self._limits.take(self._clock.now(), SLICE):
            for waiter in some:
                if waiter.is_at_its_deadline(self._clock.time() - GRACE):
                    self._end(waiter, Ended(TIMEOUT, waiter.status))
                else:
                    self._limit(waiter, 0.0)  # the computer's clock was put back
            await asyncio.sleep(0)

    def take_due(self, most: int) -> list[Key]:
        """Take what is due now, each once, from at most so many waiters."""
        return list(dict.fromkeys(waiter.key for waiter in self._due.take(self._clock.now(), most)))

    def nearly_due(self, most: int) -> list[Key]:
        """Tell what may be looked at early, if that costs no request of its own."""
        return list(dict.fromkeys(waiter.key for waiter in self._due.nearly(self._clock.now(), most)))

    def unanswered(self, keys: Iterable[Key]) -> list[Key]:
        """Tell which of the keys that were due nothing has answered yet."""
        return [key for key in keys if any(waiter.due is None for waiter in self._waiters.get(key, ()))]

    def is_wanted_soon(self, key: Key) -> bool:
        """Tell whether a look now is due, or comes only so much early that it can stand for the next one."""
        now = self._clock.now()
        return any(waiter.due is None or waiter.early <= now for waiter in self._waiters.get(key, ()))

    def may_trust_feed(self, key: Key, era: int, most: int) -> bool:
        """Tell whether a feed that was followed since ``era`` began can answer for what is waited for.

        :param most: times in a row that it may answer alone.
        """
        time = self._clock.time()
        return all(
            0 < waiter.era == era and waiter.told < most and not (waiter.failed or waiter.is_at_its_deadline(time))
            for waiter in self._waiters.get(key, ())
        )

    def answer(self, key: Key, status: ProcessingStatus, asked_at: float, era: int | None = None) -> None:
        """Take in a look.

        :param asked_at: Unix seconds when it began.
        :param era: of the feed when it began; ``None`` if it is the feed that says this.
        """
        for waiter in list(self._waiters.get(key, ())):
            before = waiter.note(status)
            self._count(waiter, era)
            if status.state.is_final:
                self._end(waiter, Ended(FINAL, status.status))
            else:
                # what the feed says may be older than its page, so it is no last look
                self._go_on(waiter, asked_at if era is not None else float("-inf"), before)

    def nothing_new(self, key: Key) -> None:
        """Take in that the feed has nothing about something."""
        for waiter in self._waiters.get(key, ()):
            self._count(waiter, None)
            self._pacer.again(waiter, waiter.progress, self._clock.now(), self._clock.time())

    def doubt(self, key: Key) -> None:
        """Take in that the feed says something unclear about something: the next look is not left to it."""
        for waiter in self._waiters.get(key, ()):
            waiter.era = 0

    def fail(self, key: Key, error: IttybitError, asked_at: float) -> None:
        """Take in a look that failed: whoever has seen too many in a row gives up."""
        for waiter in list(self._waiters.get(key, ())):
            if waiter.takes(error):
                message = "Look %d at %s in a row failed: %s"
                waiter.context.copy().run(log.warning, message, waiter.failed, key.resource_id, error)
                self._go_on(waiter, asked_at, waiter.progress)
            else:
                self._end(waiter, Ended(ERROR, waiter.status, error.to_json()))

    def postpone(self, key: Key, moment: float) -> None:
        """Have something due again when the gate opens; no look was taken and none has failed.

        A last look that would come more than ``GRACE`` seconds late is not waited for: the worker takes one itself.
        """
        now, time = self._clock.now(), self._clock.time()
        for waiter in list(self._waiters.get(key, ())):
            if waiter.is_at_its_deadline(time) and waiter.is_at_its_deadline(time + moment - now - GRACE):
                self._end(waiter, Ended(TIMEOUT, waiter.status))
            else:
                self._pacer.later(waiter, moment, GRACE, now, time)

    def give_up(self, keys: Iterable[Key], error: IttybitError) -> None:
        """End the waiting for some with an error."""
        told = error.to_json()
        for key in keys:
            for waiter in list(self._waiters.get(key, ())):
                self._end(waiter, Ended(ERROR, waiter.status, told))

    def _limit(self, waiter: Waiter, least: float) -> None:
        if waiter.deadline is not None:
            left = waiter.deadline + GRACE - self._clock.time()
            self._limits.put(waiter, self._clock.now() + max(left, least))

    def _go_on(self, waiter: Waiter, asked_at: float, before: float | None) -> None:
        if waiter.is_at_its_deadline(asked_at):
            self._end(waiter, Ended(TIMEOUT, waiter.status))
        else:
            self._pacer.again(waiter, before, self._clock.now(), self._clock.time())

    def _end(self, waiter: Waiter, ended: Ended) -> None:
        waiter.end(ended)
        self.remove(waiter)

    @staticmethod
    def _count(waiter: Waiter, era: int | None) -> None:
        waiter.told = waiter.told + 1 if era is None else 0
        waiter.era = waiter.era if era is None else era
