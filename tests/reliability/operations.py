"""What people do with ittybit, each once, over a connection to the server of a test."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import PokeReturnValue
from reliability.servers import A_CONNECTION
from reliability.table import TRIGGERS
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
EVENT = {"outcome": FINAL, "id": "file_1", "status": "ready"}
"""What a trigger tells of a file at the end."""
TASK = {"id": "task_1", "object": "task", "kind": "image", "progress": 100, "status": "completed", "error": None}


def connection(url: str, *, timeout: float, version: str, **more: Any) -> str:
    """Write down an Airflow connection, with more of its extras."""
    extra = {"api_version": version, "timeout": timeout, "max_retries": RETRIES, **more}
    return json.dumps({"conn_type": "ittybit", "host": url, "password": KEY, "extra": extra})


def good(asked: Asked) -> Any:
    """Answer as ittybit does."""
    if asked.line == "POST /signatures":
        return {"url": f"http://{asked.headers['host']}/talks/{NAME}?signature=c2ln_1", "filename": NAME}
    if asked.line == "GET /files":
        return [FILE]
    if asked.method == "DELETE":
        return {"message": "file_1 deleted"}
    return TASK if asked.line == "POST /tasks" else FILE


def signing_for(place: Callable[[], str]) -> Callable[[Asked], Any]:
    """Answer as ittybit does, but for signed URLs, which lead to another server.

    :param place: tells the base URL of that.
    """

    def answer(asked: Asked) -> Any:
        found = good(asked)
        if asked.line == "POST /signatures":
            found["url"] = f"{place()}/{found['url'].split('/', 3)[3]}"
        return found

    return answer


MET_BY = {"upload": "PUT", "signing": "POST /signatures", "middle chunk": "bytes=1-1/3", "last chunk": "bytes=2-2/3"}
"""What the line of a request holds that meets the fault; of other operations, all do."""


def faulty(operation: str) -> Callable[[str], bool]:
    """Tell which requests of an operation meet the fault: an upload meets it with its bytes."""
    return lambda line: MET_BY.get(operation, "") in line


def faulty_connections(operation: str) -> Callable[[str], bool]:
    """Tell which connections of an operation meet the fault; each chunk goes over its own."""
    numbers, first = itertools.count(1), {"middle chunk": 2, "last chunk": 3}.get(operation, 1)
    return lambda line: line == A_CONNECTION and next(numbers) >= first


def upload(folder: Path, **more: Any) -> Any:
    (folder / NAME).write_bytes(b"abc")
    task = UploadMediaOperator(task_id="task", source=str(folder / NAME), folder="talks", **more)
    return task.execute(task_context())


def upload_in_chunks(folder: Path) -> Any:
    return upload(folder, chunking={"threshold": 1, "size": 1, "exact": True, "parallel": 1})


def sensor(_: Path) -> Any:
    """Take one look; return what goes into XCom if it saw the end, else ``False``."""
    seen = MediaProcessingSensor(task_id="task", media_id="file_1", mode="poke", poke_interval=1).poke(task_context())
    return seen.xcom_value if isinstance(seen, PokeReturnValue) and seen.is_done else seen


def trigger(_: Path) -> dict[str, Any]:
    """Wait in the triggerer to the end."""
    event = fire(ProcessingTrigger("file_1", poll_interval=0.001))
    if event["outcome"] == ERROR:
        raise error_of(event)
    return {name: event[name] for name in EVENT}


OPERATIONS: dict[str, Callable[[Path], Any]] = {
    "upload": upload,
    "upload by URL": lambda _: UploadMediaOperator(task_id="task", source=URL, ref="talk-1").execute(task_context()),
    "list": lambda _: ListMediaOperator(task_id="task").execute(task_context()),
    "get": lambda _: GetMediaOperator(task_id="task", media_id="file_1").execute(task_context()),
    "update": lambda _: UpdateMediaOperator(task_id="task", media_id="file_1", folder="x").execute(task_context()),
    "delete": lambda _: DeleteMediaOperator(task_id="task", media_id="file_1").execute(task_context()),
    "create task": lambda _: CreateTaskOperator(task_id="task", kind="image", input=URL).execute(task_context()),
    "signing": upload,
    "middle chunk": upload_in_chunks,
    "last chunk": upload_in_chunks,
    "sensor": sensor,
    "trigger": trigger,
    "trigger alone": trigger,
}
TRACES = {
    "upload": f"the file '{NAME}' in the folder 'talks'",
    "upload by URL": "a file of 'https://cdn.example/talks/keynote.mp4' (ref 'talk-1')",
    "create task": "a task of the kind 'image' with the input 'https://cdn.example/talks/keynote.mp4'",
    "last chunk": f"the file '{NAME}' in the folder 'talks'",
}
"""What an error tells a person to look for, if nobody knows whether it is there."""


def result_of(operation: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Tell what an operation returns if it ends well.

    :param change: what becomes of each resource on its way.
    """
    file = change(FILE)
    results = {
        "list": [file],
        "delete": {"deleted": ["file_1"], "missing": []},
        "create task": change(TASK),
        **dict.fromkeys(("signing", "middle chunk"), FILE),
        **dict.fromkeys(TRIGGERS, EVENT),
    }
    return results.get(operation, file)
