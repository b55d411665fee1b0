"""The table: what each fault does to each operation. The tests run it, and the documentation is written from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reliability import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reliability.servers import Line

ONCE = ("upload", "upload by URL", "create task")
"""What would be there twice if it was sent twice."""
REPEATABLE = ("list", "get", "delete", "signing", "middle chunk", "last chunk")
"""What may be sent again: a signed URL is only asked for, chunks hold their place, and a look comes before the last one
goes again."""
BYTES = ("upload", "middle chunk", "last chunk")
"""What a signed URL leads to."""
TRIGGERS = ("trigger", "trigger alone")
OPERATIONS = ("upload", "upload by URL", "list", "get", "update", "delete", "create task")
OPERATIONS += ("signing", "middle chunk", "last chunk", "sensor", *TRIGGERS)
LATER = "looks again later"

FIRST, SECOND = 0.25, 0.5
"""Seconds of the pauses between three attempts, with chance at its lowest; both double with each attempt."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """How an operation ends.

    :param outcome: empty for a result, ``LATER``, or the class of an error.
    :param requests: how many requests met the fault, and for a trigger the one after it too.
    :param waits: seconds it was asked to wait before it sent again.
    """

    outcome: str
    requests: int
    waits: tuple[float, ...] = ()


def works(requests: int = 1, *waits: float) -> Cell:
    return Cell("", requests, waits)


def later(requests: int = 1, *waits: float) -> Cell:
    return Cell(LATER, requests, waits)


def server(requests: int, *waits: float) -> Cell:
    return Cell("IttybitServerError", requests, waits)


def silent(requests: int, *waits: float) -> Cell:
    return Cell("IttybitTransportError", requests, waits)


def limited(*waits: float) -> Cell:
    return Cell("IttybitRateLimitError", len(waits) + 1, waits)


UNREADABLE = Cell("IttybitUnreadableAnswerError", 1)
REFUSED = Cell("IttybitError", 1)
NONE: Mapping[str, Cell] = {}
NOTHING_SAID = {"delete": works(), "middle chunk": works()}
"""Where an answer needs no words."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault. A worker meets it at each request, a trigger at its first one only.

    :param fault: its name.
    :param behaviour: what the server does.
    :param once: how an upload, a new task and an update end.
    :param read: how a list, a read, a deletion, a request for a signed URL and a chunk end.
    :param sensor: how a look of a sensor ends.
    :param trigger: how waiting in the triggerer goes on, with the shared poller and without.
    :param but: operations that end otherwise.
    :param change: what becomes of each resource on its way, so that a result is told from any other.
    :param version: ``api_version`` of the connection.
    :param timeout: seconds of the connection, short where a fault is slow.
    :param reads: whether the server reads the request.
    :param listening: whether there is a server at all.
    """

    fault: str
    behaviour: Callable[[Line], None]
    once: Cell
    read: Cell
    sensor: Cell
    trigger: Cell
    but: Mapping[str, Cell] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], dict[str, Any]] = dict
    version: str = "files-flat"
    timeout: float = 20.0
    reads: bool = True
    listening: bool = True

    def cell(self, operation: str) -> Cell:
        """Tell how an operation ends."""
        groups = {
            **dict.fromkeys(REPEATABLE, self.read),
            **dict.fromkeys(TRIGGERS, self.trigger),
            "sensor": self.sensor,
        }
        return self.but.get(operation) or groups.get(operation, self.once)


def broken(fault: str, behaviour: Callable[[Line], None], **more: Any) -> Row:
    """Make the row of a fault after which nobody knows whether the request was carried out."""
    pauses = (FIRST, SECOND)
    return Row(fault, behaviour, silent(1), silent(3, *pauses), later(3, *pauses), works(2, FIRST), **more)


def server_error(fault: str, behaviour: Callable[[Line], None], *pauses: float) -> Row:
    """Make the row of an answer that says that the server has a problem."""
    last = server(3, FIRST, SECOND)  # by then it was looked for, so the pause is over that it asked for
    once, read = server(1), server(3, *pauses)
    return Row(fault, behaviour, once, read, later(3, *pauses), works(2, pauses[0]), but={"last chunk": last})


def rate_limit(fault: str, behaviour: Callable[[Line], None], *pauses: float) -> Row:
    """Make the row of an answer that says that nothing was done: everything may go again."""
    return Row(fault, behaviour, limited(*pauses), limited(*pauses), later(3, *pauses), works(2, pauses[0]))


def unreadable(fault: str, behaviour: Callable[[Line], None], but: Mapping[str, Cell] = NONE) -> Row:
    """Make the row of an answer that nobody can read."""
    return Row(fault, behaviour, UNREADABLE, UNREADABLE, later(), works(2), but=but)


def harmless(fault: str, behaviour: Callable[[Line], None], **more: Any) -> Row:
    """Make the row of an answer that is unusual and yet understood."""
    return Row(fault, behaviour, works(), works(), works(), works(), **more)


ROWS = (
    Row(
        "connection refused",
        faults.silence,
        silent(0, FIRST, SECOND),
        silent(0, FIRST, SECOND),
        later(0, FIRST, SECOND),
        silent(0, *(FIRST, SECOND) * 5),
        listening=False,
    ),
    broken("reset before the request is read", faults.reset, reads=False),
    broken("reset after the request", faults.reset),
    broken("end of the connection after the request", faults.hang_up),
    broken("reset in the middle of the answer", faults.half_an_answer),
    broken("no answer", faults.silence, timeout=0.1),
    broken("headers that never end", faults.slow_headers, timeout=0.1),
    broken("a body that never ends", faults.slow_body, timeout=0.1),
    harmless("headers that come slowly", faults.headers_by_and_by),
    harmless("a body that comes slowly", faults.body_by_and_by),
    server_error("408", faults.no(408), FIRST, SECOND),
    rate_limit("429 with `Retry-After: 7`", faults.no(429, Retry_After="7"), 7, 7),
    rate_limit("429 with a date 30 s ahead", faults.no_until_a_date, 30, 30),
    rate_limit("429 without `Retry-After`", faults.no(429), FIRST, SECOND),
    rate_limit("429 with `Retry-After: 99999999`", faults.no(429, Retry_After="99999999"), 120, 120),
    rate_limit("429 with `Retry-After: soon`", faults.no(429, Retry_After="soon"), FIRST, SECOND),
    server_error("500", faults.no(500), FIRST, SECOND),
    server_error("502 with a web page", faults.bad_gateway, FIRST, SECOND),
    server_error("503 with `Retry-After: 7`", faults.no(503, Retry_After="7"), 7, 7),
    unreadable("truncated JSON", faults.truncated),
    unreadable("bytes that are no UTF-8", faults.no_text),
    harmless("wrong content type", faults.as_a_page),
    unreadable("an empty 200", faults.empty, NOTHING_SAID),
    unreadable("204", faults.no_content, NOTHING_SAID),
    Row("200 with an error inside", faults.error_inside, REFUSED, REFUSED, later(), works(2)),
    harmless("an envelope where none is expected", faults.enveloped),
    harmless("no envelope where one is expected", faults.flat, version="files-enveloped"),
    unreadable("more than 50 MB, announced", faults.too_large),
    unreadable("more than 50 MB, in chunks", faults.too_large_unannounced),
    harmless("a compressed body", faults.packed),
    unreadable("60 KB that unpack to 60 MB", faults.packed_bomb),
    unreadable("compressed twice", faults.twice_packed),
    unreadable("a redirect to the same host", faults.redirect),
    unreadable("a redirect to another host", faults.redirect_to_another_host),
    unreadable("a redirect to plain http", faults.redirect_without_encryption),
    Row(
        "an unknown status value",
        faults.changed(faults.with_strange_status),
        works(),
        works(),
        later(),
        works(2),
        change=faults.with_strange_status,
    ),
    Row(
        "a missing id",
        faults.changed(faults.without_id),
        UNREADABLE,
        works(),
        works(),
        works(),
        but={"update": works(), "last chunk": UNREADABLE},
        change=faults.without_id,
    ),
    harmless("numbers as strings", faults.changed(faults.with_text_for_numbers), change=faults.with_text_for_numbers),
    harmless(
        "`null` where a list belongs",
        faults.null_for_a_list,
        but={"list": UNREADABLE},
        change=faults.with_null_for_lists,
    ),
)


def cells() -> Iterator[tuple[Row, str, Cell]]:
    """Go through all rows and columns."""
    for row in ROWS:
        for operation in OPERATIONS:
            yield row, operation, row.cell(operation)


def plain() -> list[dict[str, Any]]:
    """Write the table down as JSON has it: the same that the tests note of what they saw."""
    return [as_plain(row.fault, operation, cell) for row, operation, cell in cells()]


def as_plain(fault: str, operation: str, cell: Cell) -> dict[str, Any]:
    """Write one cell down."""
    told = {"outcome": cell.outcome, "requests": cell.requests, "waits": list(cell.waits)}
    return {"fault": fault, "operation": operation, **told}
