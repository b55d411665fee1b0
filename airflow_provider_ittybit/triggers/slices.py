"""Long work in short pieces, so that the event loop can do something else in between."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

T = TypeVar("T")

SLICE = 500
"""Waiters handled in one go, which takes some 5 ms at most."""


async def slices(items: Iterable[T], size: int = SLICE) -> AsyncIterator[list[T]]:
    """Give items in pieces, with a turn of the event loop after each.

    :param size: items in a piece, at most.
    """
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
        await asyncio.sleep(0)
