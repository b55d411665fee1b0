"""Bytes on their way to the project's own domain: signed URLs, whole files, chunks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_ittybit.api.calls import check_access
from airflow_provider_ittybit.api.decoding import read_resource
from airflow_provider_ittybit.api.failures import unreadable
from airflow_provider_ittybit.api.messages import Body, Call, Origin, Request, Response
from airflow_provider_ittybit.api.timestamps import http_date, read_time
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ittybit.api.generations import Generation

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """A URL that lets its holder read or write one file.

    :param url: the URL; it is a secret.
    :param expires: Unix seconds until which it works, ``None`` if the answer does not say.
    :param server_time: Unix seconds at which ittybit answered, by its own clock; ``None`` without a ``Date`` header.
    """

    url: str = field(repr=False)
    expires: float | None = None
    server_time: float | None = None


def read_signature(request: Request, response: Response) -> Signature:
    """Read the answer to ``POST /signatures``.

    :raises IttybitUnreadableAnswerError: it has no URL.
    """
    found = read_resource(request, response)
    url = found.get("url")
    if not isinstance(url, str) or "://" not in url:
        raise unreadable(request, response, "a signature with a url was expected")
    expiry = read_time(found.get("expiry"))
    return Signature(url, expiry.timestamp() if expiry else None, read_server_time(request, response))


def read_server_time(request: Request, response: Response) -> float | None:  # noqa: ARG001 - as every reader
    """Read ittybit's clock from the ``Date`` header, in Unix seconds."""
    date = http_date(response.headers.get("date"))
    return date.timestamp() if date else None


def sign(
    generation: Generation,
    filename: str,
    *,
    folder: str | None = None,
    method: str = "get",
    expiry: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> Call[Signature]:
    """Ask for a URL that lets its holder read (``get``) or write (``put``) one file.

    :param filename: the file's name.
    :param folder: the folder it is in.
    :param method: ``get`` or ``put``.
    :param expiry: Unix seconds until which the URL works; without it ittybit decides.
    :param more: fields that the reference does not document, such as ``resumable``.
    """
    row = generation.resource("signatures", "create")
    if method not in ("get", "put"):
        message = f"method={method!r} cannot be signed: it is get or put."
        raise IttybitInputError(message)
    if not filename:
        message = "A signed URL needs a filename."
        raise IttybitInputError(message)
    wish = {**(more or {}), "filename": filename, "folder": folder, "method": method, "expiry": expiry}
    body = {name: value for name, value in wish.items() if value is not None}
    # what is signed twice is a URL and makes nothing at ittybit: a signature has no id (ittybit's documentation)
    return Call(Request("POST", row.path, json=body, repeatable=True), read_signature)


def sign_here(base_url: str, key: str, path: str, *, method: str, expiry: int) -> Signature:
    """Sign a URL of the delivery domain with the API key, without asking ittybit.

    The rule is that of ittybit's published code: HMAC-SHA256 with the key over ``{path}?expiry={e}&method={m}``, as
    base64url without padding. Its text describes the signed string in other words, and for a path with other than
    ASCII characters it says nothing; here the path is signed as it is before encoding.

    :param base_url: the delivery domain.
    :param key: the API key, which does not go there.
    :param path: as ``delivery_path`` writes it.
    :param method: ``get`` or ``put``.
    :param expiry: Unix seconds until which the URL works.
    """
    terms = f"expiry={expiry}&method={method}"
    text = f"{unquote(path.lstrip('/'))}?{terms}".encode()
    signature = base64.urlsafe_b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest()).rstrip(b"=").decode()
    return Signature(f"{base_url}{path}?{terms}&signature={signature}", float(expiry))


def ask_time(generation: Generation) -> Call[float | None]:
    """Ask for ittybit's clock, by the cheapest request there is."""
    return Call(check_access(generation).request, read_server_time)


def put(request: Request) -> Call[Resource]:
    """Send a whole file; the request is one of ``to_signed_url`` or ``to_delivery_domain``."""
    return Call(request, read_resource)


def put_chunk(request: Request, content_range: str, *, repeatable: bool, accepted: int = 202) -> Call[Resource | None]:
    """Send a part of a file.

    :param request: as for ``put``.
    :param content_range: which part it is.
    :param repeatable: whether it may be sent again when no answer comes. Sending the same bytes of the same range
        again changes nothing; only after the part that completes the file that is not sure.
    :param accepted: status that means that more parts are awaited.
    :return: a call that gives the file when all parts are there (201 in the reference), ``None`` before.
    """

    def read(request: Request, response: Response) -> Resource | None:
        if response.status == accepted or (response.status < 300 and not response.content.strip()):
            return None
        return read_resource(request, response)

    headers = {**request.headers, "Content-Range": content_range}
    return Call(replace(request, headers=headers, repeatable=repeatable), read)


def to_signed_url(url: str, body: Body) -> Request:
    """Make the request that sends bytes to a signed URL; neither key nor version header go there."""
    request = Request("PUT", url, Origin.SIGNED, body=body)
    return replace(request, traces=_file_at(request.public_path))


def to_delivery_domain(path: str, body: Body) -> Request:
    """Make the request that sends bytes with the key to the delivery domain of the connection."""
    return Request("PUT", path, Origin.DELIVERY, body=body, traces=_file_at(path))


def delivery_path(folder: str | None, filename: str) -> str:
    """Write the path of a file on the delivery domain.

    :raises IttybitInputError: it would lead elsewhere.
    """
    segments = [*(folder or "").split("/"), filename]
    if not filename:
        message = "An upload to the delivery domain needs a filename; nothing was sent."
        raise IttybitInputError(message)
    if any(segment.strip(".") == "" and segment for segment in segments):
        message = f"The folder {folder!r} or filename {filename!r} consists of dots; nothing was sent."
        raise IttybitInputError(message)
    try:
        return "/" + "/".join(quote(segment, safe="") for segment in segments if segment)
    except UnicodeEncodeError:
        message = f"The folder {folder!r} or filename {filename!r} is no Unicode text; pass another filename."
        raise IttybitInputError(message) from None


def _file_at(path: str) -> str:
    """Say which file a path of the delivery domain names."""
    folder, _, name = unquote(path).strip("/").rpartition("/")
    return f"the file {name!r} in the folder {folder!r}" if folder else f"the file {name!r}"
