"""The generation ``jobs``: a job is a pipeline of tasks (ittybit's documentation).

Not published, and decided here: the code of ``POST /jobs`` (201); ``GET /tasks/{id}``, which the pages at hand do not
show; the statuses of a task between ``waiting`` and its end; what a known idempotency key with another body does
(the first answer is given again).
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from airflow_provider_ittybit.emulator.answers import one
from airflow_provider_ittybit.emulator.cursors import CURSOR, page_by_cursor
from airflow_provider_ittybit.emulator.exchange import (
    Exchange,
    Operation,
    Route,
    bad_request,
    mapping_in,
    not_found,
    text_in,
)
from airflow_provider_ittybit.emulator.library import delivery_url, live
from airflow_provider_ittybit.emulator.pipelines import add_job, add_task, tasks_of
from airflow_provider_ittybit.emulator.profiles import JOB_KINDS, STEP_KINDS
from airflow_provider_ittybit.emulator.records import (
    CANCELLED,
    FAILED,
    PROCESSING,
    SUCCEEDED,
    WAITING,
    File,
    Job,
    Replay,
    Task,
)
from airflow_provider_ittybit.emulator.rendering import file_json
from airflow_provider_ittybit.emulator.seen import as_seen
from airflow_provider_ittybit.emulator.times import milliseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.responses import Response

    from airflow_provider_ittybit.emulator.service import Service

SCHEMES = ("http://", "https://", "s3://")
BY_URL = frozenset(["probe", "import"])
DAY = 24 * 60 * 60

JOB_STATUS = {
    WAITING: "queued",
    "validating": "queued",
    "queued": "queued",
    SUCCEEDED: "succeeded",
    FAILED: "failed",
    CANCELLED: "cancelled",
}

#: The words of the status filter, and what each means.
FILTER = {"queued": WAITING, **{name: name for name in (PROCESSING, SUCCEEDED, FAILED, CANCELLED)}}


def job_json(service: Service, job: Job, tasks: list[Task]) -> dict[str, Any]:
    """Return a job with its tasks; ``output`` is the address of what it made."""
    output = live(service, job.output_file)
    return {
        "id": job.id,
        "object": "job",
        "kind": job.kind,
        "input": job.input,
        "output": delivery_url(service, output) if output else None,
        "options": job.options,
        "metadata": job.metadata,
        "status": JOB_STATUS.get(job.status, "processing"),
        "error": job.error,
        "tasks": [task_json(service, task) for task in tasks],
        **_times(job),
    }


def task_json(service: Service, task: Task) -> dict[str, Any]:
    """Return a task; its input is ``{url}`` or a File, its output a File, or the facts that a probe found."""
    output = live(service, task.outputs[0]) if task.outputs else None
    return {
        "id": task.id,
        "object": "task",
        "kind": task.kind,
        "input": {"url": task.url} if task.url else _input_json(service, task),
        "output": _file_json(service, output) if output else task.found,
        "options": task.options,
        "status": task.status if task.is_finished or task.status == WAITING else PROCESSING,
        "progress": 100 if task.status == SUCCEEDED else None,
        "error": task.error,
        **_times(task),
    }


def _input_json(service: Service, task: Task) -> dict[str, Any] | None:
    parent = service.store.find(Task, task.parent_id) if task.parent_id else None
    file = live(service, parent.outputs[0] if parent and parent.outputs else task.file_id)
    return _file_json(service, file) if file else None


def _file_json(service: Service, file: File) -> dict[str, Any]:
    shown = file_json(service, file)
    del shown["created"], shown["updated"]
    return {**shown, "created_at": milliseconds(file.created), "updated_at": milliseconds(file.updated)}


def _times(work: Task | Job) -> dict[str, int | None]:
    return {
        "created_at": milliseconds(work.created),
        "started_at": milliseconds(work.started),
        "finished_at": milliseconds(work.finished),
        "updated_at": milliseconds(work.updated),
    }


def once(create: Callable[[Exchange, dict[str, Any]], dict[str, Any]]) -> Callable[[Exchange], Awaitable[Response]]:
    """Make a handler that answers 201, and 200 with the first answer when an idempotency key comes again.

    A key counts for 24 hours and for the path it came with.
    """

    async def handler(exchange: Exchange) -> Response:
        document = await exchange.document()
        store = exchange.service.store
        key = exchange.request.headers.get("idempotency-key")
        name = f"{exchange.path} {key}"
        known = store.find(Replay, name) if key else None
        if known is not None and time.time() - known.created < DAY:
            return one(exchange, known.body)
        body = create(exchange, document)
        if known is not None:
            store.forget(known)
        if key:
            store.add(Replay(id=name, body=body))
        return one(exchange, body, HTTPStatus.CREATED)

    return handler


def create_job(exchange: Exchange, document: dict[str, Any]) -> dict[str, Any]:
    """Carry out ``POST /jobs``: input and kind are required."""
    kind = text_in(document, "kind", required=True) or ""
    _require_kind(kind, JOB_KINDS)
    source = text_in(document, "input", required=True) or ""
    if not source.startswith(SCHEMES):
        message = "The field input must be a URL with the scheme http, https or s3."
        raise bad_request(message, "invalid_input")
    job = add_job(
        exchange.service,
        kind=kind,
        input=source,
        options=mapping_in(document, "options"),
        destination=text_in(document, "output"),
        metadata=mapping_in(document, "metadata") or None,
        webhook_url=text_in(document, "webhook_url"),
        doomed=exchange.doom(),
    )
    return _seen_job(exchange, job, is_read=False)


async def list_jobs(exchange: Exchange) -> Response:
    """Answer ``GET /jobs``, by kind, status and exact input if asked."""
    query = exchange.request.query_params
    where: dict[str, str | Iterable[str] | None] = {name: query[name] for name in ("kind", "input") if name in query}
    if status := exchange.choice("status", FILTER):
        where["status"] = FILTER[status]
    jobs, headers = page_by_cursor(exchange, Job, where)
    return JSONResponse([_seen_job(exchange, job) for job in jobs], headers=headers)


async def get_job(exchange: Exchange) -> Response:
    """Answer ``GET /jobs/{id}``."""
    job = exchange.service.store.find(Job, exchange.params["id"])
    if job is None:
        what = "job"
        raise not_found(what, "job_not_found")
    return one(exchange, _seen_job(exchange, job))


def create_task(exchange: Exchange, document: dict[str, Any]) -> dict[str, Any]:
    """Carry out ``POST /tasks``: a single task, by ``{url}`` or by a File."""
    kind = text_in(document, "kind", required=True) or ""
    _require_kind(kind, STEP_KINDS)
    source = mapping_in(document, "input")
    url, file_id = text_in(source, "url"), text_in(source, "id")
    if kind in BY_URL or not file_id:
        file_id = None
        if not url:
            message = "The field input must be an object with a url, or a File."
            raise bad_request(message, "invalid_input")
    elif live(exchange.service, file_id) is None:
        message = f"There is no file {file_id}."
        raise bad_request(message, "invalid_input")
    else:
        url = None
    options = mapping_in(document, "options")
    task = add_task(exchange.service, kind=kind, url=url, file_id=file_id, options=options, doomed=exchange.doom())
    [seen] = as_seen(exchange.service, [task], is_read=False)
    return task_json(exchange.service, seen)


async def get_task(exchange: Exchange) -> Response:
    """Answer ``GET /tasks/{id}``."""
    task = exchange.service.store.find(Task, exchange.params["id"])
    if task is None:
        what = "task"
        raise not_found(what, "task_not_found")
    [seen] = as_seen(exchange.service, [task])
    return one(exchange, task_json(exchange.service, seen))


def _seen_job(exchange: Exchange, job: Job, *, is_read: bool = True) -> dict[str, Any]:
    [seen] = as_seen(exchange.service, [job], is_read=is_read)
    tasks = as_seen(exchange.service, tasks_of(exchange.service, job), is_read=is_read)
    return job_json(exchange.service, seen, tasks)


def _require_kind(kind: str, known: frozenset[str]) -> None:
    if kind not in known:
        message = f"There is no kind {kind!r} here. The kinds are: {', '.join(sorted(known))}."
        raise bad_request(message)


_ONCE = ("Idempotency-Key",)

ROUTES = (
    Route("GET", "/jobs", list_jobs, Operation({200: "Job[]"}, query=(*CURSOR, "job_status", "kind", "input"))),
    Route("POST", "/jobs", once(create_job), Operation({200: "Job", 201: "Job"}, body="NewJob", headers=_ONCE)),
    Route("GET", "/jobs/{id}", get_job, Operation({200: "Job"})),
    Route("POST", "/tasks", once(create_task), Operation({200: "Step", 201: "Step"}, body="NewStep", headers=_ONCE)),
    Route("GET", "/tasks/{id}", get_task, Operation({200: "Step"})),
)
