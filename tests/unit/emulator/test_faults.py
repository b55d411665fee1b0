"""Failures on demand, and the rate limit."""

from __future__ import annotations

import contextlib
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
import time_machine

from airflow_provider_ittybit.emulator.faultfields import EFFECTS, FIELDS
from airflow_provider_ittybit.emulator.faults import Fault, Faults
from airflow_provider_ittybit.emulator.limits import RateGate
from airflow_provider_ittybit.emulator.running import ControlError
from airflow_provider_ittybit.emulator.settings import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

SHAPES = {
    "media": {"meta", "error"},
    "2025-01-01": {"meta", "data", "error", "links"},
    "2025-08-20": {"message"},
    "tasks": {"kind", "message"},
    "jobs": {"kind", "message"},
}


@pytest.mark.parametrize("version", SHAPES)
@pytest.mark.parametrize("status", [402, 403, 404, 405, 413, 429, 500, 502, 503])
def test_any_status_comes_in_the_shape_of_the_generation(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], version: str, status: int
) -> None:
    client = speak(version)
    emulator.control.fault(status=status, message="on purpose")
    answer = client.get("/anything")
    assert (answer.status_code, set(answer.json())) == (status, SHAPES[version])
    assert "on purpose" in answer.text
    assert answer.headers["x-request-id"]


def test_a_fault_can_have_headers_and_a_body_of_its_own(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    emulator.control.fault(status=503, body="<html>", retry_after=7, headers={"X-From": "a proxy"})
    answer = speak().get("/files")
    assert (answer.status_code, answer.text) == (503, "<html>")
    assert (answer.headers["retry-after"], answer.headers["x-from"]) == ("7", "a proxy")


def test_an_answer_has_the_date_of_its_moment_or_that_of_the_fault(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client = speak()
    emulator.control.fault(status=503, headers={"Date": "Wed, 01 Jan 2025 00:00:00 GMT"})
    assert client.get("/files").headers.get_list("date") == ["Wed, 01 Jan 2025 00:00:00 GMT"]
    with time_machine.travel(datetime(2040, 1, 1, tzinfo=UTC), tick=False):
        assert client.get("/files").headers.get_list("date") == ["Sun, 01 Jan 2040 00:00:00 GMT"]
    dates = client.get("/files").headers.get_list("date")
    assert [abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(minutes=1) for date in dates] == [True]


def test_a_success_can_carry_an_error_body(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> None:
    emulator.control.fault(status=200, message="not really")
    answer = speak("2025-01-01").get("/files")
    assert (answer.status_code, answer.json()["error"]) == (200, {"message": "not really"})


def test_a_fault_hits_only_what_it_matches_and_only_so_often(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client = speak()
    emulator.control.fault(status=500, match={"method": "get", "path": "^/media$", "role": "api"}, times=2, after=1)
    paths = ("/media", "/files", "/media", "/media", "/media")
    assert [client.get(path).status_code for path in paths] == [200, 200, 500, 500, 200]
    assert emulator.control.faults() == []


def test_a_fault_without_an_end_lasts_until_it_is_removed(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client = speak()
    emulator.control.fault(status=500, times=0)
    assert [client.get("/files").status_code for _ in range(3)] == [500] * 3
    emulator.control.clear_faults()
    assert client.get("/files").status_code == 200


@pytest.mark.parametrize(("when", "carried_out"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_gives_no_answer(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], when: str, carried_out: int
) -> None:
    client = speak()
    emulator.control.fault(drop=when, match={"method": "POST"})
    with pytest.raises(httpx.TransportError):
        client.post("/media", json={"title": "T"})
    assert len(client.get("/media").json()) == carried_out
    [dropped] = emulator.control.requests(method="POST")
    assert dropped["status"] is None


def test_a_drop_in_the_middle_of_an_upload_leaves_nothing_behind(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    emulator.control.fault(drop="before", match={"role": "delivery"})
    with pytest.raises(httpx.TransportError):
        speak().put(f"{emulator.delivery_url}/a.bin", content=b"x" * 5_000_000)
    assert emulator.control.files() == []
    assert list((emulator.state / "incoming").iterdir()) == []


def test_a_delay_holds_the_answer_back(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], patience: float
) -> None:
    client = speak()
    emulator.control.fault(delay=30)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/files", timeout=0.2 * patience)
    assert client.get("/files").status_code == 200


def test_a_reset_drops_what_is_held_instead_of_carrying_it_out_later(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    emulator.control.fault(delay=3600)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(speak().put, f"{emulator.delivery_url}/a.bin", content=b"x")
        while not emulator.control.requests():
            assert not held.done()
        emulator.control.reset()
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            held.result()
    assert emulator.control.files() == []
    assert speak().put(f"{emulator.delivery_url}/a.bin", content=b"x").status_code == 202


def test_a_reset_drops_what_is_still_coming_in(emulator: RunningEmulator) -> None:
    place = urlsplit(emulator.delivery_url)
    head = f"PUT /a.bin HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {emulator.api_key}\r\n"
    with socket.create_connection((place.hostname, place.port), timeout=30) as client:
        client.sendall(f"{head}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        emulator.control.reset()
        client.sendall(b"xx")
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(100) == b""
    assert emulator.control.files() == []
    assert list((emulator.state / "incoming").iterdir()) == []


def test_a_held_back_answer_belongs_to_a_request_that_was_carried_out(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], patience: float
) -> None:
    client = speak()
    emulator.control.fault(answer_delay=30, match={"method": "POST"})
    with pytest.raises(httpx.ReadTimeout):
        client.post("/media", json={"title": "T"}, timeout=0.2 * patience)
    assert [media["title"] for media in client.get("/media").json()] == ["T"]
    [held] = emulator.control.requests(method="POST")
    assert held["status"] is None


def test_a_held_back_answer_comes_in_the_end(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> None:
    emulator.control.fault(answer_delay=0.01)
    assert speak().get("/files").status_code == 200
    [entry] = emulator.control.requests()
    assert entry["status"] == 200


@pytest.mark.parametrize(
    ("version", "path", "wish"),
    [
        ("2025-08-20", "/files", {}),
        ("2025-08-20", "/tasks", {"kind": "image"}),
        ("tasks", "/tasks", {"kind": "image"}),
        ("jobs", "/jobs", {"kind": "image"}),
    ],
)
def test_a_resource_can_be_made_to_fail(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str, *, version: str, path: str, wish: Any
) -> None:
    client, url = speak(version), f"{web}/clip.mp4"
    source = {"input": url} if path == "/jobs" else {"url": url}
    emulator.control.fault(fail_processing="out of disk", match={"path": path})
    ids = [client.post(path, json={**source, **wish}).json()["id"] for _ in range(2)]
    emulator.control.settle()
    first, second = (client.get(f"{path}/{name}").json() for name in ids)
    assert (first["status"], first["error"]) == ("failed", "out of disk")
    assert second["status"] in ("ready", "completed", "succeeded")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({}, "one of status, delay, answer_delay, drop, fail_processing, not none"),
        ({"status": 500, "delay": 1}, "not status and delay"),
        ({"explode": True}, "no fault field 'explode'. The fields are: match, times"),
        ({"explode": None, "status": 500}, "no fault field 'explode'"),
        ({"match.role": "api", "status": 500}, "no fault field 'match.role'"),
        (
            {"status": 500, "match": {"colour": "red"}},
            "no fault field 'match.colour'. The fields are: role, method, path",
        ),
        ({"delay": 1, "message": "slow"}, "'message' goes with status only, not with delay"),
        ({"drop": "after", "headers": {}}, "'headers' goes with status only"),
        ({"status": 204, "body": "x"}, "status 204 has no body"),
        ({"status": 304, "message": "x"}, "status 304 has no body"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(
    emulator: RunningEmulator, fault: dict[str, Any], words: str
) -> None:
    with pytest.raises(ControlError) as refused:
        emulator.control.fault(**fault)
    assert words in str(refused.value)
    assert emulator.control.faults() == []


NOT_TEXT = (1, True, ["a"], {"a": "b"}, "\ud800")
NOT_WHOLE = (-1, 1.5, "2", True, [1])
NOT_SECONDS = (-0.1, "1", True, [1], float("nan"), float("inf"), float("-inf"), 3601, 10**400)
NO_JSON = ("NaN", "Infinity", "\\ud800")
"""What no standard JSON has: refused with the whole body, before its fields are looked at."""
REFUSED: dict[str, tuple[Any, ...]] = {
    "match": ("api", ["api"], 1),
    "match.role": ("API", "web", "", 1, ["api"]),
    "match.method": ("", " ", "GET POST", 1, ["GET"]),
    "match.path": ("(", "*", 1, ["a"]),
    "times": NOT_WHOLE,
    "after": NOT_WHOLE,
    "status": (*NOT_WHOLE, 0, 101, 199, 600, "500"),
    "retry_after": (-1, float("nan"), float("inf"), 10**400, True, [1], "1\r\nX: y", "\u2603"),
    "message": NOT_TEXT,
    "body": (1, 1.5, True, "\ud800", {"a": float("nan")}, [float("inf")]),
    "headers": (
        "X: y",
        [["X", "y"]],
        {"X": 1},
        {"X": None},
        {"X y": "z"},
        {"": "z"},
        {"X": "y\nZ: w"},
        {"X": "\u2603"},
    ),
    "delay": NOT_SECONDS,
    "answer_delay": NOT_SECONDS,
    "drop": ("later", "", True, ["after"]),
    "fail_processing": (*NOT_TEXT, "", " "),
}


def fault_with(name: str, value: Any) -> dict[str, Any]:
    """Make a fault that is good but for one value."""
    parent, _, child = name.rpartition(".")
    fault = {parent: {child: value}} if parent else {name: value}
    return fault if name in EFFECTS else {"status": 500, **fault}


def test_every_field_has_values_that_are_refused() -> None:
    assert set(REFUSED) == set(FIELDS)


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(name, value, id=f"{name}={value!r:.20}") for name in REFUSED for value in REFUSED[name]],
)
def test_a_value_that_cannot_be_is_answered_400_with_the_field_and_what_it_takes(
    emulator: RunningEmulator, name: str, value: Any
) -> None:
    content = json.dumps(fault_with(name, value))
    answer = httpx.post(f"{emulator.api_url}/_emulator/faults", content=content)
    assert answer.status_code == 400
    told = answer.json()["message"]
    if any(word in content for word in NO_JSON):
        assert told.startswith("The request body ")
    else:
        assert f"The fault field {name!r} takes {FIELDS[name].takes}, not " in told
    assert emulator.control.faults() == []


@pytest.mark.parametrize("name", ["content-length", "Transfer-Encoding"])
def test_a_header_that_the_server_writes_itself_is_refused(emulator: RunningEmulator, name: str) -> None:
    with pytest.raises(ControlError, match=r"without Content-Length and Transfer-Encoding"):
        emulator.control.fault(status=500, headers={name: "1"})


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "times": 0},
        {"status": 599, "after": 10**9, "retry_after": 0},
        {"status": 503, "retry_after": 0.5, "headers": {"X-Empty": ""}, "message": ""},
        {"status": 500, "match": {"role": "uploads", "method": "post", "path": "^/a?"}},
        {"delay": 0},
        {"answer_delay": 3600},
        {"drop": "before"},
        {"fail_processing": "\u00e4"},
    ],
)
def test_the_bounds_of_each_field_are_taken(emulator: RunningEmulator, fault: dict[str, Any]) -> None:
    emulator.control.fault(**fault)
    [found] = emulator.control.faults()
    assert found.items() >= fault.items()


def test_null_counts_as_absent(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> None:
    emulator.control.fault(status=500, delay=None, times=None, match={"role": None}, headers=None, body=None)
    client = speak()
    assert [client.get("/files").status_code for _ in range(2)] == [500, 200]


@pytest.mark.parametrize(
    ("body", "text", "content_type"),
    [
        ({"message": "H\u00e4"}, '{"message": "H\\u00e4"}', "application/json"),
        ({}, "{}", "application/json"),
        ([{"id": "file_1"}], '[{"id": "file_1"}]', "application/json"),
        ([], "[]", "application/json"),
        ('{"id":1}', '{"id":1}', "application/json"),
        ("Out of order", "Out of order", "text/plain; charset=utf-8"),
        ("<html>", "<html>", "text/plain; charset=utf-8"),
        ('{"id": ', '{"id": ', "text/plain; charset=utf-8"),
        ("", "", "text/plain; charset=utf-8"),
    ],
)
def test_a_body_is_sent_as_what_it_is(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], *, body: Any, text: str, content_type: str
) -> None:
    emulator.control.fault(status=200, body=body)
    answer = speak().get("/files")
    assert (answer.text, answer.headers["content-type"]) == (text, content_type)


@pytest.mark.parametrize("body", [{"a": 1}, "<html>"])
def test_the_content_type_of_a_body_can_be_given(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], body: Any
) -> None:
    emulator.control.fault(status=502, body=body, headers={"content-TYPE": "text/html"})
    assert speak().get("/files").headers.get_list("content-type") == ["text/html"]


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_is_answered_without_one(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], status: int
) -> None:
    client = speak()
    emulator.control.fault(status=status)
    answer = client.get("/files")
    assert (answer.status_code, answer.content) == (status, b"")
    assert client.get("/files").status_code == 200


def test_faults_come_in_the_order_in_which_they_were_set() -> None:
    faults = Faults()
    for status in (500, 502):
        faults.add(Fault(status=status))
    taken = [faults.take("api", "GET", "/files") for _ in range(3)]
    assert [fault.status if fault else None for fault in taken] == [500, 502, None]


def test_the_rate_limit_answers_429_with_the_seconds_to_wait(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client = speak("tasks")
    emulator.control.settings(rate_limit={"requests": 2, "per_seconds": 60})
    answers = [client.get("/runs") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()["kind"] == "rate_limited"
    emulator.control.settings(rate_limit=None)
    assert client.get("/runs").status_code == 200


def test_a_refused_request_does_not_count_against_the_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("airflow_provider_ittybit.emulator.limits.monotonic", lambda: now)
    gate, limit = RateGate(), RateLimit(requests=2, per_seconds=10)
    assert [gate.wait_needed(limit) for _ in range(3)] == [0, 0, 10]
    now = 109.0
    assert gate.wait_needed(limit) == 1
    now = 110.0
    assert gate.wait_needed(limit) == 0
