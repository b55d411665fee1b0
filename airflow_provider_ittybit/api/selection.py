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
    """

    kind: str | None = None
    created_after: pendulum.DateTime | None = None
    created_before: pendulum.DateTime | None = None
    max_items: int | None = None
    newest_first: bool | None = None


class Selection:
    """Takes page after page, keeps what is wanted and knows when no later page can hold more.

    With ``created_after``, reading stops after the first page that is wholly older, provided that the list
    really comes newest first. Where the documentation does not say so (the files generations), that is
    believed only once items were seen in that order and none against it.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._last: pendulum.DateTime | None = None
        self._falling = self._rising = False
        self._kept = 0
        self.complete = wanted.max_items is not None and wanted.max_items <= 0

    def take(self, items: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        """Yield the wanted items of the next page; ``complete`` says afterwards if that was all.

        :raises IttybitUnreadableAnswerError: an interval is wanted and an item does not say when it was created.
        """
        if self.complete:
            return
        wanted = self._wanted
        some = all_older = False
        for item in items:
            if wanted.created_after or wanted.created_before:
                created = self._created(item)
                older = wanted.created_after is not None and created < wanted.created_after
                all_older = older and (all_older or not some)
                some = True
                if older or (wanted.created_before is not None and created >= wanted.created_before):
                    continue
            if wanted.kind is not None and item.get("kind") != wanted.kind:
                continue
            yield item
            self._kept += 1
            if wanted.max_items is not None and self._kept >= wanted.max_items:
                self.complete = True
                return
        if all_older and self._newest_first():
            self.complete = True

    def _newest_first(self) -> bool:
        if self._rising or self._wanted.newest_first is False:
            return False
        return self._falling or bool(self._wanted.newest_first)

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
