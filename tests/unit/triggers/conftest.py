"""Nothing here may block the event loop: every callback's CPU time is watched, and asyncio's own debug mode is on.

What waits takes no CPU time: ``blocking_calls`` finds that, in all tests.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

importlib.import_module("aiohttp")
# It reads the debug variable below when it is imported, and would read answers more strictly in all tests that follow.

LONGEST = 0.020
"""Seconds of CPU time for one callback. The wall time would count what other processes do on a loaded machine."""
TOO_LONG = "callbacks took too much CPU time"
"""What is said of it, and by nothing else."""


def _reference() -> float:
    """Return the seconds of CPU time that a fixed piece of work takes now."""
    begun = time.thread_time()
    for number in range(20_000):
        str(number)
    return time.thread_time() - begun


USUAL = min(_reference() for _ in range(5))
"""What it takes at best. Where processors are shared, a neighbour makes CPU time itself longer, some fourfold."""


def _stolen() -> float:
    """Return the seconds that the host of a virtual machine took from it since it began; they count as CPU time."""
    try:
        with Path("/proc/stat").open() as stat:
            return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not message.startswith("Executing "):  # slow by wall time: see LONGEST
            self.messages.append(message)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a test here once again that ``slow_callbacks`` failed: what is really slow is so twice.

    Tests with ``patience`` run again after any failure.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents and "patience" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=[TOO_LONG]))


@pytest.fixture(autouse=True)
def slow_callbacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fail if a callback took too long, or if asyncio had something to complain about."""
    run, set_debug = asyncio.Handle._run, asyncio.BaseEventLoop.set_debug
    slow: list[str] = []
    stolen_before = _stolen()

    def timed(handle: asyncio.Handle) -> None:
        if threading.current_thread() is not threading.main_thread():
            run(handle)
            return
        told, loaded, begun = repr(handle._callback), len(sys.modules), time.thread_time()
        run(handle)
        taken = time.thread_time() - begun
        if taken <= LONGEST:
            return
        taken -= _stolen() - stolen_before
        if taken > LONGEST and taken > LONGEST * max(_reference() for _ in range(3)) / USUAL:
            imported = list(sys.modules)[loaded:]
            slow.append(f"{told} took {1000 * taken:.0f} ms of CPU time, and imported {imported}")

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    monkeypatch.setattr(asyncio.BaseEventLoop, "set_debug", lambda loop, _: set_debug(loop, enabled=True))
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    warnings = _Warnings()
    logging.getLogger("asyncio").addHandler(warnings)
    gc.disable()  # a full collection takes longer than any callback may, and blames whichever it falls into
    yield slow
    gc.enable()
    logging.getLogger("asyncio").removeHandler(warnings)
    assert slow == [], TOO_LONG
    assert warnings.messages == []


@pytest.fixture
async def stage() -> AsyncIterator[Callable[..., Stage]]:
    """Set up ittybit in memory with a clock that is moved by hand: ``stage("files-flat")``."""
    stages: list[Stage] = []

    def make(api_version: str = "files-flat", **options: Any) -> Stage:
        stages.append(Stage(api_version, **options))
        return stages[-1]

    yield make
    for made in stages:
        await made.clear()
