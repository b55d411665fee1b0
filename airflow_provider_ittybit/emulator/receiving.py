"""Bytes on their way in: a whole body, one part of a form, one chunk. They go to disk piece by piece."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.blobs import Sink, TooLargeError, hash_of
from airflow_provider_ittybit.emulator.exchange import ApiError, Exchange, bad_request
from airflow_provider_ittybit.emulator.library import Received
from airflow_provider_ittybit.emulator.records import Chunked, new_id
from airflow_provider_ittybit.emulator.store import Query

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ittybit.emulator.service import Service

_FORMS = {"any": "[= ]", "equals": "=", "space": " "}


def too_large() -> ApiError:
    """Return the error for more bytes than one file may have, in the words of the API reference pages."""
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")


def refuse_if_announced_too_large(exchange: Exchange) -> None:
    """Refuse a body by its ``Content-Length``, before any of it is read."""
    announced = exchange.request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > exchange.service.settings.max_upload_bytes:
        raise too_large()


def incoming_path(service: Service) -> Path | None:
    """Return a new place for incoming bytes, or None when they are only to be counted."""
    return None if service.settings.discard_bytes else service.blobs.new_path(new_id("part"))


async def receive_whole(exchange: Exchange) -> Received:
    """Take the whole body as one file."""
    refuse_if_announced_too_large(exchange)
    path = incoming_path(exchange.service)
    sink = Sink(path, limit=exchange.service.settings.max_upload_bytes)
    complete = False
    try:
        async for piece in exchange.request.stream():
            sink.write(piece)
        complete = True
    except TooLargeError:
        raise too_large() from None
    finally:
        digest = sink.close()
        if not complete and path is not None:
            exchange.service.blobs.discard(path)
    return Received(path, sink.size, digest)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """Which bytes of a file a chunk has; both ends are inclusive, and ``total`` is the size of the file."""

    first: int
    last: int
    total: int

    @property
    def length(self) -> int:
        """How many bytes the chunk has."""
        return self.last - self.first + 1

    @classmethod
    def parse(cls, header: str, form: str) -> ContentRange:
        """Read ``bytes=0-1/2``, or ``bytes 0-1/2``, or either; raise ApiError for what is no range."""
        match = re.fullmatch(rf"bytes{_FORMS[form]}(\d{{1,15}})-(\d{{1,15}})/(\d{{1,15}})", header.strip())
        found = cls(int(match[1]), int(match[2]), int(match[3])) if match else None
        if found is None or found.first > found.last or found.last >= found.total:
            message = f"The Content-Range {header!r} is not of the form bytes=START-END/TOTAL with END < TOTAL."
            raise bad_request(message)
        return found


async def receive_chunk(exchange: Exchange, wanted: ContentRange, path: str) -> Received | None:
    """Take one chunk of the file at ``path``; return the file if it is complete now, else None.

    Chunks may come in any order and at once. A chunk that is already there may come again with the same bytes;
    one that overlaps others with different bounds is refused. How long the real service keeps an unfinished
    upload, and what it does with a chunk that comes after the last one, is not published: here an unfinished
    upload is kept until it is complete, and a later chunk begins a new one.
    """
    service = exchange.service
    if wanted.total > service.settings.max_upload_bytes:
        raise too_large()
    upload = _upload(service, path, wanted)
    known = _known(upload, wanted)
    target = None if known or service.settings.discard_bytes else service.blobs.new_path(upload.id)
    digest = await _write_chunk(exchange, wanted, target)
    if known is not None:
        if known != digest:
            message = f"The bytes {wanted.first}-{wanted.last} came before with other content."
            raise bad_request(message)
        return None
    return await _note_chunk(service, upload, wanted, digest, target)


async def _write_chunk(exchange: Exchange, wanted: ContentRange, target: Path | None) -> str:
    sink = Sink(target, limit=wanted.length, offset=wanted.first)
    try:
        async for piece in exchange.request.stream():
            sink.write(piece)
    except TooLargeError:
        raise _wrong_length(wanted, "more") from None
    finally:
        digest = sink.close()
    if sink.size != wanted.length:
        raise _wrong_length(wanted, str(sink.size))
    return digest


async def _note_chunk(
    service: Service, upload: Chunked, wanted: ContentRange, digest: str, target: Path | None
) -> Received | None:
    current = service.store.find(Chunked, upload.id)
    if current is None or _known(current, wanted):
        return None  # the same chunk came twice at once, and the other one was noted first
    chunks = [*current.chunks, [wanted.first, wanted.last, digest]]
    service.store.change(current, chunks=chunks)
    if sum(last - first + 1 for first, last, _ in chunks) < wanted.total:
        return None
    service.store.forget(current)
    whole = digest if len(chunks) == 1 else ""
    if target is not None and not whole:
        whole = await asyncio.to_thread(hash_of, target)
    return Received(target, wanted.total, whole)


def _upload(service: Service, path: str, wanted: ContentRange) -> Chunked:
    found = service.store.select(Chunked, Query({"path": path}))
    if not found:
        return service.store.add(Chunked(id=new_id("part"), path=path, total=wanted.total))
    if found[0].total != wanted.total and not found[0].chunks:  # its only chunks were refused
        service.store.forget(found[0])
        service.blobs.discard(service.blobs.new_path(found[0].id))
        return _upload(service, path, wanted)
    if found[0].total != wanted.total:
        message = f"An upload of {found[0].total} bytes to this path has begun, not one of {wanted.total}."
        raise bad_request(message)
    return found[0]


def _known(upload: Chunked, wanted: ContentRange) -> str | None:
    """Return the hash of the same chunk if it is already there; refuse one that overlaps others."""
    for first, last, digest in upload.chunks:
        if (first, last) == (wanted.first, wanted.last):
            return str(digest)
        if first <= wanted.last and wanted.first <= last:
            message = f"The bytes {wanted.first}-{wanted.last} overlap the bytes {first}-{last}, which are there."
            raise bad_request(message)
    return None


def _wrong_length(wanted: ContentRange, got: str) -> ApiError:
    return bad_request(
        f"The Content-Range states {wanted.length} bytes ({wanted.first}-{wanted.last}), "
        f"but the body has {got}. The end of a range is inclusive."
    )
