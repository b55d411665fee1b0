"""What a source distribution holds: all that a checkout does, so that tests and documentation come along."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
INCLUDED = SETTINGS["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
ADDED_BY_HATCHLING = {"pyproject.toml", ".gitignore"}


def test_the_source_distribution_includes_all_that_is_under_version_control() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - found as in the Makefile
    roots = {f"/{name.partition('/')[0]}" for name in listed.stdout.splitlines() if name not in ADDED_BY_HATCHLING}
    assert roots == set(INCLUDED)


@pytest.mark.parametrize("pattern", INCLUDED)
def test_what_is_included_exists(pattern: str) -> None:
    assert pattern.startswith("/")
    assert (ROOT / pattern.removeprefix("/")).exists()
