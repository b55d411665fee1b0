"""What the waiting benchmark asks of one fresh process, and what that process says afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Job:
    """Many triggers of one kind in one event loop; times are seconds.

    :param contender: its name in ``waiting_contenders``.
    :param waiting: number of triggers.
    :param interval: what each is told to leave between two looks.
    :param spread: time in which they start, one after the other.
    :param seconds: time that is measured, after all have started.
    :param grace: time after that in which events still count, and the delay of the event loop is measured.
    :param share: part of the resources that gets done.
    :param number: number of the round.
    :param url: address of the server, without a path.
    :param control: address at which it is told to begin.
    :param authority: file with the certificates to trust.
    :param most_bytes: resident memory at which the process gives up.
    """

    contender: str
    waiting: int
    interval: float
    spread: float
    seconds: float
    grace: float
    share: float
    number: int
    url: str
    control: str
    authority: str
    most_bytes: int

    def dump(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a trigger.

    :param index: number of what it waited for.
    :param at: time on the clock that all processes of a machine share.
    :param text: what it says, shortened.
    """

    index: int
    at: float
    text: str


@dataclass(slots=True)
class Outcome:
    """What one process measured.

    :param cpu: seconds of CPU in the measured time, of all threads.
    :param resident: resident bytes, before the first trigger and at the end of the measured time.
    :param own: the part of that which is no copy of a file, and what of it was swapped out.
    :param delays: seconds by which the event loop was late, one for each time it was tried, after the measured time.
    :param events: the first event of each trigger that had one.
    :param failures: triggers that ended without an event.
    :param failure: why the first of them did.
    """

    cpu: float = 0.0
    resident: tuple[int, int] = (0, 0)
    own: tuple[int, int] = (0, 0)
    delays: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    failures: int = 0
    failure: str | None = None

    def dump(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Outcome:
        """Read it back."""
        values = json.loads(text)
        return cls(**{**values, "events": [Event(**event) for event in values["events"]]})
