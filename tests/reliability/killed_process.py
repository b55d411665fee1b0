"""Processes that run an operator or a hook as Airflow's task process does, for a test that kills them.

``python -m reliability.killed_process FOLDER`` begins one for each file ``NAME.json`` of the folder, which holds the
Airflow connection; what it uploads, if it does, is named by ``NAME.source``. What each prints goes to ``NAME.txt``; for
each, this prints a line with its name and id, and when it ended, one with its name, its exit code and the time of the
clock that all processes share. Airflow is imported once for all.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from task_running import task_context

from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import ListMediaOperator, UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

if TYPE_CHECKING:
    from collections.abc import Callable


def upload(source: str, **more: Any) -> UploadMediaOperator:
    return UploadMediaOperator(task_id="task", source=source, **more)


CHUNKS = {"threshold": 1, "size": 1, "exact": True, "parallel": 2}
UPLOADS: dict[str, Callable[[str], Any]] = {
    "upload": upload,
    "upload over TLS": upload,
    "upload in chunks": lambda source: upload(source, chunking=CHUNKS),
}
FETCHES: dict[str, Callable[[str], Any]] = {
    "fetch a file that is looked at": lambda source: upload(source, fetch=True),
    "fetch a file under way": lambda source: upload(source, fetch=True),
}
TASKS: dict[str, Callable[[str], Any]] = {
    "list": lambda _: ListMediaOperator(task_id="task"),
    "list over TLS": lambda _: ListMediaOperator(task_id="task"),
    "create task": lambda _: CreateTaskOperator(task_id="task", kind="image", input="https://cdn.example/a.mp4"),
    "sensor": lambda _: MediaProcessingSensor(task_id="task", media_id="file_1", mode="poke"),
    **UPLOADS,
    **FETCHES,
}
HOOK = "hook"


def run(name: str, source: str) -> None:
    """Run it until it is killed; the handler does what Airflow's does, and returns.

    :param source: what it uploads, if it does.
    """
    if name == HOOK:
        hook = IttybitHook()
        signal.signal(signal.SIGTERM, lambda *_: hook.pause.stop())
        hook.get_media("file_1")
        return
    task = TASKS[name](source)
    signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
    task.execute(task_context())


def begin(given: Path) -> int:
    """Begin a process, and return its id."""
    process = os.fork()
    if process:
        return process
    os.environ["AIRFLOW_CONN_ITTYBIT_DEFAULT"] = given.read_text()
    output = os.open(given.with_suffix(".txt"), os.O_CREAT | os.O_WRONLY, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    code = 0
    try:
        source = given.with_suffix(".source")
        run(given.stem, source.read_text() if source.exists() else "")
    except BaseException:  # noqa: BLE001 - as a process that ends with it
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)


def main(folder: str) -> None:
    """Begin all, and wait for their ends."""
    gc.freeze()
    names = {begin(given): given.stem for given in sorted(Path(folder).glob("*.json"))}
    for process, name in names.items():
        print(f"{name}: {process}", flush=True)  # noqa: T201 - the test reads it
    for _ in names:
        process, status = os.wait()
        ended = f"{os.waitstatus_to_exitcode(status)} {time.monotonic()}"
        print(f"{names[process]}: {ended}", flush=True)  # noqa: T201 - same


if __name__ == "__main__":
    main(sys.argv[1])
