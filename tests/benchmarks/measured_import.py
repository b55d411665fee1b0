"""Imports modules in a process of its own and says what that took: ``python measured_import.py NAME …``.

What a DAG file has imported in any case comes first and does not count. Run as a file, so that nothing else of the
benchmark is imported with it.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

HTTP = ("requests", "aiohttp")


def main() -> None:
    """Import and report."""
    importlib.import_module("airflow.sdk")
    from airflow.sdk import DAG, BaseOperator, BaseSensorOperator  # noqa: F401 - airflow.sdk finds them only now

    already = set(sys.modules)
    started, cpu = time.perf_counter(), time.process_time()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    loaded = set(sys.modules) - already
    http = {name: "loaded" if name in loaded else "before" if name in already else "no" for name in HTTP}
    found = {"seconds": seconds, "cpu": used, "modules": len(loaded), "http": http}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
