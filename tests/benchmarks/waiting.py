"""Ways to wait compared: ``make bench-waiting``, or ``python -m benchmarks.waiting`` with ``tests`` on the path.

Tables go to the terminal, all figures to ``.cache/bench/results/waiting.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from benchmarks import facts, servers, waiting_plan
from benchmarks.certificates import make_certificates
from benchmarks.surroundings import CACHE, environment, keep, tell
from benchmarks.waiting_figures import Series, figures, summary
from benchmarks.waiting_job import Job, Outcome
from benchmarks.waiting_plan import ENTRIES, Plan
from benchmarks.waiting_tables import all_tables
from benchmarks.waiting_verdicts import verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.waiting_figures import Figures
    from benchmarks.waiting_plan import Entry

PATIENCE = 120
"""Seconds beyond its own times after which a process is given up."""
MOST_OF_MEMORY = 0.4
"""Part of the machine's memory at which a process gives up."""


class ContenderError(Exception):
    """A contender could not wait; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    names = [entry.contender for entry in ENTRIES]
    whole = Plan()
    parser = argparse.ArgumentParser(prog="make bench-waiting ARGS=…", description="Compare waiting over loopback.")
    parser.add_argument("--waiting", type=int, nargs="+", default=whole.sizes, help="triggers (%(default)s)")
    parser.add_argument("--runs", type=int, default=whole.runs, help="rounds (%(default)s)")
    parser.add_argument("--seconds", type=float, default=whole.seconds, help="measured time (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=names, help="contenders, also those that must be asked for")
    parser.add_argument("--quick", action="store_true", help="20 triggers, 2 s: whether it works")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for results")
    given = parser.parse_args(arguments)
    plan = replace(whole, sizes=tuple(given.waiting), runs=given.runs, seconds=given.seconds)
    if given.only:
        plan = replace(plan, entries=tuple(entry for entry in ENTRIES if entry.contender in given.only))
    if given.quick:
        plan = waiting_plan.quick()
    measured = compare(plan, given.cache)
    kept = given.cache / "results" / ("waiting-quick.json" if given.quick else "waiting.json")
    if kept.exists() and not given.quick:
        measured = renewed(json.loads(kept.read_text()), measured)
    keep(measured, kept, given.json)
    sys.stdout.write("\n\n".join(table.text() for table in all_tables(measured)) + "\n")
    sys.stdout.write(f"\nAll figures: {kept}\n")
    return 1 if any(one["error"] for size in measured["sizes"] for one in size["contenders"]) else 0


def renewed(earlier: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what was measured earlier with other numbers of triggers; each has its own day and hour."""
    found = {size["waiting"]: size for size in (*earlier["sizes"], *measured["sizes"])}
    sizes = [found[waiting] for waiting in sorted(found)]
    return {**measured, "sizes": sizes, "wanted": verdicts(sizes)}


def compare(plan: Plan, cache: Path) -> dict[str, Any]:
    """Run all contenders in turns, A B C A B C …, and describe what came out."""
    started, load = time.monotonic(), facts.load()
    tell(f"this takes some {plan.minutes():.0f} minutes")
    folder = cache / "certificates"
    folder.mkdir(parents=True, exist_ok=True)
    certificates = make_certificates(folder)
    trusted = _among_usual(certificates.authority)
    variables = environment(cache) | {"SSL_CERT_FILE": str(trusted)}
    arguments = ["--certificate", str(certificates.server), "--latency", str(plan.latency)]
    sizes = []
    with servers.running("benchmarks.waiting_server", arguments, variables) as addresses:
        places = {**addresses, "trusted": str(trusted)}
        for waiting in plan.sizes:
            all_series = [Series(entry) for entry in plan.entries]
            for number in range(plan.runs):
                for series in all_series:
                    _add(series, _job(plan, series.entry, waiting, number, places), variables)
            sizes.append(summary(waiting, plan.seconds, plan.interval, all_series) | {"made_at": facts.now()})
    return {
        "made_at": facts.now(),
        "seconds": round(time.monotonic() - started),
        "runs": plan.runs,
        "latency": plan.latency,
        "machine": facts.machine(),
        "load_before": load,
        "load_after": facts.load(),
        "versions": facts.versions(facts.WAITING),
        "sizes": sizes,
        "wanted": verdicts(sizes),
    }


def _add(series: Series, job: Job, variables: Mapping[str, str]) -> None:
    """Run a contender once, unless it failed before."""
    if series.error is not None:
        return
    which = f"{job.waiting:,} waiting, round {job.number + 1}: {series.entry.label}"
    try:
        found = measure(job, variables)
    except ContenderError as error:
        series.error = str(error)
        tell(f"{which}: {error}")
        return
    series.rounds[job.number] = found
    tell(f"{which}: {found.requests:,} requests, {found.cpu:.2f} s CPU, server {found.server_cpu:.2f} s")


def measure(job: Job, variables: Mapping[str, str]) -> Figures:
    """Do one job in a fresh process.

    :raises ContenderError: it ended badly, or not at all.
    """
    command = [sys.executable, "-m", "benchmarks.waiting_process"]
    most = PATIENCE + job.spread + job.seconds + job.grace
    try:
        done = subprocess.run(  # noqa: S603 - one of our own modules
            command, input=job.dump(), capture_output=True, text=True, env=variables, timeout=most, check=False
        )
    except subprocess.TimeoutExpired:
        message = f"gave up after {most:.0f} s"
        raise ContenderError(message) from None
    if done.returncode:
        raise ContenderError((done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1])
    with build_opener(ProxyHandler({})).open(f"{job.control}/control/report", timeout=60) as answer:
        report = json.load(answer)
    return figures(job, measured_in(done.stdout), report)


def measured_in(output: str) -> Outcome:
    """Find what a process measured among what its triggers logged, until the end.

    :raises ContenderError: it is not there.
    """
    told = [line for line in output.splitlines() if line.startswith("{")]
    if not told:
        raise ContenderError((output.strip() or "no word").splitlines()[-1])
    return Outcome.load(told[-1])


def _job(plan: Plan, entry: Entry, waiting: int, number: int, places: Mapping[str, str]) -> Job:
    return Job(
        contender=entry.contender,
        waiting=waiting,
        interval=plan.interval,
        spread=plan.interval,
        seconds=min(plan.seconds, entry.most_seconds),
        grace=plan.grace,
        share=entry.share,
        number=number,
        url=places["https"],
        control=places["control"],
        authority=places["trusted"],
        most_bytes=int(MOST_OF_MEMORY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")),
    )


def _among_usual(authority: Path) -> Path:
    """Put our authority among those usually trusted: some contenders load them all for each trigger."""
    import certifi

    trusted = authority.with_name("trusted.pem")
    trusted.write_bytes(Path(certifi.where()).read_bytes() + authority.read_bytes())
    return trusted


if __name__ == "__main__":
    sys.exit(main())
