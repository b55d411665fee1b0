"""Writes the tables of docs/reliability.md: ``python -m reliability.document FILE``.

The first and the third are what the tests saw, which they wrote to the file; the second is what they hold each
generation to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reliability import bounds, lost_answers
from reliability.table import LATER, OPERATIONS, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = ("| fault | operations | outcome | requests | pauses |", "| --- | --- | --- | --- | --- |")
HEAD_OF_LOST_ANSWERS = (f"| generation | {' | '.join(lost_answers.WISHES.values())} |", "| --- | --- | --- | --- |")
HEAD_OF_BOUNDS = ("| what | seen | at most |", "| --- | ---: | ---: |")
END = "ends well"
NONE = "none"

Seen = dict[str, Any]


def page(before: str, seen: Sequence[Seen], measured: Mapping[str, float] | None = None) -> str:
    """Write the page.

    :param before: the page as it was; all but its tables stays.
    :param seen: what was seen of each fault and operation, in any order.
    :param measured: what was measured, by what it is; by default that table stays as well.
    :raises KeyError: there is one of which nothing was seen.
    """
    by_cell = {(one["fault"], one["operation"]): one for one in seen}
    lines = [line for row in ROWS for line in _lines(row.fault, [by_cell[row.fault, name] for name in OPERATIONS])]
    faults = _with_table(before, HEAD, lines)
    lost = _with_table(faults, HEAD_OF_LOST_ANSWERS, lost_answers.lines())
    return lost if measured is None else _with_table(lost, HEAD_OF_BOUNDS, bounds.lines(measured))


def _with_table(page: str, head: Sequence[str], lines: Iterable[str]) -> str:
    start = page.index(head[0])
    end = page.index("\n\n", start)
    return page[:start] + "\n".join([*head, *lines]) + page[end:]


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
    seen = json.loads(Path(path).read_text())
    PAGE.write_text(page(PAGE.read_text(), seen["faults"], seen["measured"]))


if __name__ == "__main__":
    main(sys.argv[1])
