"""Reads a source while what was read before is being sent, so that neither waits for the other."""

from __future__ import annotations

import contextlib
import io
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 256 * 1024
"""Bytes read at once: what the transport hands to the socket at once, too."""
AHEAD = 2
"""Blocks that may be read and not sent yet: half a MiB of memory."""
LONGEST_END = 1.0
"""Seconds that closing waits for a read that is under way; the reader is closed when that comes back."""


def read_ahead(open_it: Callable[[], BinaryIO], count: int) -> BinaryIO:
    """Open a source to read so many bytes of it, ahead of their use where there are enough for that to matter.

    :param open_it: opens it at the first byte.
    :param count: bytes that will be read at most.
    """
    reader = open_it()
    return ReadAhead(reader, count) if count > AHEAD * BLOCK else reader


class ReadAhead(io.RawIOBase, BinaryIO):
    """A reader whose blocks are read by a thread of its own. What fails there is raised by ``read``.

    :param reader: what is read; it is used by the thread alone from now on.
    :param count: bytes that are read at most.
    """

    def __init__(self, reader: BinaryIO, count: int) -> None:
        super().__init__()
        self._reader = reader
        self._left = count
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
            block = self._full.get()
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
