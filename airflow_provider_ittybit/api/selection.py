"""Which items of a list are wanted, and whether later pages can still hold any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.timestamps import created_at
from airflow_provider_ittybit.exceptions import IttybitUnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pendulum


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list should hold.

    :param kind: only items of this kind; ``None`` for all, or where the server already sifted.
    :param created_after: only items created at this time or later.
    :param created_before: only items created before this time. Both together are a data interval: neighbouring
        intervals share no item and leave none out.
    :param max_items: at most so many.
    :param newest_first: whether the API documents that the newest comes first; ``None`` if it does not say.
    :param oldest_first: whether the API documents that the oldest comes first.
    """

    kind: str | None = None
    created_after: pendulum.DateTime | None = None
    created_before: pendulum.DateTime | None = None
    max_items: int | None = None
    newest_first: bool | None = None
    oldest_first: bool = False


class Selection:
    """Takes page after page, keeps what is wanted and knows when no later page can hold more.

    With ``created_after``, reading stops at the first page whose last item is older, where the documentation
    says that the newest comes first. Where it does not say so (the files generations), it stops after the first
    page that is wholly older, once items were seen in that order and none against it. A list that is asked for
    oldest first stops in the same way at ``created_before``.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._last: pendulum.DateTime | None = None
        self._falling = self._rising = False
        self._kept = 0
        self._other_kinds: set[str] = set()
        self.complete = wanted.max_items is not None and wanted.max_items <= 0

    def take(self, items: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        """Yield the wanted items of the next page; ``complete`` says afterwards if that was all.

        :raises IttybitUnreadableAnswerError: an interval is wanted and an item does not say when it was created.
        """
        if self.complete:
            return
        wanted = self._wanted
        older: list[bool] = []
        newer = False
        for item in items:
            if wanted.created_after or wanted.created_before:
                created = self._created(item)
                older.append(wanted.created_after is not None and created < wanted.created_after)
                newer = wanted.created_before is not None and created >= wanted.created_before
                if older[-1] or newer:
                    continue
            if wanted.kind is not None and item.get("kind") != wanted.kind:
                self._other_kinds.add(str(item.get("kind"))[:40])
                continue
            yield item
            self._kept += 1
            if wanted.max_items is not None and self._kept >= wanted.max_items:
                self.complete = True
                return
        self.complete = self._is_past(older, newer=newer)

    @property
    def doubt(self) -> str | None:
        """What is odd about the result: no item of the wanted kind among several of others, as after a slip."""
        if self._kept or not self._other_kinds:
            return None
        return f"no item has the kind {self._wanted.kind!r}; there are: {', '.join(sorted(self._other_kinds)[:10])}"

    def _is_past(self, older: list[bool], *, newer: bool) -> bool:
        """Tell from a page whether all later ones lie outside the interval.

        :param older: for each item, whether it is older than the interval.
        :param newer: whether the last item is newer than the interval.
        """
        if self._wanted.oldest_first:
            return newer and not self._falling
        if not older or self._rising or self._wanted.newest_first is False:
            return False
        return older[-1] if self._wanted.newest_first else all(older) and self._falling

    def _created(self, item: dict[str, Any]) -> pendulum.DateTime:
        created = created_at(item)
        if created is None:
            message = (
                f"ittybit's list holds {item.get('id', 'an item without id')} without a readable creation time, so "
                "it cannot be told whether it belongs to the interval. List without created_after and created_before."
            )
            raise IttybitUnreadableAnswerError(message, resource_id=item.get("id"))
        if self._last is not None:
            self._falling = self._falling or created < self._last
            self._rising = self._rising or created > self._last
        self._last = created
        return created
