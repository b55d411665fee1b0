"""What one watcher makes of the looks: what is new to it, what is ready, and what to tell."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.processing import STATUSES, ProcessingState
from airflow_provider_ittybit.api.watching import READY, Position, Sieve, Sighting, facts_of, has_succeeded
from airflow_provider_ittybit.exceptions import IttybitError, IttybitNotFoundError
from airflow_provider_ittybit.triggers.slices import slices
from airflow_provider_ittybit.triggers.waiters import FINAL, Ended, Waiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_ittybit.triggers.newcomers import Newcomers, ReadingBack, Tick
    from airflow_provider_ittybit.triggers.remembering import Memory

MOST = 100
"""Events of one look. Airflow stores them one by one, and its triggerer must not stand still for long."""
AT_ONCE = 20
"""Resources that are looked after before the event loop may do something else."""

log = logging.getLogger(__name__)


class Lookout:
    """Takes look after look and tells of each resource once.

    :param sieve: what is looked for.
    :param memory: keeps the position.
    :param when: ``ready`` to tell when processing ended well, ``created`` to tell at once.
    :param created_after: Unix seconds from which on to tell at the very first start; by default what comes from then.
    """

    def __init__(self, sieve: Sieve, memory: Memory, *, when: str = READY, created_after: float | None = None) -> None:
        self._sieve = sieve
        self._memory = memory
        self._when = when
        self._created_after = created_after
        self._position: Position | None = None
        self._kept: object = None
        self._followed = 0
        self._reading: ReadingBack | None = None
        self._meanwhile: list[Sighting] = []
        self._ready: dict[str, Sighting] = {}
        self._facts: dict[str, Sighting] = {}
        self._waiters: dict[str, Waiter] = {}

    async def take(self, tick: Tick) -> AsyncIterator[dict[str, Any]]:
        """Take a look and give what to tell: at most 100 resources, the oldest first; the rest follows soon.

        It does not fail: what cannot be read or kept now is tried again at the next look.
        """
        position = await self._begin()
        if position is None:
            return
        for one in await self._new(position, tick):
            self._sort(position, one)
        if position.has_begun:
            await self._look_after(position, tick.source)
        for one in sorted(self._ready.values(), key=lambda one: (one.created, one.id))[:MOST]:
            tick.has_fired = True
            yield dict(one.facts)
            del self._ready[one.id]
            self._finish(position, one.id, one.created)
        tick.has_more = tick.has_more or bool(self._ready)
        position.settle(one.created for one in self._ready.values() if one.id not in position.waiting)
        if position.has_begun and (now := position.to_json()) != self._kept:
            tick.note(partial(self._keep, now))

    async def leave(self) -> None:
        """Wait for nothing any more."""
        while self._waiters:
            _, waiter = self._waiters.popitem()
            await waiter.leave()

    async def _begin(self) -> Position | None:
        if self._position is None:
            try:
                self._kept = await self._memory.load()
                self._position = Position.from_json(self._kept)
            except Exception as error:  # noqa: BLE001 - to begin anew instead would leave out what came meanwhile
                log.warning("The watcher's position cannot be read; nothing is told until it can: %s", _words(error))
        return self._position

    async def _keep(self, position: dict[str, Any]) -> None:
        try:
            await self._memory.save(position)
        except Exception as error:  # noqa: BLE001 - the next look keeps it, and only a restart before that repeats events
            log.warning("The watcher's position cannot be kept now: %s", _words(error))
        else:
            self._kept = position

    async def _new(self, position: Position, tick: Tick) -> list[Sighting]:
        """Tell what is new: of this look, or where looks are missing, of the list back to the position."""
        follows, self._followed = self._followed == tick.number - 1 > 0, tick.number
        if follows and self._reading is None:
            return position.new(tick.seen)
        if self._reading is None or not follows:
            floor = position.floor if position.has_begun else self._created_after
            self._reading, self._meanwhile = tick.source.read_back(floor), []
        else:
            self._meanwhile += tick.seen
        try:
            complete = await self._reading.go_on()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look may work
            log.warning("ittybit's list cannot be read back now: %s", _words(error))
            return []
        if not complete:
            tick.has_more = True
            return []
        seen, self._reading = [*self._reading.seen, *self._meanwhile], None
        if not position.has_begun and self._created_after is None:
            position.begin(seen)
            return []
        if not position.has_begun:
            position.floor = self._created_after
        return position.new(seen)

    def _sort(self, position: Position, one: Sighting) -> None:
        if not self._sieve.lets_through(one.facts):
            if self._sieve.may_let_through(one.facts) and (one.state is None or not one.state.is_final):
                position.waiting[one.id] = one.created
            return
        if self._when != READY or one.state is ProcessingState.SUCCEEDED:
            self._ready[one.id] = one
        elif one.state is not None and one.state.is_final:
            self._drop(position, one.id, one.created)
        else:
            position.waiting[one.id] = one.created
            self._facts[one.id] = one

    async def _look_after(self, position: Position, source: Newcomers) -> None:
        """Wait for what is not ready, together with all who wait over the connection, and see what is by now."""
        async for some in slices(list(position.waiting), AT_ONCE):
            for name in some:
                await self._look_after_one(position, name, source)

    async def _look_after_one(self, position: Position, name: str, source: Newcomers) -> None:
        waiter = self._waiters.get(name)
        try:
            if waiter is None and name not in self._ready:
                self._waiters[name] = await self._wait_for(name, source)
            elif waiter is not None and waiter.is_over:
                del self._waiters[name]
                await waiter.leave()
                await self._judge(position, name, waiter.future.result(), source)
        except IttybitNotFoundError:
            log.info("%s is gone before it was ready", name)
            self._finish(position, name, position.waiting[name])
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look may work
            log.warning("Whether %s is ready cannot be told now: %s", name, _words(error))

    async def _wait_for(self, name: str, source: Newcomers) -> Waiter:
        visit = await source.visit()
        return source.pollers.subscribe(
            source.ittybit_conn_id,
            visit.settings,
            name,
            resource=source.resource,
            poll_interval=source.poll_interval,
        )

    async def _judge(self, position: Position, name: str, ended: Ended, source: Newcomers) -> None:
        created, one = position.waiting[name], self._facts.get(name)
        state = STATUSES.get(str(ended.status).strip().lower()) if ended.outcome == FINAL else None
        if one is not None and state is not None and state.is_final:
            succeeded: bool | None = state is ProcessingState.SUCCEEDED
        else:
            resource = await source.get(name)
            succeeded = has_succeeded(resource)
            one = Sighting(name, created, facts_of(resource, source.resource or ""))
        if succeeded and not self._sieve.lets_through(one.facts):
            self._finish(position, name, created)
        elif succeeded:
            self._ready[name] = one
        elif succeeded is False:
            self._drop(position, name, created)

    def _drop(self, position: Position, name: str, created: float) -> None:
        log.warning("The processing of %s failed or was cancelled at ittybit: it is not told of", name)
        self._finish(position, name, created)

    def _finish(self, position: Position, name: str, created: float) -> None:
        """Keep nothing of it but that it is told of, or needs not be."""
        self._facts.pop(name, None)
        position.tell(name, created)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, IttybitError) else type(error).__name__
