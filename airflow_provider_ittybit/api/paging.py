"""What the next page is, in every generation, and when to stop asking."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_ittybit.api.generations import Generation, Paging

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.decoding import Page
    from airflow_provider_ittybit.api.messages import Request

_DIGITS = re.compile(r"[0-9]{1,15}")
REMEMBERED = 100_000
"""Ids at least that are remembered, in some 15 MiB at most: an item may move to any page while a list is read."""
BARREN_PAGES = 2
"""Pages in a row that may bring nothing new: as many items as a page holds may have been added in the meantime."""
LONGEST_LINK = 8_192
MOST_PARAMETERS = 50
_OF_THE_LIST = frozenset({"order", "orderBy", "sort"})


class Known:
    """Remembers texts by their hashes, the last 100,000 at least: what is older goes, so that memory stays flat."""

    __slots__ = ("_before", "_now")

    def __init__(self) -> None:
        self._now: set[int] = set()
        self._before: set[int] = set()

    def is_new(self, text: object) -> bool:
        """Tell whether this is heard of for the first time, and remember it."""
        key = hash(text)
        if key in self._now or key in self._before:
            return False
        if len(self._now) >= REMEMBERED:
            self._now, self._before = set(), self._now
        self._now.add(key)
        return True


class Pager:
    """Walks through the pages of one list: it says what to send next and takes each page.

    :param generation: the pinned generation.
    :param first: the request for the first page.
    """

    def __init__(self, generation: Generation, first: Request) -> None:
        self._generation = generation
        self._asked = Known()
        self._asked.is_new(_key(first))
        self._items = Known()
        self._barren = 0
        self.request: Request | None = first
        self.stopped_because: str | None = None

    def receive(self, page: Page) -> list[dict[str, Any]]:
        """Take the page that answers ``request`` and set ``request`` to the next one, or to ``None``.

        :return: the items not seen before, on this page or an earlier one.
        """
        request = self.request
        if request is None:
            message = "no page was asked for"
            raise ValueError(message)
        new = [self._items.is_new(_name_of(item)) for item in page.items]
        fresh = [item for item, is_new in zip(page.items, new, strict=True) if is_new or not _has_id(item)]
        self._barren = 0 if any(new) else self._barren + 1
        self.request = self._following(request, page)
        return fresh

    def stop(self) -> None:
        """Ask for no further page."""
        self.request = None

    def _following(self, request: Request, page: Page) -> Request | None:
        following = next_page(self._generation, request, page)
        if following is None:
            if page.items and page.has_more is not False and (page.has_more or "next" in page.links):
                self.stopped_because = "ittybit says that there are more pages, but not in a way that can be followed"
            return None
        if self._barren > BARREN_PAGES or not self._asked.is_new(_key(following)):
            self.stopped_because = "ittybit's link to the next page leads back to one already read"
            return None
        return following


def next_page(generation: Generation, request: Request, page: Page) -> Request | None:
    """Tell the request for the page after this one.

    A ``next`` link, from the body or a header, is followed by its query only, on the path and the host of
    the first request: so the key cannot go elsewhere, whatever a link says. Order and filters stay as they were asked
    for, also where a link leaves them out (as the one on the responses page does) or says otherwise: what was not asked
    for may not get into what is deleted afterwards. Without a link, ``Has-More`` and ``meta.page``
    count. Where an answer to page numbers says nothing at all, the next page is asked for until one is empty, since
    a server may cap a page below the size that was asked for.

    :return: the request, or ``None`` at the end of the list.
    """
    link = page.links.get("next")
    if page.has_more is False or not (page.items or (page.has_more and link)):
        return None
    if link is not None:
        kept = _chosen(generation) & {name for name, _ in request.query}
        return _with(request, {name: value for name, value in _query_of(link) if name not in kept})
    if page.has_more and isinstance(page.items[-1].get("id"), str):
        return _with(request, {"after": page.items[-1]["id"]})
    if page.page is not None and page.pages is not None:
        return _with(request, {"page": str(page.page + 1)}) if page.page < page.pages else None
    if generation.paging is Paging.PAGES and not page.links and page.has_more is None:
        return _numbered(request)
    return None


def _name_of(item: dict[str, Any]) -> str:
    """Tell an item from any other: by its id, or by all of it, else a page of items without ids would never repeat."""
    return str(item["id"]) if _has_id(item) else repr(hash(json.dumps(item, sort_keys=True, default=str)))


def _has_id(item: dict[str, Any]) -> bool:
    return isinstance(item.get("id"), str)


def last_page(page: Page) -> int | None:
    """Tell the number of the last page, where a link of this one names it."""
    number = dict(_query_of(page.links.get("last", ""))).get("page", "")
    return int(number) if _DIGITS.fullmatch(number) else None


def _key(request: Request) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(request.query))


def _chosen(generation: Generation) -> frozenset[str]:
    """Name the parameters by which a list is chosen and ordered, in contrast to those that find a page of it."""
    return _OF_THE_LIST.union(*(row.filters for row in generation.resources.values()))


def _numbered(request: Request) -> Request | None:
    number = dict(request.query).get("page", "1")
    return _with(request, {"page": str(int(number) + 1)}) if _DIGITS.fullmatch(number) else None


def _with(request: Request, changes: dict[str, str]) -> Request | None:
    query = dict(request.query)
    if "after" in changes:
        query.pop("before", None)
    merged = tuple({**query, **changes}.items())
    return replace(request, query=merged) if changes and len(merged) <= MOST_PARAMETERS else None


def _query_of(link: str) -> list[tuple[str, str]]:
    if len(link) > LONGEST_LINK:
        return []
    try:
        return parse_qsl(urlsplit(link).query, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return []
