"""How far an upload is: told to the log now and then, and to a callback."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]
"""Called with the bytes sent so far and the bytes in all; now and then, and at the end."""

LOG_SECONDS = 30.0
CALL_SECONDS = 0.2


@dataclass(slots=True)
class Sent:
    """What was told last."""

    tenth: int = 0
    logged_at: float = 0.0
    called_at: float = 0.0


class Progress:
    """Counts the bytes of one upload, also from several threads.

    It logs at the start, then every 10 % or 30 s, whichever comes first, and at the end with bytes, seconds and
    rate; never for each chunk.

    :param what: the source, as it may stand in a log.
    :param total: bytes in all.
    :param on_progress: called at most five times a second.
    """

    def __init__(self, what: str, total: int, on_progress: OnProgress | None = None) -> None:
        self._what = what
        self._total = total
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._bytes = self._earlier = 0
        self._started = time.monotonic()
        self._sent = Sent(logged_at=self._started)
        log.info("Uploading %s to ittybit (%s)", what, readable(total))

    def add(self, count: int) -> None:
        """Count bytes that were handed to the network; a negative number takes back what must go again."""
        with self._lock:
            self._bytes += count
            now, tenth = time.monotonic(), self._bytes * 10 // self._total
            tell = self._bytes < self._total and (tenth > self._sent.tenth or now - self._sent.logged_at >= LOG_SECONDS)
            call = self._on_progress is not None and now - self._sent.called_at >= CALL_SECONDS
            if tell:
                self._sent.tenth, self._sent.logged_at = tenth, now
            if call:
                self._sent.called_at = now
            sent = self._bytes
        if tell:
            log.info("%s: %d %% of %s sent", self._what, sent * 100 // self._total, readable(self._total))
        if call and self._on_progress is not None:
            self._on_progress(sent, self._total)

    def resume(self, count: int) -> None:
        """Set the bytes that an earlier try had sent; 0 begins anew."""
        with self._lock:
            self._bytes = self._earlier = count
            self._sent.tenth = self._bytes * 10 // self._total
        if count:
            log.info("%s: %s arrived in an earlier try and are not sent again", self._what, readable(count))

    def done(self) -> None:
        """Tell that all arrived, and how fast those went that this try sent."""
        seconds = max(time.monotonic() - self._started, 1e-6)
        sent = self._total - self._earlier
        rate = f"{readable(int(sent / seconds))}/s"
        log.info("%s: %s sent in %.1f s (%s)", self._what, readable(sent), seconds, rate)
        if self._on_progress is not None:
            self._on_progress(self._total, self._total)


class Part:
    """The share of one body in the progress; its bytes count once, however often it is sent.

    :param progress: what it is a part of; ``None`` counts nothing.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._bytes = 0

    def begin(self) -> None:
        """Take back what was counted of an attempt that failed."""
        if self._progress is not None and self._bytes:
            self._progress.add(-self._bytes)
        self._bytes = 0

    def add(self, count: int) -> None:
        """Count bytes."""
        self._bytes += count
        if self._progress is not None:
            self._progress.add(count)


def readable(count: int) -> str:
    """Write a number of bytes for a person."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{count} bytes"
