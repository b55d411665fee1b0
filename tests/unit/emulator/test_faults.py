"""Failures on demand, and the rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

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


def test_a_delay_holds_the_answer_back(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> None:
    client = speak()
    emulator.control.fault(delay=30)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/files", timeout=0.2)
    assert client.get("/files").status_code == 200


def test_a_held_back_answer_belongs_to_a_request_that_was_carried_out(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client = speak()
    emulator.control.fault(answer_delay=30, match={"method": "POST"})
    with pytest.raises(httpx.ReadTimeout):
        client.post("/media", json={"title": "T"}, timeout=0.2)
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
    ("fault", "word"),
    [
        ({}, "one of"),
        ({"status": 500, "delay": 1}, "one of"),
        ({"drop": "later"}, "before, after"),
        ({"status": 500, "match": {"colour": "red"}}, "colour"),
        ({"status": 500, "match": {"path": "("}}, "regular expression"),
        ({"explode": True}, "explode"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(emulator: RunningEmulator, fault: dict[str, Any], word: str) -> None:
    with pytest.raises(ControlError, match=word):
        emulator.control.fault(**fault)
    assert emulator.control.faults() == []


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
