"""Waits for what other threads do, and lets the handlers of signals run meanwhile.

Python calls the handler of a signal between two steps of the main thread. A signal that comes just before that begins
to wait, or that another thread receives, does not end the wait: ``execution_timeout`` and kills would be seen only when
the upload is over. So all waits are short, and begin again.
"""

from __future__ import annotations

import contextlib
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from concurrent.futures import Future

T = TypeVar("T")

SLICE = 0.5
"""Seconds that a wait for another thread lasts at most before it is seen what happened meanwhile, such as a kill."""


def next_of(queue: SimpleQueue[T], meanwhile: Callable[[], object] = lambda: None) -> T:
    """Wait for the next thing in a queue.

    :param meanwhile: called after each slice of time in which nothing came; what it raises ends the wait.
    """
    while True:
        with contextlib.suppress(Empty):
            return queue.get(timeout=SLICE)
        meanwhile()


def as_done(futures: Collection[Future[T]], meanwhile: Callable[[], object] = lambda: None) -> Iterator[Future[T]]:
    """Give each when it is done, the first first. The time it takes grows with their number, not with its square.

    :param meanwhile: called after each slice of time in which none was done; what it raises ends the wait.
    """
    done: SimpleQueue[Future[T]] = SimpleQueue()
    for future in futures:
        future.add_done_callback(done.put)
    for _ in range(len(futures)):
        yield next_of(done, meanwhile)
