"""Airflow parses DAG files again and again, so importing operators and sensors must load next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from airflow_versions import PARSED_WITH

HEAVY = {"requests", "urllib3", "aiohttp", "tenacity", "httpx", "yarl", "certifi", "starlette", "uvicorn", "av"}
NOT_FOR_PARSING = {"uploads", "transport", "hooks", "triggers", "emulator", "durability"}

LOADED = """
import importlib, json, sys
for name in {before!r}: importlib.import_module(name)
already = set(sys.modules)
for name in {names!r}: importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - already)))
"""


def loaded(*names: str, after: tuple[str, ...] = ()) -> set[str]:
    """Import modules in a fresh interpreter and tell what that loaded."""
    script = LOADED.format(before=after, names=names)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def by_parsing() -> set[str]:
    """What a DAG file loads that imports all our operators and sensors."""
    return loaded(
        *(f"airflow_provider_ittybit.{name}" for name in ("operators.media", "operators.task")),
        *(f"airflow_provider_ittybit.{name}" for name in ("sensors.media", "sensors.task")),
        after=PARSED_WITH,
    )


def test_parsing_loads_no_http_library(by_parsing: set[str]) -> None:
    assert {name.split(".")[0] for name in by_parsing} & HEAVY == set()


def test_parsing_loads_nothing_of_ours_that_only_a_running_task_needs(by_parsing: set[str]) -> None:
    ours = {name for name in by_parsing if name.startswith("airflow_provider_ittybit.")}
    assert "airflow_provider_ittybit.operators.media" in ours
    assert {name.split(".")[1] for name in ours} & NOT_FOR_PARSING == set()


def test_discovering_the_provider_loads_not_even_airflow() -> None:
    found = loaded("airflow_provider_ittybit.get_provider_info")
    assert {name for name in found if name.split(".")[0] in {"airflow", *HEAVY}} == set()
    assert {name for name in found if "ittybit" in name} == {
        "airflow_provider_ittybit",
        "airflow_provider_ittybit.get_provider_info",
    }
