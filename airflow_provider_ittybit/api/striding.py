"""A list read from its top for what is waited for: several pages at once where pages have numbers."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.generations import Generation, Paging
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.messages import Call
from airflow_provider_ittybit.api.paging import last_page, next_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ittybit.api.decoding import Page
    from airflow_provider_ittybit.api.messages import Request

GROWTH = 2
"""Times the pages read so far that may be asked for at once: a list of other things is left after few pages."""


class Strides:
    """Says which pages to ask for next (``calls``) and takes their answers (``receive``).

    The first page goes alone. Where the generation numbers its pages, and that answer agrees that the next page is
    number 2, pages are asked for by number, several at once; elsewhere one after the other, as the answers lead. What
    moves from page to page meanwhile may be missed: a list is not all there is to ask.

    :param generation: the pinned generation.
    :param collection: the list.
    """

    def __init__(self, generation: Generation, collection: str) -> None:
        self._generation = generation
        self._listing = Listing(generation, resource=collection)
        self._first = self._listing.call
        self._asked: list[Request] = []
        self._seen: set[str] = set()
        self._size = 1
        self._last = sys.maxsize
        self._is_numbered = False
        self._is_over = False
        self.read = 0

    def calls(self, wanted: int, most: int) -> list[Call[Page]]:
        """Give the next calls; none when the list is over.

        :param wanted: number of items still looked for, which bounds the pages that can be of use.
        :param most: number of pages at most.
        """
        call = self._listing.call
        if self._first is None or self._is_over or most < 1 or not (self._is_numbered or call):
            return []
        if self._is_numbered:
            number = min(most, GROWTH * self.read, math.ceil(wanted / self._size), self._last - self.read)
            calls = [self._page(self._first, self.read + 1 + step) for step in range(number)]
        else:
            calls = [call] if call is not None else []
        self._asked = [one.request for one in calls]
        return calls

    def receive(self, pages: Iterable[Page]) -> list[list[dict[str, Any]]]:
        """Take answers to ``calls``, in their order: all together, or as they come. The last may be left out.

        :return: the items of each page that were on none before it.
        """
        return [self._take(self._asked.pop(0), page) for page in pages]

    def _take(self, request: Request, page: Page) -> list[dict[str, Any]]:
        self.read += 1
        if not self._is_numbered:
            items = list(self._listing.receive(page))
            if self.read == 1:
                self._size = max(1, len(items))
                self._last = page.pages or last_page(page) or sys.maxsize
                self._is_numbered = self._has_numbers(request, page)
        else:
            items = [item for item in page.items if str(item.get("id")) not in self._seen]
            self._is_over = self._is_over or not items or next_page(self._generation, request, page) is None
        if self._is_numbered:
            self._seen.update(str(item.get("id")) for item in items)
        return items

    def _has_numbers(self, request: Request, page: Page) -> bool:
        if self._generation.paging is not Paging.PAGES or self._first is None:
            return False
        following = next_page(self._generation, request, page)
        return following is not None and dict(following.query) == dict(self._page(self._first, 2).request.query)

    @staticmethod
    def _page(first: Call[Page], number: int) -> Call[Page]:
        query = {**dict(first.request.query), "page": str(number)}
        return Call(replace(first.request, query=tuple(query.items())), first.read)
