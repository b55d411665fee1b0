"""Counts the examples that hypothesis made up, over all processes, and tells their number at the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from fuzz.effort import IS_LARGE, shortfall

if TYPE_CHECKING:
    from collections.abc import Generator

PROPERTY = "made-up examples"
_PASSING = re.compile(r"(\d+) passing")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "teardown":
        said = getattr(item, "hypothesis_statistics", "")
        report.user_properties.append((PROPERTY, sum(map(int, _PASSING.findall(said)))))
    return report


def counted(terminalreporter: Any) -> dict[str, int]:
    """Return the number of examples by test, of those that this folder holds."""
    return {
        report.nodeid: value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == PROPERTY
    }


def missing(config: pytest.Config, counts: dict[str, int]) -> str:
    """Say what is missing of the large effort, unless somebody asked for some tests only."""
    is_whole = IS_LARGE and not config.option.keyword and not config.option.markexpr
    return shortfall(counts) if is_whole else ""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and missing(session.config, counted(reporter)):  # a process of xdist has none
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    counts = counted(terminalreporter)
    terminalreporter.write_line(f"{sum(counts.values()):,} made-up examples ran in {len(counts)} tests")
    if words := missing(config, counts):
        terminalreporter.write_line(f"make fuzz: {words}", red=True)
