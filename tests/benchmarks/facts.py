"""What a figure depends on: the machine, and the versions of all that took part."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UPLOADS = (
    "airflow-provider-ittybit",
    "apache-airflow",
    "requests",
    "urllib3",
    "requests-toolbelt",
    "httpx",
    "apache-airflow-providers-http",
    "boto3",
    "moto",
)
WAITING = (
    "airflow-provider-ittybit",
    "apache-airflow",
    "aiohttp",
    "apache-airflow-providers-dbt-cloud",
    "apache-airflow-providers-http",
    "apache-airflow-providers-anthropic",
    "anthropic",
    "uvloop",
)
IMPORTS = (
    "airflow-provider-ittybit",
    "apache-airflow-task-sdk",
    "apache-airflow-providers-common-compat",
    "apache-airflow-providers-dbt-cloud",
    "apache-airflow-providers-http",
    "apache-airflow-providers-databricks",
    "apache-airflow-providers-anthropic",
    "apache-airflow-providers-airbyte",
)


def now() -> str:
    """Tell the time, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def machine() -> dict[str, str | int]:
    """Describe this machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _field("/proc/cpuinfo", "model name"),
        "memory_gib": round(pages / 1024**3),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Find the versions of what is installed; the rest is left out."""
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def load() -> float:
    """Return how many processes wanted a core in the last minute: much more than the cores makes figures doubtful."""
    return round(os.getloadavg()[0], 1)


def curl() -> dict[str, str]:
    """Find the version of curl."""
    try:
        text = subprocess.run(["curl", "-q", "--version"], capture_output=True, text=True, check=True)  # noqa: S607 - the user's own curl
    except (OSError, subprocess.CalledProcessError):
        return {"curl": "not installed"}
    return {"curl": " ".join(word for word in text.stdout.split()[:6] if word[0].isdigit() or "/" in word)}


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
