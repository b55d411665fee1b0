"""Results as tables, for the terminal and for the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    :param title: stands above.
    :param head: names of the columns.
    :param rows: their cells; all but the first column are numbers or short words.
    :param note: stands below.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""

    def text(self) -> str:
        """Write it for a terminal."""
        widths = [max(len(cell) for cell in column) for column in zip(self.head, *self.rows, strict=True)]
        lines = [self.title, self._line(self.head, widths), "  ".join("─" * width for width in widths)]
        lines += [self._line(row, widths) for row in self.rows]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def markdown(self) -> str:
        """Write it for a section of a page."""
        lines = [self.head, ("---", *("---:" for _ in self.head[1:])), *self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"### {self.title}\n\n{text}\n" + (f"\n{self.note}\n" if self.note else "")

    @staticmethod
    def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def all_tables(results: Mapping[str, Any]) -> list[Table]:
    """Make every table of a benchmark."""
    tables = [wanted(results["wanted"])] if results["wanted"] else []
    memory = [one for one in results["experiments"] if one["name"] == "memory"]
    others = [one for one in results["experiments"] if one["name"] != "memory"]
    return [*tables, *map(_comparison, others), *([_memory(memory)] if memory else [])]


def wanted(verdicts: Sequence[Mapping[str, Any]]) -> Table:
    """Make the table of what is wanted."""
    rows = [(one["what"], one["measured"], one["wanted"], "yes" if one["met"] else "no") for one in verdicts]
    return Table("Wanted and measured", ("what", "measured", "wanted", "met"), rows)


def _comparison(experiment: Mapping[str, Any]) -> Table:
    head = ("contender", "median", "all runs", "÷ reference", "CPU", "peak memory above imports")
    rows = [_row(one, experiment["bytes"]) for one in experiment["contenders"]]
    failed = [f"{one['label']} failed: {one['error']}." for one in experiment["contenders"] if one["error"]]
    measured = (
        [f"Measured on {experiment['made_at'][:16].replace('T', ' at ')} UTC."] if "made_at" in experiment else []
    )
    note = " ".join([experiment["note"], *failed, *measured]).strip()
    return Table(f"{experiment['title']}, {experiment['runs']} runs", head, rows, note)


def _row(one: Mapping[str, Any], size: int) -> tuple[str, ...]:
    if "seconds" not in one:
        return (one["label"], "failed", "", "", "", "")
    peak = one.get("median_peak_bytes")
    ratio = f"{one['median_ratio']:.2f} of {one['over']}" if "median_ratio" in one else "-"
    rate = size / one["median_seconds"] / 1_000_000
    return (
        one["label"],
        f"{one['median_seconds']:.2f} s, {rate:.0f} MB/s",
        f"{min(one['seconds']):.2f} to {max(one['seconds']):.2f} s",
        ratio,
        f"{one['median_cpu_seconds']:.2f} s",
        "-" if peak is None else f"{peak / MIB:.1f} MiB",
    )


def _memory(experiments: Sequence[Mapping[str, Any]]) -> Table:
    head = ("upload", "100 MiB", "1 GiB", "4 GiB")
    peaks: dict[str, list[str]] = {}
    for experiment in experiments:
        for one in experiment["contenders"]:
            peak = one.get("median_peak_bytes")
            cell = "failed" if peak is None else f"{peak / MIB:.1f} MiB"
            peaks.setdefault(f"{one['label']}, {experiment['scheme']}", []).append(cell)
    rows = [(label, *cells) for label, cells in peaks.items()]
    runs = experiments[0]["runs"]
    return Table(f"Peak memory above the imports, {runs} runs", head[: len(rows[0])], rows)
