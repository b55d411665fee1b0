"""Finds the poller for a trigger: one for each event loop and connection, made when it is first needed."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from airflow_provider_ittybit.api.identifiers import resource_of
from airflow_provider_ittybit.triggers.clock import Clock
from airflow_provider_ittybit.triggers.poller import DEFAULT_CONCURRENCY, Poller, Surroundings, over_the_network
from airflow_provider_ittybit.triggers.reading import Readings
from airflow_provider_ittybit.triggers.visiting import Visit
from airflow_provider_ittybit.triggers.waiters import Key, Waiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_ittybit.api.settings import Settings
    from airflow_provider_ittybit.transport.asynchronous import Gate
    from airflow_provider_ittybit.triggers.poller import Transport

Identity = tuple[str, str]
"""Id of a connection, and the fingerprint of all its settings, the key among them."""


class Pollers:
    """All pollers of a process. It keeps none alive: its waiters do, and its event loop.

    :param clock: tells the time.
    :param transport: makes what carries the requests of a poller.
    :param reread: reads the settings of a connection, without blocking.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        transport: Callable[[Settings, Gate], Transport] = over_the_network,
        reread: Callable[[str], Awaitable[Settings]] | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._transport = transport
        self._reread = reread or settings_of
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[Identity, Poller]]
        self._by_loop = WeakKeyDictionary()

    def subscribe(
        self,
        ittybit_conn_id: str,
        settings: Settings,
        resource_id: str,
        *,
        resource: str | None = None,
        poll_interval: float = 10.0,
        deadline: float | None = None,
        failed: int = 0,
        longest_pause: float | None = None,
        concurrency: int = DEFAULT_CONCURRENCY,
    ) -> Waiter:
        """Begin to wait for a resource; await the result's ``future``, and in any case ``leave`` at the end.

        :param settings: of the connection, as it is now.
        :param resource_id: its id.
        :param resource: name of the collection, for an id without a known prefix.
        :param poll_interval: seconds between two looks.
        :param deadline: Unix seconds of the last look.
        :param failed: how many of the last looks failed.
        :param longest_pause: seconds that pauses grow to exponentially, ``None`` for the usual growth.
        :param concurrency: requests for single resources under way at once, if this makes the poller.
        :raises IttybitInputError: what the id names cannot be told.
        :raises IttybitUnsupportedError: the pinned generation has no such resource.
        """
        name = resource_of(settings.generation, resource_id, resource)
        settings.generation.resource(name, "get")
        future = asyncio.get_running_loop().create_future()
        waiter = Waiter(
            Key(name, resource_id),
            future,
            copy_context(),
            poll_interval=poll_interval,
            deadline=deadline,
            failed=failed,
            longest_pause=longest_pause,
        )
        self._poller(settings, ittybit_conn_id=ittybit_conn_id, concurrency=concurrency).join(waiter)
        return waiter

    def visit(self, ittybit_conn_id: str, settings: Settings, *, concurrency: int = DEFAULT_CONCURRENCY) -> Visit:
        """Send through the poller of a connection, and keep it open meanwhile; in any case ``end`` the visit.

        :param settings: of the connection, as it is now.
        :param concurrency: requests for single resources under way at once, if this makes the poller.
        """
        return Visit(self._poller(settings, ittybit_conn_id=ittybit_conn_id, concurrency=concurrency))

    def open(self) -> list[Poller]:
        """Return the pollers of the running event loop."""
        return list(self._by_loop.get(asyncio.get_running_loop(), {}).values())

    def _poller(self, settings: Settings, *, ittybit_conn_id: str, concurrency: int) -> Poller:
        here = self._by_loop.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
        identity = (ittybit_conn_id, settings.fingerprint)
        poller = here.get(identity)
        if poller is None or not poller.is_open:
            around = Surroundings(
                reread=partial(self._reread, ittybit_conn_id),
                find=partial(self._poller, ittybit_conn_id=ittybit_conn_id, concurrency=concurrency),
                forget=partial(_forget, here, identity),
                concurrency=concurrency,
                clock=self._clock,
                transport=self._transport,
            )
            poller = here[identity] = Poller(settings, around)
        return poller


def _forget(here: WeakValueDictionary[Identity, Poller], identity: Identity, poller: Poller) -> None:
    if here.get(identity) is poller:
        del here[identity]


async def settings_now(ittybit_conn_id: str) -> Settings:
    """Read the settings of a connection as they are now, once for all who ask at the same time."""
    readings = _READINGS.setdefault(asyncio.get_running_loop(), Readings(_read))
    return await readings.settings(ittybit_conn_id)


async def _read(ittybit_conn_id: str) -> Settings:
    return await settings_of(ittybit_conn_id)


async def settings_of(ittybit_conn_id: str) -> Settings:
    """Read the settings of a connection as they are now, without blocking."""
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    return await IttybitHook(ittybit_conn_id).aget_settings()


_READINGS: WeakKeyDictionary[asyncio.AbstractEventLoop, Readings] = WeakKeyDictionary()
POLLERS = Pollers()
