"""Whether what is wanted of waiting was reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.waiting_figures import KEPT
from benchmarks.waiting_plan import SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KIB = 1024
REQUESTS_RATIO = 50
CPU_RATIO = 10
DELAY = 0.020
OWN = 10 * KIB


def verdicts(sizes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compare with what is wanted of this provider's own triggers with the shared poller."""
    found: list[dict[str, Any]] = []
    for size in sizes:
        for one in size["contenders"]:
            if one["name"] in ("ittybit-files", "ittybit-tasks") and "requests" in one:
                found += _at_most(size, one) if size["waiting"] == SIZES[0] else []
                found += _keeps(size, one) if size["waiting"] == SIZES[1] else []
    return found


def _at_most(size: Mapping[str, Any], one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    which = f"{one['label']}, {size['waiting']:,} waiting"
    all_ran = not any(peer["error"] for peer in size["contenders"] if peer["peer"])
    for name, words, wanted in (("requests", "requests", REQUESTS_RATIO), ("cpu", "CPU", CPU_RATIO)):
        ratio = one.get(f"peers_{name}_ratio")
        if ratio is not None:
            what = f"{which}: {words} of the best peer ({' / '.join(ratio['best'])}) ÷ its own"
            yield _verdict(
                what, f"{ratio['median']:.1f}", f"at least {wanted}", met=all_ran and ratio["median"] >= wanted
            )
    delay = one["delay_p99"]
    what = f"{which}: p99 delay of the event loop"
    yield _verdict(what, f"{delay * 1000:.1f} ms", f"at most {DELAY * 1000:.0f} ms", met=delay <= DELAY)
    beyond = one["own_beyond_airflow"]
    if beyond is not None:
        what = f"{which}: memory for each trigger beyond Airflow's own"
        yield _verdict(what, f"{beyond / KIB:.1f} KiB", f"at most {OWN // KIB} KiB", met=beyond <= OWN)


def _keeps(size: Mapping[str, Any], one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    what = f"{one['label']}, {size['waiting']:,} waiting: longest time between two looks"
    wanted = f"at most {KEPT * size['interval']:.0f} s"
    yield _verdict(what, f"{one['largest_gap']:.1f} s", wanted, met=bool(one["keeps_interval"]))


def _verdict(what: str, measured: str, wanted: str, *, met: bool) -> dict[str, Any]:
    return {"what": what, "measured": measured, "wanted": wanted, "met": met}
