"""What the server of the waiting benchmark answers: as much of each contender's API as its waiting needs.

The shapes of ittybit's answers are those of the API reference pages; the others are what the contenders read.
"""

from __future__ import annotations

import json
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from benchmarks.waiting_project import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.waiting_project import Project

MADE_AT = 1_755_000_000
LIST_LIMIT = 100
NUMBER = re.compile(r"(\d+)/?$")
DBT_RUNNING, DBT_SUCCESS = 3, 10


def answer(project: Project, target: str, now: float) -> bytes:
    """Answer a GET; what was asked is counted and noted in the project."""
    parts = urlsplit(target)
    for prefix, (route, handle) in ROUTES.items():
        if parts.path.startswith(prefix):
            project.tally(now).count(route)
            return handle(project, parts.path, dict(parse_qsl(parts.query)), now)
    project.tally(now).count("unknown")
    return response(b'{"message":"not found"}', status=404)


def response(body: bytes, *, status: int = 200, headers: str = "") -> bytes:
    """Write an answer of JSON."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def _number(path: str) -> int:
    found = NUMBER.search(path)
    return int(found[1]) if found else ELSEWHERE


def _one(body: Callable[[int, bool], bytes]) -> Callable[..., bytes]:
    """Make what answers for one resource."""

    def handle(project: Project, path: str, _: Mapping[str, str], now: float) -> bytes:
        index = _number(path)
        project.looked(index, now)
        return response(body(index, project.is_done(index, now)))

    return handle


def _file(index: int, done: bool) -> bytes:  # noqa: FBT001 - one of many functions with this signature
    known = {"width": 1920, "height": 1080, "duration": 63.4, "fps": 30, "filesize": 18_734_221} if done else {}
    file_id = f"file_{index:010d}"
    ready = {
        "codec": "h264",
        "container": "mp4",
        "orientation": "landscape",
        "url": f"https://example.ittybit.net/{file_id}.mp4",
    }
    return _dump(
        {
            "id": file_id,
            "media_id": f"med_{index:010d}",
            "object": "source",
            "kind": "video",
            "type": "video/mp4",
            **known,
            **(ready if done else {}),
            "folder": "benchmark/of/waiting",
            "filename": f"video-{index}.mp4",
            "metadata": {"customer": "4711", "episode": index},
            "created": MADE_AT + index,
            "updated": MADE_AT + index,
            "status": "ready" if done else "processing",
        }
    )


def _media(index: int, done: bool) -> bytes:  # noqa: FBT001 - one of many functions with this signature
    media = {"id": f"med_{index:010d}", "object": "media", "kind": "video", "title": f"Video {index}"}
    return _dump({**media, "files": [json.loads(_file(index, done))], "created": MADE_AT, "updated": MADE_AT})


def _task(index: int, done: bool) -> bytes:  # noqa: FBT001 - one of many functions with this signature
    return _dump(
        {
            "id": f"task_{index:010d}",
            "object": "task",
            "kind": "video",
            "status": "succeeded" if done else "processing",
            "inputs": [{"url": f"https://example.com/videos/{index}.mov"}],
            "outputs": [{"url": f"https://example.ittybit.net/{index}.mp4"}] if done else [],
            "options": {"width": 1280, "height": 720, "format": "mp4"},
            "created_at": MADE_AT + index,
            "updated_at": MADE_AT + index,
        }
    )


def _dbt_run(index: int, done: bool) -> bytes:  # noqa: FBT001 - one of many functions with this signature
    run = {"id": index, "account_id": 1, "project_id": 1, "job_definition_id": 1, "git_branch": "main"}
    state = {"status": DBT_SUCCESS if done else DBT_RUNNING, "is_complete": done, "is_success": done}
    return _dump({"status": {"code": 200, "is_success": True, "user_message": "Success!"}, "data": {**run, **state}})


def _batch(index: int, done: bool) -> bytes:  # noqa: FBT001 - one of many functions with this signature
    counts = {"processing": 0 if done else 1, "succeeded": int(done), "errored": 0, "canceled": 0, "expired": 0}
    made = "2025-08-20T08:00:00Z"
    return _dump(
        {
            "id": f"msgbatch_{index:010d}",
            "type": "message_batch",
            "processing_status": "ended" if done else "in_progress",
            "request_counts": counts,
            "created_at": made,
            "expires_at": "2025-08-21T08:00:00Z",
            "ended_at": made if done else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": None,
        }
    )


def _sensed(project: Project, path: str, _: Mapping[str, str], now: float) -> bytes:
    index = _number(path)
    project.looked(index, now)
    done = project.is_done(index, now)
    return response(b'{"ready":true}' if done else b'{"ready":false}', status=200 if done else 404)


def _files_page(project: Project, _: str, query: Mapping[str, str], now: float) -> bytes:
    page, limit = int(query.get("page", "1")), min(int(query.get("limit", "20")), LIST_LIMIT)
    body = _items(project, (page - 1) * limit, limit, _file, now)
    pages = -(-len(project.listed) // limit)
    others = {"self": page, "first": 1, "prev": page - 1, "next": page + 1, "last": pages}
    links = [
        f'<https://localhost/files?page={number}&limit={limit}>; rel="{name}"'
        for name, number in others.items()
        if 1 <= number <= pages
    ]
    return response(body, headers=f"Links: {', '.join(links)}\r\n")


def _tasks_page(project: Project, _: str, query: Mapping[str, str], now: float) -> bytes:
    limit = min(int(query.get("limit", "20")), LIST_LIMIT)
    start = 0
    if "after" in query:
        start = _position(project, _number(query["after"])) + 1
    more = start + limit < len(project.listed)
    return response(_items(project, start, limit, _task, now), headers=f"Has-More: {str(more).lower()}\r\n")


def _position(project: Project, index: int) -> int:
    """Find where a list shows what a cursor names; what it cannot find is at the end."""
    try:
        return project.listed.index(index)
    except ValueError:
        return len(project.listed)


def _items(project: Project, start: int, limit: int, body: Callable[[int, bool], bytes], now: float) -> bytes:
    shown = project.listed[start : start + limit]
    for index in shown:
        project.looked(index, now)
    return b"[" + b",".join(body(index, project.is_done(index, now)) for index in shown) + b"]"


def _events_page(project: Project, _: str, query: Mapping[str, str], now: float) -> bytes:
    limit = min(int(query.get("limit", "20")), LIST_LIMIT)
    happened = sorted((due, index) for index, due in project.due.items() if due <= now)[::-1]
    numbers = [index for _, index in happened]
    start = numbers.index(_number(query["after"])) + 1 if "after" in query else 0
    if start == 0:
        project.looked_at_all(now)
    unix = time.time() - now
    events: list[dict[str, Any]] = [
        {
            "id": f"evt_{index:010d}",
            "object": "event",
            "kind": "task.succeeded",
            "data": json.loads(_task(index, True)),  # noqa: FBT003 - done
            "created_at": int(due + unix),
        }
        for due, index in happened[start : start + limit]
    ]
    more = start + limit < len(happened)
    return response(_dump(events), headers=f"Has-More: {str(more).lower()}\r\n")


def _dump(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


ROUTES: dict[str, tuple[str, Callable[..., bytes]]] = {
    "/files/": ("one file", _one(_file)),
    "/files": ("list of files", _files_page),
    "/media/": ("one media", _one(_media)),
    "/tasks/": ("one task", _one(_task)),
    "/tasks": ("list of tasks", _tasks_page),
    "/events": ("events", _events_page),
    "/api/v2/accounts/": ("dbt run", _one(_dbt_run)),
    "/sensor/": ("sensed", _sensed),
    "/v1/messages/batches/": ("batch", _one(_batch)),
}
