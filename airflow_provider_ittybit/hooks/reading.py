"""The reads of the hook for the triggerer: the same calls, carried without blocking its event loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api import calls
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.processing import read_processing
from airflow_provider_ittybit.hooks.connecting import ConnectedHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.transport.asynchronous import AsyncTransport

_UNKNOWN_STATUSES: set[str] = set()
MOST_UNKNOWN = 100
"""Words that are remembered as told already, so that memory stays bounded."""


class TriggererReads(ConnectedHook):
    """Adds ``aget_media``, ``aget_task``, ``alist_media`` and ``aget_processing``."""

    _async_transport: AsyncTransport | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle without the triggerer's connections too; they belong to one event loop."""
        return {**super().__getstate__(), "_async_transport": None}

    async def aget_conn(self) -> AsyncTransport:
        """Return the transport for the running event loop; close it with ``aclose``.

        :return: the transport, made once and kept.
        :raises IttybitConfigurationError: the connection is missing or cannot be used.
        """
        if self._async_transport is None:
            from airflow_provider_ittybit.transport.asynchronous import AsyncTransport

            self._async_transport = AsyncTransport(await self.aget_settings())
        return self._async_transport

    async def aclose(self) -> None:
        """Close the network connections that the triggerer's calls opened."""
        transport, self._async_transport = self._async_transport, None
        if transport is not None:
            await transport.close()

    async def aget_media(self, media_id: str, *, resource: str | None = None) -> dict[str, Any]:
        """Read one resource, with the parameters, result and errors of ``get_media``."""
        transport = await self.aget_conn()
        return await transport.send(calls.get_resource(transport.settings.generation, media_id, resource))

    async def aget_task(self, task_id: str, *, resource: str | None = None) -> dict[str, Any]:
        """Read one processing task, run or job, with the parameters, result and errors of ``get_task``."""
        transport = await self.aget_conn()
        return await transport.send(calls.get_task(transport.settings.generation, task_id, resource))

    async def alist_media(self, **parameters: Any) -> AsyncIterator[dict[str, Any]]:
        """Go through resources, with the parameters, items and errors of ``list_media``."""
        transport = await self.aget_conn()
        listing = Listing(transport.settings.generation, **parameters)
        while listing.call is not None:
            for item in listing.receive(await transport.send(listing.call)):
                yield item
        if listing.remark:
            self.log.warning("%s", listing.remark)

    async def aget_processing(self, media_id: str, *, resource: str | None = None) -> ProcessingStatus:
        """Read where processing stands, with the parameters, result and errors of ``get_processing``."""
        return self._noticed(media_id, read_processing(await self.aget_media(media_id, resource=resource)))

    def _noticed(self, media_id: str, status: ProcessingStatus) -> ProcessingStatus:
        notice_unknown(status, media_id, self.log)
        return status if status.id else replace(status, id=media_id)


def notice_unknown(status: ProcessingStatus, media_id: str, log: Any) -> None:
    """Log each status that is in no vocabulary once in this process, however many hooks and looks there are."""
    if status.known or status.status in _UNKNOWN_STATUSES:
        return
    if len(_UNKNOWN_STATUSES) < MOST_UNKNOWN:
        _UNKNOWN_STATUSES.add(str(status.status))
    log.warning(
        "ittybit reports the status %r for %s, which this provider does not know: it counts as still "
        "processing. A newer version of the provider may know it.",
        status.status,
        media_id,
    )
