"""The API key is looked for wherever Airflow keeps or shows something: logs, errors, reprs, XCom, triggers, events.

Airflow would mask it in task logs. That is left out here on purpose: nothing should need masking.
"""

from __future__ import annotations

import gzip
import json
import logging
import pickle
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow_versions import DagSerialization
from secret_search import PACKAGE, SINKS, everything_logged
from task_running import fire, task_context
from unit.transport.scripted_server import Raw, Reply, ScriptedServer

from airflow_provider_ittybit.api import turns
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.sensors.task import TaskSensor
from airflow_provider_ittybit.transport import policy, receiving
from airflow_provider_ittybit.triggers import watch
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow.providers.common.compat.sdk import BaseOperator
    from secret_search import Seen

    from airflow_provider_ittybit.emulator.running import RunningEmulator

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
MAIN = {"media": "media", "files-enveloped": "files", "files-flat": "files", "tasks": "tasks", "jobs": "jobs"}
FAST: dict[str, Any] = {"poll_interval": 0.01}


@pytest.fixture
def seen() -> Iterator[Seen]:
    with everything_logged() as seen:
        yield seen


@pytest.mark.parametrize("sink", SINKS)
def test_the_search_finds_a_key_in_each_place(sink: str, seen: Seen, emulator: RunningEmulator) -> None:
    seen.show(sink, {"Authorization": f"Bearer {emulator.api_key}"})
    assert set(seen.found(emulator.api_key)) == {sink}


def test_the_search_finds_a_key_that_is_logged_in_either_way(seen: Seen, emulator: RunningEmulator) -> None:
    key = emulator.api_key
    logging.getLogger("some.library").debug("sent %s", key)
    found_in_library = seen.found(key)
    seen.records.lines.clear()
    ListMediaOperator(task_id="task").log.info("sent %s", key)
    assert set(found_in_library) == set(seen.found(key)) == {"log"}


def test_the_search_looks_behind_errors_and_into_their_frames(seen: Seen, emulator: RunningEmulator) -> None:
    def hidden() -> None:
        held = [emulator.api_key]
        try:
            raise ValueError(*held)  # noqa: TRY301 - this very frame is looked into
        except ValueError:
            message = "no key in here"
            raise IttybitError(message) from None

    hidden.__code__ = hidden.__code__.replace(co_filename=f"/{PACKAGE}/somewhere.py")
    with pytest.raises(IttybitError) as raised:
        hidden()
    seen.show_error(raised.value)
    assert set(seen.found(emulator.api_key)) == {"error behind it", "locals"}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_whole_life_of_media_shows_no_key(
    generation: str, seen: Seen, connect: Callable[..., RunningEmulator], web: str, tmp_path: Path
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    (tmp_path / "still.png").write_bytes(urlopen(f"{web}/still.png").read())  # noqa: S310 - our own web server
    source = f"{web}/still.png" if generation in ("tasks", "jobs") else str(tmp_path / "still.png")
    resource = seen.run(
        lambda: UploadMediaOperator(task_id="task", source=source, wait_for_processing=True, deferrable=True, **FAST)
    )
    assert resource["id"], "the upload has to work, or nothing is shown"
    again = seen.run(lambda: UploadMediaOperator(task_id="task", source=source, wait_for_processing=True, **FAST))
    for mode in ({}, {"mode": "reschedule"}, {"deferrable": True}):
        arguments: dict[str, Any] = {"media_id": again, "poke_interval": 0.01, **mode}
        assert seen.run(partial(MediaProcessingSensor, task_id="task", **arguments))["id"]
    assert seen.run(lambda: ListMediaOperator(task_id="task"))
    assert seen.run(lambda: ListMediaOperator(task_id="task", output_path=str(tmp_path / "list.jsonl")))["items"]
    assert seen.run(lambda: GetMediaOperator(task_id="task", media_id=resource))["id"] == resource["id"]
    seen.run(lambda: UpdateMediaOperator(task_id="task", media_id=resource, metadata={"a": 1}))
    seen.run(lambda: DeleteMediaOperator(task_id="task", media_id=[resource, again]))
    assert "http" in "".join(seen.shown["extra link"]), "there was no link that could have shown it"
    requests = emulator.control.requests()
    assert requests, "nothing was noted that could have shown it"
    seen.show("ledger", requests)
    assert seen.found(emulator.api_key) == {}
    assert emulator.api_key not in (tmp_path / "list.jsonl").read_text()


@pytest.mark.parametrize("generation", GENERATIONS[1:])
def test_a_whole_life_of_a_task_shows_no_key(
    generation: str, seen: Seen, connect: Callable[..., RunningEmulator], web: str
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    arguments: dict[str, Any] = {"kind": "image", "input": f"{web}/clip.mp4", **FAST}
    for mode in ({}, {"deferrable": True}):
        waiting: dict[str, Any] = {**arguments, **mode, "wait_for_processing": True}
        assert seen.run(partial(CreateTaskOperator, task_id="task", **waiting))["id"]
    made = seen.run(lambda: CreateTaskOperator(task_id="task", options={"width": 16}, **arguments))
    for mode in ({}, {"mode": "reschedule"}, {"deferrable": True}):
        sensing: dict[str, Any] = {"ittybit_task_id": made, "poke_interval": 0.01, **mode}
        assert seen.run(partial(TaskSensor, task_id="task", **sensing))["id"] == made["id"]
    words = f"moov atom not found by {emulator.api_key}"
    emulator.control.fault(match={"method": "POST"}, times=0, fail_processing=words)
    told = len(seen.shown["event"])
    for width, mode in ((8, {}), (6, {"deferrable": True})):  # jobs would know the same wish again
        failed: dict[str, Any] = {**arguments, **mode, "options": {"width": width}, "wait_for_processing": True}
        assert isinstance(seen.run(partial(CreateTaskOperator, task_id="task", **failed)), IttybitError)
    assert len(seen.shown["event"]) > told, "no trigger told of the failure"
    assert seen.run(lambda: ListMediaOperator(task_id="task", resource="jobs" if generation == "jobs" else "tasks"))
    for sink in ("error", "XCom"):
        assert "moov atom not found by …" in str(seen.shown[sink])
    assert seen.found(emulator.api_key) == {}


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait long after an error; that has tests of its own."""
    for module, name, value in (
        (turns, "FIRST_RATE", turns.FASTEST),
        (turns, "SLOWEST", turns.FASTEST),
        (watch, "GRACE", 0.5),
        (policy, "pause_before", lambda *_: 0.0),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("generation", ["media", "files-enveloped", "files-flat"])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401},
        {"status": 403, "message": "Not with this key."},
        {"status": 429, "retry_after": 0},
        {"status": 500, "body": "<html>Out of order</html>"},
        {"status": 200, "body": "no JSON"},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/elsewhere"}},
        {"drop": "before"},
        {"drop": "after"},
        {"delay": 0.2},
    ],
    ids=lambda fault: " ".join(
        f"{name} {value}" for name, value in fault.items() if name in ("status", "drop", "delay")
    ),
)
def test_what_fails_shows_no_key(
    generation: str,
    fault: dict[str, Any],
    seen: Seen,
    connect: Callable[..., RunningEmulator],
    image: Path,
) -> None:
    once_more = 1 if fault.get("status") == 429 else 0
    emulator = connect(generation, max_retries=once_more, timeout=0.1 if "delay" in fault else 5)
    emulator.control.fault(times=0, **fault)
    tasks: list[Callable[[], BaseOperator]] = [
        lambda: UploadMediaOperator(task_id="task", source=str(image), wait_for_processing=True, **FAST),
        lambda: ListMediaOperator(task_id="task"),
        lambda: GetMediaOperator(task_id="task", media_id="file_1"),
        lambda: DeleteMediaOperator(task_id="task", media_id=["file_1", "file_2"]),
        lambda: MediaProcessingSensor(
            task_id="task", media_id="file_1", deferrable=True, poke_interval=0.01, timeout=1
        ),
        lambda: CreateTaskOperator(task_id="task", kind="image", input="file_1", **FAST),
    ]
    outcomes = [seen.run(task) for task in tasks]
    assert any(isinstance(outcome, IttybitError) for outcome in outcomes)
    assert seen.found(emulator.api_key) == {}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_error_in_which_ittybit_repeats_the_key_shows_none(
    generation: str, seen: Seen, connect: Callable[..., RunningEmulator]
) -> None:
    emulator = connect(generation)
    key = emulator.api_key
    emulator.control.fault(times=0, status=401, message=f"The key {key} is none.", headers={"X-Request-Id": key})
    tasks: list[Callable[[], BaseOperator]] = [
        lambda: ListMediaOperator(task_id="task"),
        lambda: MediaProcessingSensor(
            task_id="task", media_id="file_1", resource="media", deferrable=True, poke_interval=0.01
        ),
    ]
    assert all(isinstance(seen.run(task), IttybitError) for task in tasks)
    assert "is none." in str(seen.shown["error"])
    assert seen.found(key) == {}


def test_an_error_in_the_triggerer_in_which_ittybit_repeats_the_key_shows_none(
    seen: Seen, connect: Callable[..., RunningEmulator]
) -> None:
    emulator = connect("files-flat")
    emulator.control.fault(times=0, status=401, message=f"The key {emulator.api_key} is none.")
    event = fire(ProcessingTrigger("file_1"))
    assert "is none." in event["message"]
    seen.show("event", event)
    assert seen.found(emulator.api_key) == {}


ODD_KEY = "ittybit_live_k3yThatNobodyMaySee"
_WORDS = f"Bearer {ODD_KEY}".encode()
_OK = b"HTTP/1.1 200 OK\r\n"
_PACKED = _OK + b"Content-Encoding: gzip\r\n"
REPEATED = {
    "status line": _WORDS + b"\r\n\r\n",
    "reason": b"HTTP/1.1 401 " + _WORDS + b"\r\n\r\nno JSON",
    "header": _OK + _WORDS + b"\r\nContent-Length: 2\r\n\r\n{}",
    "encoding": _OK + b"Content-Encoding: " + _WORDS + b"\r\n\r\n{}",
    "content type": _OK + b"Content-Type: " + _WORDS + b"\r\n\r\nno JSON",
    "no JSON": _OK + b"\r\nno JSON " + _WORDS,
    "behind a snippet": b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>" + b" " * 780 + _WORDS,
    "cut off": _PACKED + b"X-Request-Id: " + _WORDS + b"\r\n\r\n" + gzip.compress(_WORDS)[:-4],
    "too large": _OK + b"Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + _WORDS.ljust(2_000) + b"\r\n0\r\n\r\n",
    "cut short": _OK + b"Content-Length: 900\r\n\r\n" + _WORDS,
    "size of a chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\n" + _WORDS + b"\r\n",
}
"""Answers that repeat the key where no JSON is read, by its place."""
UNTOLD = ("reason", "cut short")
"""Those of which no error tells the words."""


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("place", REPEATED)
def test_an_answer_that_cannot_be_read_and_repeats_the_key_shows_none(
    place: str, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "LARGEST", 1_000)
    with ScriptedServer(Raw(REPEATED[place])) as server:
        extra = {"api_version": "files-flat", "max_retries": 0}
        connection = {"conn_type": "ittybit", "host": server.url, "password": ODD_KEY, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(connection))
        outcome = seen.run(lambda: GetMediaOperator(task_id="task", media_id="file_1"))
        assert isinstance(outcome, IttybitError)
        event = fire(ProcessingTrigger("file_1", poll_interval=0.01))
        assert event["outcome"] == "error"
        seen.show("event", event)
        assert {request.headers["authorization"] for request in server.arrived} == {_WORDS.decode()}
        assert seen.found(ODD_KEY) == {}
        assert ("…" in f"{outcome}{event}") == (place not in UNTOLD)


def test_a_serialized_dag_shows_no_key_of_any_task_that_ran(
    connect: Callable[..., RunningEmulator], image: Path
) -> None:
    emulator = connect("files-flat")
    with DAG("media", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        upload = UploadMediaOperator(task_id="upload", source=str(image), wait_for_processing=True, **FAST)
        file: Any = upload.execute(task_context())
        create = CreateTaskOperator(task_id="create", kind="image", input=file["id"], options={"width": 16})
        made: Any = create.execute(task_context())
        for task in (
            TaskSensor(task_id="made", ittybit_task_id=made["id"], poke_interval=0.01),
            MediaProcessingSensor(task_id="ready", media_id=file["id"], poke_interval=0.01),
            ListMediaOperator(task_id="list"),
            GetMediaOperator(task_id="get", media_id=file["id"]),
            UpdateMediaOperator(task_id="update", media_id=file["id"], metadata={"a": 1}),
            DeleteMediaOperator(task_id="delete", media_id=file["id"]),
        ):
            task.execute(task_context())
    stored = json.dumps(DagSerialization.to_dict(dag))
    assert file["id"] in stored
    assert len(dag.task_ids) == 8
    assert emulator.api_key not in stored


def test_a_hook_that_was_used_shows_no_key(connect: Callable[..., RunningEmulator]) -> None:
    emulator = connect("files-flat")
    with IttybitHook() as hook:
        assert hook.test_connection()[0]
        shown = [repr(hook), repr(hook.settings), repr(hook.get_conn()), str(hook.test_connection())]
        assert emulator.api_key not in "".join(shown)
        assert emulator.api_key.encode() not in pickle.dumps(hook)


def links_elsewhere(url: str) -> dict[str, Reply]:
    """Make answers that send a client to another host, by redirects and by links to a next page."""
    item = [{"id": "file_1", "created": "2026-01-01T00:00:00Z", "created_at": 1767225600}]
    to = f"{url}/files?page=2&after=file_1"
    return {
        **{f"redirect {status}": Reply(status, b"", {"Location": to}) for status in (301, 302, 303, 307, 308)},
        "link in the body": Reply(
            body=json.dumps({"meta": {"type": "list"}, "data": item, "links": {"next": to}}).encode()
        ),
        "Link header": Reply(
            body=json.dumps(item).encode(), headers={"Link": f'<{to}>; rel="next"', "Has-More": "true"}
        ),
        "Links header": Reply(body=json.dumps(item).encode(), headers={"Links": f'<{to}>; rel="next"'}),
        "refresh": Reply(500, b"", {"Refresh": f"0; url={to}", "Content-Location": to, "Alt-Svc": f'h2="{url[7:]}"'}),
    }


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("lure", links_elsewhere(""))
def test_no_other_host_is_sent_anything(
    generation: str, lure: str, seen: Seen, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "ittybit_live_k3yThatNobodyMaySee"
    with ScriptedServer() as other, ScriptedServer() as server:
        server._steps.append(links_elsewhere(other.url)[lure])
        server._steps.popleft()
        extra = {"api_version": generation, "uploads_url": server.url, "delivery_domain": server.url, "max_retries": 0}
        connection = {"conn_type": "ittybit", "host": server.url, "password": key, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(connection))
        tasks: list[Callable[[], BaseOperator]] = [
            lambda: UploadMediaOperator(task_id="task", source=str(image)),
            lambda: UploadMediaOperator(task_id="task", source="https://media.example/still.png"),
            lambda: ListMediaOperator(task_id="task"),
            lambda: GetMediaOperator(task_id="task", media_id="med_1", resource=MAIN[generation]),
            lambda: DeleteMediaOperator(task_id="task", media_id="med_1"),
            lambda: CreateTaskOperator(task_id="task", kind="image", input="https://media.example/clip.mp4", **FAST),
        ]
        for task in tasks:
            seen.run(task)
        seen.show("event", fire(ProcessingTrigger("med_1", resource=MAIN[generation], poll_interval=0.01)))
        assert server.arrived
        with_key = [request for request in server.arrived if "signature=" not in request.target]
        assert {request.headers["authorization"] for request in with_key} == {f"Bearer {key}"}
        seen.show("elsewhere", other.arrived)
        assert (other.connections, seen.found(key)) == (0, {})
