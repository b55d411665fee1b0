"""Direct uploads to the delivery port: whole, signed and in chunks; and what the port gives back."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ittybit.emulator.signing import sign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

CONTENT = bytes(range(256)) * 40


def chunk(client: httpx.Client, url: str, first: int, last: int, **changes: Any) -> httpx.Response:
    header = changes.pop("header", f"bytes={first}-{last}/{len(CONTENT)}")
    return client.put(url, content=changes.pop("content", CONTENT[first : last + 1]), headers={"Content-Range": header})


def test_a_whole_upload_keeps_every_byte_and_its_path(
    emulator: RunningEmulator, put: Callable[..., dict[str, Any]], video: Path
) -> None:
    file = put(video, "deep/er/my%20clip.mp4")
    assert (file["folder"], file["filename"], file["status"]) == ("deep/er", "my clip.mp4", "ready")
    [kept] = emulator.control.files()
    assert kept["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
    assert kept["size"] == video.stat().st_size
    assert httpx.get(f"{emulator.delivery_url}/deep/er/my%20clip.mp4").content == video.read_bytes()


@pytest.mark.parametrize(
    ("version", "chunked", "enveloped"),
    [
        (None, False, True),
        (None, True, False),
        ("2025-01-01", False, True),
        ("2025-01-01", True, False),
        ("2025-08-20", False, False),
    ],
)
def test_the_answer_to_an_upload_has_the_shape_of_its_version_or_of_its_page(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], version: str, *, chunked: bool, enveloped: bool
) -> None:
    client, url = speak(version), f"{emulator.delivery_url}/a.bin"
    body = (chunk(client, url, 0, len(CONTENT) - 1) if chunked else client.put(url, content=CONTENT)).json()
    assert ("data" in body) is enveloped
    assert (body["data"] if enveloped else body)["id"].startswith("file_")


def test_two_uploads_to_one_path_are_two_files_and_the_newer_one_is_served(
    emulator: RunningEmulator, put: Callable[..., dict[str, Any]]
) -> None:
    first, second = put(b"one", "same.bin"), put(b"two", "same.bin")
    assert first["id"] != second["id"]
    assert httpx.get(f"{emulator.delivery_url}/same.bin").content == b"two"
    assert httpx.get(first["url"]).content == b"one"


def test_a_signed_url_needs_no_key_and_is_good_for_its_method_and_path_only(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    url = speak().post("/signatures", json={"filename": "a b.bin", "folder": "f", "method": "put"}).json()["url"]
    assert httpx.put(url, content=b"x").status_code == 202
    emulator.control.settings(public_delivery=False)
    assert httpx.get(url).status_code == 403
    assert httpx.put(url.replace("a%20b.bin", "other.bin"), content=b"x").status_code == 403
    assert httpx.put(url[:-2], content=b"x").status_code == 403


def test_an_expired_signature_is_403(emulator: RunningEmulator) -> None:
    expiry = int(time.time()) - 1
    query: dict[str, str | int] = {
        "expiry": expiry,
        "method": "put",
        "signature": sign(emulator.api_key, "a.bin", expiry, "put"),
    }
    answer = httpx.put(f"{emulator.delivery_url}/a.bin", params=query, content=b"x")
    assert answer.status_code == 403
    assert "expired" in answer.json()["error"]["message"]


def test_a_signature_follows_the_published_code() -> None:
    # made by: printf 'f/a.mp4?expiry=1735689600&method=get' | openssl dgst -sha256 -hmac ittybit_key -binary
    # and then: basenc --base64url
    assert sign("ittybit_key", "f/a.mp4", 1735689600, "get") == "G5USfqf1WvRR6JJatYucobqJreB6yJoGUoU5ji3dzf4"


def test_private_delivery_wants_the_key_or_a_signature(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]]
) -> None:
    put(b"secret bytes", "p.bin")
    emulator.control.settings(public_delivery=False)
    assert httpx.get(f"{emulator.delivery_url}/p.bin").status_code == 401
    signed = speak().post("/signatures", json={"filename": "p.bin"}).json()["url"]
    assert httpx.get(signed).content == b"secret bytes"


def test_a_range_of_a_file_can_be_read(put: Callable[..., dict[str, Any]], video: Path) -> None:
    answer = httpx.get(put(video)["url"], headers={"Range": "bytes=4-7"})
    assert (answer.status_code, answer.content) == (206, video.read_bytes()[4:8])
    assert answer.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize("separator", ["=", " "])
def test_chunks_in_any_order_make_the_whole_file(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], separator: str
) -> None:
    client, url = speak(), f"{emulator.delivery_url}/f/a.bin"
    answers = [
        chunk(client, url, first, last, header=f"bytes{separator}{first}-{last}/{len(CONTENT)}")
        for first, last in ((8000, 10239), (0, 3999), (4000, 7999))
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 201]
    file = answers[-1].json()
    assert (file["filename"], file["folder"], file["filesize"]) == ("a.bin", "f", len(CONTENT))
    [kept] = emulator.control.files()
    assert kept["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert httpx.get(url).content == CONTENT


def test_parallel_chunks_make_one_file(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> None:
    client, url = speak(), f"{emulator.delivery_url}/a.bin"
    parts = [(first, min(first + 999, len(CONTENT) - 1)) for first in range(0, len(CONTENT), 1000)]
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda part: chunk(client, url, *part).status_code, parts))
    assert sorted(statuses) == [201, *[202] * (len(parts) - 1)]
    assert [file["sha256"] for file in emulator.control.files()] == [hashlib.sha256(CONTENT).hexdigest()]


def test_the_same_chunk_may_come_again_with_the_same_bytes_only(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client, url = speak(), f"{emulator.delivery_url}/a.bin"
    assert [chunk(client, url, 0, 3999).status_code for _ in range(2)] == [202, 202]
    assert chunk(client, url, 0, 3999, content=b"\0" * 4000).status_code == 400
    assert chunk(client, url, 4000, 10239).status_code == 201
    assert httpx.get(url).content == CONTENT


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("bytes=0-3999/10240", 3999),
        ("bytes=0-3999/10240", 4001),
        ("bytes=2000-5999/10240", 4000),
        ("bytes=4000-7999/9999", 4000),
        ("bytes=4000-3000/10240", 1),
        ("bytes=4000-10240/10240", 6241),
        ("bytes 4000-7999/*", 4000),
        ("0-1/2", 2),
    ],
)
def test_a_chunk_that_does_not_fit_is_400_and_does_no_harm(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], header: str, size: int
) -> None:
    client, url = speak(), f"{emulator.delivery_url}/a.bin"
    chunk(client, url, 1000, 3999)
    assert chunk(client, url, 0, 0, header=header, content=b"\0" * size).status_code == 400
    assert chunk(client, url, 0, 999).status_code == 202
    assert chunk(client, url, 4000, 10239).status_code == 201
    assert httpx.get(url).content == CONTENT


@pytest.mark.parametrize(("form", "refused"), [("equals", " "), ("space", "=")])
def test_the_form_of_content_range_can_be_restricted(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], form: str, refused: str
) -> None:
    emulator.control.settings(content_range_form=form)
    header = f"bytes{refused}0-3999/{len(CONTENT)}"
    answer = chunk(speak(), f"{emulator.delivery_url}/a.bin", 0, 3999, header=header)
    assert answer.status_code == 400


def test_too_many_bytes_are_413_announced_or_not(emulator: RunningEmulator, speak: Callable[..., httpx.Client]) -> None:
    emulator.control.settings(max_upload_bytes=1000)
    client, url = speak(), f"{emulator.delivery_url}/a.bin"
    assert client.put(url, content=b"x" * 1001).status_code == 413
    assert client.put(url, content=iter([b"x" * 600, b"x" * 600])).status_code == 413
    assert chunk(client, url, 0, 999).status_code == 413
    assert client.put(url, content=b"x" * 1000).status_code == 202
    assert len(emulator.control.files()) == 1
    assert list((emulator.state / "incoming").iterdir()) == []


def test_discarded_bytes_are_counted_and_hashed_but_not_kept(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    emulator.control.settings(discard_bytes=True)
    file = speak().put(f"{emulator.delivery_url}/a.mp4", content=CONTENT).json()
    emulator.control.settle()
    [kept] = emulator.control.files()
    assert (kept["size"], kept["sha256"]) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert kept["status"] == "ready"
    assert httpx.get(file["url"]).status_code == 404


def test_an_upload_needs_a_generation_that_has_it(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    assert speak("tasks").put(f"{emulator.delivery_url}/a.bin", content=b"x").json()["kind"] == "not_found"
    assert speak().post(f"{emulator.delivery_url}/a.bin", content=b"x").status_code == 405
    assert speak().put(f"{emulator.delivery_url}/folder/", content=b"x").status_code == 400
