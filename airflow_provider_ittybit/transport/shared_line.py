"""The line of ``api.turns``, shared by all processes of one user on one machine through a small file.

The file exists from the first 429 until some minutes after the last one; before and after, a request costs one look
whether it is there. Where it cannot be made or locked, requests go out as if there were none.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import stat
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ittybit.api.retrying import LONGEST_WAIT, pause_for, retry_after
from airflow_provider_ittybit.api.turns import Line, read, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ittybit.api.messages import Headers
    from airflow_provider_ittybit.api.settings import Settings

T = TypeVar("T")

FOLDER = f"airflow-provider-ittybit-{os.getuid()}"
"""In the folder for temporary files, which ``TMPDIR`` names."""
WIDTH = 160
"""Bytes of a file: it is always written as a whole, so that no reader sees half a line."""
LOCK_TRIES, LOCK_PAUSE = 100, 0.001
"""Seconds between two tries. A lock is held for some microseconds; who does not get it in a tenth of a second goes
without."""
SLICE = 1.0
"""Seconds after which one who waits looks again: the line may have become faster."""
TOO_MANY = 429
OLD = 24 * 3600.0
"""Seconds after which a file that nobody used is removed."""

log = logging.getLogger(__name__)


class LineHeldError(OSError):
    """Somebody holds the lock of the file just now."""


class SharedLine:
    """The line of one key at one host.

    :param settings: the checked connection.
    :param in_line: False for one in a hurry, who does not wait for a turn but tells of a 429 all the same.
    :param clock: tells Unix seconds.
    :param lock_tries: how often to try for the lock of the file, with a millisecond in between. With 1, which is for
        an event loop, a ``LineHeldError`` comes out instead, so that the caller can wait without standing still.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        in_line: bool = True,
        clock: Callable[[], float] = time.time,
        lock_tries: int = LOCK_TRIES,
    ) -> None:
        self._settings = settings
        self._in_line = in_line
        self._clock = clock
        self._lock_tries = lock_tries
        self._path: str | None = None

    def turn(self, ticket: int | None = None) -> Turn:
        """Return the place of one request; it takes a ticket when it is first needed.

        :param ticket: of an earlier request that left without using it.
        """
        return Turn(self, self._clock, ticket)

    def exists(self) -> bool:
        """Tell whether there is a line to wait in; that is all that a request costs without one."""
        return self._in_line and Path(self._where()).exists()

    def change(self, step: Callable[[Line | None], tuple[Line | None, T]], otherwise: T) -> T:
        """Read the line, change it and write it, while nobody else does.

        :param step: makes of the line (None where there is none) the new one (None to end it) and a result.
        :param otherwise: the result where the file cannot be used.
        :raises LineHeldError: it is locked, and there was to be one try only.
        """
        try:
            with self._locked() as descriptor:
                before = read(os.pread(descriptor, WIDTH, 0).decode("ascii", "replace"))
                if before is not None and before.is_over(self._clock()):
                    before = None
                after, result = step(before)
                if after is None:
                    Path(self._where()).unlink(missing_ok=True)
                elif after != before:
                    os.pwrite(descriptor, written(after).ljust(WIDTH).encode(), 0)
                if before is None and after is not None:
                    _remove_old(Path(self._where()).parent)
                return result
        except OSError as error:
            if isinstance(error, LineHeldError) and self._lock_tries == 1:
                raise
            log.debug("The rate limit cannot be shared with other processes: %s", error)
            return otherwise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        _own_folder()
        for _ in range(LOCK_TRIES):
            descriptor = os.open(self._where(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                _lock(descriptor, self._lock_tries)
                if os.fstat(descriptor).st_nlink:
                    yield descriptor
                    return
            finally:
                os.close(descriptor)
        message = "the file was removed again and again"  # each time between its opening and its locking
        raise OSError(message)

    def _where(self) -> str:
        if self._path is None:
            shared = f"{self._settings.host}\n{self._settings.api_key}"
            name = hashlib.sha256(shared.encode()).hexdigest()[:24]
            self._path = str(Path(tempfile.gettempdir()) / FOLDER / f"line-{name}")
        return self._path


class Turn:
    """The place of one request in the line, over all its attempts.

    A refused request goes first when it may be sent again. What it slept counts as time that passed, whatever the clock
    says: so a clock that is set back makes nobody wait twice.

    ``shut_for`` is the number of seconds in which nobody at all may send, as of the last ``pause``. ``ticket`` is what
    the request leaves behind if it ends now: it has been handed out, and is not used.
    """

    __slots__ = ("_began", "_clock", "_line", "_sent", "_slept", "shut_for", "ticket")

    def __init__(self, line: SharedLine, clock: Callable[[], float], ticket: int | None) -> None:
        self._line = line
        self._clock = clock
        self._began = clock()
        self._slept = 0.0
        self.ticket = ticket
        self._sent = self._began
        self.shut_for = 0.0

    def pause(self) -> float:
        """Tell for how many seconds to sleep before asking again; 0 when the request may go out now."""
        self._sent = self._now()
        wait = self._line.change(self._look, 0.0) if self._line.exists() else 0.0
        if not wait:
            self.ticket = None
        return min(wait, SLICE)

    def sleeps(self, seconds: float) -> None:
        """Take in that the request sleeps, for its turn or for any other reason."""
        self._slept += seconds

    def answered(self, status: int, headers: Headers) -> None:
        """Take in an answer: a 429 makes a line, or slows it down."""
        if status == TOO_MANY:
            self.refused(retry_after(headers.get("retry-after"), now=datetime.now(UTC)))

    def refused(self, asked: float | None) -> None:
        """Take in a 429.

        :param asked: seconds of its ``Retry-After``, ``None`` if it did not say.
        """
        pause = pause_for(1, None, chance=0.0) if asked is None else min(asked, LONGEST_WAIT)
        self._line.change(lambda line: (self._slowed(line, pause), None), None)

    def _slowed(self, line: Line | None, pause: float) -> Line:
        now = self._now()
        if line is None:
            return Line.begun(now, pause)
        line, self.ticket = line.slowed(self._sent, now, pause)
        return line

    def _look(self, line: Line | None) -> tuple[Line | None, float]:
        if line is None:
            return None, 0.0
        now = self._now()
        line, self.ticket = line.joined(now, self.ticket)
        wait = line.moment(self.ticket) - now
        self.shut_for = max(0.0, line.at - now)
        if wait > 0:
            return line, wait
        return line.used(self.ticket, now), 0.0

    def _now(self) -> float:
        return max(self._clock(), self._began + self._slept)


def _lock(descriptor: int, tries: int) -> None:
    """Lock an open file; give up soon, since a signal handler may have interrupted the very thread that holds it.

    :raises LineHeldError: it could not be locked in time.
    """
    for left in reversed(range(tries)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(LOCK_PAUSE)
        else:
            return
    message = "somebody holds the lock"
    raise LineHeldError(message)


def _own_folder() -> None:
    """Make the folder, which nobody else may write to.

    :raises OSError: it belongs to somebody else, or cannot be made.
    """
    folder = Path(tempfile.gettempdir()) / FOLDER
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            message = f"{folder} is not a folder of this user alone"
            raise PermissionError(message) from None


def _remove_old(folder: Path) -> None:
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > OLD:
                path.unlink()
