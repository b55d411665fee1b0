"""Where a benchmark keeps things, and what of the user's environment its processes see."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "bench"
FOREIGN = (
    "AIRFLOW",
    "ANTHROPIC",
    "AWS_",
    "SSL_",
    "REQUESTS_",
    "CURL_",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONASYNCIODEBUG",
)


def environment(cache: Path) -> dict[str, str]:
    """Keep the user's proxies, connections and Airflow out of it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(FOREIGN)
    }
    airflow = {"AIRFLOW_HOME": str(cache / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    return {**kept, **airflow, "PYTHONPATH": str(ROOT / "tests")}


def tell(line: str) -> None:
    """Say how far it is, for the impatient."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def keep(measured: Mapping[str, Any], *paths: Path | None) -> None:
    """Write figures to files; ``None`` is no file."""
    text = json.dumps(measured, indent=2, ensure_ascii=False) + "\n"
    for path in paths:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
