"""What Airflow's own commands say of the provider, as a person would see it who installed it.

``make dist`` runs this against the wheel it built, in an environment of its own: ``PROVIDER_PYTHON`` names its Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit import __version__
from airflow_provider_ittybit.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PYTHON = os.environ.get("PROVIDER_PYTHON", sys.executable)
PACKAGE = "airflow-provider-ittybit"
LONGEST = 120
"""Seconds for one command on a busy machine."""

Told = "Callable[..., list[dict[str, Any]]]"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[dict[str, Any]]]:
    """Run an Airflow command outside the checkout and return the rows it printed."""
    home: Path = tmp_path_factory.mktemp("airflow")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}

    def run(*command: str) -> list[dict[str, Any]]:
        done = subprocess.run(  # noqa: S603 - Airflow's own command
            [PYTHON, "-m", "airflow", *command, "--output", "json"],
            cwd=home,
            env={**kept, "AIRFLOW_HOME": str(home), "COLUMNS": "10000"},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "ittybit" not in done.stderr, done.stderr
        return list(json.loads(done.stdout[done.stdout.index("[") :]))

    return run


def test_the_provider_is_listed_with_its_version(told: Callable[..., list[dict[str, Any]]]) -> None:
    assert told("providers", "get", PACKAGE) == [{"Provider": PACKAGE, "Version": __version__}]


def test_all_that_the_provider_says_of_itself_arrives(told: Callable[..., list[dict[str, Any]]]) -> None:
    [shown] = told("providers", "get", PACKAGE, "--full")
    info = get_provider_info()
    assert set(info) <= set(shown)
    info["description"] = info["description"].rstrip(".")  # the command leaves it out
    assert {name: _plain(shown[name]) for name in info} == _plain(info)


def test_its_hook_is_found_and_can_be_imported(told: Callable[..., list[dict[str, Any]]]) -> None:
    [row] = [row for row in told("providers", "hooks") if row["connection_type"] == "ittybit"]
    [connection] = get_provider_info()["connection-types"]
    assert row == {
        "connection_type": "ittybit",
        "class": connection["hook-class-name"],
        "conn_id_attribute_name": "ittybit_conn_id",
        "package_name": PACKAGE,
        "hook_name": "ittybit",
    }


def test_its_links_are_found(told: Callable[..., list[dict[str, Any]]]) -> None:
    shown = {row["extra_link_class_name"] for row in told("providers", "links")}
    assert set(get_provider_info()["extra-links"]) <= shown


def test_its_triggers_are_found(told: Callable[..., list[dict[str, Any]]]) -> None:
    shown = {row["class"] for row in told("providers", "triggers") if row["package_name"] == PACKAGE}
    listed = {name for entry in get_provider_info()["triggers"] for name in entry["python-modules"]}
    assert shown == listed


def _plain(value: Any) -> Any:
    """Give a value as the command prints it: numbers and booleans inside it become text."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if value is None else str(value)
