"""Time that passes at once and is noted, and the option that writes down what the tests saw."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reliability.bounds import PROPERTY, gathered

from airflow_provider_ittybit.hooks.stopping import Pause
from airflow_provider_ittybit.transport.asynchronous import AsyncTransport
from airflow_provider_ittybit.transport.shared_line import SharedLine
from airflow_provider_ittybit.triggers import registry
from airflow_provider_ittybit.triggers.clock import Clock
from airflow_provider_ittybit.triggers.rate_gate import RateGate

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEN = pytest.StashKey[list[dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", metavar="FILE", help="write what faults did, and what was measured, to this file")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SEEN] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--reliability")
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        reports = [report for kind, reports in reporter.stats.items() if kind != "rerun" for report in reports]
        noted = [
            value for report in reports for name, value in getattr(report, "user_properties", ()) if name == PROPERTY
        ]
        seen = {"faults": session.config.stash[SEEN], "measured": gathered(noted)}
        Path(path).write_text(json.dumps(seen, indent=1))


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """What was seen so far."""
    return request.config.stash[SEEN]


class LeapingClock(Clock):
    """A clock that leaps over what somebody waits for."""

    def __init__(self) -> None:
        self.leapt = 0.0

    def now(self) -> float:
        return super().now() + self.leapt

    async def wait(self, news: asyncio.Event, seconds: float | None) -> None:
        if seconds is None:
            await news.wait()
        elif not news.is_set():
            self.leapt += seconds
            await asyncio.sleep(0)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Have nobody wait before a request is sent again, and note for how many seconds; chance is at its lowest."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    def close(gate: RateGate, seconds: float | None) -> float:
        asked.append(closed(gate, seconds))
        return asked[-1]

    closed = RateGate.close
    monkeypatch.setattr(Pause, "__call__", lambda _, seconds: asked.append(seconds))
    monkeypatch.setitem(AsyncTransport.__init__.__kwdefaults__, "sleep", sleep)
    monkeypatch.setattr(RateGate, "close", close)
    monkeypatch.setattr(registry, "POLLERS", registry.Pollers(clock=LeapingClock()))
    monkeypatch.setattr("random.random", lambda: 0.0)
    monkeypatch.setattr(SharedLine, "exists", lambda _: False)  # what it adds after a 429 depends on the real clock
    return asked
