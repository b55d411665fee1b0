"""Fetching a URL into a file, as the service does for media that it is given by address."""

from __future__ import annotations

import http.client
import urllib.error
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from airflow_provider_ittybit.emulator.blobs import Sink, TooLargeError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ittybit.emulator.settings import Settings

PIECE = 1024 * 1024
LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])


class CannotFetchError(Exception):
    """A URL that could not be fetched; the text is a sentence without the URL's query."""


def fetch(url: str, path: Path, settings: Settings) -> Sink:
    """Fetch ``url`` into ``path``; return the closed sink with its size and hash.

    Only http and https are followed, redirects among them too. Proxies are those of the environment, except for
    loopback addresses.

    :raises CannotFetchError: for another scheme, an answer that is not a success, a connection that breaks off,
        or more bytes than ``max_upload_bytes``.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        message = f"The URL cannot be read: {error}."
        raise CannotFetchError(message) from None
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if parts.scheme not in ("http", "https"):
        message = f"The emulator can fetch http and https only, not {shown}"
        raise CannotFetchError(message)
    sink = Sink(path, limit=settings.max_upload_bytes)
    try:
        request = Request(url, headers={"User-Agent": "ittybit-emulator"})  # noqa: S310 - the scheme is checked above
        with _opener(parts.hostname).open(request, timeout=settings.fetch_timeout) as answer:
            _copy(answer, sink)
    except TooLargeError:
        message = f"{shown} has more than {settings.max_upload_bytes} bytes."
        raise CannotFetchError(message) from None
    except urllib.error.HTTPError as error:
        message = f"{shown} answered {error.code}."
        raise CannotFetchError(message) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        message = f"{shown} could not be fetched: {reason}."
        raise CannotFetchError(message) from error
    finally:
        sink.close()
    return sink


def _copy(answer: http.client.HTTPResponse, sink: Sink) -> None:
    source: BinaryIO = answer
    while piece := source.read(PIECE):
        sink.write(piece)
    announced = answer.headers.get("Content-Length")
    if announced is not None and int(announced) != sink.size:
        message = f"it broke off after {sink.size} of {announced} bytes"
        raise ConnectionError(message)


def _opener(host: str | None) -> OpenerDirector:
    opener = OpenerDirector()
    handlers = (
        ProxyHandler({} if host in LOOPBACK else None),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
    )
    for handler in handlers:
        opener.add_handler(handler)
    return opener
