"""From a request and a connection's settings to exactly what goes out, and who may see the key."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlsplit

from airflow_provider_ittybit import __version__
from airflow_provider_ittybit.api.messages import Body, Origin, Request
from airflow_provider_ittybit.api.settings import HEADER_NAME, RESERVED_HEADERS, Settings, is_loopback
from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_METHOD = re.compile(r"[A-Z]{3,20}")
USER_AGENT = f"airflow-provider-ittybit/{__version__}"


@dataclass(frozen=True, slots=True)
class Wire:
    """A request bound to a connection.

    :param url: the whole URL; hidden from ``repr``, because the query of a signed one is a secret.
    :param headers: all headers but Content-Length; hidden from ``repr``, because the key is among them.
    :param content: a small body, or ``None``.
    :param body: a body to stream, or ``None``.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    body: Body | None = None


def prepare(request: Request, settings: Settings, *, sender: str = "worker") -> Wire:
    """Bind a request to a connection.

    :param sender: what sends it, ``worker`` or ``triggerer``; it stands in the User-Agent.

    The key and the version header are added only for the connection's own hosts: the API, the uploads host
    and the delivery domain. A signed URL carries its own proof and gets neither.

    :raises IttybitConfigurationError: a direct upload without ``delivery_domain``.
    :raises IttybitInputError: a method, path or header that is none or would lead elsewhere, or a signed URL on plain
        http.
    """
    if not _METHOD.fullmatch(request.method):
        message = f"{request.method[:80]!r} is no HTTP method, which is a word in capital letters. Nothing was sent."
        raise IttybitInputError(message)
    _check_path(request)
    headers = {"User-Agent": f"{USER_AGENT} ({sender})", "Accept": "application/json"}
    for name, value in request.headers.items():
        _set(headers, name, value)
    if request.origin is not Origin.SIGNED:
        headers["Authorization"] = f"Bearer {settings.api_key}"
        if settings.version_header and settings.pin.version:
            _set(headers, settings.version_header, settings.pin.version)
    if request.idempotency_key:
        _set(headers, "Idempotency-Key", request.idempotency_key)
    content = None
    if request.body is not None:
        _set(headers, "Content-Type", request.body.content_type)
    elif request.json is not None:
        content = _json(request)
        _set(headers, "Content-Type", "application/json; charset=utf-8")
    return Wire(request.method, _url(request, settings), headers, content, request.body)


def _json(request: Request) -> bytes:
    try:
        return json.dumps(request.json, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reason = str(error)
    message = f"What {request.method} {request.public_path} should send is no JSON: {reason}. Nothing was sent."
    raise IttybitInputError(message)  # out here it has no context: some errors hold all that was to be sent


def _url(request: Request, settings: Settings) -> str:
    if request.origin is Origin.SIGNED:
        try:
            scheme, host = urlsplit(request.path).scheme, urlsplit(request.path).hostname or ""
        except ValueError:
            scheme = host = ""
        if not host or (scheme != "https" and not (scheme == "http" and is_loopback(host))):
            message = f"The signed URL for {request.public_path[:200]!r} is not https, so nothing was sent to it."
            raise IttybitInputError(message)
        return request.path
    base = {
        Origin.API: settings.host,
        Origin.UPLOADS: settings.uploads_url,
        Origin.DELIVERY: settings.delivery_url,
    }[request.origin]
    if base is None:
        message = "This upload needs the project's own domain: set delivery_domain in the extra of the connection."
        raise IttybitConfigurationError(message)
    query: str | None
    try:
        query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
    except UnicodeEncodeError:
        query = None
    if query is None:
        message = f"The query of {request.method} {request.public_path} is no Unicode text. Nothing was sent."
        raise IttybitInputError(message)
    return f"{base}{request.path}{query}"


def _check_path(request: Request) -> None:
    path = request.path
    if request.origin is not Origin.SIGNED and not path.startswith("/"):
        message = f"The path {request.public_path[:200]!r} must begin with a slash; only the connection says the host."
        raise IttybitInputError(message)
    if any(ord(c) <= 0x20 or ord(c) == 0x7F or 0xD800 <= ord(c) <= 0xDFFF for c in path):
        message = f"The path {request.public_path[:200]!r} has a control character or a space in it."
        raise IttybitInputError(message)
    if any(unquote(segment) in (".", "..") for segment in request.public_path.split("/")):
        message = (
            f"The path {request.public_path[:200]!r} has a segment of dots, which would lead elsewhere on the way."
        )
        raise IttybitInputError(message)


def _set(headers: dict[str, str], name: str, value: str) -> None:
    """Set a header in place of any of the same name; no message shows the value, which may be a secret."""
    if name.lower() in RESERVED_HEADERS:
        message = f"The header {name} comes from the connection and cannot be set."
        raise IttybitInputError(message)
    if not HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable() and value == value.strip()):
        message = f"The header {name!r} of this request has a character that no header may have."
        raise IttybitInputError(message)
    for other in [other for other in headers if other.lower() == name.lower()]:
        del headers[other]
    headers[name] = value
