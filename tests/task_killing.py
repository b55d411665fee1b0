"""Kills a task the way Airflow does: a signal to its process, whose handler calls ``on_kill`` and returns.

A signal that comes just before the main thread waits for an answer does not end that wait; it is sent once more.
"""

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
AGAIN = 0.5
"""Seconds after which a signal is sent again that came just before the main thread began to wait."""
SOON = 4.5
"""Seconds within which a killed task has to end: Airflow gives it 5, and what it would else wait for takes a minute.

It should take half of one, on a machine that is not busy.
"""


@dataclass
class Kill:
    """When the signal was sent, in seconds that never go back, and how long ``on_kill`` took."""

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
        began = time.monotonic()
        task.on_kill()
        kill.took = time.monotonic() - began

    with _signalled(once, on_term, kill):
        yield kill


@contextlib.contextmanager
def interrupted(once: Callable[[], object], by: type[BaseException], *, ends_wait: bool = True) -> Iterator[Kill]:
    """Raise something in the main thread as soon as there is something to see, as ``execution_timeout`` does.

    Only when the task has ended by that, Airflow calls ``on_kill``.

    :param ends_wait: whether the signal ends what the main thread waits for. One does not that comes just before the
        wait begins, or that another thread receives: Python notes it, and raises when the wait is over.
    """
    kill = Kill()

    def on_term(*_: object) -> None:
        raise by

    with _signalled(once, on_term, kill, ends_wait=ends_wait):
        yield kill


@contextlib.contextmanager
def _signalled(
    once: Callable[[], object], on_term: Callable[..., None], kill: Kill, *, ends_wait: bool = True
) -> Iterator[None]:
    over, seen = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def send() -> None:
        if not _appears(once, over, failures):
            return
        kill.at = time.monotonic()
        if not ends_wait:
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            return
        while not (seen.is_set() or over.is_set()):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            seen.wait(AGAIN)

    def on_signal(*_: object) -> None:
        seen.set()
        on_term()

    before = signal.signal(signal.SIGTERM, on_signal)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()
        signal.signal(signal.SIGTERM, before)
        for failure in failures:
            raise failure


def _appears(once: Callable[[], object], over: threading.Event, failures: list[BaseException]) -> bool:
    """Wait until there is something to see, or all is over; a failure to look is noted, and ends the wait as well."""
    try:
        while not once():
            if over.wait(LOOK_EVERY):
                return False
    except BaseException as error:  # noqa: BLE001 - raised at the end by the main thread, which is not left to wait
        failures.append(error)
    return True
