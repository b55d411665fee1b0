"""What people do with ittybit, each once, over a connection to the server of a test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from task_running import fire, task_context

from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.triggers.processing import ERROR, FINAL, ProcessingTrigger, error_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reliability.servers import Asked

KEY = "ittybit_live_k3yThatNobodyMaySee"
RETRIES = 2
URL = "https://cdn.example/talks/keynote.mp4?signature=c2lnbmVk"
NAME = "clip.mp4"
FILE = {
    "id": "file_1",
    "media_id": "med_1",
    "object": "source",
    "kind": "video",
    "filename": NAME,
    "filesize": 3,
    "width": 640,
    "status": "ready",
    "created": "2025-08-20T10:00:00Z",
}
TASK = {"id": "task_1", "object": "task", "kind": "image", "progress": 100, "status": "completed", "error": None}


def connection(url: str, *, timeout: float, version: str) -> str:
    """Write down an Airflow connection."""
    extra = {"api_version": version, "timeout": timeout, "max_retries": RETRIES}
    return json.dumps({"conn_type": "ittybit", "host": url, "password": KEY, "extra": extra})


def good(asked: Asked) -> Any:
    """Answer as ittybit does."""
    if asked.line == "POST /signatures":
        return {"url": f"http://{asked.headers['host']}/talks/{NAME}?signature=c2lnbmVk", "filename": NAME}
    if asked.line == "GET /files":
        return [FILE]
    if asked.method == "DELETE":
        return {"message": "file_1 deleted"}
    return TASK if asked.line == "POST /tasks" else FILE


def faulty(operation: str) -> Callable[[str], bool]:
    """Tell which requests of an operation meet the fault: an upload meets it with its bytes."""
    return (lambda line: line.startswith("PUT ")) if operation == "upload" else (lambda _: True)


def upload(folder: Path) -> Any:
    (folder / NAME).write_bytes(b"abc")
    return UploadMediaOperator(task_id="task", source=str(folder / NAME), folder="talks").execute(task_context())


def sensor(_: Path) -> bool:
    """Take one look; tell whether it saw the end."""
    task = MediaProcessingSensor(task_id="task", media_id="file_1", mode="poke", poke_interval=1)
    return bool(task.poke(task_context()))


def trigger(_: Path) -> bool:
    """Wait in the triggerer to the end."""
    event = fire(ProcessingTrigger("file_1", poll_interval=0.001))
    if event["outcome"] == ERROR:
        raise error_of(event)
    return bool(event["outcome"] == FINAL)


OPERATIONS: dict[str, Callable[[Path], Any]] = {
    "upload": upload,
    "upload by URL": lambda _: UploadMediaOperator(task_id="task", source=URL, ref="talk-1").execute(task_context()),
    "list": lambda _: ListMediaOperator(task_id="task").execute(task_context()),
    "get": lambda _: GetMediaOperator(task_id="task", media_id="file_1").execute(task_context()),
    "update": lambda _: UpdateMediaOperator(task_id="task", media_id="file_1", folder="x").execute(task_context()),
    "delete": lambda _: DeleteMediaOperator(task_id="task", media_id="file_1").execute(task_context()),
    "create task": lambda _: CreateTaskOperator(task_id="task", kind="image", input=URL).execute(task_context()),
    "sensor": sensor,
    "trigger": trigger,
    "trigger alone": trigger,
}
TRACES = {
    "upload": f"the file '{NAME}' in the folder 'talks'",
    "upload by URL": "a file of 'https://cdn.example/talks/keynote.mp4' (ref 'talk-1')",
    "create task": "a task of the kind 'image' with the input 'https://cdn.example/talks/keynote.mp4'",
}
"""What an error tells a person to look for, if nobody knows whether it is there."""
