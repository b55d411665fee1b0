"""The feed of events of the ``tasks`` generation, read as news of many at once.

Documented is ``GET /events`` with cursors, and that an event holds ``data``, the task or run it is about. Not stated
is that each change has an event (none is named for a cancellation), how soon it is there, or how long it stays. So a
feed that cannot be followed without a gap counts as no answer, and whoever relies on it looks at the resource itself
now and then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.processing import STATUSES, ProcessingStatus, read_processing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_ittybit.api.generations import Generation

FEED = "events"
MOST_PAGES = 5
"""Pages read at most to catch up; what is further behind is asked for in other ways."""
TRUST = 6
"""Rounds in a row for which the feed alone may say that nothing happened to a resource."""


def has_feed(generation: Generation) -> bool:
    """Tell whether a generation documents a list of events."""
    row = generation.resources.get(FEED)
    return row is not None and "list" in row.verbs


@dataclass(frozen=True, slots=True)
class News:
    """What an event says of a resource.

    :param resource_id: id of the resource.
    :param status: where its processing stands, ``None`` if the event does not say it clearly.
    """

    resource_id: str
    status: ProcessingStatus | None


def read_news(event: Mapping[str, Any]) -> News | None:
    """Read an event; ``None`` if it names no resource.

    An event that tells of an end by its kind (``task.succeeded``), but holds another status or none, says nothing
    clear.
    """
    data = event.get("data")
    resource_id = data.get("id") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(resource_id, str) or not resource_id:
        return None
    status = read_processing(data)
    ending = STATUSES.get(str(event.get("kind")).rpartition(".")[2])
    ended = ending is not None and ending.is_final
    clear = bool(data.get("status")) and status.known and (status.state.is_final or not ended)
    return News(resource_id, status if clear else None)


def newest_news(events: Iterable[Mapping[str, Any]]) -> list[News]:
    """Read events, newest first, and keep the newest of each resource."""
    found: dict[str, News] = {}
    for event in events:
        news = read_news(event)
        if news is not None:
            found.setdefault(news.resource_id, news)
    return list(found.values())


class Thread:
    """How far a feed was followed.

    ``era`` grows whenever the thread is taken up anew: what happened before is not known to it. It is 0 before the
    first time.
    """

    __slots__ = ("_last", "era")

    def __init__(self) -> None:
        self._last: str | None = None
        self.era = 0

    @property
    def is_taken_up(self) -> bool:
        """Whether the feed is being followed."""
        return self._last is not None

    def take_up(self, newest: Sequence[Mapping[str, Any]]) -> None:
        """Begin with what is newest now; all that comes after it will be seen.

        :param newest: the first page, newest first; empty where nothing ever happened.
        """
        self.era += 1
        self.advance(newest)

    def advance(self, newest: Sequence[Mapping[str, Any]]) -> None:
        """Note the newest event that was read; one without an id cannot be told from others, so it is never met."""
        if newest:
            event_id = newest[0].get("id")
            self._last = event_id if isinstance(event_id, str) else ""
        else:
            self._last = self._last or ""

    def unread(self, page: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], bool]:
        """Tell what of a page was not read before, and whether the thread was met on it."""
        for number, event in enumerate(page):
            if self._last and event.get("id") == self._last:
                return list(page[:number]), True
        return list(page), False


def is_newest_first(events: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a page can be in the order in which a feed is followed: the newest first."""
    times = [event.get("created_at") for event in events]
    numbers = [time for time in times if isinstance(time, int | float) and not isinstance(time, bool)]
    return all(later >= earlier for later, earlier in pairwise(numbers))
