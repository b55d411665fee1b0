"""What is new in a list that grows at its top: which media a watcher has told of, and which it has not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.failures import readable_words
from airflow_provider_ittybit.api.identifiers import check_id
from airflow_provider_ittybit.api.processing import ProcessingState, read_processing
from airflow_provider_ittybit.api.sweeping import read_listed
from airflow_provider_ittybit.api.timestamps import created_at
from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitUnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LATE = 600.0
"""Seconds behind the newest by which something may still appear in a list, as the clocks of ittybit's servers differ.

Nothing is published about it.
"""
MOST_KNOWN = 500
"""Ids that a position keeps, so that it fits into the 64 KiB that Airflow has for a value of its stores."""
READY, CREATED = "ready", "created"
_QUERY = re.compile(r"\?[\w.~%-]+=.*", re.DOTALL)
"""The end of a name that was made of a URL; a title such as "What? 1 = 1.mp4" has none."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a list said of one resource.

    :param id: its id.
    :param created: Unix seconds.
    :param facts: what an event tells of it: plain JSON, no URL.
    :param state: where its processing stands, ``None`` if the list does not say it clearly.
    """

    id: str
    created: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    state: ProcessingState | None = None


def sightings(items: Iterable[Mapping[str, Any]], collection: str) -> list[Sighting]:
    """Read a page of a list. What has no usable id or creation time is left out: whether it is new cannot be told.

    :raises IttybitUnreadableAnswerError: that holds for all of the page.
    """
    listed = list(items)
    seen = [one for one in (_sighted(item, collection) for item in listed) if one is not None]
    if listed and not seen:
        message = (
            f"ittybit's list of {collection} holds nothing with a usable id and a readable creation time, so it cannot "
            "be told what is new."
        )
        raise IttybitUnreadableAnswerError(message)
    return seen


def _sighted(item: Mapping[str, Any], collection: str) -> Sighting | None:
    created = created_at(item)
    try:
        name = check_id(item.get("id"))
    except IttybitInputError:
        return None
    if created is None:
        return None
    listed = read_listed(item)
    return Sighting(name, created.timestamp(), facts_of(item, collection), listed.state if listed else None)


def facts_of(item: Mapping[str, Any], collection: str) -> dict[str, Any]:
    """Choose what an event tells of a resource. No URL is among it, since it may be signed.

    A name that ittybit made of a URL may still end with its query, which is left out.
    """
    created = item.get("created_at") if item.get("created") is None else item.get("created")
    return {
        "id": item.get("id"),
        "resource": collection,
        "created": created if isinstance(created, str | int | float) and created_at(item) is not None else None,
    } | {
        name: _QUERY.sub("", readable_words(item[name]))
        for name in ("kind", "folder", "filename")
        if isinstance(item.get(name), str)
    }


def has_succeeded(resource: Mapping[str, Any]) -> bool | None:
    """Tell how the processing of a resource ended; ``None`` while it goes on."""
    state = read_processing(resource).state
    return state is ProcessingState.SUCCEEDED if state.is_final else None


@dataclass(frozen=True, slots=True)
class Sieve:
    """What a watcher looks for.

    :param kind: only this kind, such as ``video``.
    :param folder: only this folder and those in it.
    """

    kind: str | None = None
    folder: str | None = None

    def lets_through(self, facts: Mapping[str, Any]) -> bool:
        """Tell whether a resource is looked for."""
        if self.kind is not None and facts.get("kind") != self.kind:
            return False
        if self.folder is None:
            return True
        wanted, given = self.folder.strip("/"), str(facts.get("folder") or "").strip("/")
        return given == wanted or given.startswith(f"{wanted}/") or not wanted

    def may_let_through(self, facts: Mapping[str, Any]) -> bool:
        """Tell whether a resource that has no kind yet may be looked for after all: ittybit finds it by processing."""
        return "kind" not in facts and self.lets_through({**facts, "kind": self.kind})


class Order:
    """Tells from the pages seen so far whether later ones can only hold what is older.

    The files generations do not document an order. So a list counts as newest first once its end, as far as it
    was read, is older than its top.
    """

    __slots__ = ("_end", "_top")

    def __init__(self) -> None:
        self._top: float | None = None
        self._end = 0.0

    def take(self, page: Sequence[Sighting]) -> None:
        """Take in the next page."""
        if page:
            self._top = page[0].created if self._top is None else self._top
            self._end = page[-1].created

    @property
    def is_newest_first(self) -> bool:
        """Whether what comes is older than what came."""
        return self._top is not None and self._end < self._top


class Position:
    """How far a watcher is. What was created before ``floor`` is told of or never will be; of the rest it knows which.

    :param floor: Unix seconds, ``None`` before the first look.
    :param known: when each was created, by the id of what was told of, or needs not be.
    :param waiting: the same of what was seen and is not ready yet.
    """

    __slots__ = ("_newest", "floor", "known", "waiting")

    def __init__(
        self,
        floor: float | None = None,
        known: Mapping[str, float] | None = None,
        waiting: Mapping[str, float] | None = None,
    ) -> None:
        self.floor = floor
        self.known = dict(known or {})
        self.waiting = dict(waiting or {})
        self._newest = max(self.known.values(), default=float("-inf"))

    @property
    def has_begun(self) -> bool:
        """Whether the first look was taken."""
        return self.floor is not None

    def begin(self, seen: Iterable[Sighting]) -> None:
        """Take in the first look: what is there by now is not new."""
        self.known = {one.id: one.created for one in seen}
        self.floor = min(self.known.values(), default=0.0)
        self._newest = max(self.known.values(), default=float("-inf"))

    def new(self, seen: Iterable[Sighting]) -> list[Sighting]:
        """Tell what of a look was never seen before, oldest first."""
        floor = self.floor or 0.0
        found: dict[str, Sighting] = {}
        for one in seen:
            self._newest = max(self._newest, one.created)
            if one.created >= floor and one.id not in self.known and one.id not in self.waiting:
                found.setdefault(one.id, one)
        return sorted(found.values(), key=lambda one: (one.created, one.id))

    def tell(self, name: str, created: float) -> None:
        """Note that something is told of, or needs not be."""
        self.waiting.pop(name, None)
        self.known[name] = created

    def settle(self, untold: Iterable[float]) -> None:
        """Forget what can never be taken for new again: what is older than anything that may still come.

        :param untold: when each was created of what was seen, is ready, and is not told of yet.
        """
        if self.floor is None:
            return
        newest_first = sorted(self.known.values(), reverse=True)
        floors = [self._newest - LATE]
        if len(newest_first) > MOST_KNOWN:
            floors = [max(floors[0], newest_first[MOST_KNOWN - 1])]
        self.floor = max(self.floor, min([*floors, *untold]))
        self.known = {name: created for name, created in self.known.items() if created >= self.floor}

    def to_json(self) -> dict[str, Any]:
        """Write it down; ``from_json`` makes it again."""
        return {"floor": self.floor, "known": dict(self.known), "waiting": dict(self.waiting)}

    @classmethod
    def from_json(cls, stored: object) -> Position:
        """Make a position again from what ``to_json`` wrote; from nothing, one that has not begun.

        :raises IttybitUnreadableAnswerError: it was written by something else. To begin anew instead would leave out
            what has come meanwhile, unnoticed.
        """
        if stored is None:
            return cls()
        parts = [stored.get(name) for name in ("known", "waiting")] if isinstance(stored, Mapping) else []
        floor = stored.get("floor") if isinstance(stored, Mapping) else None
        if not isinstance(floor, int | float) or not all(isinstance(part, Mapping) for part in parts):
            message = "What is kept of a watcher's position was not written by it: delete it to begin anew."
            raise IttybitUnreadableAnswerError(message)
        known, waiting = ({str(name): float(when) for name, when in dict(part or {}).items()} for part in parts)
        return cls(float(floor), known, waiting)
