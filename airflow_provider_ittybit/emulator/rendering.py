"""Files and media as the generations ``files-enveloped`` and ``files-flat`` show them; the others borrow parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.library import delivery_url, files_of
from airflow_provider_ittybit.emulator.records import FAILED, SUCCEEDED, WAITING
from airflow_provider_ittybit.emulator.seen import as_seen
from airflow_provider_ittybit.emulator.times import iso

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.records import File, Media
    from airflow_provider_ittybit.emulator.service import Service

#: What probing finds and a File shows under the same name.
FACTS = (
    "codec",
    "container",
    "width",
    "height",
    "orientation",
    "rotation",
    "transparency",
    "animated",
    "frames",
    "duration",
    "fps",
    "bitrate",
)

FILE_STATUS = {WAITING: "waiting", SUCCEEDED: "ready", FAILED: "failed"}


def file_json(service: Service, file: File) -> dict[str, Any]:
    """Return a File of ittybit's documentation.

    ``error`` appears on a failed file only and is an addition of the emulator: no published File says why it
    failed. ``original`` and ``placeholder`` are left out, since their meaning is not published.
    """
    facts = file.facts or {}
    shown = {
        "id": file.id,
        "media_id": file.media_id,
        "object": file.object,
        "kind": file.kind,
        "type": file.type,
        **{name: facts.get(name) for name in FACTS},
        "filesize": file.filesize,
        "ref": file.ref,
        "folder": file.folder,
        "filename": file.filename,
        "url": delivery_url(service, file),
        "metadata": file.metadata,
        "created_by": service.owner.key_id,
        "created": iso(file.created),
        "updated": iso(file.updated),
        "status": FILE_STATUS.get(file.status, "processing"),
    }
    return {**shown, "error": file.error} if file.status == FAILED else shown


def media_json(service: Service, media: Media, *, is_read: bool = True) -> dict[str, Any]:
    """Return a Media of ittybit's documentation: without a status, with its files and their URLs by ref."""
    files = as_seen(service, files_of(service, media), is_read=is_read)
    first = main_file(files)
    facts = (first.facts if first else None) or {}
    return {
        "id": media.id,
        "object": "media",
        "kind": first.kind if first else None,
        "title": media.title,
        "alt": media.alt,
        "width": facts.get("width"),
        "height": facts.get("height"),
        "duration": facts.get("duration"),
        "files": [file_json(service, file) for file in files],
        "urls": {file.ref: delivery_url(service, file) for file in files if file.ref},
        "metadata": media.metadata,
        "created": iso(media.created),
        "updated": iso(media.updated),
    }


def main_file(files: list[File]) -> File | None:
    """Return the file that says what a media is: its first source."""
    return next((file for file in files if file.object == "source"), None)


def output_json(service: Service, file: File) -> dict[str, Any]:
    """Return a file as the output of a task."""
    facts = file.facts or {}
    return {
        "id": file.id,
        "object": file.object,
        "kind": file.kind,
        "type": file.type,
        "filesize": file.filesize,
        "width": facts.get("width"),
        "height": facts.get("height"),
        "duration": facts.get("duration"),
        "ref": file.ref,
        "url": delivery_url(service, file),
    }
