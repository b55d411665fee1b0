"""Counts the examples that hypothesis made up, over all processes, and tells their number at the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

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


def pytest_terminal_summary(terminalreporter: Any) -> None:
    properties = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == PROPERTY
    ]
    terminalreporter.write_line(f"{sum(properties):,} made-up examples ran in {len(properties)} tests")
