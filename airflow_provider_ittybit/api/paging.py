"""What the next page is, in every generation, and when to stop asking."""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_ittybit.api.generations import Generation, Paging

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.decoding import Page
    from airflow_provider_ittybit.api.messages import Request

_DIGITS = re.compile(r"[0-9]{1,15}")
REMEMBERED_PAGES = 8
"""Pages whose ids are remembered: an item that moves between pages while they are read moves to a near one."""


class Pager:
    """Walks through the pages of one list: it says what to send next and takes each page.

    :param generation: the pinned generation.
    :param first: the request for the first page.
    """

    def __init__(self, generation: Generation, first: Request) -> None:
        self._generation = generation
        self._asked: set[tuple[tuple[str, str], ...]] = {tuple(sorted(first.query))}
        self._recent: deque[frozenset[str]] = deque(maxlen=REMEMBERED_PAGES)
        self.request: Request | None = first
        self.stopped_because: str | None = None

    def receive(self, page: Page) -> list[dict[str, Any]]:
        """Take the page that answers ``request`` and set ``request`` to the next one, or to ``None``.

        :return: the items not seen on the pages before it.
        """
        request = self.request
        if request is None:
            message = "no page was asked for"
            raise ValueError(message)
        seen = frozenset().union(*self._recent)
        names = [_name_of(item) for item in page.items]
        fresh = [item for item, name in zip(page.items, names, strict=True) if name not in seen]
        self._recent.append(frozenset(names))
        self.request = self._following(request, page, repeated=bool(page.items) and not fresh)
        return fresh

    def stop(self) -> None:
        """Ask for no further page."""
        self.request = None

    def _following(self, request: Request, page: Page, *, repeated: bool) -> Request | None:
        following = next_page(self._generation, request, page)
        if following is None:
            if page.items and page.has_more is not False and (page.has_more or "next" in page.links):
                self.stopped_because = "ittybit says that there are more pages, but not in a way that can be followed"
            return None
        key = tuple(sorted(following.query))
        if repeated or key in self._asked:
            self.stopped_because = "ittybit's link to the next page leads back to one already read"
            return None
        self._asked.add(key)
        return following


def next_page(generation: Generation, request: Request, page: Page) -> Request | None:
    """Tell the request for the page after this one.

    A ``next`` link, from the body or a header, is followed by its query only, on the path and the host of
    the first request: so the key cannot go elsewhere, whatever a link says, and a link that leaves out the
    filters (as the one on the responses page does) keeps them. Without a link, ``Has-More`` and ``meta.page``
    count. Where an answer to page numbers says nothing at all, the next page is asked for until one is empty, since
    a server may cap a page below the size that was asked for.

    :return: the request, or ``None`` at the end of the list.
    """
    link = page.links.get("next")
    if page.has_more is False or not (page.items or (page.has_more and link)):
        return None
    if link is not None:
        return _with(request, dict(_query_of(link)))
    if page.has_more and isinstance(page.items[-1].get("id"), str):
        return _with(request, {"after": page.items[-1]["id"]})
    if page.page is not None and page.pages is not None:
        return _with(request, {"page": str(page.page + 1)}) if page.page < page.pages else None
    if generation.paging is Paging.PAGES and not page.links and page.has_more is None:
        return _numbered(request)
    return None


def _name_of(item: dict[str, Any]) -> str:
    """Tell an item from any other: by its id, or by all of it, else a page of items without ids would never repeat."""
    found = item.get("id")
    return found if isinstance(found, str) else repr(hash(json.dumps(item, sort_keys=True, default=str)))


def last_page(page: Page) -> int | None:
    """Tell the number of the last page, where a link of this one names it."""
    number = dict(_query_of(page.links.get("last", ""))).get("page", "")
    return int(number) if _DIGITS.fullmatch(number) else None


def _numbered(request: Request) -> Request | None:
    number = dict(request.query).get("page", "1")
    return _with(request, {"page": str(int(number) + 1)}) if _DIGITS.fullmatch(number) else None


def _with(request: Request, changes: dict[str, str]) -> Request | None:
    query = dict(request.query)
    if "after" in changes:
        query.pop("before", None)
    merged = tuple({**query, **changes}.items())
    return replace(request, query=merged) if changes else None


def _query_of(link: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(link).query, max_num_fields=50)
    except ValueError:
        return []
