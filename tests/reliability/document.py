"""Writes the table of docs/reliability.md from what the tests saw: ``python -m reliability.document FILE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reliability.table import LATER, OPERATIONS, ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = ("| fault | operations | outcome | requests | pauses |", "| --- | --- | --- | --- | --- |")
END = "ends well"
NONE = "none"

Seen = dict[str, Any]


def page(before: str, seen: Sequence[Seen]) -> str:
    """Write the page.

    :param before: the page as it was; all but its table stays.
    :param seen: what was seen of each fault and operation, in any order.
    :raises KeyError: there is one of which nothing was seen.
    """
    by_cell = {(one["fault"], one["operation"]): one for one in seen}
    lines = [line for row in ROWS for line in _lines(row.fault, [by_cell[row.fault, name] for name in OPERATIONS])]
    start = before.index(HEAD[0])
    end = before.index("\n\n", start)
    return before[:start] + "\n".join([*HEAD, *lines]) + before[end:]


def _lines(fault: str, seen: Sequence[Seen]) -> list[str]:
    """Write the lines of one fault, one for all operations that end alike."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in seen:
        alike.setdefault(_told(one), []).append(one["operation"])
    lines = []
    for (outcome, requests, pauses), operations in alike.items():
        names = ", ".join(operations) if len(operations) < len(OPERATIONS) else "all"
        lines.append(f"| {fault if not lines else ''} | {names} | {outcome} | {requests} | {pauses} |")
    return lines


def _told(one: Seen) -> tuple[str, str, str]:
    outcome = {"": END, LATER: LATER}.get(one["outcome"], f"`{one['outcome']}`")
    return outcome, str(one["requests"]), _pauses(one["waits"])


def _pauses(waits: Sequence[float]) -> str:
    if len(waits) > 4:
        return f"{_pauses(waits[:2])}, {len(waits) // 2} times"
    return ", ".join(f"{wait:g} s" for wait in waits) or NONE


def main(path: str) -> None:
    """Write the page from a file of what was seen."""
    PAGE.write_text(page(PAGE.read_text(), json.loads(Path(path).read_text())))


if __name__ == "__main__":
    main(sys.argv[1])
