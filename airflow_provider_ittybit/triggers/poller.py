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
from airflow_provider_ittybit.triggers.waiters import ERROR, Ended
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
LONGEST_CLOSE = 5.0
"""Seconds that looks under way, and then connections, may take to end with their poller. The last to leave waits."""

log = logging.getLogger(__name__)


class Transport(Protocol):
    """What carries calls: ``AsyncTransport``, or what stands in for it."""

    async def send(self, call: Call[T], on_departure: Callable[[], None] | None = None) -> T:
        """Send a call and return what it reads.

        :param on_departure: is called when the request goes out, after the wait for its turn.
        """

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
    :param find: finds the poller of other settings of the same connection, or makes it.
    :param forget: is told when no new waiter may join.
    :param concurrency: requests for single resources under way at once.
    :param clock: tells the time.
    :param transport: makes what carries the requests.
    """

    reread: Callable[[], Awaitable[Settings]]
    find: Callable[[Settings], Poller]
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
        self._moving: asyncio.Task[bool] | None = None
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
        before = self._next()
        self.watch.add(waiter)
        if self._next() != before:
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
        if not self._is_over:
            self._task.cancel()
        await asyncio.wait([self._task])
        await self._close_connections()

    async def _run(self) -> None:
        try:
            await self._look_again_and_again()
        except BaseException as error:
            self._is_over = True
            await self._give_up(_told(error))
            raise
        finally:
            looks = list(self._looks.values())
            for look in looks:
                look.cancel()
            if looks:
                await asyncio.wait(looks, timeout=LONGEST_CLOSE)
            await self._close_connections()

    async def _look_again_and_again(self) -> None:
        while True:
            self._news.clear()
            await self.watch.end_overdue()
            self._begin_looks()
            due, now = self.watch.next_due(), self._clock.now()
            if due is not None and due <= now:
                await self._round()
                await asyncio.sleep(0)
            else:
                moment = self._next()
                await self._clock.wait(self._news, None if moment is None else moment - now)

    def _next(self) -> float | None:
        """Tell when there is something to do next."""
        return min((one for one in (self.watch.next_due(), self.watch.next_limit()) if one is not None), default=None)

    async def _close_connections(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_CLOSE):
                await self._transport.close()
        except Exception as error:  # noqa: BLE001 - those who leave are told of their own end, whatever this is
            log.warning("A poller's network connections could not be closed: %s", type(error).__name__)

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
            self.watch.give_up([key], self._broken(f"The look at {key.resource_id} broke: {reason}"))

    async def send(self, call: Call[T], on_departure: Callable[[], None] | None = None) -> T:
        """Send a call; a 429 closes the gate for all, one that a worker got as well.

        :param on_departure: is called when the request goes out, after the wait for its turn.
        :raises IttybitRateLimitError: ittybit asked to slow down, now or a moment ago: see ``gate``.
        """
        closings = self.gate.closings
        try:
            result = await self._transport.send(call, on_departure)
        except IttybitRateLimitError as error:
            if error.status is not None or error.retry_after is not None:
                pause = self.gate.close(error.retry_after)
                log.warning("ittybit asks to slow down: all %d waiting pause for %.1f s", len(self.watch), pause)
            raise
        except IttybitError as error:
            if error.status is not None and not isinstance(error, IttybitAuthenticationError):
                self._welcomed(closings)
            raise
        self._welcomed(closings)
        return result

    def _welcomed(self, closings: int) -> None:
        self._refusals = 0
        self.gate.passed(closings)

    async def _refused(self, error: IttybitAuthenticationError, key: Key | None = None) -> None:
        """Handle a 401: if the connection has another key by now, all wait on with that one.

        Else who was asked for gets the error, and at the second 401 in a row all do.
        """
        if self._closing is not None or await self._moved():
            return
        self._refusals += 1
        if self._refusals >= REFUSALS:
            async for some in slices(self.watch.keys()):
                self.watch.give_up(some, error)
        elif key is not None:
            self.watch.give_up([key], error)

    async def _moved(self) -> bool:
        """Read the connection again, once for all who ask at the same time, and move if it is another."""
        if self._moving is None or self._moving.done():
            self._moving = asyncio.get_running_loop().create_task(self._move_if_changed())
        return await asyncio.shield(self._moving)

    async def _move_if_changed(self) -> bool:
        settings = await self._read_again()
        if settings is None or settings.fingerprint == self.settings.fingerprint:
            return False
        async for some in slices(self.watch.all()):
            if staying := [waiter for waiter in some if waiter in self._members and not waiter.is_over]:
                target = self._around.find(settings)  # for each slice: it may have closed meanwhile
                for waiter in staying:
                    self._hand_over(waiter, target)
        if not self._members:
            self._close()
        return True

    def _hand_over(self, waiter: Waiter, target: Poller) -> None:
        self.watch.remove(waiter)
        self._members.discard(waiter)
        try:
            target.join(waiter)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody else would tell who has just left here
            broken = self._broken(f"The move to another key broke: {_told(error)}")
            waiter.end(Ended(ERROR, waiter.status, broken.to_json()))

    async def _read_again(self) -> Settings | None:
        try:
            return await self._around.reread()
        except Exception as error:  # noqa: BLE001 - whatever it is, the refusal that led here says more
            log.warning("The connection cannot be read again: %s", type(error).__name__)
            return None

    async def _give_up(self, reason: str) -> None:
        """Let nobody wait for a loop that ends."""
        keys = self.watch.keys()
        if keys:
            log.error("The shared poller ended with %d waiting: %s", len(self.watch), reason)
        async for some in slices(keys):
            self.watch.give_up(some, self._over(reason))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Tell those whom the loop could not tell itself: it never began, or was stopped once more while it ended."""
        self._around.forget(self)
        self.watch.give_up(self.watch.keys(), self._over(_reason(task) or "it returned"))

    def _over(self, reason: str) -> IttybitPollerError:
        return self._broken(f"The shared poller of the triggerer ended: {reason}")

    def _broken(self, what: str) -> IttybitPollerError:
        message = f"{what}. Processing goes on at ittybit, and a retry of the task waits for it again."
        error = IttybitPollerError(message)
        without_key(error, self.settings.api_key)
        return error


def _reason(task: asyncio.Task[None]) -> str | None:
    """Tell why a task ended early; ``None`` if it did not."""
    if task.cancelled():
        return _told(asyncio.CancelledError())
    error = task.exception()
    return None if error is None else _told(error)


def _told(error: BaseException) -> str:
    return "it was cancelled" if isinstance(error, asyncio.CancelledError) else f"{type(error).__name__}: {error}"
