"""Where bytes are put: a signed URL, renewed when it expires, or the delivery domain of the connection."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_ittybit.api import delivery
from airflow_provider_ittybit.api.generations import Upload
from airflow_provider_ittybit.exceptions import IttybitAuthenticationError, IttybitPermissionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.api.messages import Body, Call, Request
    from airflow_provider_ittybit.transport.blocking import BlockingTransport

T = TypeVar("T")

MARGIN = 60.0
"""Seconds before its end from which a signed URL is not used any more."""


class Target(Protocol):
    """Where the bytes of one file go."""

    @property
    def server_time(self) -> float | None:
        """Unix seconds, by ittybit's clock, before the first byte was sent."""

    def send(self, call: Callable[[Request], Call[T]], body: Body) -> T:
        """Send bytes.

        :param call: makes the call from the request to the right place.
        """


def target_for(transport: BlockingTransport, filename: str, folder: str | None, protocol: Upload) -> Target:
    """Make the target for a file; a signed URL is asked for at once."""
    if protocol is Upload.DIRECT_PUT:
        return DeliveryDomain(transport, filename, folder)
    return SignedUrl(transport, filename, folder)


class DeliveryDomain:
    """The project's own domain, with the key."""

    def __init__(self, transport: BlockingTransport, filename: str, folder: str | None) -> None:
        self._transport, self._path = transport, delivery.delivery_path(folder, filename)
        self._server_time: float | None = None

    @property
    def server_time(self) -> float | None:
        """Unix seconds, by ittybit's clock, when this is first asked for."""
        if self._server_time is None:
            self._server_time = self._transport.send(delivery.ask_time(self._transport.settings.generation))
        return self._server_time

    def send(self, call: Callable[[Request], Call[T]], body: Body) -> T:
        """Send bytes to the delivery domain."""
        return self._transport.send(call(delivery.to_delivery_domain(self._path, body)))


class SignedUrl:
    """A signed URL, shared by several threads; when it is about to end, or is refused, a new one is asked for."""

    def __init__(self, transport: BlockingTransport, filename: str, folder: str | None) -> None:
        self._transport, self._filename, self._folder = transport, filename, folder
        self._lock = threading.Lock()
        self._signature = self._sign()
        self.server_time = self._signature.server_time

    def send(self, call: Callable[[Request], Call[T]], body: Body) -> T:
        """Send bytes to the signed URL; once more to a new one if this one is refused."""
        signature = self._valid()
        try:
            return self._transport.send(call(delivery.to_signed_url(signature.url, body)))
        except (IttybitAuthenticationError, IttybitPermissionError):
            renewed = self._renew(signature)
            return self._transport.send(call(delivery.to_signed_url(renewed.url, body)))

    def _sign(self) -> delivery.Signature:
        generation = self._transport.settings.generation
        signature = self._transport.send(delivery.sign(generation, self._filename, folder=self._folder, method="put"))
        self._until = float("inf")
        if signature.expires is not None:
            left = signature.expires - (signature.server_time or time.time())
            self._until = time.monotonic() + left - min(MARGIN, left / 2)
        return signature

    def _valid(self) -> delivery.Signature:
        with self._lock:
            signature, until = self._signature, self._until
        return signature if time.monotonic() < until else self._renew(signature)

    def _renew(self, old: delivery.Signature) -> delivery.Signature:
        with self._lock:
            if self._signature is old:
                self._signature = self._sign()
            return self._signature
