"""Records in SQLite: one table, one row for each resource, its fields as JSON.

One connection under one lock serves the event loop and the workers; a call takes some tens of microseconds.
A write is durable against the end of the process, so a restarted emulator finds everything.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ittybit.emulator.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

R = TypeVar("R", bound=Record)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0, reads INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_type ON resources (type, deleted, seq);
CREATE INDEX IF NOT EXISTS by_media ON resources (type, json_extract(body, '$.media_id'));
CREATE INDEX IF NOT EXISTS by_parent ON resources (type, json_extract(body, '$.parent_id'));
CREATE INDEX IF NOT EXISTS by_input ON resources (type, json_extract(body, '$.file_id'));
CREATE INDEX IF NOT EXISTS by_run ON resources (type, json_extract(body, '$.run_id'));
CREATE INDEX IF NOT EXISTS by_job ON resources (type, json_extract(body, '$.job_id'));
CREATE INDEX IF NOT EXISTS by_name ON resources (type, json_extract(body, '$.filename'));
"""

#: Statements are joined from these, from column names of the records, and from placeholders; values are never in them.
_COUNT = "SELECT count(*) FROM resources WHERE"
_SELECT = "SELECT body FROM resources WHERE"
_CURSOR = "(SELECT seq FROM resources WHERE id = ?)"


@dataclass(frozen=True, slots=True)
class Query:
    """Which records, in which order.

    :param where: fields and the value, or the values, that each must have.
    :param order_by: a field; ``created`` is the order of creation.
    :param with_deleted: whether deleted records are among them; default no.
    """

    where: Mapping[str, str | Iterable[str] | None] = field(default_factory=dict)
    order_by: str = "created"
    descending: bool = True
    with_deleted: bool = False


class Store:
    """All records of one emulator, in the SQLite file ``path``."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def add(self, record: R) -> R:
        """Keep a new record; return it with its times set."""
        now = time.time()
        made = replace(record, created=record.created or now, updated=record.updated or now)
        with self._lock:
            self._connection.execute(
                "INSERT INTO resources (id, type, body) VALUES (?, ?, ?)",
                (made.id, type(made).__name__, _encode(made)),
            )
        return made

    def find(self, record_type: type[R], record_id: str) -> R | None:
        """Return a record, a deleted one too, or None."""
        rows = self._rows("SELECT body FROM resources WHERE id = ? AND type = ?", (record_id, record_type.__name__))
        return _decode(record_type, rows[0][0]) if rows else None

    def change(self, record: R, **changes: Any) -> R:
        """Change some fields of the record as it is now in the store; return it."""
        with self._lock:
            current = self.find(type(record), record.id)
            made = replace(current or record, **{"updated": time.time(), **changes})
            self._connection.execute(
                "UPDATE resources SET body = ?, deleted = ? WHERE id = ?",
                (_encode(made), int(made.deleted), made.id),
            )
        return made

    def forget(self, record: Record) -> None:
        """Remove a record without a trace."""
        with self._lock:
            self._connection.execute("DELETE FROM resources WHERE id = ?", (record.id,))

    def clear(self) -> None:
        """Remove all records."""
        with self._lock:
            self._connection.execute("DELETE FROM resources")

    def count(self, record_type: type[Record], query: Query) -> int:
        """Return how many records the query finds."""
        condition, values = _condition(record_type, query)
        return int(self._rows(" ".join([_COUNT, condition]), values)[0][0])

    def select(
        self, record_type: type[R], query: Query, *, limit: int = -1, offset: int = 0, cursor: str = ""
    ) -> list[R]:
        """Return the records that the query finds.

        :param limit: at most so many; default all.
        :param offset: leave out so many at the beginning.
        :param cursor: an id; only what comes after it in the order of creation.
        """
        condition, values = _condition(record_type, query)
        if cursor:
            compared = "<" if query.descending else ">"
            condition = " ".join([condition, "AND seq", compared, _CURSOR])
            values = [*values, cursor]
        direction = "DESC" if query.descending else "ASC"
        order = f"seq {direction}"
        if query.order_by != "created":
            order = f"{_column(record_type, query.order_by)} {direction}, {order}"
        rows = self._rows(
            " ".join([_SELECT, condition, "ORDER BY", order, "LIMIT ? OFFSET ?"]), [*values, limit, offset]
        )
        return [_decode(record_type, body) for (body,) in rows]

    def count_reads(self, record_ids: Iterable[str]) -> None:
        """Count one read of each record."""
        with self._lock:
            self._connection.executemany(
                "UPDATE resources SET reads = reads + 1 WHERE id = ?", [(name,) for name in record_ids]
            )

    def reads(self, record_id: str) -> int:
        """Return how often a record was read."""
        rows = self._rows("SELECT reads FROM resources WHERE id = ?", (record_id,))
        return int(rows[0][0]) if rows else 0

    def _rows(self, statement: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, tuple(values)).fetchall()


def _condition(record_type: type[Record], query: Query) -> tuple[str, list[Any]]:
    parts, values = ["type = ?"], [record_type.__name__]
    if not query.with_deleted:
        parts.append("deleted = 0")
    for name, wanted in query.where.items():
        if wanted is None:
            parts.append(f"{_column(record_type, name)} IS NULL")
            continue
        several = [wanted] if isinstance(wanted, str) else list(wanted)
        parts.append(f"{_column(record_type, name)} IN ({', '.join('?' * len(several))})")
        values.extend(several)
    return " AND ".join(parts), values


def _column(record_type: type[Record], name: str) -> str:
    if name not in {item.name for item in fields(record_type)}:
        raise KeyError(name)
    return f"json_extract(body, '$.{name}')"


def _encode(record: Record) -> str:
    return json.dumps({item.name: getattr(record, item.name) for item in fields(record)})


def _decode(record_type: type[R], body: str) -> R:
    return record_type(**json.loads(body))
