"""A guest of a poller: it waits for nothing, and shares session, rate limit and pauses with those who do."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.messages import Call
    from airflow_provider_ittybit.api.settings import Settings
    from airflow_provider_ittybit.triggers.poller import Poller

T = TypeVar("T")


class Visit:
    """Keeps a poller open, and sends through it.

    :param poller: the host.
    """

    __slots__ = ("_poller",)

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        poller.stay(self)

    @property
    def settings(self) -> Settings:
        """The settings of the connection as the poller knows them."""
        return self._poller.settings

    @property
    def is_open(self) -> bool:
        """Whether the poller can still send."""
        return self._poller.is_open

    def serves(self, settings: Settings) -> bool:
        """Tell whether the poller can still send, for a connection as it is now."""
        return self.is_open and self._poller.settings.fingerprint == settings.fingerprint

    @property
    def opens_at(self) -> float:
        """When the rate limit lets something through again, by the poller's clock; in the past if it does now."""
        return self._poller.gate.opens_at

    async def send(self, call: Call[T]) -> T:
        """Send a call and return what it reads.

        :raises IttybitError: ittybit refused, or did not answer, or asked to slow down.
        """
        return await self._poller.send(call)

    async def end(self) -> None:
        """Leave. The last one closes the poller."""
        await self._poller.part(self)
