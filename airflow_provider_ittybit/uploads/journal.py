"""What an upload notes down, so that a later try of the same task sends only what is missing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Protocol

OTHER_BYTES = (0, 0)


@dataclass(frozen=True, slots=True)
class Noted:
    """What earlier tries of the same upload noted.

    :param since: Unix seconds, by ittybit's clock, before the first byte was sent; ``None`` if nothing was begun.
    :param resource_id: the id that ittybit gave, ``None`` if no answer was seen.
    :param accepted: Unix seconds, by the worker's clock, when it gave that id.
    :param labelled: whether all that the upload could not carry was set on it.
    :param layout: number and size of the chunks, ``None`` for an upload in one piece.
    :param arrived: indices of the chunks that ittybit acknowledged.
    :param litter: number and size of the chunks of an earlier upload that may still lie at ittybit, unfinished;
        ``OTHER_BYTES`` if they were cut from other bytes than now.
    :param size: bytes of the file that was begun, ``None`` for what ittybit fetches itself.
    :param astray: whether a copy of an earlier try may be at ittybit that cannot be told from another upload's.
    """

    since: float | None = None
    resource_id: str | None = None
    labelled: bool = False
    layout: tuple[int, int] | None = None
    arrived: frozenset[int] = field(default_factory=frozenset)
    litter: tuple[int, int] | None = None
    accepted: float | None = None
    size: int | None = None
    astray: bool = False


class Journal(Protocol):
    """Where an upload notes what it did."""

    @property
    def lasting(self) -> bool:
        """Whether notes outlive the try; where they do not, none need be collected."""

    @property
    def accepted(self) -> float | None:
        """When ittybit accepted the upload that was last read or written, as far as notes say it."""

    def read(self, fingerprint: str) -> Noted:
        """Return what earlier tries of the very same upload noted, and begin anew for any other."""

    def last(self) -> Noted:
        """Return what was noted last in this run of the task, of whichever bytes."""

    def name(self) -> str:
        """Return a name for the upload that was read: each try of it gets the same, and no other upload does."""

    def write(self, noted: Noted) -> None:
        """Note how far the upload is."""

    def taken(self) -> frozenset[str]:
        """Return the ids that ittybit gave to the other uploads of the task."""

    def is_alone(self, size: int | None) -> bool:
        """Tell whether a file of its name and of this size that no upload has taken can only be its own."""


class Alone:
    """What a journal says of the other uploads of its task if it knows of none."""

    __slots__ = ()

    def taken(self) -> frozenset[str]:
        """Return no ids."""
        return frozenset()

    def is_alone(self, size: int | None) -> bool:  # noqa: ARG002 - as in Journal
        """Say that it is."""
        return True


class NoJournal(Alone):
    """Forgets everything: each try uploads afresh."""

    lasting = False
    accepted = None

    def read(self, fingerprint: str) -> Noted:  # noqa: ARG002 - as in Journal
        """Return nothing."""
        return Noted()

    def last(self) -> Noted:
        """Return nothing."""
        return Noted()

    def name(self) -> str:
        """Return a new name each time."""
        return uuid.uuid4().hex

    def write(self, noted: Noted) -> None:
        """Forget it."""
