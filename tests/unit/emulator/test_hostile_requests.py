"""Requests that no client should send: each is refused, and none leaves anything broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ittybit.emulator.generations.tasks import MOST_TASKS
from airflow_provider_ittybit.emulator.json_bodies import DEEPEST, UnreadableBodyError, object_in
from airflow_provider_ittybit.emulator.running import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

VAST = "9" * 5000
DEEP = b'{"metadata":' * (DEEPEST + 1) + b"{}" + b"}" * (DEEPEST + 1)

UNREADABLE = {
    "nothing": b"\xff",
    "a list": b"[]",
    "NaN": b'{"metadata": {"a": NaN}}',
    "infinity": b'{"metadata": {"a": -Infinity}}',
    "infinity in digits": b'{"metadata": {"a": 1e999}}',
    "half a character": b'{"title": "\\ud800"}',
    "half a character as a key": b'{"metadata": {"\\udfff": 1}}',
    "half a character in UTF-16": '{"title": "\ud800"}'.encode("utf-16", "surrogatepass"),
    "too deep": DEEP,
    "far too deep": b'{"a":' * 200_000,
    "a number of too many digits": b'{"metadata": {"a": ' + VAST.encode() + b"}}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_no_answer_could_show_is_refused_before_it_is_kept(
    speak: Callable[..., httpx.Client], emulator: RunningEmulator, body: bytes
) -> None:
    client = speak()
    assert client.post("/media", content=body).status_code == 400
    assert client.get("/media").json() == []
    assert httpx.post(f"{emulator.api_url}/_emulator/faults", content=body).status_code == 400


def test_json_that_can_be_kept_is_read_as_it_is() -> None:
    deep: dict[str, Any] = {}
    for _ in range(DEEPEST - 1):
        deep = {"a": deep}
    document = {"text": "ä \U0001f600 \x00", "whole": 2**200, "part": 1.5, "nothing": None, "deep": deep["a"]}
    assert object_in(json.dumps(document).encode()) == document
    assert object_in(b"") == {}
    with pytest.raises(UnreadableBodyError, match="deeper"):
        object_in(json.dumps({"a": {"a": deep}}).encode())


@pytest.mark.parametrize("page", [VAST, "9" * 19, "10000000000000", "-1", "0", "1.0", "²", "٣", ""])
@pytest.mark.parametrize("version", ["media", "2025-01-01", "2025-08-20"])
def test_a_page_that_cannot_be_is_refused(speak: Callable[..., httpx.Client], version: str, page: str) -> None:
    assert speak(version).get("/media", params={"page": page}).status_code == 400


@pytest.mark.parametrize("version", ["media", "2025-08-20"])
def test_the_last_page_that_can_be_asked_for_is_empty(speak: Callable[..., httpx.Client], version: str) -> None:
    assert speak(version).get("/media", params={"page": 10**12, "limit": 100}).status_code == 200


@pytest.mark.parametrize("expiry", ["²", "٣", VAST, "-1", "", "1e9"])
def test_an_expiry_that_is_no_time_is_a_wrong_signature(emulator: RunningEmulator, expiry: str) -> None:
    query = {"expiry": expiry, "signature": "x", "method": "put"}
    assert httpx.put(f"{emulator.delivery_url}/a.bin", params=query, content=b"x").status_code == 403


@pytest.mark.parametrize("expiry", [10**15 + 1, 10**400, -1, True, 1.5, "soon", [1]])
def test_no_url_is_signed_until_a_time_that_cannot_be(speak: Callable[..., httpx.Client], expiry: object) -> None:
    assert speak().post("/signatures", json={"filename": "a", "expiry": expiry}).status_code == 400


@pytest.mark.parametrize("numbers", [f"0-1/{VAST}", f"{VAST}-{VAST}/{VAST}", "0-0/9999999999999999"])
def test_a_content_range_of_vast_numbers_is_refused(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], numbers: str
) -> None:
    headers = {"Content-Range": f"bytes={numbers}"}
    answer = speak().put(f"{emulator.delivery_url}/a.bin", content=b"xx", headers=headers)
    assert answer.status_code in (400, 413)


def test_a_first_chunk_that_was_refused_does_not_fix_the_size_of_the_file(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client, url = speak(), f"{emulator.delivery_url}/a.bin"
    assert client.put(url, content=b"xxx", headers={"Content-Range": "bytes=0-4/9"}).status_code == 400
    assert client.put(url, content=b"1234567", headers={"Content-Range": "bytes=0-6/7"}).status_code == 201
    assert [file["size"] for file in emulator.control.files()] == [7]


@pytest.mark.parametrize(
    "url", ["http://[", "http://[::1", "//[x", "data:,", "http://a:b/c.mp4", "\x00", "http://127.0.0.1:1\\@x"]
)
@pytest.mark.parametrize("version", ["2025-01-01", "2025-08-20"])
def test_a_url_that_cannot_be_read_fails_in_processing_with_a_plain_sentence(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], version: str, url: str
) -> None:
    client = speak(version)
    assert client.post("/files", json={"url": url}).status_code == 202
    assert client.post("/tasks", json={"url": url, "kind": "ingest"}).status_code == 201
    emulator.control.settle()
    [file] = emulator.control.files()
    assert file["status"] == "failed"
    assert "its log says more" not in client.get("/tasks").text + client.get("/files").text


@pytest.mark.parametrize("name", ["data:,", "http://[x", "[.mp4", "a" * 5000, "\x00.mp4", "\u2028"])
def test_a_file_name_may_be_anything(speak: Callable[..., httpx.Client], put: Any, name: str) -> None:
    client = speak()
    file = put(b"x", "a.bin")
    assert client.patch(f"/files/{file['id']}", json={"filename": name}).json()["filename"] == name
    assert client.post("/files", json={"url": "http://127.0.0.1:1/", "filename": name}).status_code == 202
    assert len(client.get("/files").json()) == 2


def test_a_chain_of_tasks_that_is_far_too_long_is_refused_whole(speak: Callable[..., httpx.Client]) -> None:
    chain: dict[str, Any] = {"kind": "image"}
    for _ in range(2 * DEEPEST):
        chain = {"kind": "image", "next": [chain]}
    client = speak("2025-09-15")
    first = {"kind": "ingest", "options": {"url": "http://127.0.0.1:1/"}, "next": [chain]}
    assert client.post("/runs", json={"tasks": [first]}).status_code == 400
    many = {"kind": "ingest", "url": "http://127.0.0.1:1/"}
    assert client.post("/runs", json={"tasks": [many] * (MOST_TASKS + 1)}).status_code == 400
    assert client.get("/runs").json() == client.get("/tasks").json() == []


@pytest.mark.parametrize("width", [10**400, -(10**400), "1e999", "nan"])
def test_an_option_that_is_no_usable_number_is_named_in_the_failure(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Any, image: Any, *, width: object
) -> None:
    client, file = speak(), put(image)
    task = client.post("/tasks", json={"kind": "image", "file_id": file["id"], "width": width}).json()
    emulator.control.settle()
    assert "width" in client.get(f"/tasks/{task['id']}").json()["error"]


SETTINGS: list[tuple[str, object]] = [
    ("max_upload_bytes", -1),
    ("max_upload_bytes", 2**60),
    ("max_upload_bytes", "x"),
    ("max_upload_bytes", True),
    ("answer_wait", 1e300),
    ("answer_wait", "nan"),
    ("fetch_timeout", "inf"),
    ("rate_limit", {"requests": "inf", "per_seconds": 1}),
    ("rate_limit", {"requests": 10**9 + 1, "per_seconds": 1}),
    ("rate_limit", {"requests": 1, "per_seconds": "nan"}),
    ("rate_limit", {"requests": 1}),
    ("rate_limit", 5),
    ("processing", f"after_reads:{VAST}"),
    ("processing", "after_reads:٣"),
    ("processing", None),
    ("default_version", ["2025-08-20"]),
    ("public_delivery", 1),
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_setting_that_cannot_be_is_refused_and_changes_nothing(
    emulator: RunningEmulator, name: str, value: object
) -> None:
    before = emulator.control.settings()
    with pytest.raises(ControlError, match=name):
        emulator.control.settings(**{name: value})
    assert emulator.control.settings() == before


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("settle", {"timeout": "soon"}),
        ("settle", {"timeout": -1}),
        ("settle", {"timeout": 1e18}),
        ("settle", {"timeout": True}),
        ("settle", {"timeout": None}),
        ("release", {"id": 5}),
        ("release", {"id": [[]]}),
        ("release", {"id": {}}),
    ],
)
def test_an_action_that_cannot_be_is_refused(emulator: RunningEmulator, action: str, body: dict[str, Any]) -> None:
    answer = httpx.post(f"{emulator.api_url}/_emulator/{action}", json=body)
    assert answer.status_code == 400
    assert next(iter(body)) in answer.json()["message"]
