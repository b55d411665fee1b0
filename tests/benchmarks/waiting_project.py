"""What the server of the waiting benchmark knows: what is waited for, when each is done, and who looked when."""

from __future__ import annotations

import itertools
import random
import statistics
from dataclasses import dataclass, field
from typing import Any

SEED = 20_250_820
BETWEEN = 10
"""After so many resources that are waited for, a list shows one that is none of them."""
OLDER = 200
"""Resources of earlier days at the end of a list."""
ELSEWHERE = 1_000_000_000
"""Number of the first of those; all such are done."""


@dataclass(frozen=True, slots=True)
class Course:
    """How one run goes; times are seconds.

    :param waiting: resources that are waited for, one by each trigger.
    :param spread: time in which the triggers start, before what is measured begins.
    :param seconds: time that is measured.
    :param share: part of the resources that is done in the second half of it; the others never are.
    :param number: tells rounds apart, so that each has other resources done at other times.
    """

    waiting: int
    spread: float
    seconds: float
    share: float = 0.05
    number: int = 0

    @property
    def done(self) -> int:
        """How many resources get done."""
        return max(1, round(self.waiting * self.share)) if self.share else 0

    def due(self, begins: float) -> dict[int, float]:
        """Say when which resource is done, for a measurement that begins at a time."""
        chance = random.Random(SEED + self.number)  # noqa: S311 - the same for all contenders of a round
        chosen = chance.sample(range(self.waiting), self.done)
        return {index: begins + self.seconds * chance.uniform(0.5, 1.0) for index in chosen}


@dataclass(slots=True)
class Tally:
    """What was asked.

    :param total: requests.
    :param by_route: requests by what was asked for.
    :param connections: new connections.
    """

    total: int = 0
    by_route: dict[str, int] = field(default_factory=dict)
    connections: int = 0

    def count(self, route: str) -> None:
        """Count a request."""
        self.total += 1
        self.by_route[route] = self.by_route.get(route, 0) + 1


class Project:
    """The resources of one run, by number from the oldest. Numbers from ``waiting`` on are done from the start.

    :param course: how the run goes.
    :param now: time on the clock that all processes of a machine share.
    """

    def __init__(self, course: Course, now: float) -> None:
        self.course = course
        self.begins = now + course.spread
        self.ends = self.begins + course.seconds
        self.due = course.due(self.begins)
        self.before, self.during = Tally(), Tally()
        self._last = [now + course.spread * index / course.waiting for index in range(course.waiting)]
        self._gaps = [0.0] * course.waiting
        self._told = bytearray(course.waiting)
        self.listed = _newest_first(course.waiting)

    def tally(self, now: float) -> Tally:
        """Find where to count what happens now; what comes after the measured time is not kept."""
        if now < self.begins:
            return self.before
        return self.during if now < self.ends else Tally()

    def is_done(self, index: int, now: float) -> bool:
        """Whether a resource is done."""
        return index >= self.course.waiting or self.due.get(index, now + 1) <= now

    def looked(self, index: int, now: float) -> None:
        """Note that a contender sees how it stands with a resource; after it was seen done nothing is noted.

        Before the first look counts what has passed since its trigger was to start.
        """
        if index >= self.course.waiting or self._told[index]:
            return
        if self.begins <= now <= self.ends:
            self._gaps[index] = max(self._gaps[index], now - self._last[index])
        self._last[index] = now
        self._told[index] = self.is_done(index, now)

    def looked_at_all(self, now: float) -> None:
        """Note a look at a feed, which tells of all."""
        for index in range(self.course.waiting):
            self.looked(index, now)

    def report(self, server_cpu: float) -> dict[str, Any]:
        """Describe the run, after its end."""
        gaps = [
            gap if told else max(gap, self.ends - last)
            for gap, last, told in zip(self._gaps, self._last, self._told, strict=True)
        ]
        return {
            "requests": self.during.total,
            "by_route": self.during.by_route,
            "requests_while_starting": self.before.total,
            "connections": self.during.connections,
            "due": sorted(self.due.items()),
            "gap_median": statistics.median(gaps),
            "gap_max": max(gaps),
            "server_cpu": server_cpu,
        }


def _newest_first(waiting: int) -> list[int]:
    others = itertools.count(ELSEWHERE)
    listed: list[int] = []
    for position, index in enumerate(range(waiting - 1, -1, -1), start=1):
        listed.append(index)
        if position % BETWEEN == 0:
            listed.append(next(others))
    return listed + list(itertools.islice(others, OLDER))
