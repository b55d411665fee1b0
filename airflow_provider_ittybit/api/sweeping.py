"""What one request can tell of many: which list pages are worth it, and what of a list item can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.processing import ProcessingStatus, read_processing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from airflow_provider_ittybit.api.generations import Generation

WORTH = 2
"""Ids that a page must answer: a page costs one request, and so does asking for one id."""
LONGEST_REST = 16
"""Turns that are left out at most, after several in a row that did not pay."""
MANY_TIMES = 4
"""Times the ids for which something did not pay: for so many it is tried in spite of its rest."""
_PARTS = ("files", "sources")


def can_be_swept(generation: Generation, collection: str) -> bool:
    """Tell whether a collection has a list (the single tasks of the jobs generation have none)."""
    row = generation.resources.get(collection)
    return row is not None and "list" in row.verbs


def parts_shown(items: Iterable[Mapping[str, Any]]) -> set[str]:
    """Tell which parts (``files``, ``sources``) the items of a list come with.

    That no list of a generation leaves parts out is nowhere stated. One item that has some proves it for this list,
    and then an item without any really has none.
    """
    return {name for item in items for name in _PARTS if item.get(name)}


def read_listed(item: Mapping[str, Any], proven: Iterable[str] = ()) -> ProcessingStatus | None:
    """Judge a resource as a list shows it, where the list tells as much as the resource itself would.

    - With a ``status`` that is known: as it says.
    - Without one, but with parts, or with an empty list of parts where lists are proven to show them: "still
      processing" as the parts say. That all is done is not taken from a list, which may show some parts only.
    - Otherwise nothing is said, and the resource has to be read itself.

    :param item: an item of a list.
    :param proven: names of the parts that this list is known to show.
    """
    status = read_processing(item)
    if item.get("status"):
        return status if status.known else None
    shown = [name for name in _PARTS if isinstance(item.get(name), list)]
    told = bool(shown) and (bool(item[shown[0]]) or shown[0] in proven)
    return status if told and status.known and not status.state.is_final else None


class Odds:
    """Remembers whether something that is tried again and again pays, and rests from it while it does not.

    The rest doubles with each try that did not pay, up to 16 turns; one that pays ends it. For many times as many ids
    as the last try was for, it is tried at once: what was of no use to few may be of use to many.
    """

    __slots__ = ("_given_up", "_rest", "_useless", "_wanted")

    def __init__(self) -> None:
        self._useless = 0
        self._rest = 0
        self._wanted = 0
        self._given_up = False

    @property
    def given_up(self) -> bool:
        """Whether it is not tried any more."""
        return self._given_up

    def favour(self, wanted: int = 0) -> bool:
        """Tell whether to try now, and count the turn.

        :param wanted: ids that it would be for.
        """
        if self._given_up:
            return False
        if self._rest and wanted < MANY_TIMES * max(self._wanted, 1):
            self._rest -= 1
            return False
        self._wanted = wanted
        return True

    def learn(self, answered: int, requests: int) -> None:
        """Take in how a try went: it paid if it answered more ids than it cost requests."""
        self._useless = 0 if answered > requests else self._useless + 1
        self._rest = min(2 ** (self._useless - 1), LONGEST_REST) if self._useless else 0

    def give_up(self) -> None:
        """Never try again."""
        self._given_up = True
