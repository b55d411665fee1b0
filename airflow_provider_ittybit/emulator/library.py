"""Files and media: making, changing and deleting them, whichever generation asks."""

from __future__ import annotations

from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from airflow_provider_ittybit.emulator.records import SUCCEEDED, File, Media, new_id
from airflow_provider_ittybit.emulator.store import Query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from airflow_provider_ittybit.emulator.service import Service

KINDS = ("video", "image", "audio")

_TYPES = MimeTypes()
for _suffix, _type in (
    (".webp", "image/webp"),
    (".avif", "image/avif"),
    (".heic", "image/heic"),
    (".mkv", "video/x-matroska"),
    (".m4a", "audio/mp4"),
    (".flac", "audio/flac"),
    (".opus", "audio/ogg"),
    (".vtt", "text/vtt"),
):
    _TYPES.add_type(_type, _suffix)


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that arrived: where they lie (nowhere when they were only counted), how many, and their SHA-256."""

    path: Path | None
    size: int
    sha256: str


def guessed_type(name: str | None) -> str:
    """Return the MIME type that a file name suggests."""
    # quoted, since the function reads a URL: a name may begin like a scheme, or have brackets of an IPv6 address
    return (_TYPES.guess_type(quote(name or "", errors="replace"))[0]) or "application/octet-stream"


def name_in(url: str) -> str | None:
    """Return the file name at the end of a URL, or None; fetching tells later what is wrong with a URL."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return PurePosixPath(unquote(path)).name or None


def add_media(service: Service, **fields: Any) -> Media:
    """Make a media without files."""
    return service.store.add(Media(id=new_id("med"), **fields))


def add_file(service: Service, received: Received | None = None, **fields: Any) -> File:
    """Make a file from received bytes, or from ``origin_url``, which is fetched later; have it processed.

    Without ``media_id`` a new media is made for it. Each upload makes a new file, one to the path of an earlier
    file too: what the real service does with such a path is not published.
    """
    filename = fields.pop("filename", None) or name_in(fields.get("origin_url") or "")
    media_id = fields.pop("media_id", None) or add_media(service).id
    guess = guessed_type(filename)
    kind = guess.split("/", 1)[0]
    record = File(
        id=new_id("file"),
        media_id=media_id,
        filename=filename,
        type=guess,
        kind=kind if kind in KINDS else None,
        filesize=received.size if received else 0,
        sha256=received.sha256 if received else None,
        discarded=received is not None and received.path is None,
        **fields,
    )
    if received is not None and received.path is not None:
        service.blobs.adopt(record.id, received.path)
    record = service.store.add(record)
    service.enqueue(record)
    return record


def add_finished_file(service: Service, path: Path, **fields: Any) -> File:
    """Make a file that a task produced; it needs no further processing."""
    record = File(id=new_id("file"), status=SUCCEEDED, finished_at_birth=True, **fields)
    service.blobs.adopt(record.id, path)
    return service.store.add(record)


def delete_file(service: Service, file: File) -> File:
    """Delete a file and its bytes; its media stays."""
    deleted = service.store.change(file, deleted=True)
    service.blobs.remove(file.id)
    service.enqueue_dependents(deleted)
    return deleted


def delete_media(service: Service, media: Media) -> Media:
    """Delete a media and all its files."""
    for file in files_of(service, media):
        delete_file(service, file)
    return service.store.change(media, deleted=True)


def files_of(service: Service, media: Media) -> list[File]:
    """Return the files of a media, oldest first."""
    return service.store.select(File, Query({"media_id": media.id}, descending=False))


def merged(metadata: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return metadata with changes, in which a key that is null is removed (ittybit's documentation)."""
    both = {**metadata, **(changes or {})}
    return {name: value for name, value in both.items() if value is not None}


def delivery_path(file: File) -> str:
    """Return the path of a file's own address on the delivery port: its id, and its name if it has sidecars.

    The API reference pages show ``https://you.ittybit.net/file_…`` as a file's ``url``. A track that refers to a
    sidecar by a relative name needs a folder around it.
    """
    return f"{file.id}/{file.filename}" if file.sidecars else file.id


def delivery_url(service: Service, file: File) -> str:
    """Return the address at which the bytes of a file are."""
    return f"{service.addresses.delivery}/{quote(delivery_path(file))}"


def live(service: Service, file_id: str | None) -> File | None:
    """Return a file that is not deleted, or None."""
    file = service.store.find(File, file_id) if file_id else None
    return None if file is None or file.deleted else file
