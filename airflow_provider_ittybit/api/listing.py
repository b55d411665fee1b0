"""One list, from its parameters to its last item: pages and selection joined, without sending anything."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.calls import list_resources
from airflow_provider_ittybit.api.messages import Call
from airflow_provider_ittybit.api.numbers import whole_number
from airflow_provider_ittybit.api.paging import Pager
from airflow_provider_ittybit.api.selection import Selection, Wanted
from airflow_provider_ittybit.api.timestamps import as_time
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ittybit.api.decoding import Page
    from airflow_provider_ittybit.api.generations import Generation


class Listing:
    """Says which call to send next (``call``) and takes each page (``receive``).

    :param generation: the pinned generation.
    :param resource: the collection, by default what an upload adds to.
    :param kind: only this kind, sifted by the server where it can and here where it cannot.
    :param limit: page size, by default the largest, or ``max_items`` if that is smaller and nothing is sifted.
    :param order_by: sort key.
    :param order: ``asc`` or ``desc``.
    :param created_after: only what was created at this time or later.
    :param created_before: only what was created before this time.
    :param max_items: at most so many items.
    :param filters: other filters of the collection by name, such as ``status``.
    :raises IttybitInputError: a value that cannot be used.
    :raises IttybitUnsupportedError: the generation cannot do it.
    """

    def __init__(
        self,
        generation: Generation,
        *,
        resource: str | None = None,
        kind: str | None = None,
        limit: int | str | None = None,
        order_by: str | None = None,
        order: str | None = None,
        created_after: object = None,
        created_before: object = None,
        max_items: int | str | None = None,
        **filters: str | None,
    ) -> None:
        most = whole_number(max_items)
        if max_items is not None and (most is None or most < 0):
            message = f"max_items={max_items!r} is no number of items: give 0 or more, or None for all."
            raise IttybitInputError(message)
        after, before = as_time(created_after, "created_after"), as_time(created_before, "created_before")
        if after is not None and before is not None and after >= before:
            message = (
                f"Nothing can be created from {after} on and before {before}. A run that was not scheduled by a "
                "data interval has one without length: use a timetable with intervals, such as "
                "DeltaDataIntervalTimetable, or CronDataIntervalTimetable."
            )
            raise IttybitInputError(message)
        ask = partial(
            list_resources, generation, resource=resource, kind=kind, order_by=order_by, order=order, filters=filters
        )
        first = ask(limit=limit)
        by_path = bool(generation.by_kind) and resource in (None, generation.main)
        sifted = kind is None or by_path or any(name == "kind" for name, _ in first.request.query)
        if limit is None and most and sifted and after is None and before is None:
            low, high = generation.limits
            first = ask(limit=max(low, min(most, high)))
        self._read = first.read
        self._pager = Pager(generation, first.request)
        self._selection = Selection(
            Wanted(
                kind=None if sifted else kind,
                created_after=after,
                created_before=before,
                max_items=most,
                newest_first=_newest_first(generation, order_by, order),
                oldest_first=generation.can_order and order == "asc" and order_by in (None, "created"),
            )
        )
        if self._selection.complete:
            self._pager.stop()

    @property
    def call(self) -> Call[Page] | None:
        """What to send next; ``None`` when the list is complete."""
        request = self._pager.request
        return Call(request, self._read) if request is not None else None

    @property
    def remark(self) -> str | None:
        """What to tell about the list at its end: why it ended before ittybit said so, or that it looks odd."""
        if self._pager.stopped_because:
            return f"The list ended early: {self._pager.stopped_because}."
        return f"The list is empty: {self._selection.doubt}." if self._selection.doubt else None

    def receive(self, page: Page) -> Iterator[dict[str, Any]]:
        """Take the page that answers ``call`` and yield what is wanted of it."""
        yield from self._selection.take(self._pager.receive(page))
        if self._selection.complete:
            self._pager.stop()


def _newest_first(generation: Generation, order_by: str | None, order: str | None) -> bool | None:
    if order == "asc" or order_by not in (None, "created"):
        return False
    return True if generation.can_order else None
