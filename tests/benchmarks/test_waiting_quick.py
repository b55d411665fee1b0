"""The waiting benchmark itself works, with few triggers and without any other package: all events come."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks.waiting import compare
from benchmarks.waiting_plan import quick

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read as Linux tells it")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Figures by contender."""
    measured = compare(quick(), tmp_path_factory.mktemp("waiting"))
    contenders = {one["name"]: one for one in measured["sizes"][0]["contenders"]}
    return contenders.__getitem__


@pytest.mark.parametrize("name", ["ittybit-files", "aiohttp"])
def test_every_end_on_the_server_becomes_an_event(found: Callable[[str], dict[str, Any]], name: str) -> None:
    one = found(name)
    assert (one["error"], one["failure"]) == (None, None)
    assert (one["done"], one["events"], one["wrong"]) == (1, 1, 0)
    assert one["requests"] > 0
    assert one["cpu"] > 0
    assert one["largest_gap"] > 0


def test_triggers_that_only_sleep_send_nothing(found: Callable[[str], dict[str, Any]]) -> None:
    one = found("airflow")
    assert (one["error"], one["failure"]) == (None, None)
    assert (one["requests"], one["requests_while_starting"], one["done"]) == (0, 0, 0)
    assert math.isfinite(one["own"])
