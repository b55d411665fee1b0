"""Who may ask, and that the key is nowhere to be found afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator


def error_of(body: dict[str, Any]) -> str:
    return str(body["error"]["message"] if "error" in body else body["message"])


@pytest.mark.parametrize(
    ("version", "path"),
    [("media", "/media"), ("2025-01-01", "/files"), ("2025-08-20", "/files"), ("tasks", "/runs"), ("jobs", "/jobs")],
)
@pytest.mark.parametrize(
    ("header", "kind"), [(None, "token_missing"), ("Bearer wrong", "token_invalid"), ("{key}", "token_invalid")]
)
def test_a_request_without_the_right_key_is_401_in_the_shape_of_its_generation(
    emulator: RunningEmulator, version: str, path: str, header: str | None, kind: str
) -> None:
    headers = {"Accept-Version": version}
    if header is not None:
        headers["Authorization"] = header.format(key=emulator.api_key)
    answer = httpx.get(f"{emulator.api_url}{path}", headers=headers)
    body = answer.json()
    assert answer.status_code == 401
    assert "key" in error_of(body)
    assert body.get("kind", kind) == kind
    if version == "2025-01-01":
        assert (body["data"], body["meta"]["type"]) == (None, "error")
        assert body["links"]["self"] == f"{emulator.api_url}{path}"


@pytest.mark.parametrize("role", ["uploads_url", "delivery_url"])
def test_the_other_two_ports_want_the_key_too(emulator: RunningEmulator, role: str) -> None:
    base = getattr(emulator, role)
    send = httpx.post if role == "uploads_url" else httpx.put
    assert send(f"{base}/media", content=b"x").status_code == 401


def test_every_answer_has_a_request_id_of_its_own(speak: Callable[..., httpx.Client]) -> None:
    client = speak("2025-01-01")
    first, second = client.get("/files"), client.get("/files/file_0")
    ids = [answer.headers["x-request-id"] for answer in (first, second)]
    assert ids == [answer.json()["meta"]["request_id"] for answer in (first, second)]
    assert ids[0] != ids[1]


def test_neither_the_ledger_nor_the_state_folder_holds_the_key_or_a_signature(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    signed = speak().post("/signatures", json={"filename": "a.mp4", "method": "put"}).json()
    httpx.put(signed["url"], content=b"bytes")
    entries = emulator.control.requests(method="PUT")
    assert entries[-1]["query"].endswith("signature=[redacted]")
    assert entries[-1]["has_authorization"] is False
    kept = b"".join(path.read_bytes() for path in emulator.state.rglob("*") if path.is_file())
    for secret in (emulator.api_key, signed["signature"]):
        assert secret not in str(emulator.control.requests())
        assert secret.encode() not in kept
