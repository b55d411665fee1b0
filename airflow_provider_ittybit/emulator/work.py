"""The workers: a few threads that take what is waiting, in the order in which it came."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Item:
    """One resource to work on, and the ids under which it can be released: its own and its owners'."""

    resource_id: str
    keys: frozenset[str]


class Workers:
    """Threads that call ``work`` with the id of one resource after the other.

    :param work: does the work; it must not raise.
    :param held: tells whether items wait for their release just now.
    :param threads: how many; default 2.
    """

    def __init__(self, work: Callable[[str], None], held: Callable[[], bool], threads: int = 2) -> None:
        self._work = work
        self._held = held
        self._changed = threading.Condition()
        self._waiting: deque[Item] = deque()
        self._running: set[str] = set()
        self._released: set[str] = set()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"ittybit-worker-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Let each thread finish what it does, at most ``timeout`` seconds, and tell whether all did."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        deadline = monotonic() + timeout
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def put(self, resource_id: str, *owners: str | None) -> None:
        """Have a resource worked on, once."""
        keys = frozenset([resource_id, *(owner for owner in owners if owner)])
        with self._changed:
            if resource_id not in self._running and all(item.resource_id != resource_id for item in self._waiting):
                self._waiting.append(Item(resource_id, keys))
                self._changed.notify_all()

    def release(self, key: str | None = None) -> None:
        """Let held work begin: that of one id and what follows from it, or all that waits now."""
        with self._changed:
            self._released.update([key] if key else [name for item in self._waiting for name in item.keys])
            self._changed.notify_all()

    def wake(self) -> None:
        """Look again at what waits, after a change of the settings."""
        with self._changed:
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget what waits and what was released."""
        with self._changed:
            self._waiting.clear()
            self._released.clear()
            self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Wait until nothing runs and nothing that is not held waits; tell whether that came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running and self._next() is None, timeout)

    def finish(self, resource_id: str, timeout: float) -> bool:
        """Wait until one resource is neither waiting nor worked on; tell whether that came in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (
                    resource_id not in self._running and all(item.resource_id != resource_id for item in self._waiting)
                ),
                timeout,
            )

    @property
    def held_count(self) -> int:
        """How many items wait for their release."""
        with self._changed:
            return sum(not self._may_run(item) for item in self._waiting)

    def _may_run(self, item: Item) -> bool:
        return not self._held() or not item.keys.isdisjoint(self._released)

    def _next(self) -> Item | None:
        return next((item for item in self._waiting if self._may_run(item)), None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._next() is not None)
                item = self._next()
                if self._stopping or item is None:
                    return
                self._waiting.remove(item)
                self._running.add(item.resource_id)
            try:
                self._work(item.resource_id)
            finally:
                with self._changed:
                    self._running.discard(item.resource_id)
                    self._changed.notify_all()
