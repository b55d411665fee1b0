"""What was asked of the emulator: one entry for each request, without any secret."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

KEPT = 20_000


@dataclass(slots=True)
class Entry:
    """One request.

    :param query: the query string, in which a signature reads ``[redacted]``.
    :param status: the answer's status code; None while there is none, or when the connection was dropped.
    :param bytes: how many bytes of body arrived.
    :param connection: the client's port, by which requests over one connection can be told.
    """

    seq: int
    role: str
    method: str
    path: str
    query: str
    version: str | None
    generation: str | None
    has_authorization: bool
    idempotency_key: str | None
    request_id: str
    connection: int | None
    at: float = field(default_factory=time.time)
    status: int | None = None
    user_agent: str | None = None
    bytes: int = 0
    content_range: str | None = None


class Ledger:
    """The last 20,000 requests, oldest first. It is used by the event loop alone."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._seq = 0

    def next_number(self) -> int:
        """Return the number of the next entry."""
        self._seq += 1
        return self._seq

    def add(self, entry: Entry) -> Entry:
        """Keep an entry; its status and bytes may still change."""
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget all requests; the numbers go on."""
        self._entries.clear()

    def to_json(self, method: str | None, path: str | None) -> list[dict[str, Any]]:
        """Return the requests, those of one method or one exact path if asked."""
        return [
            asdict(entry) for entry in self._entries if method in (None, entry.method) and path in (None, entry.path)
        ]


def redacted(query: str) -> str:
    """Return a query string whose signature cannot be used."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, "[redacted]" if name == "signature" else value) for name, value in pairs], safe="[]")
