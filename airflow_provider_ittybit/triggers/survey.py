"""Asks for many at once: by list pages, and in the ``tasks`` generation by the feed of events."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_ittybit.api.feeding import (
    FEED,
    MOST_PAGES,
    TRUST,
    Thread,
    has_feed,
    is_newest_first,
    newest_news,
)
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.striding import Strides
from airflow_provider_ittybit.api.sweeping import WORTH, Odds, can_be_swept, parts_shown, read_listed
from airflow_provider_ittybit.exceptions import IttybitAuthenticationError, IttybitError, IttybitRateLimitError
from airflow_provider_ittybit.triggers.slices import slices
from airflow_provider_ittybit.triggers.waiters import Key

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping

    from airflow_provider_ittybit.api.decoding import Page
    from airflow_provider_ittybit.api.generations import Generation
    from airflow_provider_ittybit.api.messages import Call
    from airflow_provider_ittybit.triggers.clock import Clock
    from airflow_provider_ittybit.triggers.watch import Watch

    Step = Coroutine[Any, Any, None]

T = TypeVar("T")

LONGEST_STEP = 15.0
"""Seconds for an answer to a list; then what is waited for is asked for one by one."""
LONGEST_SWEEP = 30.0
"""Seconds for all pages of a sweep, since a last look may be due meanwhile; what is then left is asked for singly.

The time that pages wait in line for a rate limit counts neither here nor there: one by one it would take far longer.
"""
PATIENCE = 0.1
"""Part of what asking one by one would cost that pages without anybody may cost in a row."""
AT_ONCE = 16
"""Pages under way at once, where they have numbers."""
NEARLY = 10_000
"""Waiters at most for whom the feed is followed during a sweep."""
ITEMS = 50
"""Items of a page that are taken in before the event loop may do something else."""

log = logging.getLogger(__name__)


class Send(Protocol):
    """Sends a call and returns what it reads."""

    async def __call__(self, call: Call[T], on_departure: Callable[[], None] | None = None) -> T:
        """Send a call.

        :param on_departure: is called when the request goes out, after the wait for its turn.
        """


class Survey:
    """Answers as many as it can with few requests, and remembers what paid.

    :param generation: the pinned generation.
    :param send: sends a call.
    :param watch: gets the answers.
    :param clock: tells the time.
    :param allowed: tells how many requests may be under way at once now.
    """

    def __init__(
        self, generation: Generation, send: Send, watch: Watch, clock: Clock, allowed: Callable[[], int]
    ) -> None:
        self._generation = generation
        self._send = send
        self._watch = watch
        self._clock = clock
        self._allowed = allowed
        self._thread = Thread()
        self._in_line = 0.0
        self._odds: defaultdict[str, Odds] = defaultdict(Odds)
        self._proven: defaultdict[str, set[str]] = defaultdict(set)
        if not has_feed(generation):
            self._odds[FEED].give_up()

    @property
    def era(self) -> int:
        """What a look that begins now belongs to: see ``feeding.Thread``."""
        return self._thread.era

    async def ask(self, keys: Iterable[Key], early: Iterable[Key] = ()) -> None:
        """Have those of the keys answered for which it costs fewer requests than asking one by one.

        :param keys: what is due.
        :param early: what is nearly due, and can be answered along with it.
        :raises IttybitRateLimitError: ittybit asked to slow down; the rest was not asked for.
        :raises IttybitAuthenticationError: the key was refused.
        """
        due, early = list(keys), list(early)
        if len(due) + len(early) >= WORTH and self._odds[FEED].favour():
            await self._try(FEED, self._follow(list(dict.fromkeys([*due, *early]))))
            left: list[Key] = []
            async for part in slices(due):
                left += self._watch.unanswered(part)
            due = left
        await asyncio.sleep(0)
        by_collection: defaultdict[str, set[Key]] = defaultdict(set)
        async for part in slices(due):
            for key in part:
                by_collection[key.collection].add(key)
        async for part in slices(early):
            for key in part:
                if key.collection in by_collection and self._watch.is_wanted_soon(key):
                    by_collection[key.collection].add(key)
        for collection, some in by_collection.items():
            worthwhile = len(some) >= WORTH and can_be_swept(self._generation, collection)
            if worthwhile and self._odds[collection].favour(len(some)):
                await self._try(collection, self._sweep(collection, some))

    async def _try(self, name: str, step: Step) -> None:
        """Do one step; whatever else goes wrong with it costs no more than asking one by one."""
        odds = self._odds[name]
        try:
            await step
        except (IttybitRateLimitError, IttybitAuthenticationError):
            raise
        except (IttybitError, TimeoutError) as error:
            log.info("ittybit's list of %s was of no use, so what is waited for is asked for singly: %s", name, error)
            odds.learn(0, 1)
            if isinstance(error, IttybitError) and error.is_final:
                odds.give_up()
        except Exception:
            log.exception("The list of %s cannot be used; what is waited for is asked for one by one.", name)
            odds.give_up()

    async def _sweep(self, collection: str, wanted: set[Key]) -> None:
        """Read list pages, newest first, while each answers at least two who wait.

        It reads at most one page for two who are due. Pages in a row that answer nobody may cost a tenth of what
        asking for the rest one by one would: after a restart the oldest are taken over first. Whoever waits is
        answered, due or not: so those who began at different times come to be due together.
        """
        strides, number, useless = Strides(self._generation, collection), len(wanted), 0
        until = self._clock.now() + LONGEST_SWEEP - self._in_line
        while len(wanted) >= WORTH and useless <= PATIENCE * len(wanted) and self._clock.now() < until + self._in_line:
            most = min(AT_ONCE, self._allowed(), number // WORTH - strides.read)
            calls = strides.calls(len(wanted), most)
            if not calls:
                break
            asked_at, era = self._clock.time(), self.era
            try:
                async with aclosing(self._answers(calls)) as pages:
                    async for page in pages:
                        [items] = strides.receive([page])
                        found = await self._take_page(collection, items, asked_at, era)
                        wanted -= found
                        useless = 0 if len(found) >= WORTH else useless + 1
            except (IttybitRateLimitError, IttybitAuthenticationError):
                raise
            except (IttybitError, TimeoutError) as error:
                if not strides.read:
                    raise
                log.info("ittybit's list of %s was of use for %d pages only: %s", collection, strides.read, error)
                break
            await self._keep_up()
        self._odds[collection].learn(number - len(wanted), strides.read)

    async def _answers(self, calls: list[Call[Page]]) -> AsyncGenerator[Page, None]:
        """Send calls at once and give the answers in their order, as far as the first that fails.

        Its error is raised when all have been answered that were under way then; those still in line are not sent.
        Whose last look may come too late is seen before and meanwhile.
        """
        await self._watch.end_overdue()
        began = last = self._clock.now()
        gone: set[asyncio.Task[Any] | None] = set()

        async def read(call: Call[Page]) -> Page:
            async with asyncio.timeout(None) as limit:

                def go() -> None:
                    nonlocal last
                    if limit.when() is None:
                        limit.reschedule(asyncio.get_running_loop().time() + LONGEST_STEP)
                        gone.add(asyncio.current_task())
                        last = self._clock.now()

                return await self._send(call, go)

        asked = [asyncio.ensure_future(read(call)) for call in calls]
        ended = asyncio.gather(*asked, return_exceptions=True)
        try:
            for page in asked:
                while not (await asyncio.wait([page], timeout=LONGEST_STEP))[0]:
                    await self._watch.end_overdue()
                yield page.result()
        except Exception:
            for page in asked:
                if page not in gone:
                    page.cancel()
            await ended
            raise
        finally:
            for page in asked:
                page.cancel()
            self._in_line += last - began

    async def _take_page(self, collection: str, items: list[dict[str, Any]], asked_at: float, era: int) -> set[Key]:
        self._proven[collection] |= parts_shown(items)
        found: set[Key] = set()
        async for some in slices(items, ITEMS):
            found |= self._take(collection, some, asked_at, era)
        return found

    async def _keep_up(self) -> None:
        """Follow the feed also during a sweep that takes longer than a pause."""
        due, now = self._watch.next_due(), self._clock.now()
        if self._thread.is_taken_up and due is not None and due <= now and self._odds[FEED].favour():
            self._watch.begin_round()
            await self._try(FEED, self._follow(self._watch.nearly_due(NEARLY)))

    def _take(self, collection: str, items: Iterable[Mapping[str, Any]], asked_at: float, era: int) -> set[Key]:
        """Answer whoever waits for an item of a page; return what was answered."""
        found = set()
        for item in items:
            key = Key(collection, str(item.get("id")))
            status = read_listed(item, self._proven[collection]) if key in self._watch else None
            if status is not None:
                found.add(key)
                self._watch.answer(key, status, asked_at, era)
        return found

    async def _follow(self, wanted: list[Key]) -> None:
        """Catch up with the feed, and answer all whom it can answer for."""
        trusting: list[Key] = []
        async for some in slices(wanted):
            trusting += [key for key in some if self._watch.may_trust_feed(key, self.era, TRUST)]
        if self._thread.is_taken_up and len(trusting) < WORTH:
            return
        most = min(MOST_PAGES, len(trusting) // WORTH) if self._thread.is_taken_up else 1
        asked_at = self._clock.time()
        newest, events, pages, caught_up = await self._read_feed(most)
        if self._odds[FEED].given_up:
            return
        self._tell(events, asked_at)
        if not (self._thread.is_taken_up and caught_up):
            behind = self._thread.is_taken_up
            self._thread.take_up(newest)
            if behind:
                self._odds[FEED].learn(0, pages)
            return
        self._thread.advance(newest)
        named = {news.resource_id for news in newest_news(events)}
        async for some in slices(trusting):
            for key in some:
                if key.resource_id not in named:
                    self._watch.nothing_new(key)
        self._odds[FEED].learn(len(trusting), pages)

    async def _read_feed(self, most: int) -> tuple[list[Any], list[Any], int, bool]:
        """Read what is new: the first page, all unread events, the number of pages, and whether none is left out."""
        listing = Listing(self._generation, resource=FEED)
        newest: list[Any] = []
        events: list[Any] = []
        pages, met = 0, False
        while (call := listing.call) is not None and pages < most and not met:
            [page] = [page async for page in self._answers([call])]
            pages += 1
            if not is_newest_first(page.items):
                self._odds[FEED].give_up()
                break
            newest = newest or list(page.items)
            unread, met = self._thread.unread(list(listing.receive(page)))
            events += unread
        return newest, events, pages, met or listing.call is None

    def _tell(self, events: list[Any], asked_at: float) -> None:
        """Pass on what the events say to all who wait, due or not: an event is met once only."""
        if not self._thread.is_taken_up:
            return
        for news in newest_news(events):
            for collection in self._generation.resources:
                key = Key(collection, news.resource_id)
                if key not in self._watch:
                    continue
                if news.status is None:
                    self._watch.doubt(key)
                else:
                    self._watch.answer(key, news.status, asked_at)
