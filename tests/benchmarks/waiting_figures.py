"""From what a process and the server saw of one run to figures; then medians and ratios of all rounds."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.waiting_job import Job, Outcome
    from benchmarks.waiting_plan import Entry

KEPT = 1.5
"""Times the interval that no two looks may be apart, for the interval to count as kept."""
LATEST = 0.05
"""Seconds by which an event may be noted before the resource is done: the server decides before it answers."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of one contender.

    :param requests: in the measured time.
    :param requests_while_starting: before it.
    :param connections: opened in the measured time.
    :param cpu: seconds, of all threads.
    :param server_cpu: seconds that the server needed; near the measured time it held the contender up.
    :param own: bytes for each trigger that are no copy of a file.
    :param resident: bytes for each trigger.
    :param delays: seconds by which the event loop was late.
    :param latencies: seconds from the end on the server to the event; infinite where there was none in time.
    :param largest_gap: seconds between two looks at the same resource, at most.
    :param typical_gap: the median of the largest gap of each resource.
    :param wrong: events of what was not done, and triggers that ended without one.
    :param failure: what the first of them said.
    :param by_route: requests by what was asked for.
    """

    requests: int
    requests_while_starting: int
    connections: int
    cpu: float
    server_cpu: float
    own: float
    resident: float
    delays: Sequence[float]
    latencies: Sequence[float]
    largest_gap: float
    typical_gap: float
    wrong: int = 0
    failure: str | None = None
    by_route: Mapping[str, int] = field(default_factory=dict)


def figures(job: Job, outcome: Outcome, report: Mapping[str, Any]) -> Figures:
    """Put together what both sides saw of a run."""
    due = {int(index): float(moment) for index, moment in report["due"]}
    right = {one.index: one.at for one in outcome.events if one.at >= due.get(one.index, math.inf) - LATEST}
    wrong = [one for one in outcome.events if one.index not in right]
    failure = outcome.failure or (f"event of what was not done: {wrong[0].text}" if wrong else None)
    return Figures(
        requests=report["requests"],
        requests_while_starting=report["requests_while_starting"],
        connections=report["connections"],
        cpu=outcome.cpu,
        server_cpu=report["server_cpu"],
        own=(outcome.own[1] - outcome.own[0]) / job.waiting,
        resident=(outcome.resident[1] - outcome.resident[0]) / job.waiting,
        delays=outcome.delays,
        latencies=[max(0.0, right.get(index, math.inf) - moment) for index, moment in due.items()],
        largest_gap=report["gap_max"],
        typical_gap=report["gap_median"],
        wrong=len(wrong) + outcome.failures,
        failure=failure,
        by_route=report["by_route"],
    )


def lateness(late: float, every: float) -> list[float]:
    """Tell how late an event loop was for all that should have run meanwhile, of which only the first was noted.

    :param late: seconds by which it was.
    :param every: seconds after which something should have run.
    """
    return [max(0.0, late - every * number) for number in range(1 + max(0, math.floor(late / every)))]


def percentile(values: Iterable[float], percent: float) -> float | None:
    """Find the smallest value that so many percent do not exceed; ``None`` if it is infinite, or there is none."""
    ordered = sorted(values)
    if not ordered:
        return None
    found = ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
    return found if math.isfinite(found) else None


@dataclass(slots=True)
class Series:
    """The rounds of one contender.

    :param entry: the contender.
    :param rounds: by number.
    :param error: why it was left out, if it was.
    """

    entry: Entry
    rounds: dict[int, Figures] = field(default_factory=dict)
    error: str | None = None


def summary(waiting: int, seconds: float, interval: float, all_series: Sequence[Series]) -> dict[str, Any]:
    """Describe all rounds with so many waiting triggers."""
    alone = next((one for one in all_series if not one.entry.share), None)
    peers = [one for one in all_series if one.entry.peer]
    return {
        "waiting": waiting,
        "seconds": seconds,
        "interval": interval,
        "runs": max((len(series.rounds) for series in all_series), default=0),
        "contenders": [
            _contender(series, alone, [] if series.entry.peer or series is alone else peers, interval)
            for series in all_series
        ],
    }


def _contender(series: Series, alone: Series | None, peers: Sequence[Series], interval: float) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": series.entry.contender,
        "label": series.entry.label,
        "peer": series.entry.peer,
        "error": series.error,
    }
    rounds = list(series.rounds.values())
    if not rounds:
        return described
    latencies = [value for one in rounds for value in one.latencies]
    described |= {
        name: _rounded(statistics.median(getattr(one, name) for one in rounds))
        for name in ("requests", "requests_while_starting", "connections", "cpu", "server_cpu", "own", "resident")
    }
    beyond = [
        one.own - alone.rounds[number].own
        for number, one in series.rounds.items()
        if alone is not None and number in alone.rounds
    ]
    described |= {
        "all_requests": [one.requests for one in rounds],
        "all_cpu": [_rounded(one.cpu) for one in rounds],
        "own_beyond_airflow": _rounded(statistics.median(beyond)) if beyond else None,
        "delay_p99": _rounded(statistics.median(percentile(one.delays, 99) or 0.0 for one in rounds)),
        "delay_max": _rounded(max(max(one.delays, default=0.0) for one in rounds)),
        "done": len(latencies),
        "events": sum(math.isfinite(value) for value in latencies),
        "to_event_median": _rounded(percentile(latencies, 50)),
        "to_event_p99": _rounded(percentile(latencies, 99)),
        "largest_gap": _rounded(max(one.largest_gap for one in rounds)),
        "typical_gap": _rounded(statistics.median(one.typical_gap for one in rounds)),
        "keeps_interval": all(kept(one, interval) for one in rounds) if series.entry.share else None,
        "wrong": sum(one.wrong for one in rounds),
        "failure": next((one.failure for one in rounds if one.failure), None),
        "by_route": dict(rounds[0].by_route),
    }
    return described | {
        f"peers_{name}_ratio": _ratio(series, peers, name, interval) for name in ("requests", "cpu") if peers
    }


def kept(one: Figures, interval: float) -> bool:
    """Whether a contender kept its interval in a round, missed no end and made no error."""
    return one.largest_gap <= KEPT * interval and not one.wrong and all(map(math.isfinite, one.latencies))


def _ratio(series: Series, peers: Sequence[Series], name: str, interval: float) -> dict[str, Any] | None:
    """Divide what the best peer of each round needed by what this contender needed; take the median of the rounds.

    The best peer is the one that needed least, among those that kept their interval in the round: to ask less because
    one cannot keep up is not better. If none kept it, it is among all.
    """
    ratios, names = [], []
    for number, mine in series.rounds.items():
        found = {peer.entry.label: peer.rounds[number] for peer in peers if number in peer.rounds}
        punctual = {label: one for label, one in found.items() if kept(one, interval)} or found
        if not punctual:
            continue
        best = min(punctual, key=lambda label: float(getattr(punctual[label], name)))
        names.append(best)
        ratios.append(getattr(punctual[best], name) / max(getattr(mine, name), 1e-9))
    if not ratios:
        return None
    return {
        "ratios": [_rounded(ratio) for ratio in ratios],
        "median": _rounded(statistics.median(ratios)),
        "best": sorted(set(names)),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
