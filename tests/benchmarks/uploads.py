"""Uploads compared: ``make bench-uploads``, or ``python -m benchmarks.uploads`` with ``tests`` on the path.

Tables go to the terminal, all figures to ``.cache/bench/results/uploads.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import facts, plan, results, servers, tables
from benchmarks.certificates import make_certificates
from benchmarks.files import file_of
from benchmarks.job import Job
from benchmarks.rounds import Runner
from benchmarks.surroundings import CACHE, environment, keep, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.plan import Entry, Experiment

RUNS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="make bench-uploads ARGS=…", description="Compare uploads over loopback.")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs that count, after one that does not (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="64 MiB, one run: whether it works, not how fast it is")
    parser.add_argument("--only", action="append", default=[], help="part of a title, such as 'Memory' or ', https'")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for files and results")
    given = parser.parse_args(arguments)
    experiments = plan.quick() if given.quick else plan.full()
    chosen = [one for one in experiments if all(part in one.title for part in given.only)]
    if not chosen:
        parser.error("no experiment has such a title: " + "; ".join(one.title for one in experiments))
    measured = compare(chosen, given.cache, runs=1 if given.quick else given.runs)
    kept = given.cache / "results" / ("quick.json" if given.quick else "uploads.json")
    if given.only and kept.exists():
        measured = renewed(json.loads(kept.read_text()), measured)
    keep(measured, kept, given.json)
    sys.stdout.write("\n\n".join(table.text() for table in tables.all_tables(measured)) + "\n")
    sys.stdout.write(f"\nAll figures: {kept}\n")
    return 1 if any(one["error"] for experiment in measured["experiments"] for one in experiment["contenders"]) else 0


def renewed(earlier: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    """Put the experiments that were done again in the place of the earlier ones; each has its own day and hour."""
    again = {one["title"]: one for one in measured["experiments"]}
    found = [again.pop(one["title"], one) for one in earlier["experiments"]] + list(again.values())
    return {**earlier, **measured, "experiments": found, "wanted": results.verdicts(found)}


def compare(experiments: Sequence[Experiment], cache: Path, *, runs: int) -> dict[str, Any]:
    """Run experiments one after the other and describe what came out."""
    started, load = time.monotonic(), facts.load()
    variables = environment(cache)
    runner = Runner(variables, runs, tell)
    found = []
    with ExitStack() as stack:
        folder = cache / "certificates"
        folder.mkdir(parents=True, exist_ok=True)
        certificates = make_certificates(folder)
        addresses = stack.enter_context(servers.sink(certificates, plan.RATE, variables))
        if any(one.server == "s3" for one in experiments):
            addresses |= stack.enter_context(servers.running("benchmarks.object_store", [], variables))
        for experiment in experiments:
            path = file_of(cache / "files", experiment.size, sparse=experiment.sparse)
            address = addresses.get(experiment.server, "")

            def job(entry: Entry, path: Path = path, address: str = address) -> Job:
                return Job(entry.contender, str(path), address, str(certificates.authority))

            arrived = None if experiment.server == "s3" else lambda: servers.received(addresses)
            series = runner.run(experiment, job, arrived)
            found.append(results.summary(experiment, series) | {"made_at": facts.now()})
    return {
        "made_at": facts.now(),
        "seconds": round(time.monotonic() - started),
        "runs": runs,
        "machine": facts.machine(),
        "load_before": load,
        "load_after": facts.load(),
        "versions": facts.versions(facts.UPLOADS) | facts.curl(),
        "experiments": found,
        "wanted": results.verdicts(found),
    }


if __name__ == "__main__":
    sys.exit(main())
