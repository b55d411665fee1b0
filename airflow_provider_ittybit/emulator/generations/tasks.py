"""The generation ``tasks``: tasks, runs and events (ittybit's documentation).

Not published, and decided here: the code of the creates (201); the form of an entry in ``inputs``; the answer for a
kind that does not exist (``request_invalid``); that ``progress`` of a run is the share of its finished tasks. The kinds
``ingest``, ``upload`` and ``conditions`` exist inside runs only. ``connection_id`` is accepted, but the emulator has no
storage connections: a task with a ``destination`` fails and says so.
"""

from __future__ import annotations

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
from airflow_provider_ittybit.emulator.library import live
from airflow_provider_ittybit.emulator.pipelines import Step, add_run, tasks_of
from airflow_provider_ittybit.emulator.records import SUCCEEDED, Event, File, Run, Task
from airflow_provider_ittybit.emulator.rendering import output_json
from airflow_provider_ittybit.emulator.seen import as_seen
from airflow_provider_ittybit.emulator.times import whole_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from airflow_provider_ittybit.emulator.service import Service

STATUSES = ("waiting", "validating", "queued", "processing", "finishing", "succeeded", "failed", "cancelled")
RUN_ONLY = frozenset(["ingest", "upload", "conditions"])
HUNDRED = 100
MOST_TASKS = 1000
"""In one run. The real limit is not published."""


def task_json(service: Service, task: Task) -> dict[str, Any]:
    """Return a task with its inputs and outputs."""
    return {
        "id": task.id,
        "object": "task",
        "kind": task.kind,
        "status": task.status,
        "progress": HUNDRED if task.status == SUCCEEDED else 0,
        "run_id": task.run_id,
        "inputs": [{"url": task.url}] if task.url else _files(service, _parent_outputs(service, task)),
        "outputs": _files(service, task.outputs),
        "options": task.options,
        "error": task.error,
        "created_by": task.created_by,
        **_times(task),
    }


def run_json(service: Service, run: Run, tasks: list[Task]) -> dict[str, Any]:
    """Return a run with its tasks."""
    done = sum(task.is_finished for task in tasks)
    return {
        "id": run.id,
        "object": "run",
        "status": run.status,
        "progress": HUNDRED * done // len(tasks) if tasks else 0,
        "tasks": [task_json(service, task) for task in tasks],
        "metadata": run.metadata,
        "error": run.error,
        "created_by": run.created_by,
        **_times(run),
    }


def event_json(service: Service, event: Event) -> dict[str, Any]:
    """Return an event; ``data`` is the task or run as it is now, whatever it was when the event was made."""
    task, run = service.store.find(Task, event.subject_id), service.store.find(Run, event.subject_id)
    data = task_json(service, task) if task else None
    if run is not None:
        data = run_json(service, run, tasks_of(service, run))
    return {
        "id": event.id,
        "object": "event",
        "kind": event.kind,
        "data": data,
        "created_at": whole_seconds(event.created),
    }


def _times(work: Task | Run) -> dict[str, int | None]:
    return {
        "created_at": whole_seconds(work.created),
        "started_at": whole_seconds(work.started),
        "finished_at": whole_seconds(work.finished),
        "updated_at": whole_seconds(work.updated),
    }


def _files(service: Service, file_ids: list[str]) -> list[dict[str, Any]]:
    found = (live(service, file_id) for file_id in file_ids)
    return [output_json(service, file) for file in found if isinstance(file, File)]


def _parent_outputs(service: Service, task: Task) -> list[str]:
    parent = service.store.find(Task, task.parent_id) if task.parent_id else None
    return parent.outputs if parent else [task.file_id] if task.file_id else []


async def list_tasks(exchange: Exchange) -> Response:
    """Answer ``GET /tasks``, by status, kind, run_id and created_by if asked."""
    exchange.choice("status", STATUSES)
    tasks, headers = page_by_cursor(exchange, Task, _filters(exchange, "status", "kind", "run_id", "created_by"))
    seen = as_seen(exchange.service, tasks)
    return JSONResponse([task_json(exchange.service, task) for task in seen], headers=headers)


async def create_task(exchange: Exchange) -> Response:
    """Answer ``POST /tasks``: it makes a run of one task."""
    document = await exchange.document()
    if not document.get("url"):
        message = "The field url is required."
        raise bad_request(message, "url_required")
    step = Step(_step_fields(exchange, document, allowed=exchange.generation.task_kinds - RUN_ONLY))
    run = add_run(exchange.service, [step], doomed=exchange.doom())
    [task] = as_seen(exchange.service, tasks_of(exchange.service, run), is_read=False)
    return one(exchange, task_json(exchange.service, task), HTTPStatus.CREATED)


async def get_task(exchange: Exchange) -> Response:
    """Answer ``GET /tasks/{id}``."""
    task = exchange.service.store.find(Task, exchange.params["id"])
    if task is None:
        raise not_found(*_missing("task"))
    [seen] = as_seen(exchange.service, [task])
    return one(exchange, task_json(exchange.service, seen))


async def list_runs(exchange: Exchange) -> Response:
    """Answer ``GET /runs``, by status if asked."""
    exchange.choice("status", STATUSES)
    runs, headers = page_by_cursor(exchange, Run, _filters(exchange, "status"))
    return JSONResponse([_seen_run(exchange, run) for run in runs], headers=headers)


async def create_run(exchange: Exchange) -> Response:
    """Answer ``POST /runs``: ``tasks`` begin together, ``next`` follows each."""
    document = await exchange.document()
    entries = document.get("tasks")
    if not isinstance(entries, list) or not entries:
        message = "The field tasks must be a list with at least one task."
        raise bad_request(message)
    tree = [_step(exchange, entry, is_first=True) for entry in entries]
    if sum(map(_size, tree)) > MOST_TASKS:
        message = f"A run can have {MOST_TASKS} tasks at most."
        raise bad_request(message)
    metadata = mapping_in(document, "metadata") or None
    run = add_run(exchange.service, tree, metadata=metadata, doomed=exchange.doom())
    return one(exchange, _seen_run(exchange, run, is_read=False), HTTPStatus.CREATED)


async def get_run(exchange: Exchange) -> Response:
    """Answer ``GET /runs/{id}``."""
    run = exchange.service.store.find(Run, exchange.params["id"])
    if run is None:
        raise not_found(*_missing("run"))
    return one(exchange, _seen_run(exchange, run))


async def list_events(exchange: Exchange) -> Response:
    """Answer ``GET /events``, by kind if asked."""
    events, headers = page_by_cursor(exchange, Event, _filters(exchange, "kind"))
    return JSONResponse([event_json(exchange.service, event) for event in events], headers=headers)


async def get_event(exchange: Exchange) -> Response:
    """Answer ``GET /events/{id}``."""
    event = exchange.service.store.find(Event, exchange.params["id"])
    if event is None:
        raise not_found(*_missing("event"))
    return one(exchange, event_json(exchange.service, event))


def _seen_run(exchange: Exchange, run: Run, *, is_read: bool = True) -> dict[str, Any]:
    [seen] = as_seen(exchange.service, [run], is_read=is_read)
    tasks = as_seen(exchange.service, tasks_of(exchange.service, run), is_read=is_read)
    return run_json(exchange.service, seen, tasks)


def _step(exchange: Exchange, entry: object, *, is_first: bool) -> Step:
    if not isinstance(entry, dict):
        message = "Each task of a run must be an object."
        raise bad_request(message)
    fields = _step_fields(exchange, entry, allowed=exchange.generation.task_kinds)
    if is_first and not fields["url"]:
        message = "The first task of a run needs a url in its options."
        raise bad_request(message, "url_required")
    following = entry.get("next") or []
    if not isinstance(following, list):
        message = "The field next must be a list of tasks."
        raise bad_request(message)
    return Step(fields, [_step(exchange, child, is_first=False) for child in following])


def _size(step: Step) -> int:
    return 1 + sum(map(_size, step.following))


def _step_fields(exchange: Exchange, entry: dict[str, Any], *, allowed: frozenset[str]) -> dict[str, Any]:
    kind = text_in(entry, "kind", required=True) or ""
    if kind not in allowed:
        message = f"There is no task kind {kind!r} in {exchange.path}. The kinds are: {', '.join(sorted(allowed))}."
        raise bad_request(message)
    options = mapping_in(entry, "options")
    named = {name: options.pop(name, None) for name in ("url", "filename", "folder", "ref")}
    return {
        "kind": kind,
        "url": text_in(entry, "url") or text_in(named, "url"),
        "destination": text_in(entry, "destination"),
        "options": options,
        **{name: text_in(entry, name) or text_in(named, name) for name in ("filename", "folder", "ref")},
    }


def _filters(exchange: Exchange, *names: str) -> dict[str, str | Iterable[str] | None]:
    query = exchange.request.query_params
    return {name: query[name] for name in names if name in query}


def _missing(what: str) -> tuple[str, str]:
    return what, f"{what}_not_found"


_TASK_FILTERS = (*CURSOR, "task_status", "kind", "run_id", "created_by")

ROUTES = (
    Route("GET", "/tasks", list_tasks, Operation({200: "Task[]"}, query=_TASK_FILTERS)),
    Route("POST", "/tasks", create_task, Operation({201: "Task"}, body="NewTask")),
    Route("GET", "/tasks/{id}", get_task, Operation({200: "Task"})),
    Route("GET", "/runs", list_runs, Operation({200: "Run[]"}, query=(*CURSOR, "task_status"))),
    Route("POST", "/runs", create_run, Operation({201: "Run"}, body="NewRun")),
    Route("GET", "/runs/{id}", get_run, Operation({200: "Run"})),
    Route("GET", "/events", list_events, Operation({200: "Event[]"}, query=(*CURSOR, "kind"))),
    Route("GET", "/events/{id}", get_event, Operation({200: "Event"})),
)
