"""Each fault against each operation: the outcome, the requests and the pauses are those of the table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from reliability.operations import KEY, OPERATIONS, TRACES, connection, faulty, good
from reliability.servers import FaultServer
from reliability.table import LATER, ONCE, ROWS, TRIGGERS, Cell, Row, as_plain, cells

from airflow_provider_ittybit.exceptions import IttybitError

if TYPE_CHECKING:
    from pathlib import Path

MATRIX = [pytest.param(row, operation, cell, id=f"{row.fault}-{operation}") for row, operation, cell in cells()]
UNSURE = ("IttybitServerError", "IttybitTransportError", "IttybitUnreadableAnswerError")


def serve(row: Row, operation: str) -> FaultServer:
    return FaultServer(
        row.behaviour,
        good,
        faulty(operation) if row.reads else lambda _: True,
        times=1 if operation in TRIGGERS else None,
        reads=row.reads,
        listening=row.listening,
    )


def attempt(operation: str, folder: Path) -> tuple[str, IttybitError | None]:
    """Do it, and tell how it ended in the words of the table; any other error than ours comes out."""
    try:
        result = OPERATIONS[operation](folder)
    except IttybitError as error:
        return type(error).__name__, error
    return LATER if result is False else "", None


def rounded(seconds: float) -> float:
    """Leave out what passes between the making of a date and its reading."""
    return math.ceil(seconds / 10) * 10.0 if seconds > 20 else round(seconds, 3)


@pytest.mark.parametrize(("row", "operation", "expected"), MATRIX)
def test_a_fault_ends_as_the_table_says(
    row: Row,
    operation: str,
    expected: Cell,
    waits: list[float],
    seen: list[dict[str, Any]],
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW__ITTYBIT__SHARED_POLLER", str(operation != "trigger alone"))
    with serve(row, operation) as server:
        connected = connection(server.url, timeout=row.timeout, version=row.version)
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", connected)
        outcome, error = attempt(operation, tmp_path)
        requests = len(server.met)
        if operation in TRIGGERS:
            requests = sum(asked.line == "GET /files/file_1" for asked in server.asked)
            requests += len(server.met) if not row.reads else 0
    found = Cell(outcome, requests, tuple(map(rounded, waits)))
    seen.append(as_plain(row.fault, operation, found))
    assert found == expected, str(error)
    assert KEY not in f"{error!r}{vars(error) if error else ''}{caplog.text}"
    if error is not None and row.listening and row.reads:
        check_words(error, operation, row)
    if operation in ONCE and row.reads:
        check_nothing_is_there_twice(server, row, operation)


def check_words(error: IttybitError, operation: str, row: Row) -> None:
    """An error names what it is about and says what to do; in doubt, what to look for."""
    assert f"{error.method} {error.path}" in str(error) or "names no usable id" in str(error)
    if operation in ("get", "update", "delete"):
        assert error.resource_id == "file_1"
        assert "file_1" in str(error)
    if operation in TRACES and type(error).__name__ in UNSURE and "redirect" not in row.fault:
        told = str(error).replace("'", "")
        assert (TRACES[operation].replace("'", "") in told) or "names no usable id. Look for" in str(error)


def check_nothing_is_there_twice(server: FaultServer, row: Row, operation: str) -> None:
    """What must happen once is sent once, unless the server said that it did nothing."""
    sent = [asked for asked in server.asked if faulty(operation)(asked.line)]
    said_no = row.fault.startswith("429")
    assert len(sent) == (row.cell(operation).requests if said_no else min(1, row.cell(operation).requests))


def test_the_table_has_each_operation_and_no_fault_twice() -> None:
    assert len({row.fault for row in ROWS}) == len(ROWS)
    assert set(OPERATIONS) == {operation for _, operation, _ in cells()}
    assert all(set(row.but) <= set(OPERATIONS) for row in ROWS)
    assert set(TRACES) == set(ONCE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_what_must_happen_once_is_asked_for_again_only_where_nothing_was_done(row: Row) -> None:
    again = [operation for operation in ONCE if row.cell(operation).requests > 1]
    assert again == [] or row.fault.startswith("429") or (again == ["upload"] and not row.reads)
