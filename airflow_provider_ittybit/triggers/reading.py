"""One reading of a connection for all triggers that begin at the same time."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_ittybit.api.settings import Settings


class Readings:
    """Reads connections, each at most once at a time. It belongs to one event loop.

    Whoever asks gets what was read after asking: those who ask while a reading is under way share the next one. So
    thousands of triggers that a triggerer takes over need few readings, and none gets a connection as it was before.

    :param read: reads the settings of a connection, without blocking.
    """

    def __init__(self, read: Callable[[str], Awaitable[Settings]]) -> None:
        self._read = read
        self._next: dict[str, asyncio.Task[Settings]] = {}
        self._now: dict[str, asyncio.Task[Settings]] = {}

    async def settings(self, ittybit_conn_id: str) -> Settings:
        """Read the settings of a connection as they are now.

        :raises IttybitConfigurationError: the connection is missing or cannot be used.
        """
        task = self._next.get(ittybit_conn_id)
        if task is None:
            reading = self._read_next(ittybit_conn_id)
            # the log of the first trigger is none of the others' business, so it gets no part of that one's context
            task = asyncio.get_running_loop().create_task(reading, context=Context())
            self._next[ittybit_conn_id] = task
        return await asyncio.shield(task)

    async def _read_next(self, ittybit_conn_id: str) -> Settings:
        if (before := self._now.get(ittybit_conn_id)) is not None:
            await asyncio.wait([before])
        task = self._now[ittybit_conn_id] = self._next.pop(ittybit_conn_id)
        try:
            return await self._read(ittybit_conn_id)
        finally:
            if self._now.get(ittybit_conn_id) is task:
                del self._now[ittybit_conn_id]
