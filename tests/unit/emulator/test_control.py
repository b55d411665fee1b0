"""The control endpoint, and the Python class that runs an emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ittybit.emulator.running import ControlError, RunningEmulator
from airflow_provider_ittybit.emulator.settings import InvalidSettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_the_three_ports_are_three_origins(emulator: RunningEmulator) -> None:
    assert len({emulator.api_url, emulator.uploads_url, emulator.delivery_url}) == 3
    health = emulator.control.health()
    assert health == {
        "status": "ok",
        "api": emulator.api_url,
        "uploads": emulator.uploads_url,
        "delivery": emulator.delivery_url,
    }


def test_the_ledger_tells_what_was_asked(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> None:
    client = speak("2025-01-01")
    client.put(f"{emulator.delivery_url}/a.bin", content=b"12345", headers={"Content-Range": "bytes=0-4/9"})
    client.get("/files", params={"limit": 3})
    client.get("/nowhere")
    entries = emulator.control.requests()
    told = [(entry["role"], entry["method"], entry["path"], entry["query"], entry["status"]) for entry in entries]
    assert told == [
        ("delivery", "PUT", "/a.bin", "", 202),
        ("api", "GET", "/files", "limit=3", 200),
        ("api", "GET", "/nowhere", "", 404),
    ]
    assert (entries[0]["bytes"], entries[0]["content_range"]) == (5, "bytes=0-4/9")
    assert {entry["generation"] for entry in entries} == {"files-enveloped"}
    assert {entry["version"] for entry in entries} == {"2025-01-01"}
    assert entries[1]["connection"] == entries[2]["connection"]
    assert [entry["path"] for entry in emulator.control.requests(method="GET", path="/files")] == ["/files"]
    emulator.control.forget_requests()
    assert emulator.control.requests() == []


def test_reset_forgets_everything_but_the_settings(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]]
) -> None:
    put(b"x")
    emulator.control.settings(max_upload_bytes=77)
    emulator.control.fault(status=500)
    emulator.control.reset()
    assert speak().get("/files").json() == []
    assert (emulator.control.files(), emulator.control.faults()) == ([], [])
    assert list((emulator.state / "files").iterdir()) == []
    assert emulator.control.settings()["max_upload_bytes"] == 77


@pytest.mark.parametrize(("method", "name", "status"), [("GET", "magic", 404), ("GET", "reset", 405)])
def test_what_the_control_endpoint_does_not_have_is_refused(
    emulator: RunningEmulator, method: str, name: str, status: int
) -> None:
    assert httpx.request(method, f"{emulator.api_url}/_emulator/{name}").status_code == status


@pytest.mark.parametrize("body", [b"{", b"[]"])
def test_a_control_body_must_be_an_object(emulator: RunningEmulator, body: bytes) -> None:
    assert httpx.post(f"{emulator.api_url}/_emulator/faults", content=body).status_code == 400


def test_the_control_endpoint_is_on_the_api_port_only(emulator: RunningEmulator) -> None:
    assert httpx.get(f"{emulator.delivery_url}/_emulator/health").status_code == 404
    assert httpx.get(f"{emulator.uploads_url}/_emulator/health").status_code == 401


def test_the_airflow_connection_is_complete(emulator: RunningEmulator) -> None:
    connection = json.loads(emulator.airflow_connection("tasks", timeout=5))
    assert connection == {
        "conn_type": "ittybit",
        "password": emulator.api_key,
        "host": emulator.api_url,
        "extra": {"api_version": "tasks", "uploads_url": emulator.uploads_url, "timeout": 5},
    }
    assert json.loads(emulator.airflow_connection())["extra"]["api_version"] == "2025-08-20"


def test_a_stopped_emulator_accepts_nothing_and_can_be_stopped_again(tmp_path: Path) -> None:
    with RunningEmulator(tmp_path) as running:
        urls = (running.api_url, running.uploads_url, running.delivery_url)
    running.stop()
    for url in urls:
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    with pytest.raises(RuntimeError, match="not running"):
        _ = running.api_url


def test_a_wrong_setting_is_refused_before_anything_starts() -> None:
    with pytest.raises(InvalidSettingError, match="colour"):
        RunningEmulator(colour="red")


def test_a_taken_port_is_an_error_at_once(emulator: RunningEmulator) -> None:
    port = int(emulator.api_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        RunningEmulator(ports=(port, 0, 0)).start()


def test_a_state_folder_of_its_own_is_removed_at_the_end() -> None:
    with RunningEmulator() as running:
        state = running.state
        assert state.is_dir()
    assert not state.exists()


def test_settle_says_when_it_waits_in_vain(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert emulator._service is not None
    monkeypatch.setattr(emulator._service.workers, "settle", lambda *_, **__: False)
    with pytest.raises(ControlError, match="false"):
        emulator.control.settle(timeout=1)
