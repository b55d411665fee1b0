"""What a worker does with one file or one task.

What the emulator cannot do ends ``failed`` with a plain sentence, never with a made-up result.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator import pipelines
from airflow_provider_ittybit.emulator.blobs import hash_of
from airflow_provider_ittybit.emulator.fetching import CannotFetchError, fetch
from airflow_provider_ittybit.emulator.library import add_finished_file, add_media, guessed_type, live, name_in
from airflow_provider_ittybit.emulator.records import FAILED, PROCESSING, SUCCEEDED, File, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.service import Service

logger = logging.getLogger(__name__)

#: Kinds whose output is a track beside a media, not a source of it.
TRACKS = frozenset(["thumbnails", "subtitles", "chapters"])
COPIES = frozenset(["ingest", "import", "upload"])


class CannotDoError(Exception):
    """Something that the emulator cannot do; the text is a sentence for a person."""


def process(service: Service, resource_id: str) -> None:
    """Work on one resource; never raise."""
    file, task = service.store.find(File, resource_id), service.store.find(Task, resource_id)
    if file is not None and not file.is_finished and not file.deleted:
        _attempt(service, file, lambda: _process_file(service, file))
        service.enqueue_dependents(file)
    if task is not None and not task.is_finished:
        pipelines.begin(service, task)
        _attempt(service, task, lambda: _process_task(service, task))
        pipelines.end(service, task)


def _attempt(service: Service, record: File | Task, work: Callable[[], dict[str, Any]]) -> None:
    from airflow_provider_ittybit.emulator.media.facts import CannotProcess

    service.store.change(record, status=PROCESSING)
    try:
        _refuse_if_doomed(record)
        changes = {**work(), "status": SUCCEEDED}
    except (CannotDoError, CannotFetchError, CannotProcess) as error:
        changes = {"status": FAILED, "error": str(error)}
    except Exception:
        logger.exception("Processing %s failed", record.id)
        changes = {"status": FAILED, "error": "The emulator failed unexpectedly; its log says more."}
    if isinstance(record, Task):
        changes["finished"] = time.time()
    service.store.change(record, **changes)
    if isinstance(record, File) and live(service, record.id) is None:
        service.blobs.remove(record.id)


def _refuse_if_doomed(record: File | Task) -> None:
    if record.doomed is not None:
        raise CannotDoError(record.doomed)


def _process_file(service: Service, file: File) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if file.discarded:
        return changes
    content = service.blobs.content(file.id)
    if file.origin_url is not None and not content.exists():
        changes = _fetched(service, file.origin_url, lambda path: service.blobs.adopt(file.id, path))
    return {**changes, **_facts(content)}


def _fetched(service: Service, url: str, keep: Callable[[Path], None]) -> dict[str, Any]:
    folder = service.blobs.new_folder()
    try:
        sink = fetch(url, folder / "content", service.settings)
        keep(folder / "content")
    finally:
        service.blobs.discard(folder)
    return {"filesize": sink.size, "sha256": sink.close()}


def _facts(path: Path) -> dict[str, Any]:
    from airflow_provider_ittybit.emulator.media.facts import probe

    facts = asdict(probe(path))
    return {"facts": facts, "kind": facts["kind"], "type": facts["type"], "filesize": facts["filesize"]}


def _process_task(service: Service, task: Task) -> dict[str, Any]:
    from airflow_provider_ittybit.emulator.media.production import PRODUCIBLE

    target = task.destination or task.options.get("url") if task.kind == "export" else task.destination
    if target is not None:
        message = f"The emulator has no storage connections, so it cannot write to {target}."
        raise CannotDoError(message)
    if task.kind == "export":
        source = _input_file(service, task)
        return {"outputs": [source.id] if source else []}
    if task.kind not in PRODUCIBLE | COPIES | {"probe"}:
        message = f"The emulator cannot do tasks of the kind {task.kind!r}."
        raise CannotDoError(message)
    folder = service.blobs.new_folder()
    try:
        source = _input_file(service, task)
        path = folder / "input"
        if source is not None:
            path.hardlink_to(service.blobs.content(source.id))
        else:
            fetch(_url(task), path, service.settings)
        return _do(service, task, path, source)
    finally:
        service.blobs.discard(folder)


def _do(service: Service, task: Task, path: Path, source: File | None) -> dict[str, Any]:
    if task.kind == "probe":
        return {"found": _facts(path)["facts"]}
    media_id = source.media_id if source else add_media(service).id
    shared = {"media_id": media_id, "folder": task.folder, "ref": task.ref}
    if task.kind in COPIES:
        name = task.filename or (source.filename if source else name_in(_url(task)))
        found = _hashed(path)
        return {"outputs": [add_finished_file(service, path, filename=name, **found, **shared).id]}
    return {"outputs": [_produced(service, task, path, shared).id]}


def _produced(service: Service, task: Task, path: Path, shared: dict[str, Any]) -> File:
    from airflow_provider_ittybit.emulator.media.production import produce

    folder = path.parent / "output"
    folder.mkdir()
    output = produce(task.kind, task.options, path, folder)
    sidecars = [other for other in sorted(folder.iterdir()) if other != output]
    name = task.filename or output.name
    if task.kind in TRACKS:
        size, digest = output.stat().st_size, hash_of(output)
        kind = guessed_type(output.name)
        found = {"object": "track", "kind": task.kind, "type": kind, "filesize": size, "sha256": digest}
    else:
        found = _hashed(output)
    made = add_finished_file(
        service, output, filename=name, sidecars=[other.name for other in sidecars], **found, **shared
    )
    for other in sidecars:
        service.blobs.adopt_sidecar(made.id, other)
    return made


def _hashed(path: Path) -> dict[str, Any]:
    return {**_facts(path), "sha256": hash_of(path)}


def _input_file(service: Service, task: Task) -> File | None:
    """Return the file that a task works on, or None if its input is a URL."""
    parent = service.store.find(Task, task.parent_id) if task.parent_id and not task.url else None
    if parent is None and task.url:
        return None
    file = live(service, parent.outputs[0] if parent and parent.outputs else task.file_id)
    if file is None:
        message = "The input of this task is gone, or the task before it made no file."
        raise CannotDoError(message)
    if file.status == FAILED:
        message = f"The input {file.id} could not be processed: {file.error}"
        raise CannotDoError(message)
    if file.discarded:
        message = f"The bytes of {file.id} were not kept, because the setting discard_bytes was on."
        raise CannotDoError(message)
    return file


def _url(task: Task) -> str:
    if task.url is None:
        raise LookupError(task.id)
    return task.url
