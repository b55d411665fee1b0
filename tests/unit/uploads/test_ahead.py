"""Reading ahead: the same bytes in the same order, never more than wanted, and every failure where it is used."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.exceptions import IttybitStoppedError
from airflow_provider_ittybit.uploads import threads
from airflow_provider_ittybit.uploads.ahead import AHEAD, BLOCK, ReadAhead, attended, read_ahead

if TYPE_CHECKING:
    from typing import BinaryIO

SIZE = 5 * BLOCK + 7
BYTES = bytes(range(256)) * (SIZE // 256 + 1)


class Watched(io.BytesIO):
    """A file that tells what is read, and may fail or hang."""

    def __init__(self, size: int = SIZE, *, fails_at: int | None = None) -> None:
        super().__init__(BYTES[:size])
        self.sizes: list[int] = []
        self.threads: set[int] = set()
        self.has_read = threading.Semaphore(0)
        self._fails_at = fails_at

    def read(self, size: int | None = -1) -> bytes:
        self.sizes.append(size or 0)
        self.threads.add(threading.get_ident())
        if self._fails_at is not None and self.tell() >= self._fails_at:
            message = "the disk is gone"
            raise OSError(message)
        block = super().read(size)
        self.has_read.release()
        return block


def everything(reader: BinaryIO, size: int) -> bytes:
    return b"".join(iter(lambda: reader.read(size), b""))


@pytest.mark.parametrize("size", [1 << 14, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_the_bytes_come_in_their_order_in_blocks_of_any_size(size: int) -> None:
    with ReadAhead(Watched(), SIZE) as reader:
        assert everything(reader, size) == BYTES[:SIZE]
        assert reader.read(size) == b""


def test_all_can_be_read_at_once() -> None:
    with ReadAhead(Watched(), SIZE) as reader:
        assert reader.read() == BYTES[:SIZE]


@pytest.mark.parametrize("count", [1, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
def test_no_more_is_read_than_wanted(count: int) -> None:
    source = Watched()
    with ReadAhead(source, count) as reader:
        assert everything(reader, BLOCK) == BYTES[:count]
    assert sum(source.sizes) == count


def test_a_file_that_ends_early_ends_early() -> None:
    with ReadAhead(Watched(BLOCK + 3), SIZE) as reader:
        assert len(everything(reader, BLOCK)) == BLOCK + 3


def test_only_a_few_blocks_are_read_before_they_are_used() -> None:
    source = Watched()
    with ReadAhead(source, SIZE) as reader:
        for _ in range(AHEAD):
            assert source.has_read.acquire(timeout=30)
        assert not source.has_read.acquire(blocking=False)
        assert len(source.sizes) == AHEAD
        assert len(reader.read(BLOCK)) == BLOCK
        assert source.has_read.acquire(timeout=30)
    assert threading.get_ident() not in source.threads


def test_a_failure_is_raised_where_the_bytes_are_used_and_each_time() -> None:
    with ReadAhead(Watched(fails_at=2 * BLOCK), SIZE) as reader:
        assert reader.read(BLOCK) + reader.read(BLOCK) == BYTES[: 2 * BLOCK]
        for _ in range(2):
            with pytest.raises(OSError, match="the disk is gone"):
                reader.read(BLOCK)


@pytest.mark.parametrize("blocks", [0, 1, 6])
def test_closing_ends_the_thread_and_closes_the_file(blocks: int) -> None:
    source = Watched()
    reader = ReadAhead(source, SIZE)
    for _ in range(blocks):
        reader.read(BLOCK)
    reader.close()
    reader.close()
    assert source.closed
    reader._thread.join(30)
    assert not reader._thread.is_alive()


@pytest.mark.parametrize(
    ("count", "may_hang", "threaded"),
    [(AHEAD * BLOCK, False, False), (AHEAD * BLOCK + 1, False, True), (1, True, True)],
)
def test_little_is_read_without_a_thread_unless_it_may_hang(count: int, *, may_hang: bool, threaded: bool) -> None:
    with read_ahead(Watched, count, may_hang=may_hang) as reader:
        assert isinstance(reader, ReadAhead) is threaded


class Stalled(Watched):
    """A file of which nothing comes before it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.goes_on.wait(30)
        return super().read(size)


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "SLICE", 0.01)


@pytest.mark.usefixtures("short_slices")
def test_nobody_waits_for_a_read_that_stalls_once_the_task_is_killed() -> None:
    source, killed = Stalled(), iter([False, False, True])
    with ReadAhead(source, SIZE, lambda: next(killed)) as reader:
        with pytest.raises(IttybitStoppedError, match="waited for its source"):
            reader.read(BLOCK)
        source.goes_on.set()


@pytest.mark.usefixtures("short_slices")
def test_a_slow_read_is_waited_for_as_long_as_the_task_lives() -> None:
    source, looks = Stalled(), []

    def is_stopped() -> bool:
        looks.append(1)
        if len(looks) == 3:
            source.goes_on.set()
        return False

    with ReadAhead(source, SIZE, is_stopped) as reader:
        assert everything(reader, BLOCK) == BYTES[:SIZE]
    assert len(looks) >= 3


@pytest.mark.usefixtures("short_slices")
def test_what_is_attended_ends_as_it_ends() -> None:
    begun, gate = threading.Event(), threading.Event()
    assert attended(threading.get_ident, lambda: False) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        attended(lambda: 1 // 0, lambda: False)
    with pytest.raises(TimeoutError, match="its own"):
        attended(lambda: _raise(TimeoutError("its own")), lambda: False)
    with pytest.raises(IttybitStoppedError):
        attended(begun.set, lambda: True)
    assert not begun.is_set()
    killed = iter([False, False, True])
    with pytest.raises(IttybitStoppedError):
        attended(lambda: gate.wait(30), lambda: next(killed))
    gate.set()


def _raise(error: Exception) -> None:
    raise error
