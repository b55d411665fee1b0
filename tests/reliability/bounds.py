"""The third table: what is measured and not counted, and what it may be at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROPERTY = "reliability"


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that a test measures.

    :param what: in the words of the page.
    :param most: what it may be.
    :param unit: of both.
    """

    what: str
    most: float
    unit: str

    def check(self, seen: float, record: Callable[[str, object], None]) -> None:
        """Note what was seen, with pytest's ``record_property``, and fail if it is too much."""
        record(PROPERTY, [self.what, seen])
        assert seen <= self.most, f"{self.what}: {self.told(seen)}, at most {self.told(self.most)} is allowed"

    def told(self, value: float) -> str:
        """Write a value down."""
        return f"{value:.1f}".removesuffix(".0") + f" {self.unit}"


KILLED = Bound("from SIGTERM to the end of a process that waits for an answer, the slowest", 5, "s")
"""From Airflow's signal to the one that no process survives; 2.5 s of it are for an answer that may come."""
REFUSED = Bound(
    "refused with 429: of the requests of 8 threads in 2 processes and 4 triggers, 10 a second being allowed", 20, "%"
)
LONGEST_READ = Bound("the longest that one of these 8 threads had to wait for an answer", 20, "s")
LONG_LIST = Bound("memory for a list of 100,000 items beyond that for 1,000, in the dearest generation", 16, "MiB")
ENDLESS_LIST = Bound("memory for a list of 400,000 items beyond that for 200,000", 2, "MiB")
BOUNDS = (KILLED, REFUSED, LONGEST_READ, LONG_LIST, ENDLESS_LIST)


def lines(seen: Mapping[str, float]) -> Iterator[str]:
    """Write the lines of the table.

    :param seen: by what it is.
    :raises KeyError: there is one that was not measured.
    """
    for bound in BOUNDS:
        yield f"| {bound.what} | {bound.told(seen[bound.what])} | {bound.told(bound.most)} |"


def gathered(reports: list[list[Any]]) -> dict[str, float]:
    """Take the largest of each thing that was measured more than once."""
    found: dict[str, float] = {}
    for what, value in reports:
        found[what] = max(value, found.get(what, value))
    return found
