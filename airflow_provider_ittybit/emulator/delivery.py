"""The delivery port: the project's own domain, to which files are put and from which they are served.

Sources: ittybit's documentation (direct upload, signatures). With a version header the answer to an upload has that
generation's shape; without one a whole upload is answered in an envelope and a chunked one without, as the two
published pages show it, which name no version.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response

from airflow_provider_ittybit.emulator.answers import one
from airflow_provider_ittybit.emulator.authorization import require_key
from airflow_provider_ittybit.emulator.exchange import ApiError, Exchange, Operation, Route, bad_request, not_found
from airflow_provider_ittybit.emulator.generations.files import answer_created
from airflow_provider_ittybit.emulator.library import add_file, guessed_type, live
from airflow_provider_ittybit.emulator.profiles import FILES_ENVELOPED, FILES_FLAT
from airflow_provider_ittybit.emulator.receiving import ContentRange, receive_chunk, receive_whole
from airflow_provider_ittybit.emulator.records import File
from airflow_provider_ittybit.emulator.rendering import file_json
from airflow_provider_ittybit.emulator.seen import as_seen
from airflow_provider_ittybit.emulator.signing import is_valid
from airflow_provider_ittybit.emulator.store import Query

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.profiles import Generation
    from airflow_provider_ittybit.emulator.service import Service

READERS = ("GET", "HEAD")
TAKE_FILES = (FILES_ENVELOPED, FILES_FLAT)


async def deliver(exchange: Exchange) -> Response:
    """Answer any request on the delivery port."""
    method = exchange.request.method
    if method in READERS:
        return await serve(exchange)
    if exchange.generation not in TAKE_FILES:
        what = "path"
        raise not_found(what)
    if not is_allowed(exchange.generation, method):
        message = f"The method {method} is not supported for this path."
        raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, message, headers={"Allow": "GET, HEAD, PUT"})
    return await receive(exchange)


def is_allowed(generation: Generation, method: str) -> bool:
    """Tell whether a generation has a method on this port."""
    return method in READERS or (method == "PUT" and generation in TAKE_FILES)


def generation_without_header(exchange: Exchange) -> None:
    """Give a request without a version header the shape that the published page for it shows."""
    if exchange.request.method == "PUT" and not exchange.named:
        chunked = "content-range" in exchange.request.headers
        exchange.generation = FILES_FLAT if chunked else FILES_ENVELOPED
        exchange.version = exchange.generation.first


async def receive(exchange: Exchange) -> Response:
    """Answer ``PUT`` of a file, whole or in chunks."""
    _authorize(exchange, "put")
    path = exchange.path.strip("/")
    if not path or exchange.path.endswith("/"):
        message = "An upload needs a file name in its path."
        raise bad_request(message)
    place = PurePosixPath(path)
    names = {"filename": place.name, "folder": str(place.parent) if len(place.parts) > 1 else None}
    header = exchange.request.headers.get("content-range")
    if header is None:
        received = await receive_whole(exchange)
        return await answer_created(exchange, add_file(exchange.service, received, **names, doomed=exchange.doom()))
    wanted = ContentRange.parse(header, exchange.service.settings.content_range_form)
    chunk = await receive_chunk(exchange, wanted, path)
    if chunk is None:
        body = {"message": f"Received bytes {wanted.first}-{wanted.last} of {wanted.total}"}
        return one(exchange, body, HTTPStatus.ACCEPTED, enveloped=False)
    file = add_file(exchange.service, chunk, **names, doomed=exchange.doom())
    [seen] = as_seen(exchange.service, [file], is_read=False)
    return one(exchange, file_json(exchange.service, seen), HTTPStatus.CREATED, enveloped=False)


async def serve(exchange: Exchange) -> Response:
    """Answer ``GET`` and ``HEAD``: the bytes of a file, by its id, or by its folder and name."""
    if not exchange.service.settings.public_delivery:
        _authorize(exchange, "get")
    found = _find(exchange.service, exchange.path.strip("/"))
    if found is None:
        what = "file"
        raise not_found(what)
    file, name = found
    blobs = exchange.service.blobs
    path = blobs.sidecar(file.id, name) if name in file.sidecars else blobs.content(file.id)
    if not path.is_file():
        what = "file"
        raise not_found(what)
    kind = guessed_type(name) if name in file.sidecars else file.type
    return FileResponse(path, media_type=kind)


def _find(service: Service, path: str) -> tuple[File, str] | None:
    """Return the file at a path and the name asked for: by its id, else the newest of that folder and name."""
    place = PurePosixPath(path)
    parts = place.parts
    file = live(service, parts[0]) if parts else None
    if file is not None:
        belongs = len(parts) == 1 or (len(parts) == 2 and parts[1] in (file.filename, *file.sidecars))
        return (file, parts[-1]) if belongs else None
    folder = str(place.parent) if len(parts) > 1 else None
    named = service.store.select(File, Query({"filename": place.name, "folder": folder}), limit=1)
    return (named[0], "") if named else None


def _authorize(exchange: Exchange, method: str) -> None:
    """Let a request pass that carries the key or a signature for this path and method."""
    query = dict(exchange.request.query_params)
    if "signature" not in query:
        require_key(exchange)
    elif not is_valid(exchange.service.signing_key, exchange.path.lstrip("/"), query, method, time.time()):
        message = "The signature of this URL is wrong, is for another method, or has expired."
        raise ApiError(HTTPStatus.FORBIDDEN, message)


_SIGNED = ("expiry", "method", "signature")
_READ = Operation({200: "Bytes", 206: "Bytes", 416: "Bytes"}, query=_SIGNED, headers=("Range",))
_WRITE = Operation(
    {201: "File | Bare File", 202: "File | Received"}, query=_SIGNED, body="Bytes", headers=("Content-Range",)
)

#: For the OpenAPI document, which has no word for a path of any length: here a folder is one segment.
ROUTES = tuple(
    route
    for path in ("/{filename}", "/{folder}/{filename}")
    for route in (
        *(Route(method, path, serve, _READ, role="delivery") for method in READERS),
        Route("PUT", path, receive, _WRITE, role="delivery"),
    )
)
