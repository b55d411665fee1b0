"""Imports compared: ``make bench-imports``, or ``python -m benchmarks.imports`` with ``tests`` on the path.

How much longer it takes to parse a DAG file that imports the operators and sensors of a provider: the modules that the
provider names to Airflow. A table goes to the terminal, all figures to ``.cache/bench/results/imports.json``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import facts
from benchmarks.surroundings import CACHE, environment, keep, tell
from benchmarks.tables import Table, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPT = Path(__file__).with_name("measured_import.py")
RUNS = 9
PATIENCE = 120
MOST = 0.025
"""Seconds that ours may take."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider.

    :param name: its name in the JSON.
    :param label: what the table calls it.
    :param package: the one with its ``get_provider_info``.
    """

    name: str
    label: str
    package: str


OURS = Entry("ittybit", "ittybit", "airflow_provider_ittybit")
PEERS = tuple(
    Entry(name, name, f"airflow.providers.{path}")
    for name, path in (
        ("dbt-cloud", "dbt.cloud"),
        ("http", "http"),
        ("databricks", "databricks"),
        ("anthropic", "anthropic"),
        ("airbyte", "airbyte"),
    )
)


class ImportFailedError(Exception):
    """A provider cannot be imported; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench-imports ARGS=…", description="Compare imports.")
    parser.add_argument("--runs", type=int, default=RUNS, help="processes for each, after one (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for results")
    given = parser.parse_args(arguments)
    measured = compare((OURS, *PEERS), given.cache, runs=given.runs)
    kept = given.cache / "results" / "imports.json"
    keep(measured, kept, given.json)
    sys.stdout.write("\n\n".join(table.text() for table in all_tables(measured)) + f"\n\nAll figures: {kept}\n")
    return 1 if any(one["error"] for one in measured["providers"]) else 0


def compare(entries: Sequence[Entry], cache: Path, *, runs: int) -> dict[str, Any]:
    """Import each in turns, A B C A B C …; a first round, which writes the bytecode, is thrown away."""
    started, load = time.monotonic(), facts.load()
    variables = {name: value for name, value in environment(cache).items() if name != "PYTHONPATH"}
    found: dict[str, list[dict[str, Any]]] = {entry.name: [] for entry in entries}
    errors: dict[str, str] = {}
    for number in range(-1, runs):
        for entry in entries:
            if entry.name in errors:
                continue
            try:
                one = measure(modules(entry), variables)
            except ImportFailedError as error:
                errors[entry.name] = str(error)
                continue
            if number >= 0:
                found[entry.name].append(one)
        tell(f"round {number + 1}" if number >= 0 else "warm-up")
    providers = [describe(entry, found[entry.name], errors.get(entry.name)) for entry in entries]
    return {
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started),
        "runs": runs,
        "machine": facts.machine(),
        "load_before": load,
        "load_after": facts.load(),
        "versions": facts.versions(facts.IMPORTS),
        "providers": providers,
        "wanted": verdicts(providers),
    }


def modules(entry: Entry) -> list[str]:
    """Name the modules of operators and sensors that a provider lists in its description of itself.

    What else lies beside them is for a running task and no DAG file imports it.

    :raises ImportFailedError: it is not installed.
    """
    try:
        info = importlib.import_module(f"{entry.package}.get_provider_info").get_provider_info()
    except ModuleNotFoundError:
        message = "not installed"
        raise ImportFailedError(message) from None
    return [name for kind in ("operators", "sensors") for one in info.get(kind, ()) for name in one["python-modules"]]


def measure(names: Sequence[str], variables: Mapping[str, str]) -> dict[str, Any]:
    """Import modules in a fresh process.

    :raises ImportFailedError: it did not work.
    """
    command = [sys.executable, "-P", str(SCRIPT), *names]  # -P: the folder of the script is not searched
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            command, capture_output=True, text=True, env=variables, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        message = f"gave up after {PATIENCE} s"
        raise ImportFailedError(message) from None
    if done.returncode:
        raise ImportFailedError((done.stderr.strip() or "no word").splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def describe(entry: Entry, rounds: Sequence[Mapping[str, Any]], error: str | None) -> dict[str, Any]:
    """Take the medians of one provider."""
    described: dict[str, Any] = {"name": entry.name, "label": entry.label, "error": error}
    if not rounds:
        return described
    return described | {
        "seconds": [round(one["seconds"], 5) for one in rounds],
        "median_seconds": round(statistics.median(one["seconds"] for one in rounds), 5),
        "median_cpu_seconds": round(statistics.median(one["cpu"] for one in rounds), 5),
        "modules": round(statistics.median(one["modules"] for one in rounds)),
        "http": rounds[0]["http"],
    }


def verdicts(providers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compare with what is wanted of this provider."""
    found = []
    for one in providers:
        if one["name"] != OURS.name or "median_seconds" not in one:
            continue
        seconds = one["median_seconds"]
        loaded = [name for name, how in one["http"].items() if how != "no"]
        found += [
            {
                "what": "importing the operators and sensors of ittybit after airflow.sdk",
                "measured": f"{seconds * 1000:.1f} ms",
                "wanted": f"at most {MOST * 1000:.0f} ms",
                "met": seconds <= MOST,
            },
            {
                "what": "HTTP libraries loaded with it",
                "measured": ", ".join(loaded) or "none",
                "wanted": "none",
                "met": not loaded,
            },
        ]
    return found


def all_tables(results: Mapping[str, Any]) -> list[Table]:
    """Make every table of the benchmark."""
    head = ("provider", "median", "all runs", "CPU", "modules", "requests", "aiohttp")
    rows = [_row(one, len(head)) for one in results["providers"]]
    failed = " ".join(f"{one['label']}: {one['error']}." for one in results["providers"] if one["error"])
    title = f"Added to airflow.sdk by operators and sensors, {results['runs']} runs"
    return [*([wanted(results["wanted"])] if results["wanted"] else []), Table(title, head, rows, failed)]


def _row(one: Mapping[str, Any], cells: int) -> tuple[str, ...]:
    if "median_seconds" not in one:
        return (one["label"], "failed", *([""] * (cells - 2)))
    shortest, longest = min(one["seconds"]), max(one["seconds"])
    return (
        one["label"],
        f"{one['median_seconds'] * 1000:.1f} ms",
        f"{shortest * 1000:.1f} to {longest * 1000:.1f} ms",
        f"{one['median_cpu_seconds'] * 1000:.1f} ms",
        str(one["modules"]),
        *one["http"].values(),
    )


if __name__ == "__main__":
    sys.exit(main())
