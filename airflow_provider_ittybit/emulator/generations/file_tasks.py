"""Tasks as the generations ``files-enveloped`` and ``files-flat`` have them (ittybit's documentation).

The options of a kind stand at the top level of the request. Not published, and decided here: the code of
``POST /tasks`` (201), and that the output of a task with ``url`` belongs to a new media. A finished task is
``completed``; the equal word ``ready`` is understood as a filter. ``webhook_url`` is kept and shown in no answer, and
the emulator never calls it.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.answers import listing, one
from airflow_provider_ittybit.emulator.exchange import (
    Exchange,
    Operation,
    Route,
    bad_request,
    not_found,
    text_in,
)
from airflow_provider_ittybit.emulator.generations.files import PAGES, page_of
from airflow_provider_ittybit.emulator.library import live
from airflow_provider_ittybit.emulator.pipelines import add_task
from airflow_provider_ittybit.emulator.records import CANCELLED, FAILED, PROCESSING, SUCCEEDED, WAITING, Task
from airflow_provider_ittybit.emulator.rendering import output_json
from airflow_provider_ittybit.emulator.seen import as_seen
from airflow_provider_ittybit.emulator.store import Query
from airflow_provider_ittybit.emulator.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from airflow_provider_ittybit.emulator.service import Service

logger = logging.getLogger(__name__)

STATUS = {WAITING: "pending", SUCCEEDED: "completed", FAILED: "failed", CANCELLED: "cancelled"}

#: The words of the status filter, and what each means.
FILTER = {
    "pending": WAITING,
    "waiting": WAITING,
    "processing": PROCESSING,
    "completed": SUCCEEDED,
    "ready": SUCCEEDED,
    "failed": FAILED,
    "error": FAILED,
    "cancelled": CANCELLED,
}

SHARED = ("filename", "folder", "ref", "webhook_url")
OWN = frozenset([*SHARED, "url", "file_id", "kind"])

_PICTURE = ("format", "quality", "width", "height", "fit", "background")

#: What the emulator can do, as ``GET /tasks-config`` tells it.
OPTIONS: dict[str, tuple[str, ...]] = {
    "ingest": (),
    "video": (*_PICTURE, "codec", "fps", "start", "end"),
    "image": (*_PICTURE, "start"),
    "audio": ("format", "quality", "bitrate", "start", "end"),
    "thumbnails": (*_PICTURE, "interval"),
}


def task_json(service: Service, task: Task) -> dict[str, Any]:
    """Return a Task of ittybit's documentation; ``progress`` is 100 at the end and 0 before."""
    source = live(service, task.file_id)
    output = live(service, task.outputs[0]) if task.outputs else None
    shown_input = {"url": task.url} if task.url else {"file_id": task.file_id}
    return {
        "id": task.id,
        "object": "task",
        "kind": task.kind,
        "input": output_json(service, source) if source else shown_input,
        "options": task.options,
        "output": output_json(service, output) if output else None,
        "status": STATUS.get(task.status, "processing"),
        "progress": 100 if task.status == SUCCEEDED else 0,
        "error": task.error,
        "created_by": task.created_by,
        "parent_id": task.parent_id,
        "created": iso(task.created),
        "updated": iso(task.updated),
    }


async def list_tasks(exchange: Exchange) -> Response:
    """Answer ``GET /tasks``, newest first, of one ``status`` or ``kind`` if asked.

    The filter goes by the true status, also while ``after_reads:N`` shows another one.
    """
    service = exchange.service
    where: dict[str, str | Iterable[str] | None] = {}
    if status := exchange.choice("status", FILTER):
        where["status"] = FILTER[status]
    if kind := exchange.request.query_params.get("kind"):
        where["kind"] = kind
    query = Query(where)
    page = page_of(exchange, service.store.count(Task, query))
    tasks = as_seen(service, service.store.select(Task, query, limit=page.limit, offset=page.offset))
    return listing(exchange, [task_json(service, task) for task in tasks], page)


async def create_task(exchange: Exchange) -> Response:
    """Answer ``POST /tasks``: one of ``url`` and ``file_id``, ``kind``, and the options of that kind."""
    document = await exchange.document()
    service = exchange.service
    kind = text_in(document, "kind", required=True) or ""
    if kind not in exchange.generation.task_kinds:
        message = f"There is no task kind {kind!r}. The kinds are: {', '.join(sorted(exchange.generation.task_kinds))}."
        raise bad_request(message)
    url, file_id = text_in(document, "url"), text_in(document, "file_id")
    if bool(url) == bool(file_id):
        message = "Send one of the fields url and file_id."
        raise bad_request(message)
    if file_id and live(service, file_id) is None:
        message = f"There is no file {file_id}."
        raise bad_request(message)
    shared = {name: text_in(document, name) for name in SHARED}
    if shared["webhook_url"]:
        logger.warning("The emulator keeps webhook_url but never calls it.")
    options = {name: value for name, value in document.items() if name not in OWN}
    task = add_task(
        service,
        kind=kind,
        url=url,
        file_id=file_id,
        options=options,
        doomed=exchange.doom(),
        filename=shared["filename"],
        folder=shared["folder"],
        ref=shared["ref"],
        webhook_url=shared["webhook_url"],
    )
    [seen] = as_seen(service, [task], is_read=False)
    return one(exchange, task_json(service, seen), HTTPStatus.CREATED)


async def get_task(exchange: Exchange) -> Response:
    """Answer ``GET /tasks/{id}``."""
    task = exchange.service.store.find(Task, exchange.params["id"])
    if task is None:
        what = "task"
        raise not_found(what)
    [seen] = as_seen(exchange.service, [task])
    return one(exchange, task_json(exchange.service, seen))


async def config(exchange: Exchange) -> Response:
    """Answer ``GET /tasks-config``: the kinds that the emulator can do, and their options. Its form is free."""
    known = {kind: {"options": [*names, *SHARED]} for kind, names in OPTIONS.items()}
    return one(exchange, known)


ROUTES = (
    Route("GET", "/tasks", list_tasks, Operation({200: "FileTask[]"}, query=(*PAGES, "file_task_status", "kind"))),
    Route("POST", "/tasks", create_task, Operation({201: "FileTask"}, body="NewFileTask")),
    Route("GET", "/tasks/{id}", get_task, Operation({200: "FileTask"})),
    Route("GET", "/tasks-config", config, Operation({200: "TaskKinds"})),
)
