"""The figures of the waiting benchmark as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.tables import Table, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

KIB = 1024
COSTS = (
    "trigger",
    "requests",
    "before",
    "connections",
    "CPU",
    "memory per trigger",
    "beyond Airflow's own",
    "loop delay p99, max",
)
KEEPING = ("trigger", "to event, median", "p99", "events", "longest between two looks", "kept")
BUSY = 0.8
"""Part of a core from which the server may have held a contender up."""


def all_tables(results: Mapping[str, Any]) -> list[Table]:
    """Make every table of the benchmark."""
    tables = [wanted(results["wanted"])] if results["wanted"] else []
    for size in results["sizes"]:
        tables += [_costs(size), _keeping(size)]
    return tables


def _costs(size: Mapping[str, Any]) -> Table:
    title = f"{size['waiting']:,} waiting, {size['seconds']:.0f} s: what it costs, {_runs(size)}"
    notes = [f"Measured on {size['made_at'][:16].replace('T', ' at ')} UTC."] if "made_at" in size else []
    notes += [f"{one['label']} failed: {one['error']}." for one in size["contenders"] if one["error"]]
    for one in size["contenders"]:
        for name, words in (("requests", "requests"), ("cpu", "CPU")):
            ratio = one.get(f"peers_{name}_ratio")
            if ratio is not None:
                best = " / ".join(ratio["best"])
                notes.append(f"{one['label']}: the best peer ({best}) needs {ratio['median']:.1f} times its {words}.")
    return Table(title, COSTS, [_cost_row(one) for one in size["contenders"]], " ".join(notes))


def _cost_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    if "cpu" not in one:
        return (one["label"], "failed", *([""] * (len(COSTS) - 2)))
    beyond = one["own_beyond_airflow"]
    waits = one["done"] > 0
    return (
        one["label"],
        f"{one['requests']:,.0f}" if waits else "-",
        f"{one['requests_while_starting']:,.0f}" if waits else "-",
        f"{one['connections']:,.0f}" if waits else "-",
        f"{one['cpu']:.2f} s" if waits else "-",
        f"{one['own'] / KIB:.1f} KiB",
        "-" if beyond is None or not waits else f"{beyond / KIB:.1f} KiB",
        f"{one['delay_p99'] * 1000:.1f} ms, {one['delay_max'] * 1000:.0f} ms",
    )


def _keeping(size: Mapping[str, Any]) -> Table:
    title = f"{size['waiting']:,} waiting: how soon an end is noticed, {_runs(size)}"
    waiting = [one for one in size["contenders"] if one.get("done")]
    notes = []
    for one in waiting:
        if one["wrong"]:
            notes.append(f"{one['label']}: {one['wrong']} triggers went wrong ({one['failure']}).")
        if one["server_cpu"] > BUSY * size["seconds"]:
            notes.append(
                f"{one['label']} kept the server busy for {one['server_cpu']:.0f} s, which may have slowed it."
            )
    return Table(title, KEEPING, [_keeping_row(one) for one in waiting], " ".join(notes))


def _keeping_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        one["label"],
        _seconds(one["to_event_median"]),
        _seconds(one["to_event_p99"]),
        f"{one['events']} of {one['done']}",
        _seconds(one["largest_gap"]),
        "yes" if one["keeps_interval"] else "no",
    )


def _seconds(value: float | None) -> str:
    return "not in time" if value is None else f"{value:.1f} s"


def _runs(size: Mapping[str, Any]) -> str:
    return f"{size['runs']} run{'' if size['runs'] == 1 else 's'}"
