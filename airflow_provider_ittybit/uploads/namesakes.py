"""Several uploads of one task: none takes the file of another for its own, and chunks of two never go to one place.

An upload whose answer was lost is looked for by name, folder and size, and chunks are joined by where they go. Neither
tells two files of one name apart. So these go one after another, and each knows what the others noted.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_provider_ittybit.uploads.journal import OTHER_BYTES, Noted
from airflow_provider_ittybit.uploads.signatures import without_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ittybit.uploads.journal import Journal

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False, repr=False)
class Beside:
    """The notes of one of several uploads of a task, which knows those of the others.

    It has no ``repr`` of its own, which would show URLs whole.

    :param journal: its own notes.
    :param identity: tells its source from others; the same file may be listed twice.
    :param filename: under which it arrives, ``None`` for what ittybit fetches itself: that is found by other means.
    :param task: the notes of all uploads of the task.
    :param namesakes: those of them with its filename; none goes while another does.
    """

    journal: Journal
    identity: str
    filename: str | None
    task: list[Beside]
    namesakes: list[Beside]
    _found: Noted | None = field(default=None, init=False)
    _written: Noted | None = field(default=None, init=False)
    _litter: tuple[int, int] | None = field(default=None, init=False)
    _is_littered: bool = field(default=False, init=False)

    @property
    def lasting(self) -> bool:
        """Whether notes outlive the try."""
        return self.journal.lasting

    @property
    def accepted(self) -> float | None:
        """When ittybit accepted the upload that was last read or written, as far as notes say it."""
        return self.journal.accepted

    def read(self, fingerprint: str) -> Noted:
        """Return what earlier tries of the very same upload noted, and what is left of others where it goes.

        If this upload and another one of its name and size got no answer, what arrived may be either's. Then this one
        begins anew: a second copy does less harm than a file that never arrives.
        """
        noted = self.journal.read(fingerprint)
        if _is_in_doubt(noted) and not self.is_alone(noted.size):
            log.warning(
                "An earlier try sent several files named %r of one size and saw no answers, so which of them arrived "
                "cannot be told: sending again. If the ittybit app has one twice afterwards, delete one of them.",
                self.filename,
            )
            noted = Noted(size=noted.size, astray=True, litter=noted.litter or noted.layout)
            self.write(noted)
        self._litter = noted.litter or noted.layout
        self._is_littered = any(_has_litter(rival.last()) for rival in self._rivals())
        return replace(noted, litter=OTHER_BYTES) if self._is_littered else noted

    def last(self) -> Noted:
        """Return what was noted last, in this try or an earlier one; the store is asked once."""
        if self._written is not None:
            return self._written
        if self._found is None:
            self._found = self.journal.last()
        return self._found

    def name(self) -> str:
        """Return a name for the upload that was read: each try of it gets the same, and no other upload does."""
        return self.journal.name()

    def write(self, noted: Noted) -> None:
        """Note how far the upload is; the chunks of others stand in their notes, and may be gone at the next try."""
        self._written = replace(noted, litter=self._litter) if self._is_littered else noted
        self.journal.write(self._written)

    def taken(self) -> frozenset[str]:
        """Return the ids that ittybit gave to the other uploads of the task."""
        ids = {other.last().resource_id for other in self.task if other is not self}
        return frozenset(one for one in ids if one is not None)

    def is_alone(self, size: int | None) -> bool:
        """Tell whether a file of its name and of this size that no upload has taken can only be its own."""
        noted = (rival.last() for rival in self._rivals())
        return not any(one.size == size and (one.astray or _is_in_doubt(one)) for one in noted)

    def _rivals(self) -> list[Beside]:
        """Return the notes of other files with its filename. The same file again has the same bytes."""
        return [other for other in self.namesakes if other.identity != self.identity]


def beside(journals: Sequence[Journal], sources: Sequence[object], *, fetch: bool) -> list[Beside]:
    """Let the uploads of one task know of each other.

    All go to one folder, so the filename tells where each goes.

    :param journals: the notes of each.
    :param sources: what each uploads, as a user gave it.
    :param fetch: whether the worker streams ``http(s)`` URLs through.
    """
    task: list[Beside] = []
    places: dict[str, list[Beside]] = {}
    for journal, source in zip(journals, sources, strict=True):
        filename = _filename(source, fetch=fetch)
        namesakes = places.setdefault(filename, []) if filename is not None else []
        one = Beside(journal, without_signature(str(source)), filename, task, namesakes)
        task.append(one)
        namesakes.append(one)
    return task


def _filename(source: object, *, fetch: bool) -> str | None:
    """Tell the name of a source before it is looked at. Where in doubt, two names come out as one."""
    text = str(source).strip()
    if isinstance(source, str) and re.match("https?://", text, re.IGNORECASE):
        if not fetch:
            return None
        text = re.split("[?#]", text)[0].partition("://")[2].partition("/")[2]
    return unquote(text).rstrip("/").rpartition("/")[2]


def _is_in_doubt(noted: Noted) -> bool:
    """Tell whether a whole file may have arrived, though no answer was seen."""
    if noted.since is None or noted.resource_id is not None:
        return False
    return noted.layout is None or len(noted.arrived) >= noted.layout[0] - 1


def _has_litter(noted: Noted) -> bool:
    """Tell whether chunks may lie at ittybit, unfinished."""
    return noted.resource_id is None and (noted.layout or noted.litter) is not None
