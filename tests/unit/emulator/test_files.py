"""Files and media in the generations files-enveloped and files-flat."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

REQUIRED = {"id", "media_id", "object", "kind", "type", "filesize", "url", "created", "updated", "status"}


def test_a_file_by_url_is_accepted_waits_and_becomes_ready_with_true_facts(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str, video: Path
) -> None:
    emulator.control.settings(processing="held")
    client = speak()
    wish = {"url": f"{web}/clip.mp4", "folder": "f", "ref": "r", "metadata": {"a": 1, "gone": None}}
    answer = client.post("/files", json=wish)
    file = answer.json()
    assert (answer.status_code, file["status"], file["kind"], file["type"]) == (202, "waiting", "video", "video/mp4")
    assert set(file) >= REQUIRED
    assert (file["filename"], file["metadata"]) == ("clip.mp4", {"a": 1})
    emulator.control.release(file["id"])
    emulator.control.settle()
    ready = client.get(f"/files/{file['id']}").json()
    shown = {name: ready[name] for name in ("status", "width", "height", "duration", "fps", "codec", "filesize")}
    assert shown == {
        "status": "ready",
        "width": 320,
        "height": 180,
        "duration": pytest.approx(2.0, abs=0.1),
        "fps": 24,
        "codec": "h264",
        "filesize": video.stat().st_size,
    }
    assert httpx.get(ready["url"]).content == video.read_bytes()


def test_a_ready_file_is_answered_201_when_the_answer_waits_for_it(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str
) -> None:
    emulator.control.settings(answer_wait=30)
    answer = speak().post("/files", json={"url": f"{web}/still.png"})
    assert (answer.status_code, answer.json()["status"], answer.json()["width"]) == (201, "ready", 320)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("{web}/missing.mp4", "404"),
        ("ftp://127.0.0.1/a.mp4", "http and https only"),
        ("http://127.0.0.1:1/a.mp4?token=secret", "could not be fetched"),
    ],
)
def test_a_url_that_cannot_be_fetched_ends_failed_and_says_why(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str, url: str, reason: str
) -> None:
    client = speak()
    file_id = client.post("/files", json={"url": url.format(web=web)}).json()["id"]
    emulator.control.settle()
    file = client.get(f"/files/{file_id}").json()
    assert file["status"] == "failed"
    assert reason in file["error"]
    assert "secret" not in file["error"]


def test_a_file_that_is_no_media_ends_failed(put: Callable[..., dict[str, Any]]) -> None:
    file = put(b"just some words", "notes.mp4")
    assert file["status"] == "failed"
    assert file["error"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{}", "url"),
        (b'{"url": 7}', "url"),
        (b"{nonsense", "JSON"),
        (b"[]", "object"),
        (b'{"url": "http://x/a.mp4", "metadata": []}', "metadata"),
        (b'{"url": "http://x/a.mp4", "media_id": "med_0"}', "med_0"),
    ],
)
def test_a_create_that_cannot_be_understood_is_400(speak: Callable[..., httpx.Client], body: bytes, word: str) -> None:
    answer = speak().post("/files", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert word in answer.json()["message"]


def test_patch_merges_metadata_and_null_removes_a_key(
    speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]]
) -> None:
    client, file = speak(), put(b"x")
    client.patch(f"/files/{file['id']}", json={"metadata": {"a": 1, "b": 2}, "ref": "main"})
    changed = client.patch(f"/files/{file['id']}", json={"metadata": {"a": None, "c": 3}, "folder": "new"}).json()
    assert changed["metadata"] == {"b": 2, "c": 3}
    assert (changed["ref"], changed["folder"]) == ("main", "new")
    assert client.get(f"/files/{file['id']}").json() == changed


def test_a_deleted_file_is_gone_and_its_media_stays(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]]
) -> None:
    client, file = speak(), put(b"x")
    answer = client.delete(f"/files/{file['id']}")
    assert (answer.status_code, answer.json()) == (202, {"message": f"{file['id']} deleted"})
    assert client.get(f"/files/{file['id']}").status_code == 404
    assert client.delete(f"/files/{file['id']}").status_code == 404
    assert client.get(f"/media/{file['media_id']}").json()["files"] == []
    assert httpx.get(file["url"]).status_code == 404
    assert not (emulator.state / "files" / file["id"]).exists()


def test_a_deleted_media_takes_its_files_with_it(
    speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]]
) -> None:
    client, file = speak("2025-01-01"), put(b"x")
    answer = client.delete(f"/media/{file['media_id']}")
    assert answer.status_code == 202
    assert answer.json()["data"] == {"message": f"{file['media_id']} deleted"}
    assert list(answer.json()["links"]) == ["parent"]
    assert client.get(f"/media/{file['media_id']}").status_code == 404
    assert client.get(f"/files/{file['id']}").status_code == 404


def test_a_media_begins_empty_and_takes_files(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str
) -> None:
    client = speak()
    media = client.post("/media", json={"title": "T", "alt": "A", "metadata": {"a": 1}}).json()
    assert (media["title"], media["kind"], media["files"], media["urls"]) == ("T", None, [], {})
    assert "status" not in media
    for ref in ("main", None):
        client.post("/files", json={"url": f"{web}/clip.mp4", "media_id": media["id"], "ref": ref})
    emulator.control.settle()
    full = client.patch(f"/media/{media['id']}", json={"title": None, "metadata": {"a": None}}).json()
    assert (full["title"], full["metadata"], full["kind"], full["width"]) == (None, {}, "video", 320)
    assert [file["media_id"] for file in full["files"]] == [media["id"]] * 2
    assert full["urls"] == {"main": full["files"][0]["url"]}


def add_media(client: httpx.Client, count: int) -> list[str]:
    return [client.post("/media", json={"title": str(number)}).json()["id"] for number in range(count)]


def test_flat_lists_are_arrays_newest_first_with_links_in_a_header(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client = speak()
    ids = add_media(client, 5)
    answer = client.get("/media", params={"limit": 2, "page": 2})
    assert [media["id"] for media in answer.json()] == [ids[2], ids[1]]
    links = {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers["links"])}
    pages = {rel: parse_qs(urlsplit(url).query)["page"] for rel, url in links.items()}
    assert pages == {"self": ["2"], "first": ["1"], "prev": ["1"], "next": ["3"], "last": ["3"]}
    assert all(url.startswith(f"{emulator.api_url}/media?limit=2") for url in links.values())
    assert [media["id"] for media in client.get(links["next"]).json()] == [ids[0]]


def test_a_page_beyond_the_end_is_empty(speak: Callable[..., httpx.Client]) -> None:
    client = speak()
    add_media(client, 1)
    answer = client.get("/media", params={"page": 9})
    assert (answer.status_code, answer.json()) == (200, [])
    assert 'rel="next"' not in answer.headers["links"]


def test_enveloped_lists_have_their_numbers_and_links_in_the_body(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    client = speak("2025-01-01")
    ids = [media["data"]["id"] for media in [client.post("/media").json() for _ in range(3)]]
    body = client.get("/media", params={"limit": 2}).json()
    assert list(body) == ["meta", "data", "error", "links"]
    numbers = {name: body["meta"][name] for name in ("version", "type", "limit", "total", "page", "pages")}
    assert numbers == {"version": "2025-01-01", "type": "list", "limit": 2, "total": 3, "page": 1, "pages": 2}
    assert body["meta"].keys() >= {"request_id", "org_id", "project_id"}
    assert ([media["id"] for media in body["data"]], body["error"]) == (ids[:0:-1], None)
    assert body["links"]["prev"] is None
    last = client.get(body["links"]["next"]).json()
    assert (last["links"]["next"], [media["id"] for media in last["data"]]) == (None, ids[:1])
    assert last["links"]["self"] == f"{emulator.api_url}/media?limit=2&page=2"


def test_an_empty_list_is_empty_in_both_shapes(speak: Callable[..., httpx.Client]) -> None:
    assert speak().get("/files").json() == []
    body = speak("2025-01-01").get("/files").json()
    assert (body["data"], body["meta"]["total"], body["links"]["next"]) == ([], 0, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "page=0", "page=-1"])
def test_a_limit_or_page_out_of_range_is_400(speak: Callable[..., httpx.Client], query: str) -> None:
    assert speak().get(f"/files?{query}").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filename": ""},
        {"filename": "a", "method": "post"},
        {"filename": "a", "expiry": 5},
        {"filename": "a", "expiry": "x"},
    ],
)
def test_a_signature_that_cannot_be_is_400(speak: Callable[..., httpx.Client], body: dict[str, Any]) -> None:
    assert speak().post("/signatures", json=body).status_code == 400


def test_a_signature_names_the_delivery_domain_and_lasts_an_hour_unless_told(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    signature = speak().post("/signatures", json={"filename": "a b.mp4", "folder": "x/y"}).json()
    assert set(signature) == {"domain", "filename", "folder", "expiry", "method", "signature", "url"}
    assert signature["expiry"] == pytest.approx(time.time() + 3600, abs=60)
    assert signature["method"] == "get"
    assert signature["url"].startswith(f"{emulator.delivery_url}/x/y/a%20b.mp4?expiry=")
    assert emulator.delivery_url == f"http://{signature['domain']}"


def test_automations_are_refused_honestly(speak: Callable[..., httpx.Client]) -> None:
    answer = speak().get("/automations")
    assert answer.status_code == 501
    assert "emulator" in answer.json()["message"]
