"""What the log and a callback hear of an upload: enough to follow it, and never a word for each chunk."""

from __future__ import annotations

import re
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import MIB, file_with, some_bytes

from airflow_provider_ittybit.uploads import progress as module
from airflow_provider_ittybit.uploads.progress import Part, Progress, readable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

GIB = 1024 * MIB
SHARE = re.compile(r": (\d+) % of ")


class Clock:
    """A clock that stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def test_the_log_tells_start_tenths_and_end(clock: Clock, logged: Callable[[], list[str]]) -> None:
    progress = Progress("/data/talk.mp4", GIB)
    for _ in range(1024):
        clock.now += 0.001
        progress.add(MIB)
    clock.now += 2.976
    progress.done()
    lines = logged()
    assert lines[0] == "Uploading /data/talk.mp4 to ittybit (1.0 GiB)"
    assert [int(share) for line in lines for share in SHARE.findall(line)] == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert lines[-1] == "/data/talk.mp4: 1.0 GiB sent in 4.0 s (256.0 MiB/s)"
    assert len(lines) == 11


def test_a_slow_upload_is_told_of_every_thirty_seconds(clock: Clock, logged: Callable[[], list[str]]) -> None:
    progress = Progress("a", 1000 * MIB)
    for _ in range(50):
        clock.now += 10
        progress.add(MIB)
    shares = [line for line in logged() if SHARE.search(line)]
    assert len(shares) == 50 // 3


@pytest.mark.parametrize("chunks", [1, 7, 10_000])
def test_there_is_no_line_for_each_chunk(clock: Clock, logged: Callable[[], list[str]], chunks: int) -> None:
    progress = Progress("a", chunks)
    for _ in range(chunks):
        progress.add(1)
    progress.done()
    assert clock.now == 1000.0
    assert len(logged()) <= 11


def test_what_an_earlier_try_sent_counts_in_the_share_and_not_in_the_rate(
    clock: Clock, logged: Callable[[], list[str]]
) -> None:
    told: list[tuple[int, int]] = []
    progress = Progress("a", 100 * MIB, lambda *numbers: told.append(numbers))
    progress.resume(60 * MIB)
    for _ in range(40):
        clock.now += 0.25
        progress.add(MIB)
    progress.done()
    lines = logged()
    assert lines[1] == "a: 60.0 MiB arrived in an earlier try and are not sent again"
    assert lines[-1] == "a: 40.0 MiB sent in 10.0 s (4.0 MiB/s)"
    assert told[0] == (61 * MIB, 100 * MIB)
    assert told[-1] == (100 * MIB, 100 * MIB)
    assert [int(share) for line in lines for share in SHARE.findall(line)] == [70, 80, 90]


def test_a_callback_hears_at_most_five_times_a_second_and_always_the_end(clock: Clock) -> None:
    told: list[tuple[int, int]] = []
    progress = Progress("a", 10_000, lambda *numbers: told.append(numbers))
    for _ in range(10_000):
        clock.now += 0.0005
        progress.add(1)
    progress.done()
    assert 20 <= len(told) <= 27
    assert told == sorted(told)
    assert told[-1] == (10_000, 10_000)


def test_a_part_that_goes_again_counts_once() -> None:
    told: list[int] = []
    progress = Progress("a", 100, lambda sent, _: told.append(sent))
    part = Part(progress)
    for _ in range(3):
        part.begin()
        part.add(60)
    Part(progress).add(40)
    assert progress._bytes == 100
    assert max(told) <= 100


def test_a_part_of_nothing_counts_nothing() -> None:
    part = Part(None)
    part.add(5)
    part.begin()


def test_bytes_of_many_threads_are_all_counted() -> None:
    progress = Progress("a", 80_000)
    threads = [threading.Thread(target=lambda: [progress.add(1) for _ in range(10_000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert progress._bytes == 80_000


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5 * MIB, "5.0 MiB"), (5000 * GIB, "5000.0 GiB")],
)
def test_a_number_of_bytes_is_written_for_people(count: int, text: str) -> None:
    assert readable(count) == text


@pytest.mark.parametrize("chunking", [None, {"threshold": 1, "size": 300_000, "parallel": 3}], ids=["whole", "chunks"])
@pytest.mark.parametrize("refusals", [0, 1])
def test_an_upload_tells_how_far_it_is(  # noqa: PLR0917 - pytest passes them by name
    put_by: Callable[..., IttybitHook],
    emulator: RunningEmulator,
    tmp_path: Path,
    logged: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    chunking: Any,
    refusals: int,
) -> None:
    monkeypatch.setattr(module, "CALL_SECONDS", 0.0)
    told: list[tuple[int, int]] = []
    size = 8 * MIB + 1
    hook = put_by("files-flat")
    if refusals:
        emulator.control.fault(match={"role": "delivery"}, times=refusals, status=429, retry_after=0)
    path = file_with(tmp_path, some_bytes(size))
    hook.upload_media(path, chunking=chunking, on_progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (size, size)
    assert all(0 <= sent <= total == size for sent, total in told)
    if not refusals and chunking is None:
        assert told == sorted(told)
    lines = [line for line in logged() if str(path) in line]
    assert lines[0] == f"Uploading {path} to ittybit (8.0 MiB)"
    assert re.fullmatch(rf"{path}: 8\.0 MiB sent in \d+\.\d s \(.* [KMG]iB/s\)", lines[-1])
    assert len(lines) <= 11
