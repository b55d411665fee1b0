"""One line for all who share a rate limit: values only, without clock and chance.

ittybit publishes no number for its limit. So nobody waits before the first 429. From then on all who share the key on a
machine take tickets and go one after the other, in the order in which they came. The pace is found as TCP finds it: it
grows until the next 429, which lowers it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

FIRST_RATE = 4.0
"""Requests per second with which a line begins."""
SLOWEST, FASTEST = 0.02, 500.0
"""Requests per second: slower than that no line gets, and above it none is needed any more."""
DOUBLED = 2.0
"""Times the pace after a second, as long as no 429 has come since the line began."""
MORE, MORE_SHARE = 0.03, 0.02
"""Requests per second by which the pace grows in a second later on: a number, which lets machines that share a limit
come to equal parts of it, or a share of the pace if that is more."""
LONGEST_GAP = 5.0
"""Seconds between two requests that count at most for that growth."""
LESS, MUCH_LESS = 0.75, 0.6
"""What is left of the pace after a 429; the second where it has grown blindly so far."""
MEMORY = 300.0
"""Seconds after its last 429 for which a line is kept."""


@dataclass(frozen=True, slots=True)
class Line:
    """Who may send when.

    :param rate: requests per second.
    :param first: the ticket that may be used at ``at``.
    :param at: Unix seconds.
    :param following: the next ticket to be handed out.
    :param refused: Unix seconds of the 429 that last lowered the pace.
    :param is_found: whether a 429 has ended the blind growth of the beginning.
    """

    rate: float
    first: int
    at: float
    following: int
    refused: float
    is_found: bool = False

    @classmethod
    def begun(cls, now: float, pause: float) -> Line:
        """Make the line that the first 429 begins.

        :param now: Unix seconds.
        :param pause: seconds in which nobody may send.
        """
        return cls(rate=FIRST_RATE, first=0, at=now + pause, following=0, refused=now)

    def joined(self, now: float, held: int | None = None) -> tuple[Line, int]:
        """Hand out a ticket; where nobody waits, it may be used at once.

        :param held: a ticket from before, which stays good. Where the line has passed it by, since nobody was there to
            use it, its holder goes first, and all others one place later. One that the line cannot have handed out,
            because it began anew meanwhile, is exchanged.
        """
        if held is not None and held < self.following:
            line = self if held >= self.first else replace(self, first=self.first - 1)
            return line, max(held, line.first)
        line = self
        if now >= self.moment(self.following):
            line = replace(self, first=self.following, at=now)
        return replace(line, following=line.following + 1), line.following

    def moment(self, ticket: int) -> float:
        """Tell the Unix seconds from which a ticket may be used; they can change with every request of others."""
        return self.at + max(0, ticket - self.first) / self.rate

    def used(self, ticket: int, now: float) -> Line:
        """Take in that a request goes out with a ticket: the pace grows a little."""
        if ticket < self.first:
            return self
        gap = min(max(now - self.at + 1 / self.rate, 0.0), LONGEST_GAP)
        if self.is_found:
            rate = self.rate + max(MORE, MORE_SHARE * self.rate) * gap
        else:
            rate = self.rate * DOUBLED ** min(gap, 1.0)
        # a little late is made up for, but who comes very late must not have others go all at once
        at = max(self.moment(ticket), now - 0.5 / self.rate)
        return replace(self, rate=rate, first=ticket + 1, at=at + 1 / rate)

    def slowed(self, sent: float, now: float, pause: float) -> tuple[Line, int]:
        """Take in a 429: nobody sends for a while, and afterwards all more slowly.

        :param sent: Unix seconds at which the refused request went out: those that were on their way together count
            as one refusal.
        :param now: Unix seconds.
        :param pause: seconds in which nobody may send.
        :return: the line, and a ticket for the refused request: it goes first.
        """
        line = replace(self, at=max(self.at, now + pause), first=self.first - 1)
        if sent >= self.refused:
            rate = max(self.rate * (LESS if self.is_found else MUCH_LESS), SLOWEST)
            line = replace(line, rate=rate, refused=now, is_found=True)
        return line, line.first

    def is_over(self, now: float) -> bool:
        """Tell whether the line can be forgotten: the last 429 is long ago, or the pace holds nobody back."""
        return self.rate > FASTEST or not self.refused - MEMORY < now < max(self.refused, self.at) + MEMORY


def written(line: Line) -> str:
    """Write a line down."""
    return " ".join(repr(getattr(line, item.name)) for item in fields(line))


def read(text: str) -> Line | None:
    """Read a line that was written down; None for anything else."""
    parts = text.split()
    try:
        rate, at, refused = (float(parts[place]) for place in (0, 2, 4))
        first, following = int(parts[1]), int(parts[3])
        is_found = {"True": True, "False": False}[parts[5]]
    except (ValueError, IndexError, KeyError):
        return None
    if not all(map(math.isfinite, (rate, at, refused))) or rate < SLOWEST or first > following:
        return None
    return Line(rate, first, at, following, refused, is_found)
