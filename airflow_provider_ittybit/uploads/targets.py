"""Where bytes are put: a signed URL, renewed when it expires, or the delivery domain of the connection."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_ittybit.api import delivery
from airflow_provider_ittybit.api.generations import Upload
from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitInputError,
    IttybitPermissionError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ittybit.api.messages import Body, Call, Request
    from airflow_provider_ittybit.transport.blocking import BlockingTransport

T = TypeVar("T")

log = logging.getLogger(__name__)

MARGIN = 60.0
"""Seconds before its end from which a signed URL is not used any more."""
LIFETIME = 24 * 3600
"""Seconds for which a URL is good that is signed here; a server may look at its end when the last byte came."""


class Target(Protocol):
    """Where the bytes of one file go."""

    @property
    def server_time(self) -> float | None:
        """Unix seconds, by ittybit's clock, before the first byte was sent."""

    def send(self, call: Callable[[Request], Call[T]], body: Body) -> T:
        """Send bytes.

        :param call: makes the call from the request to the right place.
        """


def target_for(
    transport: BlockingTransport,
    filename: str,
    folder: str | None,
    protocol: Upload,
    signing: Mapping[str, Any] | None = None,
) -> Target:
    """Make the target for a file; a signed URL is asked for at once.

    :param signing: more fields to ask for a signed URL with.
    :raises IttybitInputError: the name has a slash: as part of a path, it would arrive as a folder and another name.
    """
    if "/" in filename:
        message = (
            f"The filename {filename[:200]!r} has a slash, by which a path names folders: pass folder= and filename= "
            "apart. Nothing was sent."
        )
        raise IttybitInputError(message)
    if protocol is Upload.DIRECT_PUT:
        return DeliveryDomain(transport, filename, folder)
    if protocol is Upload.SELF_SIGNED_PUT:
        return SelfSigned(transport, filename, folder)
    return SignedUrl(transport, filename, folder, signing or {})


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


class SelfSigned:
    """The project's own domain, with a signature that is made here for each request.

    The generations that sign no URLs and take no key there document none of it. So if the signature is refused, the
    key is tried, as the files generations allow both.
    """

    def __init__(self, transport: BlockingTransport, filename: str, folder: str | None) -> None:
        self._transport, self._path = transport, delivery.delivery_path(folder, filename)
        self._by_key = DeliveryDomain(transport, filename, folder)
        self._refused = False

    @property
    def server_time(self) -> float | None:
        """Unix seconds, by ittybit's clock, when this is first asked for."""
        return self._by_key.server_time

    def send(self, call: Callable[[Request], Call[T]], body: Body) -> T:
        """Send bytes with a signature, or with the key once a signature was refused."""
        settings = self._transport.settings
        if not self._refused:
            until = int(time.time()) + LIFETIME
            signed = delivery.sign_here(
                settings.delivery_url or "", settings.api_key, self._path, method="put", expiry=until
            )
            try:
                return self._transport.send(call(delivery.to_signed_url(signed.url, body)))
            except (IttybitAuthenticationError, IttybitPermissionError) as error:
                log.warning("The delivery domain refused the signature (%s): trying the key", error.status)
                self._refused = True
        return self._by_key.send(call, body)


class SignedUrl:
    """A signed URL, shared by several threads; when it is about to end, or is refused, a new one is asked for."""

    def __init__(
        self, transport: BlockingTransport, filename: str, folder: str | None, signing: Mapping[str, Any]
    ) -> None:
        self._transport, self._filename, self._folder, self._signing = transport, filename, folder, signing
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
        call = delivery.sign(generation, self._filename, folder=self._folder, method="put", more=self._signing)
        signature = self._transport.send(call)
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
