"""Waits for what other threads do, and lets the handlers of signals run meanwhile."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection

T = TypeVar("T")

SLICE = 0.5
"""Seconds that a wait for another thread lasts at most before the main thread sees what happened meanwhile."""


def some_done(futures: Collection[Future[T]]) -> set[Future[T]]:
    """Wait until one of them or more is done.

    Python calls the handler of a signal between two steps of the main thread. A signal that comes just before that
    begins to wait, or that another thread receives, does not end the wait: ``execution_timeout`` and kills would be
    seen only when the upload is over. So it waits in slices.

    :param futures: one or more.
    :return: those that are done.
    """
    while not (done := wait(futures, SLICE, FIRST_COMPLETED).done):
        pass
    return done
