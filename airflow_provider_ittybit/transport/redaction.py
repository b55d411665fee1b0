"""Keeps queries of URLs out of what ``urllib3`` logs (a signed one lets its bearer in), and what a server said."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGERS = ("urllib3.connection", "urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry")
"""All of its loggers that tell URLs; ``aiohttp``'s client tells none."""

_OURS: ContextVar[bool] = ContextVar("ittybit_request_under_way", default=False)


class _WithoutQueries(logging.Filter):
    """Shortens what this provider's requests have ``urllib3`` log; what others log stays as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _OURS.get():
            record.exc_info = record.exc_text = None  # an error may repeat what the server sent, or the whole URL
            args = record.args
            if isinstance(args, Mapping):
                record.args = {name: _shortened(value) for name, value in args.items()}
            elif args:
                record.args = tuple(map(_shortened, args))
        return True


_FILTER = _WithoutQueries()


@contextlib.contextmanager
def queries_hidden() -> Iterator[None]:
    """Send a request whose query may be a secret: within, ``urllib3`` logs ``?…`` in its place."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)  # a second time it changes nothing
    token = _OURS.set(True)
    try:
        yield
    finally:
        _OURS.reset(token)


def _shortened(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    if isinstance(value, BaseException):
        return type(value).__name__
    place, question, _ = str(value).partition("?")
    return f"{place}?…" if question else value
