"""Kills a task the way Airflow does: a signal to its process, whose handler calls ``on_kill`` and returns."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.providers.common.compat.sdk import BaseOperator

LOOK_EVERY = 0.02
SOON = 2.0
"""Seconds within which a killed task has to end: it should take half of one, on a machine that is not busy."""


@dataclass
class Kill:
    """When ``on_kill`` was called, in seconds that never go back, and how long it took."""

    at: float | None = None
    took: float | None = None

    def ended_soon(self) -> bool:
        """Tell whether the task was killed, and has just ended."""
        return self.at is not None and time.monotonic() - self.at < SOON


@contextlib.contextmanager
def killed(task: BaseOperator, once: Callable[[], object]) -> Iterator[Kill]:
    """Send SIGTERM to the main thread as soon as there is something to see."""
    kill = Kill()

    def on_term(*_: object) -> None:
        kill.at = time.monotonic()
        task.on_kill()
        kill.took = time.monotonic() - kill.at

    with _signalled(once, on_term):
        yield kill


@contextlib.contextmanager
def interrupted(once: Callable[[], object], by: type[BaseException]) -> Iterator[Kill]:
    """Raise something in the main thread as soon as there is something to see, as ``execution_timeout`` does.

    Only when the task has ended by that, Airflow calls ``on_kill``.
    """
    kill = Kill()

    def on_term(*_: object) -> None:
        kill.at = time.monotonic()
        raise by

    with _signalled(once, on_term):
        yield kill


@contextlib.contextmanager
def _signalled(once: Callable[[], object], on_term: Callable[..., None]) -> Iterator[None]:
    over = threading.Event()

    def send() -> None:
        while not once():
            if over.wait(LOOK_EVERY):
                return
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, on_term)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()
        signal.signal(signal.SIGTERM, before)
