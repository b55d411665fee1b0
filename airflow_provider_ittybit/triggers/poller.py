"""One loop that looks at everything for which the triggers of one event loop wait over one connection."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_ittybit.api.calls import get_resource
from airflow_provider_ittybit.api.processing import read_processing
from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitError,
    IttybitPollerError,
    IttybitRateLimitError,
)
from airflow_provider_ittybit.hooks.reading import notice_unknown
from airflow_provider_ittybit.transport.failures import without_key
from airflow_provider_ittybit.triggers.clock import Clock
from airflow_provider_ittybit.triggers.rate_gate import RateGate
from airflow_provider_ittybit.triggers.slices import SLICE, slices
from airflow_provider_ittybit.triggers.survey import Survey
from airflow_provider_ittybit.triggers.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_ittybit.api.messages import Call
    from airflow_provider_ittybit.api.settings import Settings
    from airflow_provider_ittybit.transport.asynchronous import Gate
    from airflow_provider_ittybit.triggers.waiters import Key, Waiter

T = TypeVar("T")

NEARLY = 10_000
"""Waiters at most that are looked at early in a round, if that costs no request of its own."""
REFUSALS = 2
"""Answers 401 in a row after which the key counts as refused for all: they share it."""
DEFAULT_CONCURRENCY = 16

log = logging.getLogger(__name__)


class Transport(Protocol):
    """What carries calls: ``AsyncTransport``, or what stands in for it."""

    async def send(self, call: Call[T]) -> T:
        """Send a call and return what it reads."""

    async def close(self) -> None:
        """Close all connections."""


def over_the_network(settings: Settings, gate: Gate) -> Transport:
    """Make the transport of a poller."""
    from airflow_provider_ittybit.transport.asynchronous import AsyncTransport

    return AsyncTransport(settings, gate=gate)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a poller needs of the world around it.

    :param reread: reads the settings of the connection once more, without blocking.
    :param move: takes a waiter over to the poller of other settings.
    :param forget: is told when no new waiter may join.
    :param concurrency: requests for single resources under way at once.
    :param clock: tells the time.
    :param transport: makes what carries the requests.
    """

    reread: Callable[[], Awaitable[Settings]]
    move: Callable[[Waiter, Settings], None]
    forget: Callable[[Poller], None]
    concurrency: int = DEFAULT_CONCURRENCY
    clock: Clock = field(default_factory=Clock)
    transport: Callable[[Settings, Gate], Transport] = over_the_network


class Poller:
    """Looks for all who wait over one connection: many with one request where it can, the rest one by one.

    It lives from the first ``join`` until the last ``leave``, which closes its network connections. It does not hang:
    whatever ends it, all who still wait get an error.

    :param settings: the checked connection.
    :param around: see ``Surroundings``.
    """

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        self.settings = settings
        self._around = around
        self._clock = around.clock
        self.gate = RateGate(max(1, around.concurrency), self._clock.now)
        self._transport = around.transport(settings, self.gate)
        self.watch = Watch(self._clock)
        self._survey = Survey(settings.generation, self.send, self.watch, self._clock, lambda: self.gate.allowed)
        self._members: set[object] = set()
        self._queue: OrderedDict[Key, None] = OrderedDict()
        self._looks: dict[Key, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._refusals = 0
        self._reading: asyncio.Task[Settings | None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._is_over = False
        # the first trigger's log is none of the poller's business, so it gets no part of that trigger's context
        self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())
        self._task.add_done_callback(self._ended, context=Context())

    @property
    def is_open(self) -> bool:
        """Whether a waiter may still join."""
        return self._closing is None and not (self._is_over or self._task.done() or self._task.cancelling())

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do before the next look is due."""
        return not (self._queue or self._looks or self._news.is_set())

    def join(self, waiter: Waiter) -> None:
        """Wait here from now on."""
        waiter.poller, waiter.era = self, 0
        self._members.add(waiter)
        before = self.watch.next_due()
        self.watch.add(waiter)
        if self.watch.next_due() != before:
            self._news.set()

    async def leave(self, waiter: Waiter) -> None:
        """Wait no more. The last one closes the poller, and returns when its network connections are closed."""
        self.watch.remove(waiter)
        await self.part(waiter)

    def stay(self, guest: object) -> None:
        """Stay open also for a guest, who sends through this poller but waits for nothing that it looks at."""
        self._members.add(guest)

    async def part(self, guest: object) -> None:
        """Let a guest go; see ``leave``."""
        self._members.discard(guest)
        if not self._members:
            await asyncio.shield(self._close())

    def _close(self) -> asyncio.Task[None]:
        """Begin to close, once; nobody can join from this moment on."""
        if self._closing is None:
            self._around.forget(self)
            self._closing = asyncio.get_running_loop().create_task(self._shut(), context=Context())
        return self._closing

    async def _shut(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._transport.close()

    async def _run(self) -> None:
        try:
            while True:
                self._news.clear()
                self._begin_looks()
                due, now = self.watch.next_due(), self._clock.now()
                if due is not None and due <= now:
                    await self._round()
                    await asyncio.sleep(0)
                else:
                    await self._clock.wait(self._news, None if due is None else due - now)
        finally:
            self._is_over = True
            looks = list(self._looks.values())
            for look in looks:
                look.cancel()
            if looks:
                await asyncio.wait(looks)
            await self._transport.close()

    async def _round(self) -> None:
        """Look at what is due: first many at once, then line up the rest."""
        self.watch.begin_round()
        keys: dict[Key, None] = {}
        while some := self.watch.take_due(SLICE):
            keys.update(dict.fromkeys(some))
            await asyncio.sleep(0)
        if not self.gate.is_closed:
            try:
                await self._survey.ask(keys, self.watch.nearly_due(NEARLY))
            except IttybitRateLimitError:
                pass  # the gate has noticed, and the rest waits until it opens
            except IttybitAuthenticationError as error:
                await self._refused(error)
        async for some in slices(keys):
            self._queue.update(dict.fromkeys(self.watch.unanswered(some)))

    def _begin_looks(self) -> None:
        """Ask for what is lined up, as many at once as the gate allows; nothing while it is closed."""
        for _ in range(min(SLICE, len(self._queue))):
            if not self.gate.is_closed and len(self._looks) >= self.gate.allowed:
                return
            key, _ = self._queue.popitem(last=False)
            waiter = self.watch.one_of(key)
            if waiter is None or key in self._looks or not self.watch.unanswered([key]):
                continue
            if self.gate.is_closed:
                self.watch.postpone(key, self.gate.opens_at)
                continue
            # in the context of one who waits, so that what the transport logs stands in the log of its task
            look = asyncio.get_running_loop().create_task(self._look(key), context=waiter.context.copy())
            self._looks[key] = look
            look.add_done_callback(partial(self._look_ended, key), context=Context())
        if self._queue:
            self._news.set()

    async def _look(self, key: Key) -> None:
        asked_at, era = self._clock.time(), self._survey.era
        try:
            call = get_resource(self.settings.generation, key.resource_id, key.collection)
            status = read_processing(await self.send(call))
        except IttybitRateLimitError:
            self.watch.postpone(key, self.gate.opens_at)
        except IttybitAuthenticationError as error:
            await self._refused(error, key)
        except IttybitError as error:
            self.watch.fail(key, error, asked_at)
        else:
            notice_unknown(status, key.resource_id, log)
            self.watch.answer(key, status, asked_at, era)

    def _look_ended(self, key: Key, look: asyncio.Task[None]) -> None:
        del self._looks[key]
        self._news.set()
        if not self._is_over and (reason := _reason(look)) is not None:
            self.watch.give_up(key, self._broken(f"The look at {key.resource_id} broke: {reason}"))

    async def send(self, call: Call[T]) -> T:
        """Send a call; a 429 closes the gate for all, one that a worker got as well.

        :raises IttybitRateLimitError: ittybit asked to slow down, now or a moment ago: see ``gate``.
        """
        try:
            result = await self._transport.send(call)
        except IttybitRateLimitError as error:
            if error.status is not None or error.retry_after is not None:
                pause = self.gate.close(error.retry_after)
                log.warning("ittybit asks to slow down: all %d waiting pause for %.1f s", len(self.watch), pause)
            raise
        except IttybitError as error:
            if error.status is not None and not isinstance(error, IttybitAuthenticationError):
                self._welcomed()
            raise
        self._welcomed()
        return result

    def _welcomed(self) -> None:
        self._refusals = 0
        self.gate.passed()

    async def _refused(self, error: IttybitAuthenticationError, key: Key | None = None) -> None:
        """Handle a 401: if the connection has another key by now, all wait on with that one.

        Else who was asked for gets the error, and at the second 401 in a row all do.
        """
        if self._closing is not None or await self._moved():
            return
        self._refusals += 1
        if self._refusals >= REFUSALS:
            self.watch.give_up_all(error)
        elif key is not None:
            self.watch.give_up(key, error)

    async def _moved(self) -> bool:
        """Read the connection again, once for all who ask at the same time, and move if it is another."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._read_again())
        settings = await asyncio.shield(self._reading)
        if settings is None or settings.fingerprint == self.settings.fingerprint:
            return False
        for waiter in self.watch.all():
            self.watch.remove(waiter)
            self._members.discard(waiter)
            self._around.move(waiter, settings)
        if not self._members:
            self._close()
        return True

    async def _read_again(self) -> Settings | None:
        try:
            return await self._around.reread()
        except Exception as error:  # noqa: BLE001 - whatever it is, the refusal that led here says more
            log.warning("The connection cannot be read again: %s", type(error).__name__)
            return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Let nobody wait for a loop that has ended, whatever ended it."""
        self._around.forget(self)
        reason = _reason(task) or "it returned"
        waiting = sum(not waiter.is_over for waiter in self.watch.all())
        if waiting:
            log.error("The shared poller ended with %d waiting: %s", waiting, reason)
        self.watch.give_up_all(self._broken(f"The shared poller of the triggerer ended: {reason}"))

    def _broken(self, what: str) -> IttybitPollerError:
        message = f"{what}. Processing goes on at ittybit, and a retry of the task waits for it again."
        error = IttybitPollerError(message)
        without_key(error, self.settings.api_key)
        return error


def _reason(task: asyncio.Task[None]) -> str | None:
    """Tell why a task ended early; ``None`` if it did not."""
    if task.cancelled():
        return "it was cancelled"
    error = task.exception()
    return f"{type(error).__name__}: {error}" if error is not None else None
