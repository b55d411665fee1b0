"""The generation ``media``: one resource, uploads on their own host (the introduction page of the API reference).

That page leaves open, and it is decided here: the paging has the links and numbers of the later envelope and the
parameter ``page``; a deletion is answered 200 with a message; the entries of ``sources`` have ``id``, ``kind``,
``type``, ``filesize``, ``width``, ``height``, ``duration`` and ``url``; times are ISO 8601. This generation has no
status: ``sources`` is empty until the media is processed. A media whose processing failed says so in ``error``,
which is an addition of the emulator.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.answers import Page, listing, one, told
from airflow_provider_ittybit.emulator.exchange import Exchange, Operation, Route, bad_request, not_found
from airflow_provider_ittybit.emulator.forms import receive_form
from airflow_provider_ittybit.emulator.library import add_file, delete_media, delivery_url
from airflow_provider_ittybit.emulator.records import FAILED, SUCCEEDED, File, Media
from airflow_provider_ittybit.emulator.rendering import main_file
from airflow_provider_ittybit.emulator.seen import as_seen
from airflow_provider_ittybit.emulator.store import Query
from airflow_provider_ittybit.emulator.times import iso
from airflow_provider_ittybit.emulator.waiting import status_of_creation

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_ittybit.emulator.service import Service

_SOURCE_FACTS = ("width", "height", "duration")


def early_media_json(service: Service, media: Media) -> dict[str, Any]:
    """Return a media as this generation shows it, deleted ones too: their sources are gone."""
    query = Query({"media_id": media.id}, descending=False, with_deleted=media.deleted)
    return _as_media(service, media, as_seen(service, service.store.select(File, query)))


def _as_media(service: Service, media: Media, files: list[File]) -> dict[str, Any]:
    first = main_file(files)
    facts = (first.facts if first else None) or {}
    place = delivery_url(service, first) if first else None
    is_image = first is not None and first.kind == "image"
    shown = {
        "id": media.id,
        "object": "media",
        "kind": first.kind if first else None,
        "filename": first.filename if first else None,
        "title": media.title,
        "filesize": first.filesize if first else 0,
        **{name: facts.get(name) for name in _SOURCE_FACTS},
        "sources": [_source_json(service, file) for file in files if _is_playable(file)],
        "urls": {"preview": place, "poster": place if is_image else None, "playback": place},
        "created": iso(media.created),
        "updated": iso(max([media.updated, *(file.updated for file in files)])),
    }
    if first is not None and first.status == FAILED:
        shown["error"] = {"message": first.error}
    return shown


def _is_playable(file: File) -> bool:
    return file.status == SUCCEEDED and file.object == "source" and not file.deleted


def _source_json(service: Service, file: File) -> dict[str, Any]:
    facts = file.facts or {}
    return {
        "id": file.id,
        "kind": file.kind,
        "type": file.type,
        "filesize": file.filesize,
        **{name: facts.get(name) for name in _SOURCE_FACTS},
        "url": delivery_url(service, file),
    }


async def upload(exchange: Exchange) -> Response:
    """Answer ``POST /media`` on the uploads port: a form with ``file`` or ``url``."""
    form = await receive_form(exchange)
    url = form.fields.get("url")
    if (form.file is None) == (not url):
        if form.file is not None and form.file.path is not None:
            exchange.service.blobs.discard(form.file.path)
        message = "Send one of the fields file and url."
        raise bad_request(message)
    file = add_file(exchange.service, form.file, filename=form.filename, origin_url=url or None, doomed=exchange.doom())
    file, status = await status_of_creation(exchange.service, file)
    media = _find(exchange, file.media_id)
    return one(exchange, _as_media(exchange.service, media, as_seen(exchange.service, [file], is_read=False)), status)


async def list_media(exchange: Exchange, kind: str | None = None) -> Response:
    """Answer ``GET /media``, or that of one kind: ``limit`` 1 to 250, default 10; newest first by default."""
    service = exchange.service
    order_by = exchange.choice("orderBy", ("created", "updated", "filesize"), "created")
    descending = exchange.choice("order", ("asc", "desc"), "desc") == "desc"
    limit, number = exchange.integer("limit", 10, 1, 250), exchange.integer("page", 1, 1)
    if kind is None and order_by == "created":
        query = Query(descending=descending)
        page = Page(number, limit, service.store.count(Media, query))
        chosen = service.store.select(Media, query, limit=limit, offset=page.offset)
    else:
        chosen = _sorted_by_files(service, kind, order_by or "created", descending=descending)
        page = Page(number, limit, len(chosen))
        chosen = chosen[page.offset : page.offset + limit]
    return listing(exchange, [early_media_json(service, media) for media in chosen], page)


def _sorted_by_files(service: Service, kind: str | None, order_by: str, *, descending: bool) -> list[Media]:
    """Return all media of a kind in an order that their files decide."""
    firsts: dict[str, File] = {}
    latest: dict[str, float] = {}
    for file in service.store.select(File, Query(descending=False)):
        latest[file.media_id] = max(file.updated, latest.get(file.media_id, 0.0))
        if file.object == "source":
            firsts.setdefault(file.media_id, file)
    chosen = [
        media
        for media in service.store.select(Media, Query(descending=descending))
        if kind is None or (media.id in firsts and firsts[media.id].kind == kind)
    ]
    keys = {
        "updated": lambda media: max(media.updated, latest.get(media.id, 0.0)),
        "filesize": lambda media: firsts[media.id].filesize if media.id in firsts else 0,
    }
    return sorted(chosen, key=keys[order_by], reverse=descending) if order_by in keys else chosen


async def get_media(exchange: Exchange) -> Response:
    """Answer ``GET /media/{id}``, for a deleted media too, as the introduction page says."""
    return one(exchange, early_media_json(exchange.service, _find(exchange, exchange.params["id"])))


async def remove_media(exchange: Exchange) -> Response:
    """Answer ``DELETE /media/{id}``; one that is already deleted is not found."""
    media = _find(exchange, exchange.params["id"])
    if media.deleted:
        what = "media"
        raise not_found(what)
    delete_media(exchange.service, media)
    return told(exchange, f"{media.id} deleted", HTTPStatus.OK)


def _find(exchange: Exchange, media_id: str) -> Media:
    media = exchange.service.store.find(Media, media_id)
    if media is None:
        what = "media"
        raise not_found(what)
    return media


_LISTS = {"/media": None, "/videos": "video", "/images": "image", "/audio": "audio"}
_UPLOAD = Operation({201: "EarlyMedia", 202: "EarlyMedia"}, body="Upload")
_LIST = Operation({200: "EarlyMedia[]"}, query=("page", "early_limit", "orderBy", "order"))

ROUTES = (
    *(Route("POST", path, upload, _UPLOAD, role="uploads") for path in _LISTS),
    *(Route("GET", path, partial(list_media, kind=kind), _LIST) for path, kind in _LISTS.items()),
    Route("GET", "/media/{id}", get_media, Operation({200: "EarlyMedia"})),
    Route("DELETE", "/media/{id}", remove_media, Operation({200: "Message"})),
)
