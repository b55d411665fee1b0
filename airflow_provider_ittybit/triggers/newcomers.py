"""One look after another at the top of a list, for all watchers of one connection that want the same list."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.calls import get_resource
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.watching import LATE, Order, Sighting, sightings
from airflow_provider_ittybit.exceptions import IttybitError, IttybitRateLimitError
from airflow_provider_ittybit.triggers.clock import Clock
from airflow_provider_ittybit.triggers.poller import DEFAULT_CONCURRENCY
from airflow_provider_ittybit.triggers.registry import settings_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from airflow_provider_ittybit.api.settings import Settings
    from airflow_provider_ittybit.triggers.registry import Pollers
    from airflow_provider_ittybit.triggers.visiting import Visit

PAGE = 50
"""Items of a page of a usual look."""
ENOUGH = 25
"""Known items of a page after which a look ends: what comes late may stand below some of them."""
AT_ONCE = 20
"""Pages that are read back in one go."""
LONGEST_PAUSE = 600.0
"""Seconds between two looks at most, while they fail."""
SETTLING = 5.0
"""Seconds until an event counts as stored where Airflow does not tell: it takes one or two, usually."""
MANY_PAGES = 20
"""Pages of a usual look from which on the log says that a list is read to its end each time."""

log = logging.getLogger(__name__)


class Tick:
    """One look: what it brought, for all watchers, and what they want to be kept once their events are stored.

    :param number: 1 for the first look of a source, then one more each.
    :param seen: what is new since the look before; of the first one, the top of the list.
    :param source: where it comes from.
    """

    __slots__ = ("_notes", "has_fired", "has_more", "number", "seen", "source")

    def __init__(self, number: int, seen: list[Sighting], source: Newcomers) -> None:
        self.number = number
        self.seen = seen
        self.source = source
        self.has_fired = False
        self.has_more = False
        self._notes: list[Callable[[], Awaitable[None]]] = []

    def note(self, keep: Callable[[], Awaitable[None]]) -> None:
        """Have something kept once all events of this look are stored."""
        self._notes.append(keep)

    async def keep(self) -> None:
        """Keep what was noted."""
        for keep in self._notes:
            await keep()


class ReadingBack:
    """Reads a list from its top back to a moment, a few pages in one go.

    :param source: sends the requests.
    :param floor: Unix seconds; ``None`` for the top of the list only.
    """

    def __init__(self, source: Newcomers, floor: float | None) -> None:
        self._source = source
        self._floor = floor
        self._listing: Listing | None = None
        self._order = Order()
        self.seen: list[Sighting] = []

    async def go_on(self) -> bool:
        """Read on, and tell whether all is read.

        :raises IttybitError: a page cannot be read. Another call reads it again.
        """
        visit = await self._source.visit()
        if self._listing is None:
            self._listing = Listing(visit.settings.generation, resource=self._source.resource)
        for _ in range(AT_ONCE):
            if (call := self._listing.call) is None:
                return True
            page = self._source.read(self._listing.receive(await visit.send(call)))
            self._order.take(page)
            self.seen += [one for one in page if self._floor is None or one.created >= self._floor]
            older = self._floor is None or all(one.created < self._floor for one in page)
            if older and self._order.is_newest_first:
                return True
        return False


class Newcomers:
    """Looks at the top of a list again and again, from the newest down to what it knows.

    ``open_stream`` gives looks, and ``advance`` is told of those whose events are stored, as the shared streams of
    Airflow 3.3 have it. It sends through the poller of the connection, so that it shares the session and
    the rate limit of all that wait. A look that fails is repeated, after growing pauses, without end: a trigger that
    ended would be started again at once.

    :param ittybit_conn_id: id of the Airflow connection.
    :param pollers: the pollers to share.
    :param resource: name of the collection, by default what an upload adds to.
    :param poll_interval: seconds between two looks.
    :param concurrency: requests for single resources under way at once, if this makes the poller.
    :param settings: reads the settings of a connection as they are now.
    :param clock: tells the time.
    """

    def __init__(
        self,
        ittybit_conn_id: str,
        pollers: Pollers,
        *,
        resource: str | None = None,
        poll_interval: float = 30.0,
        concurrency: int = DEFAULT_CONCURRENCY,
        settings: Callable[[str], Awaitable[Settings]] = settings_now,
        clock: Clock | None = None,
    ) -> None:
        self.ittybit_conn_id = ittybit_conn_id
        self.pollers = pollers
        self.poll_interval = poll_interval
        self.resource = resource
        self._concurrency = concurrency
        self._settings = settings
        self._clock = clock or Clock()
        self._visit: Visit | None = None
        self._again = asyncio.Event()
        self._began = False
        self._known: dict[str, float] = {}
        self._horizon = float("-inf")

    async def open_stream(self) -> AsyncIterator[tuple[Tick, Tick]]:
        """Give a look after the other, each twice: for the watchers, and to be given back to ``advance``."""
        number = failed = 0
        while True:
            try:
                seen = await self._look()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look may work
                failed += 1
                await self._rest(error, failed)
                continue
            number, failed = number + 1, 0
            tick = Tick(number, seen, self)
            self._again.clear()
            yield tick, tick
            chance = random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
            await self._clock.wait(self._again, self.poll_interval * chance)

    async def settled(self) -> AsyncIterator[Tick]:
        """Give the same looks where Airflow does not tell when events are stored: it is given some time instead."""
        async for tick, _ in self.open_stream():
            yield tick
            if tick.has_fired:
                await self._clock.wait(asyncio.Event(), SETTLING)
            await self._keep([tick])

    async def advance(self, batch: Sequence[Any]) -> None:
        """Have the positions kept whose events are stored, as Airflow says."""
        await self._keep([item.broker_payload for item in batch if item.outcome.is_clean])
        if any(item.broker_payload.has_more for item in batch):
            self._again.set()

    async def aclose(self) -> None:
        """Leave the poller."""
        visit, self._visit = self._visit, None
        if visit is not None:
            await visit.end()

    async def visit(self) -> Visit:
        """Return the visit at the poller of the connection as it is now.

        :raises IttybitConfigurationError: the connection is missing or cannot be used.
        """
        settings = await self._settings(self.ittybit_conn_id)
        if self._visit is None or not self._visit.serves(settings):
            await self.aclose()
            self._visit = self.pollers.visit(self.ittybit_conn_id, settings, concurrency=self._concurrency)
            self.resource = self.resource or settings.generation.main
        return self._visit

    async def get(self, resource_id: str) -> dict[str, Any]:
        """Read one resource.

        :raises IttybitError: it cannot be read.
        """
        visit = await self.visit()
        return await visit.send(get_resource(visit.settings.generation, resource_id, self.resource))

    def read_back(self, floor: float | None) -> ReadingBack:
        """Begin to read the list back, for a watcher that did not see all looks."""
        return ReadingBack(self, floor)

    def read(self, items: Iterable[dict[str, Any]]) -> list[Sighting]:
        """Read a page."""
        return sightings(items, self.resource or "")

    async def _look(self) -> list[Sighting]:
        visit = await self.visit()
        listing = Listing(visit.settings.generation, resource=self.resource, limit=PAGE)
        order, pages = Order(), 0
        found: dict[str, Sighting] = {}
        while (call := listing.call) is not None:
            page = self.read(listing.receive(await visit.send(call)))
            pages += 1
            order.take(page)
            fresh = {one.id: one for one in page if one.id not in self._known and one.created >= self._horizon}
            found |= fresh
            if order.is_newest_first and (not fresh or not self._began or len(page) - len(fresh) >= ENOUGH):
                break
        if pages > MANY_PAGES and not order.is_newest_first:
            log.warning("ittybit's list of %s is not newest first: each look reads all its pages", self.resource)
        self._learn(found)
        return list(found.values())

    def _learn(self, found: dict[str, Sighting]) -> None:
        self._began = True
        self._known |= {name: one.created for name, one in found.items()}
        if self._known:
            self._horizon = max(self._horizon, max(self._known.values()) - LATE)
        self._known = {name: created for name, created in self._known.items() if created >= self._horizon}

    async def _keep(self, ticks: Iterable[Tick]) -> None:
        for tick in ticks:
            await tick.keep()
            if tick.has_more:
                self._again.set()

    async def _rest(self, error: Exception, failed: int) -> None:
        pause = min(self.poll_interval * 2 ** min(failed - 1, 10), max(LONGEST_PAUSE, self.poll_interval))
        if isinstance(error, IttybitRateLimitError) and self._visit is not None:
            pause = max(self._visit.opens_at - self._clock.now(), 1.0)
        reason = str(error) if isinstance(error, IttybitError) else type(error).__name__
        level = logging.ERROR if isinstance(error, IttybitError) and error.is_final else logging.WARNING
        message = "Look %d in a row at ittybit's list of %s over %r failed; the next one follows in %.0f s: %s"
        log.log(level, message, failed, self.resource or "media", self.ittybit_conn_id, pause, reason)
        await self._clock.wait(asyncio.Event(), pause)
