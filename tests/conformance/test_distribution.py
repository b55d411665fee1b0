"""What ``make dist`` built: what belongs into it and nothing else, and an installation that works by itself."""

from __future__ import annotations

import email
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from airflow_provider_ittybit import __version__

ROOT = Path(__file__).parents[2]
BUILT = os.environ.get("PROVIDER_DIST")
PYTHON = os.environ.get("PROVIDER_PYTHON", "")
pytestmark = pytest.mark.skipif(not BUILT, reason="make dist builds it and runs this")
DIST = Path(BUILT or "dist")
NAME = "airflow_provider_ittybit"
LARGEST_WHEEL = 500_000
LARGEST_INSTALLATION = 1_200_000
"""Bytes."""
FOREIGN = ("tests", "docs", ".git", "__pycache__", ".venv", ".cache")


@pytest.fixture(scope="module")
def wheel() -> zipfile.ZipFile:
    [path] = DIST.glob("*.whl")
    assert path.name == f"{NAME}-{__version__}-py3-none-any.whl"
    assert path.stat().st_size < LARGEST_WHEEL
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if not name.endswith("/")}
    about = f"{NAME}-{__version__}.dist-info/"
    package = {str(path.relative_to(ROOT)) for path in (ROOT / NAME).rglob("*") if path.is_file() and _belongs(path)}
    assert {name for name in held if not name.startswith(about)} == package
    assert {name.removeprefix(about) for name in held if name.startswith(about)} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }
    assert {f"{NAME}/py.typed", f"{NAME}/logo.svg"} <= held


def test_the_wheel_says_what_it_needs_and_announces_itself(wheel: zipfile.ZipFile) -> None:
    about = f"{NAME}-{__version__}.dist-info/"
    metadata = email.message_from_bytes(wheel.read(f"{about}METADATA"))
    assert (metadata["Name"], metadata["Version"]) == ("airflow-provider-ittybit", __version__)
    assert metadata["Requires-Python"] == ">=3.11"
    needed = {entry.partition(";")[0].strip() for entry in metadata.get_all("Requires-Dist") if "extra ==" not in entry}
    assert "apache-airflow>=2.11" in needed
    announced = wheel.read(f"{about}entry_points.txt").decode()
    assert f"[apache_airflow_provider]\nprovider_info = {NAME}.get_provider_info:get_provider_info" in announced


def test_the_source_distribution_holds_what_is_under_version_control() -> None:
    [path] = DIST.glob("*.tar.gz")
    assert path.name == f"{NAME}-{__version__}.tar.gz"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - found as in the Makefile
    with tarfile.open(path) as archive:
        held = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert held == set(listed.stdout.splitlines()) | {"PKG-INFO"}


def test_the_wheel_works_where_nothing_else_of_this_project_is() -> None:
    script = (
        "import airflow_provider_ittybit, importlib.util, pathlib;"
        "print(pathlib.Path(airflow_provider_ittybit.__file__).parent);"
        "print(importlib.util.find_spec('av') is not None)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(  # noqa: S603 - our own script
        [PYTHON, "-c", script], check=True, capture_output=True, text=True, env=environment, cwd=DIST
    )
    told = done.stdout.splitlines()
    place = Path(told[0])
    assert not place.is_relative_to(ROOT / NAME)
    assert not [name for name in FOREIGN[:2] if (place.parent / name).exists()]
    assert told[1] == "False", "the emulator's media library was installed, which only the extra needs"
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert size < LARGEST_INSTALLATION


def _belongs(path: Path) -> bool:
    return not any(part in FOREIGN for part in path.relative_to(ROOT).parts)
