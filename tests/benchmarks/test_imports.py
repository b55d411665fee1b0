"""What is made of the figures of imports, and that they are taken of what is really imported."""

from __future__ import annotations

import os
from typing import Any

import pytest
from benchmarks.imports import MOST, OURS, Entry, ImportFailedError, all_tables, describe, measure, modules, verdicts


def one(seconds: float, requests: str = "no") -> dict[str, Any]:
    return {"seconds": seconds, "cpu": seconds, "modules": 12, "http": {"requests": requests, "aiohttp": "no"}}


def met(*rounds: dict[str, Any]) -> list[bool]:
    return [verdict["met"] for verdict in verdicts([describe(OURS, rounds, None)])]


def test_a_slow_import_is_said_by_its_median() -> None:
    assert met(one(MOST), one(MOST), one(9.0)) == [True, True]
    assert met(one(0.001), one(MOST + 0.001), one(9.0)) == [False, True]


@pytest.mark.parametrize("how", ["loaded", "before"])
def test_an_http_library_is_said_whoever_loaded_it(how: str) -> None:
    assert met(one(0.001, how)) == [True, False]


def test_the_operators_and_sensors_are_measured_and_load_no_http_library() -> None:
    names = modules(OURS)
    assert sorted(names) == [
        f"airflow_provider_ittybit.{kind}.{name}" for kind in ("operators", "sensors") for name in ("media", "task")
    ]
    found = measure(names, os.environ)
    assert found["seconds"] > 0
    assert found["modules"] >= len(names)
    assert found["http"] == {"requests": "no", "aiohttp": "no"}


def test_a_loaded_http_library_is_noticed() -> None:
    assert measure(["requests"], os.environ)["http"]["requests"] == "loaded"


def test_a_provider_that_is_not_installed_is_in_the_table_with_its_reason() -> None:
    missing = Entry("missing", "missing", "no.such.package")
    with pytest.raises(ImportFailedError, match="not installed"):
        modules(missing)
    (table,) = all_tables({"providers": [describe(missing, [], "not installed")], "runs": 1, "wanted": []})
    assert table.rows[0][:2] == ("missing", "failed")
    assert "not installed" in table.note
