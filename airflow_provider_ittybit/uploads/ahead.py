"""Reads a source while what was read before is being sent, so that neither waits for the other.

A source may be somewhere else and not answer. No read can be ended from outside, so a thread of its own waits for it;
who uses what is read leaves it behind when the task is killed.
"""

from __future__ import annotations

import contextlib
import io
import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from airflow_provider_ittybit.exceptions import IttybitStoppedError
from airflow_provider_ittybit.uploads.threads import as_done, next_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

BLOCK = 256 * 1024
"""Bytes read at once: what the transport hands to the socket at once, too."""
AHEAD = 2
"""Blocks that may be read and not sent yet: half a MiB of memory."""
LONGEST_END = 1.0
"""Seconds that closing waits for a read that is under way; the reader is closed when that comes back."""


def never() -> bool:
    """Tell that nobody can kill what is done."""
    return False


def attended(action: Callable[[], T], is_stopped: Callable[[], bool]) -> T:
    """Do something that may take long in a thread of its own, which is left behind when the task is killed.

    :param is_stopped: tells whether it is.
    :return: what the action returns; what it raises is raised here.
    :raises IttybitStoppedError: the task was killed before the end.
    """
    if is_stopped():
        raise _stopped()
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            future.set_exception(error)

    threading.Thread(target=run, name="ittybit-source", daemon=True).start()
    return next(as_done([future], _unless(is_stopped))).result()


def read_ahead(
    open_it: Callable[[], BinaryIO],
    count: int,
    *,
    may_hang: bool = False,
    is_stopped: Callable[[], bool] = never,
) -> BinaryIO:
    """Open a source to read so many bytes of it, ahead of their use where there are enough for that to matter.

    :param open_it: opens it at the first byte.
    :param count: bytes that will be read at most.
    :param may_hang: whether even few bytes may take long.
    :param is_stopped: tells whether the task was killed.
    """
    reader = open_it()
    return ReadAhead(reader, count, is_stopped) if may_hang or count > AHEAD * BLOCK else reader


class ReadAhead(io.RawIOBase, BinaryIO):
    """A reader whose blocks are read by a thread of its own. What fails there is raised by ``read``.

    :param reader: what is read; it is used by the thread alone from now on.
    :param count: bytes that are read at most.
    :param is_stopped: tells whether the task was killed; then ``read`` waits no longer for what does not come.
    """

    def __init__(self, reader: BinaryIO, count: int, is_stopped: Callable[[], bool] = never) -> None:
        super().__init__()
        self._reader = reader
        self._left = count
        self._check = _unless(is_stopped)
        self._free: SimpleQueue[None] = SimpleQueue()
        self._full: SimpleQueue[bytes | BaseException] = SimpleQueue()
        self._block = b""
        self._at = 0
        self._end: bytes | BaseException | None = None
        self._stopped = False
        for _ in range(AHEAD):
            self._free.put(None)
        self._thread = threading.Thread(target=self._run, name="ittybit-read-ahead", daemon=True)
        self._thread.start()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, all for -1; an empty result is the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        if self._at >= len(self._block):
            self._block, self._at = self._next(), 0
        if not self._at and len(self._block) <= size:
            block, self._block = self._block, b""
            return block
        part = self._block[self._at : self._at + size]
        self._at += len(part)
        return part

    def close(self) -> None:
        """End the thread, which closes the reader."""
        if not self.closed and hasattr(self, "_thread"):
            self._stopped = True
            self._free.put(None)
            self._thread.join(LONGEST_END)
        super().close()

    def _next(self) -> bytes:
        if self._end is None:
            block = next_of(self._full, self._check)
            if isinstance(block, bytes) and block:
                self._free.put(None)
                return block
            self._end = block
        if isinstance(self._end, BaseException):
            raise self._end
        return b""

    def _run(self) -> None:
        try:
            while True:
                self._free.get()
                if self._stopped:
                    break
                block = self._reader.read(min(BLOCK, self._left))
                self._left -= len(block)
                self._full.put(block)
                if not block:
                    break
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that uses what is read
            self._full.put(error)
        finally:
            with contextlib.suppress(Exception):  # nothing is lost with a reader that is not needed any more
                self._reader.close()


def _unless(is_stopped: Callable[[], bool]) -> Callable[[], None]:
    """Make what raises as soon as the task is killed."""

    def check() -> None:
        if is_stopped():
            raise _stopped()

    return check


def _stopped() -> IttybitStoppedError:
    return IttybitStoppedError("The task was killed while it waited for its source; not all of that was sent.")
