"""Nothing here may block the event loop: every callback's CPU time is watched, and asyncio's own debug mode is on."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

LONGEST = 0.020
"""Seconds of CPU time for one callback. The wall time would count what other processes do on a loaded machine."""


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not message.startswith("Executing "):  # asyncio's own measure of slow callbacks, by wall time
            self.messages.append(message)


@pytest.fixture(autouse=True)
def _watched_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail if a callback took too long, or if asyncio had something to complain about."""
    run, set_debug, slow = asyncio.Handle._run, asyncio.BaseEventLoop.set_debug, []

    def timed(handle: asyncio.Handle) -> None:
        if threading.current_thread() is not threading.main_thread():
            run(handle)  # type: ignore[no-untyped-call] # asyncio's own
            return
        told, begun = repr(handle._callback), time.thread_time()  # type: ignore[attr-defined] # not in its stubs
        run(handle)  # type: ignore[no-untyped-call] # same
        if (taken := time.thread_time() - begun) > LONGEST:
            slow.append(f"{told} took {1000 * taken:.0f} ms of CPU time")

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    monkeypatch.setattr(asyncio.BaseEventLoop, "set_debug", lambda loop, _: set_debug(loop, enabled=True))
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    warnings = _Warnings()
    logging.getLogger("asyncio").addHandler(warnings)
    yield
    logging.getLogger("asyncio").removeHandler(warnings)
    assert slow == []
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
