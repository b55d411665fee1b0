"""The generations ``files-enveloped`` and ``files-flat``: files, media and signatures (ittybit's documentation).

Both have the same routes; :mod:`airflow_provider_ittybit.emulator.answers` wraps the bodies of the first one.
Not published, and decided here: the code of ``POST /files`` (202 while the file is processed), of the other creates
(201), and the answer for an unknown ``media_id`` (400).
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.answers import Page, listing, one, told
from airflow_provider_ittybit.emulator.exchange import (
    ApiError,
    Exchange,
    Operation,
    Route,
    bad_request,
    mapping_in,
    not_found,
    text_in,
)
from airflow_provider_ittybit.emulator.library import (
    add_file,
    add_media,
    delete_file,
    delete_media,
    live,
    merged,
)
from airflow_provider_ittybit.emulator.records import File, Media
from airflow_provider_ittybit.emulator.rendering import file_json, media_json
from airflow_provider_ittybit.emulator.seen import as_seen
from airflow_provider_ittybit.emulator.signing import sign, signed_url
from airflow_provider_ittybit.emulator.store import Query
from airflow_provider_ittybit.emulator.waiting import status_of_creation

if TYPE_CHECKING:
    from starlette.responses import Response

HOUR = 3600
LAST_EXPIRY = 10**15
"""Unix seconds; a later time could not be read again from the signed URL."""


def page_of(exchange: Exchange, total: int) -> Page:
    """Return the page that the query asks for: ``limit`` 1 to 100, default 20."""
    return Page(exchange.integer("page", 1, 1), exchange.integer("limit", 20, 1, 100), total)


async def list_files(exchange: Exchange) -> Response:
    """Answer ``GET /files``, newest first."""
    service, query = exchange.service, Query()
    page = page_of(exchange, service.store.count(File, query))
    files = service.store.select(File, query, limit=page.limit, offset=page.offset)
    return listing(exchange, [file_json(service, file) for file in as_seen(service, files)], page)


async def create_file(exchange: Exchange) -> Response:
    """Answer ``POST /files``: the file is fetched from ``url``, so it begins ``waiting``."""
    document = await exchange.document()
    service = exchange.service
    file = add_file(
        service,
        origin_url=text_in(document, "url", required=True),
        media_id=_media_id_in(exchange, document),
        filename=text_in(document, "filename"),
        folder=text_in(document, "folder"),
        ref=text_in(document, "ref"),
        metadata=merged({}, mapping_in(document, "metadata")),
        doomed=exchange.doom(),
    )
    return await answer_created(exchange, file)


async def answer_created(exchange: Exchange, file: File, *, enveloped: bool | None = None) -> Response:
    """Answer with a file that was just made: 201 when it is already ready, else 202."""
    file, status = await status_of_creation(exchange.service, file)
    [seen] = as_seen(exchange.service, [file], is_read=False)
    return one(exchange, file_json(exchange.service, seen), status, enveloped=enveloped)


async def get_file(exchange: Exchange) -> Response:
    """Answer ``GET /files/{id}``."""
    [file] = as_seen(exchange.service, [_file(exchange)])
    return one(exchange, file_json(exchange.service, file))


async def update_file(exchange: Exchange) -> Response:
    """Answer ``PATCH /files/{id}``: folder, filename, ref, metadata."""
    file = _file(exchange)
    document = await exchange.document()
    changes: dict[str, Any] = {
        name: text_in(document, name) for name in ("folder", "filename", "ref") if name in document
    }
    if "metadata" in document:
        changes["metadata"] = merged(file.metadata, mapping_in(document, "metadata"))
    [changed] = as_seen(exchange.service, [exchange.service.store.change(file, **changes)], is_read=False)
    return one(exchange, file_json(exchange.service, changed))


async def remove_file(exchange: Exchange) -> Response:
    """Answer ``DELETE /files/{id}``."""
    file = delete_file(exchange.service, _file(exchange))
    return told(exchange, f"{file.id} deleted", HTTPStatus.ACCEPTED)


async def list_media(exchange: Exchange) -> Response:
    """Answer ``GET /media``, newest first. One early page has 12 as the default limit; here it is 20."""
    service, query = exchange.service, Query()
    page = page_of(exchange, service.store.count(Media, query))
    found = service.store.select(Media, query, limit=page.limit, offset=page.offset)
    return listing(exchange, [media_json(service, media) for media in found], page)


async def create_media(exchange: Exchange) -> Response:
    """Answer ``POST /media``: an empty media."""
    document = await exchange.document()
    media = add_media(
        exchange.service,
        title=text_in(document, "title"),
        alt=text_in(document, "alt"),
        metadata=merged({}, mapping_in(document, "metadata")),
    )
    return one(exchange, media_json(exchange.service, media, is_read=False), HTTPStatus.CREATED)


async def get_media(exchange: Exchange) -> Response:
    """Answer ``GET /media/{id}``."""
    return one(exchange, media_json(exchange.service, _media(exchange)))


async def update_media(exchange: Exchange) -> Response:
    """Answer ``PATCH /media/{id}``: title, alt, metadata."""
    media = _media(exchange)
    document = await exchange.document()
    changes: dict[str, Any] = {name: text_in(document, name) for name in ("title", "alt") if name in document}
    if "metadata" in document:
        changes["metadata"] = merged(media.metadata, mapping_in(document, "metadata"))
    changed = exchange.service.store.change(media, **changes)
    return one(exchange, media_json(exchange.service, changed, is_read=False))


async def remove_media(exchange: Exchange) -> Response:
    """Answer ``DELETE /media/{id}``: its files go with it."""
    media = delete_media(exchange.service, _media(exchange))
    return told(exchange, f"{media.id} deleted", HTTPStatus.ACCEPTED)


async def create_signature(exchange: Exchange) -> Response:
    """Answer ``POST /signatures``: a URL on the delivery port that needs no key."""
    document = await exchange.document()
    filename = text_in(document, "filename", required=True) or ""
    folder = text_in(document, "folder")
    method = text_in(document, "method") or "get"
    expiry = document.get("expiry") or int(time.time()) + HOUR
    if method not in ("get", "put"):
        message = "The field method must be one of: get, put."
        raise bad_request(message)
    if not isinstance(expiry, int) or isinstance(expiry, bool) or not time.time() < expiry <= LAST_EXPIRY:
        message = "The field expiry must be a time in the future, in Unix seconds."
        raise bad_request(message)
    service = exchange.service
    path = "/".join(part.strip("/") for part in (folder, filename) if part and part.strip("/"))
    body = {
        "domain": service.addresses.delivery.partition("://")[2],
        "filename": filename,
        "folder": folder,
        "expiry": expiry,
        "method": method,
        "signature": sign(service.signing_key, path, expiry, method),
        "url": signed_url(service.addresses.delivery, service.signing_key, path, expiry, method),
    }
    return one(exchange, body, HTTPStatus.CREATED)


async def automations(exchange: Exchange) -> Response:
    """Refuse automations: the emulator does not have them."""
    raise ApiError(HTTPStatus.NOT_IMPLEMENTED, f"The emulator has no automations ({exchange.path}).")


def _file(exchange: Exchange) -> File:
    file = live(exchange.service, exchange.params["id"])
    if file is None:
        what = "file"
        raise not_found(what)
    return file


def _media(exchange: Exchange) -> Media:
    media = exchange.service.store.find(Media, exchange.params["id"])
    if media is None or media.deleted:
        what = "media"
        raise not_found(what)
    return media


def _media_id_in(exchange: Exchange, document: dict[str, Any]) -> str | None:
    media_id = text_in(document, "media_id")
    media = exchange.service.store.find(Media, media_id) if media_id else None
    if media_id and (media is None or media.deleted):
        message = f"There is no media {media_id}."
        raise bad_request(message)
    return media_id


PAGES = ("page", "limit")
_NO_AUTOMATIONS = Operation({501: "Error"})

ROUTES = (
    Route("GET", "/files", list_files, Operation({200: "File[]"}, query=PAGES)),
    Route("POST", "/files", create_file, Operation({201: "File", 202: "File"}, body="NewFile")),
    Route("GET", "/files/{id}", get_file, Operation({200: "File"})),
    Route("PATCH", "/files/{id}", update_file, Operation({200: "File"}, body="FileChanges")),
    Route("DELETE", "/files/{id}", remove_file, Operation({202: "Message"})),
    Route("GET", "/media", list_media, Operation({200: "Media[]"}, query=PAGES)),
    Route("POST", "/media", create_media, Operation({201: "Media"}, body="MediaFields")),
    Route("GET", "/media/{id}", get_media, Operation({200: "Media"})),
    Route("PATCH", "/media/{id}", update_media, Operation({200: "Media"}, body="MediaFields")),
    Route("DELETE", "/media/{id}", remove_media, Operation({202: "Message"})),
    Route("POST", "/signatures", create_signature, Operation({201: "Signature"}, body="NewSignature")),
    *(Route(method, "/automations", automations, _NO_AUTOMATIONS) for method in ("GET", "POST")),
    *(Route(method, "/automations/{id}", automations, _NO_AUTOMATIONS) for method in ("GET", "PATCH", "DELETE")),
)
