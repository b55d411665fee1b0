"""When the next look is due: values only, without clock and chance.

Two wishes pull against each other: to notice an end soon, and to ask seldom. What has been going on for an hour need
not be asked about every 10 s, since a minute more is little beside what it took. So a pause grows with the age of the
waiting, and a ``progress`` that moves or is near its end takes it back to what the user asked for.
"""

from __future__ import annotations

import math

SHARE_OF_AGE = 0.1
"""A pause is at most this share of the time waited so far, so an end is noticed that much later at most."""
MOST_GROWTH = 4.0
"""Times ``poll_interval`` that a pause may grow to."""
LONGEST_GROWN = 60.0
"""Seconds above which no pause grows; a longer ``poll_interval`` stays what it is."""
NEARLY_DONE = 90.0
"""Percent of progress from which looks are taken as often as the user asked for."""
JITTER = 0.2
"""Share by which the pauses of a round are cut short at most, so that pollers of several triggerers spread out.

They are not lengthened: with thousands waiting, the sweep itself takes seconds, and both would add up.
"""
EARLY = 0.25
"""Share of its pause by which a look may come early, when it can share a request with others."""
LONGEST_TICK = 1.0
"""Seconds: looks are due at whole multiples of a tick, so that those at about the same time share requests."""
LEAST = 0.5
"""Share of its pause that must pass between the end of a look and the next look, when looks take long."""
TICKS = 10.0
"""Ticks in a ``poll_interval``, at least."""


def next_pause(
    poll_interval: float,
    age: float,
    progress: float | None = None,
    before: float | None = None,
    longest: float | None = None,
) -> float:
    """Tell how many seconds the next look should come after this one.

    :param poll_interval: seconds that the user asked for.
    :param age: seconds waited so far.
    :param progress: percent that ittybit reports now, ``None`` where it reports none.
    :param before: percent that it reported at the look before.
    :param longest: seconds that a pause may grow to where the user asked for an exponential growth: each is then as
        long as the time waited so far.
    :return: ``poll_interval`` at first and whenever progress moves or reached 90 %; else a tenth of ``age``, at most
        four times ``poll_interval`` and at most 60 s, but never less than ``poll_interval``. Without ``longest``, it
        is a whole multiple of ``poll_interval``, so that who waits for long is due when others are.
    """
    if progress is not None and (progress >= NEARLY_DONE or (before is not None and progress != before)):
        return poll_interval
    if longest is not None:
        return min(max(poll_interval, age), max(poll_interval, longest))
    grown = min(MOST_GROWTH * poll_interval, LONGEST_GROWN, SHARE_OF_AGE * age)
    return poll_interval * max(1.0, grown // poll_interval) if poll_interval > 0 else 0.0


def spread(pause: float, *, chance: float) -> float:
    """Cut a pause short by up to a fifth.

    :param pause: seconds.
    :param chance: a random number from 0 to 1.
    """
    return pause * (1 - JITTER + JITTER * chance)


def on_tick(moment: float, poll_interval: float) -> float:
    """Round a moment up to a tick: the largest power of two that is at most 1 s and a tenth of ``poll_interval``.

    Being powers of two, the ticks of different intervals fall together.
    """
    width = LONGEST_TICK
    if poll_interval < TICKS * LONGEST_TICK:
        width = 2.0 ** math.floor(math.log2(max(poll_interval, 0.001) / TICKS))
    return math.ceil(moment / width) * width
