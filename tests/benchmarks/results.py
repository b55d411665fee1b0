"""From outcomes to what is kept as JSON: medians, ratios within a round, and whether what is wanted was reached."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.plan import Experiment
    from benchmarks.rounds import Series

MIB = 1024 * 1024

MEMORY_LIMIT = 32 * MIB
FLAT = 8 * MIB
"""Most by which the peaks of a small and a huge file may differ."""
SPEED_UP = 3.5


def summary(experiment: Experiment, all_series: Sequence[Series]) -> dict[str, Any]:
    """Describe one experiment."""
    by_name = {series.entry.contender: series for series in all_series}
    return {
        "name": experiment.name,
        "title": experiment.title,
        "scheme": experiment.scheme,
        "bytes": experiment.size,
        "runs": max(len(series.outcomes) for series in all_series),
        "note": experiment.note,
        "contenders": [_contender(series, by_name.get(series.entry.over or "")) for series in all_series],
    }


def _contender(series: Series, over: Series | None) -> dict[str, Any]:
    entry, outcomes = series.entry, series.outcomes
    described: dict[str, Any] = {"name": entry.contender, "label": entry.label, "error": series.error}
    if not outcomes:
        return described
    seconds = [outcome.seconds for outcome in outcomes]
    described |= {
        "seconds": [round(value, 4) for value in seconds],
        "median_seconds": round(statistics.median(seconds), 4),
        "median_cpu_seconds": round(statistics.median(outcome.cpu for outcome in outcomes), 4),
    }
    if any(outcome.peak for outcome in outcomes):
        grown = [outcome.grown for outcome in outcomes]
        described |= {"peak_bytes": grown, "median_peak_bytes": int(statistics.median(grown))}
    if over is not None and len(over.outcomes) == len(outcomes):
        ratios = [mine / other.seconds for mine, other in zip(seconds, over.outcomes, strict=True)]
        described |= {
            "over": over.entry.label,
            "ratios": [round(ratio, 3) for ratio in ratios],
            "median_ratio": round(statistics.median(ratios), 3),
        }
    return described


def verdicts(experiments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare with what is wanted of this provider."""
    return [*_times(experiments), *_speed_up(experiments), *_memory(experiments)]


def _times(experiments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for experiment in experiments:
        if experiment["name"] != "fast":
            continue
        for one in experiment["contenders"]:
            ratio = one.get("median_ratio")
            if ratio is not None and one["name"].startswith("ittybit-"):
                what = f"{one['label']} ÷ {one['over']}, 1 GiB, {experiment['scheme']}"
                found.append(_verdict(what, f"{ratio:.2f}", "at most 1.0", met=ratio <= 1.0))
    return found


def _speed_up(experiments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for experiment in experiments:
        if experiment["name"] != "limited":
            continue
        ratio = experiment["contenders"][1].get("median_ratio")
        if ratio is not None:
            what = f"chunked, 4 at a time, against one stream of 20 MB/s, {experiment['scheme']}"
            faster = f"{1 / ratio:.2f} times as fast"
            found.append(_verdict(what, faster, f"at least {SPEED_UP}", met=1 / ratio >= SPEED_UP))
    return found


def _memory(experiments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    peaks: dict[tuple[str, str], list[int]] = {}
    for experiment in experiments:
        if experiment["name"] == "memory":
            for one in experiment["contenders"]:
                if "median_peak_bytes" in one:
                    peaks.setdefault((one["label"], experiment["scheme"]), []).append(one["median_peak_bytes"])
    found = []
    for (label, scheme), values in peaks.items():
        shown = " / ".join(f"{value / MIB:.1f}" for value in values)
        wanted = f"at most {MEMORY_LIMIT // MIB} MiB, flat"
        met = max(values) <= MEMORY_LIMIT and max(values) - min(values) <= FLAT
        found.append(_verdict(f"memory, {label}, {scheme}: 100 MiB / 1 GiB / 4 GiB", f"{shown} MiB", wanted, met=met))
    return found


def _verdict(what: str, measured: str, wanted: str, *, met: bool) -> dict[str, Any]:
    return {"what": what, "measured": measured, "wanted": wanted, "met": met}
