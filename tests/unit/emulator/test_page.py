"""The emulator's page without a browser: what is in it, what protects it, and that the API does not notice it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOSTILE = '"><script>alert(1)</script>&amp;.png'


def look(emulator: RunningEmulator, path: str = "/", **headers: str) -> httpx.Response:
    return httpx.get(f"{emulator.api_url}{path}", headers={**BROWSER, **headers})


def test_a_browser_gets_the_page_and_a_client_of_the_api_gets_the_api(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    page = look(emulator)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert emulator.delivery_url in page.text
    assert httpx.get(emulator.api_url).status_code == 401
    assert speak().get("/").status_code == 404
    assert speak().post("/", headers=BROWSER).status_code == 404
    assert httpx.get(emulator.uploads_url, headers=BROWSER).status_code == 401
    assert httpx.get(f"{emulator.delivery_url}/_emulator/page.html", headers=BROWSER).status_code == 404


def test_the_page_is_not_in_the_ledger_and_no_fault_or_limit_hits_it(emulator: RunningEmulator) -> None:
    emulator.control.fault(status=500, times=0)
    emulator.control.settings(rate_limit={"requests": 1, "per_seconds": 60})
    assert [look(emulator).status_code for _ in range(3)] == [200] * 3
    assert emulator.control.requests() == []


@pytest.mark.parametrize("path", ["/", "/_emulator/page.html", "/_emulator/page.css", "/_emulator/page.js"])
def test_every_part_has_a_strict_policy(emulator: RunningEmulator, path: str) -> None:
    answer = look(emulator, path)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert answer.status_code == 200
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_nothing_comes_from_elsewhere_and_nothing_stands_inline(
    emulator: RunningEmulator, put: Any, image: Path
) -> None:
    put(image)
    page = look(emulator).text
    for address in (emulator.api_url, emulator.uploads_url, emulator.delivery_url):
        page = page.replace(f"<code>{address}</code>", "")
    assert "://" not in page
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in page.replace(" one", "")


def test_whatever_comes_from_outside_is_escaped(
    emulator: RunningEmulator, put: Any, image: Path, speak: Callable[..., httpx.Client]
) -> None:
    emulator.control.fault(fail_processing=HOSTILE)
    file = put(image)
    client = speak()
    client.patch(f"/files/{file['id']}", json={"filename": HOSTILE})
    client.patch(f"/media/{file['media_id']}", json={"title": HOSTILE})
    client.post("/tasks", json={"kind": "image", "file_id": file["id"], "format": HOSTILE})
    emulator.control.settle()
    page = look(emulator).text
    assert "<script>alert" not in page
    assert page.count("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;.png") >= 4


def test_the_newest_media_comes_first_and_deleted_media_does_not_come(
    emulator: RunningEmulator, put: Any, image: Path, speak: Callable[..., httpx.Client]
) -> None:
    first, second, third = (put(image, f"{name}.png")["media_id"] for name in "abc")
    speak().delete(f"/media/{second}")
    page = look(emulator, "/_emulator/page.html").text
    assert page.index(third) < page.index(first)
    assert second not in page


def test_the_page_shows_the_truth_and_counts_as_no_read(
    emulator: RunningEmulator, put: Any, image: Path, speak: Callable[..., httpx.Client]
) -> None:
    emulator.control.settings(processing="after_reads:2")
    file = put(image, settle=False)
    emulator.control.settle()
    assert "1 ready" in look(emulator).text
    statuses = [speak().get(f"/files/{file['id']}").json()["status"] for _ in range(3)]
    assert statuses == ["waiting", "processing", "ready"]


def test_a_thumbnail_is_a_small_jpeg_made_once(emulator: RunningEmulator, put: Any, video: Path) -> None:
    file = put(video)
    path = f"/_emulator/thumbnails/{file['id']}"
    first, second = look(emulator, path), look(emulator, path)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/jpeg")
    assert first.content[:3] == b"\xff\xd8\xff"
    assert first.content == second.content
    assert len(list((emulator.state / "files" / file["id"]).iterdir())) == 2
    assert httpx.get(file["url"]).content == video.read_bytes()


@pytest.mark.parametrize("name", ["file_none", "", "..%2f..%2fowner.json", "..%2fstate.sqlite3", "file_none%00"])
def test_a_thumbnail_of_nothing_is_not_found(emulator: RunningEmulator, name: str) -> None:
    assert look(emulator, f"/_emulator/thumbnails/{name}").status_code == 404


def test_sound_and_what_is_not_processed_have_no_thumbnail(emulator: RunningEmulator, put: Any, audio: Path) -> None:
    assert look(emulator, f"/_emulator/thumbnails/{put(audio, 'a.mp3')['id']}").status_code == 404
    assert look(emulator, f"/_emulator/thumbnails/{put(b'no media', 'a.mp4')['id']}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/_emulator/page.html", "/_emulator/thumbnails/file_1"])
def test_a_name_of_another_site_that_leads_here_shows_nothing(emulator: RunningEmulator, path: str) -> None:
    port = emulator.api_url.rpartition(":")[2]
    assert look(emulator, path, Host=f"attacker.example:{port}").status_code == 421
    assert look(emulator, "/", Host=f"localhost:{port}").status_code == 200
