"""Each fault against each operation: the outcome, the requests and the pauses are those of the table."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from reliability.faults import AHEAD, silence
from reliability.operations import (
    KEY,
    OPERATIONS,
    TRACES,
    connection,
    faulty,
    faulty_connections,
    good,
    result_of,
    signing_for,
)
from reliability.servers import FaultServer
from reliability.table import BYTES, LATER, ONCE, ROWS, TRIGGERS, Cell, Row, as_plain, cells

from airflow_provider_ittybit.exceptions import IttybitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MATRIX = [pytest.param(row, operation, cell, id=f"{row.fault}-{operation}") for row, operation, cell in cells()]
UNSURE = ("IttybitServerError", "IttybitTransportError", "IttybitUnreadableAnswerError", "IttybitError")
LEAST = 0.3
"""Seconds that an upload waits at least: those of its requests that meet no fault must be answered in time."""
NAMELESS = "names no usable id. Look for"
FILELESS = "named no file. Look for"


@contextlib.contextmanager
def serve(row: Row, operation: str) -> Iterator[tuple[FaultServer, FaultServer]]:
    """Serve what does something to an operation, and the API: the same, but where bytes go to a host of their own."""
    server = FaultServer(
        row.behaviour,
        good,
        faulty(operation) if row.reads else faulty_connections(operation),
        times=1 if operation in TRIGGERS else None,
        reads=row.reads,
        listening=row.listening,
    )
    api = FaultServer(silence, signing_for(lambda: server.url), lambda _: False) if operation in BYTES else server
    with server, api if api is not server else contextlib.nullcontext():
        yield server, api


def attempt(operation: str, folder: Path) -> tuple[str, Any, IttybitError | None]:
    """Do it, and tell how it ended in the words of the table, with its result or its error; others come out."""
    try:
        result = OPERATIONS[operation](folder)
    except IttybitError as error:
        return type(error).__name__, None, error
    return LATER if result is False else "", result, None


def rounded(seconds: float) -> float:
    """Leave out what passes between the making of a date and its reading, and its parts of a second."""
    return float(AHEAD) if abs(seconds - AHEAD) <= 1 else round(seconds, 3)


@pytest.mark.parametrize(("row", "operation", "expected"), MATRIX)
def test_a_fault_ends_as_the_table_says(
    row: Row,
    operation: str,
    expected: Cell,
    waits: list[float],
    seen: list[dict[str, Any]],
    *,
    patience: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    least = LEAST if operation in BYTES else 0.0
    monkeypatch.setenv("AIRFLOW__ITTYBIT__SHARED_POLLER", str(operation != "trigger alone"))
    with serve(row, operation) as (server, api):
        timeout = patience * max(row.timeout, least)
        connected = connection(api.url, timeout=timeout, version=row.version)
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", connected)
        outcome, result, error = attempt(operation, tmp_path)
        requests = len(server.met)
        if operation in TRIGGERS:
            requests = sum(asked.line == "GET /files/file_1" for asked in server.asked)
            requests += len(server.met) if not row.reads else 0
    found = Cell(outcome, requests, tuple(map(rounded, waits)))
    assert found == expected, str(error)
    seen.append(as_plain(row.fault, operation, found))
    if outcome == "":
        assert result == result_of(operation, row.change)
    assert KEY not in f"{error!r}{vars(error) if error else ''}{caplog.text}"
    if error is not None and row.listening:
        check_words(error, operation, row)
    if not row.listening:
        assert "look for" not in str(error), "nobody can have done what reached nobody"
    if operation in ONCE:
        check_nothing_is_there_twice(server, row, operation)
    if operation == "last chunk" and outcome in ("IttybitTransportError", "IttybitServerError"):
        assert [asked.line for asked in api.asked].count("GET /files") == requests


def check_words(error: IttybitError, operation: str, row: Row) -> None:
    """An error names what it is about and says what to do; in doubt, what to look for."""
    told = str(error).replace("'", "")
    assert f"{error.method} {error.path}" in told or NAMELESS in told or FILELESS in told
    if operation in ("get", "update", "delete"):
        assert error.resource_id == "file_1"
        assert "file_1" in str(error)
    if operation in TRACES and type(error).__name__ in UNSURE and "redirect" not in row.fault:
        assert TRACES[operation].replace("'", "") in told or NAMELESS in told or FILELESS in told


def check_nothing_is_there_twice(server: FaultServer, row: Row, operation: str) -> None:
    """What must happen once is sent once, unless the server said that it did nothing."""
    sent = [asked for asked in server.asked if faulty(operation)(asked.line)] if row.reads else server.met
    said_no = row.fault.startswith("429")
    assert len(sent) == (row.cell(operation).requests if said_no else min(1, row.cell(operation).requests))


def test_the_table_has_each_operation_and_no_fault_twice() -> None:
    assert len({row.fault for row in ROWS}) == len(ROWS)
    assert set(OPERATIONS) == {operation for _, operation, _ in cells()}
    assert all(set(row.but) <= set(OPERATIONS) for row in ROWS)
    assert set(TRACES) == {*ONCE, "last chunk"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_what_must_happen_once_is_asked_for_again_only_where_nothing_was_done(row: Row) -> None:
    again = [operation for operation in ONCE if row.cell(operation).requests > 1]
    assert again == [] or row.fault.startswith("429")
