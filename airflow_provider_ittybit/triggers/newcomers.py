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
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence, Sized

    from airflow_provider_ittybit.api.settings import Settings
    from airflow_provider_ittybit.triggers.registry import Pollers
    from airflow_provider_ittybit.triggers.visiting import Visit

PAGE = 50
"""Items of a page of a usual look."""
LARGE_PAGE = 100
"""The same after a look that brought more than half a usual page: what fits on one page need not be read again."""
ENOUGH = 25
"""Known items of a page after which a look ends: what comes late may stand below some of them."""
AT_ONCE = 20
"""Pages that are read back in one go."""
MOST_READINGS = 5
"""Times that several pages are read at most, while each time brings something that the one before has passed over."""
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
    """Reads a list from its top back to what is known, a few pages in one go.

    Where something is deleted meanwhile, all that is older moves up by one place: what was first on the next page may
    stand on one by then that has been read. Only a page that begins after an item (``after``) cannot lose any. So
    what takes several other pages is read again, until that brings nothing but what has come since, five times at most.

    :param source: sends the requests.
    :param is_new: tells what to keep.
    :param is_enough: tells of a page, and of what is kept of it, whether later ones hold nothing to keep if they are
        older.
    :param limit: page size, by default the largest.
    """

    def __init__(
        self,
        source: Newcomers,
        is_new: Callable[[Sighting], bool],
        is_enough: Callable[[Sequence[Sighting], Sized], bool],
        limit: int | None = None,
    ) -> None:
        self._source = source
        self._is_new = is_new
        self._is_enough = is_enough
        self._limit = limit
        self._listing: Listing | None = None
        self._order = Order()
        self._found: dict[str, Sighting] = {}
        self._newest = float("-inf")
        self._readings = 0
        self._was_full = False
        self._may_have_moved = False
        self._has_moved = False
        self.pages = 0

    @property
    def seen(self) -> list[Sighting]:
        """What is kept so far, each once."""
        return list(self._found.values())

    @property
    def is_newest_first(self) -> bool:
        """Whether the list is in that order, as far as it was read."""
        return self._order.is_newest_first

    async def go_on(self) -> bool:
        """Read on, and tell whether all is read.

        :raises IttybitError: a page cannot be read. Another call reads it again.
        """
        visit = await self._source.visit()
        for _ in range(AT_ONCE):
            listing = self._listing or self._begin(visit)
            call, is_enough = listing.call, False
            if call is not None:
                answer = await visit.send(call)
                if self.pages and "after" not in dict(call.request.query):
                    self._may_have_moved |= self._was_full or bool(answer.items)
                self._was_full = len(answer.items) >= (self._limit or visit.settings.generation.limits[1])
                is_enough = self._take(self._source.read(listing.receive(answer)))
            if is_enough or listing.call is None:
                if self._is_complete():
                    return True
                self._listing = None
        return False

    def _begin(self, visit: Visit) -> Listing:
        self._newest = max((one.created for one in self._found.values()), default=float("-inf"))
        self._order, self._has_moved, self.pages = Order(), False, 0
        self._readings += 1
        self._listing = Listing(visit.settings.generation, resource=self._source.resource, limit=self._limit)
        return self._listing

    def _take(self, page: Sequence[Sighting]) -> bool:
        """Take a page, and tell whether it is the last that is needed."""
        self.pages += 1
        self._order.take(page)
        kept = {one.id: one for one in page if self._is_new(one)}
        self._has_moved |= any(one.created <= self._newest and one.id not in self._found for one in kept.values())
        self._found |= kept
        return self._order.is_newest_first and self._is_enough(page, kept)

    def _is_complete(self) -> bool:
        if not (self._may_have_moved and self._found and (self._readings == 1 or self._has_moved)):
            return True
        if self._readings < MOST_READINGS:
            return False
        log.warning("ittybit's list of %s changed too fast to be read: one may be left out", self._source.resource)
        return True


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
        self._is_crowded = False
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
        """Return the visit at the poller of the connection, which each look reads anew and nothing else does.

        :raises IttybitConfigurationError: the poller has ended since, and the connection cannot be used.
        """
        visit = self._visit
        return visit if visit is not None and visit.is_open else await self._visit_anew()

    async def get(self, resource_id: str) -> dict[str, Any]:
        """Read one resource.

        :raises IttybitError: it cannot be read.
        """
        visit = await self.visit()
        return await visit.send(get_resource(visit.settings.generation, resource_id, self.resource))

    def read_back(self, floor: float | None) -> ReadingBack:
        """Begin to read the list back, for a watcher that did not see all looks.

        :param floor: Unix seconds; ``None`` for the top of the list only.
        """
        return ReadingBack(
            self,
            lambda one: floor is None or one.created >= floor,
            lambda _, kept: floor is None or not kept,
        )

    def read(self, items: Iterable[dict[str, Any]]) -> list[Sighting]:
        """Read a page."""
        return sightings(items, self.resource or "")

    async def _visit_anew(self) -> Visit:
        settings = await self._settings(self.ittybit_conn_id)
        if self._visit is None or not self._visit.serves(settings):
            await self.aclose()
            self._visit = self.pollers.visit(self.ittybit_conn_id, settings, concurrency=self._concurrency)
            self.resource = self.resource or settings.generation.main
        return self._visit

    async def _look(self) -> list[Sighting]:
        await self._visit_anew()
        reading = ReadingBack(self, self._is_new, self._is_enough, LARGE_PAGE if self._is_crowded else PAGE)
        while not await reading.go_on():
            pass
        if reading.pages > MANY_PAGES and not reading.is_newest_first:
            log.warning("ittybit's list of %s is not newest first: each look reads all its pages", self.resource)
        seen = reading.seen
        self._is_crowded = self._began and len(seen) > PAGE - ENOUGH
        self._learn(seen)
        return seen

    def _is_new(self, one: Sighting) -> bool:
        return one.id not in self._known and one.created >= self._horizon

    def _is_enough(self, page: Sequence[Sighting], fresh: Sized) -> bool:
        return not fresh or not self._began or len(page) - len(fresh) >= ENOUGH

    def _learn(self, seen: Iterable[Sighting]) -> None:
        self._began = True
        self._known |= {one.id: one.created for one in seen}
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
