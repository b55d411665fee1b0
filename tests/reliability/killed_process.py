"""A process that runs one operator or one hook as Airflow's task process does, for a test that kills it.

``python -m reliability.killed_process NAME``; the connection comes from the environment.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

from task_running import task_context

from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import ListMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS: dict[str, Callable[[], Any]] = {
    "list": lambda: ListMediaOperator(task_id="task"),
    "create task": lambda: CreateTaskOperator(task_id="task", kind="image", input="https://cdn.example/a.mp4"),
    "sensor": lambda: MediaProcessingSensor(task_id="task", media_id="file_1", mode="poke"),
}
HOOK = "hook"


def main(name: str) -> None:
    """Run it until it is killed; the handler does what Airflow's does, and returns."""
    if name == HOOK:
        hook = IttybitHook()
        signal.signal(signal.SIGTERM, lambda *_: hook.pause.stop())
        hook.get_media("file_1")
        return
    task = TASKS[name]()
    signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
    task.execute(task_context())


if __name__ == "__main__":
    main(sys.argv[1])
