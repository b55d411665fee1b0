"""What must happen once, in the generations that the table of faults does not speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from reliability.faults import packed_bomb, silence, too_large_unannounced
from reliability.lost_answers import CASES, TAKE_BYTES
from reliability.operations import NAME, RETRIES, URL, connection, good, signing_for
from reliability.servers import FaultServer
from reliability.table import ROWS, Row
from task_running import task_context

from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reliability.servers import Asked

IN_THE_TABLE = "files-flat"
SILENT = ("IttybitTransportError", "IttybitServerError")
"""Errors after which a request goes again where that makes nothing twice; others have an answer that nobody can use."""
DOUBTFUL = (*SILENT, "IttybitUnreadableAnswerError", "IttybitError")
REDIRECTS = [row for row in ROWS if row.fault.startswith("a redirect")]
"""They say that nothing was done here."""
SLOW = [row for row in ROWS if row.behaviour in (too_large_unannounced, packed_bomb)]
"""They end as what is announced to be too large, and take seconds each."""
LEFT_OUT = (*REDIRECTS, *SLOW)
LOST = [row for row in ROWS if row.listening and row.once.outcome in DOUBTFUL and row not in LEFT_OUT]
NAMELESS = "names no usable id. Look for"
TRACES = {"bytes": NAME, "URL": "https://cdn.example/talks/keynote.mp4", "task": "a task of the kind 'image'"}
MATRIX = [(wish, generation, row) for wish, generation in CASES for row in LOST if generation != IN_THE_TABLE]


def ask(wish: str, folder: Path) -> None:
    """Ask for something once."""
    if wish == "task":
        CreateTaskOperator(task_id="task", kind="image", input=URL).execute(task_context())
        return
    (folder / NAME).write_bytes(b"abc")
    source = URL if wish == "URL" else str(folder / NAME)
    UploadMediaOperator(task_id="task", source=source).execute(task_context())


def keys(asked: Sequence[Asked]) -> set[str]:
    """Name the idempotency keys that went along, of each request one."""
    return {request.headers["idempotency-key"] for request in asked}


@pytest.mark.parametrize(
    ("wish", "generation", "row"), MATRIX, ids=[f"{generation}-{wish}-{row.fault}" for wish, generation, row in MATRIX]
)
@pytest.mark.usefixtures("waits")
def test_what_may_have_been_done_is_asked_for_once_or_by_one_key(
    wish: str, generation: str, row: Row, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    by_key = CASES[wish, generation].by_key
    with (
        FaultServer(row.behaviour, good, reads=row.reads) as server,
        FaultServer(silence, signing_for(lambda: server.url), lambda _: False) as signing,
    ):
        extra: dict[str, Any] = {"uploads_url": server.url}
        if wish == "bytes" and generation not in TAKE_BYTES:
            extra["delivery_domain"] = server.url
        api = signing if wish == "bytes" else server
        connected = connection(api.url, timeout=row.timeout * patience, version=generation, **extra)
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", connected)
        with pytest.raises(IttybitError) as caught:
            ask(wish, tmp_path)
        met, asked = list(server.met), list(server.asked)
    told = str(caught.value)
    assert type(caught.value).__name__ == row.once.outcome
    assert len(met) == (RETRIES + 1 if by_key and row.once.outcome in SILENT else 1), met
    if by_key:
        assert len(keys(asked)) == row.reads
        assert "a retry by the same key makes nothing twice" in told or NAMELESS in told
    else:
        assert "before sending it again, look for" in told or NAMELESS in told
        assert TRACES[wish] in told


def test_each_generation_but_that_of_the_table_meets_each_such_fault() -> None:
    met = {(generation, row.fault) for _, generation, row in MATRIX}
    assert {generation for generation, _ in met} == {"media", "files-enveloped", "tasks", "jobs"}
    assert {fault for _, fault in met} == {row.fault for row in LOST}
    assert {row.once.outcome for row in LOST} == set(DOUBTFUL)
    assert (len(REDIRECTS), len(SLOW)) == (3, 2)
    assert len(met) == 4 * len(LOST)
