"""The generation media: uploads by form, lists with an order, and what stays after a deletion."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator


@pytest.fixture
def early(speak: Callable[..., httpx.Client]) -> httpx.Client:
    return speak("2023-11-12", "Ittybit-Version")


@pytest.fixture
def upload(emulator: RunningEmulator, early: httpx.Client) -> Callable[[Path], dict[str, Any]]:
    def send(path: Path) -> dict[str, Any]:
        answer = early.post(f"{emulator.uploads_url}/media", files={"file": (path.name, path.read_bytes())})
        assert answer.status_code == 202, answer.text
        return dict(answer.json()["data"])

    return send


def test_an_upload_has_no_status_and_no_sources_until_it_is_processed(
    emulator: RunningEmulator, early: httpx.Client, upload: Callable[[Path], dict[str, Any]], video: Path
) -> None:
    emulator.control.settings(processing="held")
    media = upload(video)
    assert "status" not in media
    assert (media["object"], media["kind"], media["filename"], media["sources"]) == ("media", "video", "clip.mp4", [])
    assert (media["filesize"], media["width"]) == (video.stat().st_size, None)
    emulator.control.release(media["id"])
    emulator.control.settle()
    body = early.get(f"/media/{media['id']}").json()
    assert set(body) == {"meta", "data", "links"}
    done = body["data"]
    assert (done["width"], done["height"], len(done["sources"])) == (320, 180, 1)
    assert set(done["urls"]) == {"preview", "poster", "playback"}
    assert httpx.get(done["urls"]["playback"]).content == video.read_bytes()
    [kept] = emulator.control.files()
    assert kept["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()


def test_a_url_in_the_form_is_fetched(emulator: RunningEmulator, early: httpx.Client, web: str) -> None:
    multipart = {"files": {"url": (None, f"{web}/still.png")}}
    for sent in (multipart, {"data": {"url": f"{web}/still.png"}}):
        media = early.post(f"{emulator.uploads_url}/images", **sent).json()["data"]
        emulator.control.settle()
        done = early.get(f"/media/{media['id']}").json()["data"]
        assert (done["kind"], done["width"], done["urls"]["poster"]) == ("image", 320, done["urls"]["playback"])


def test_an_upload_is_201_when_the_answer_waits_for_it(
    emulator: RunningEmulator, early: httpx.Client, image: Path
) -> None:
    emulator.control.settings(answer_wait=30)
    answer = early.post(f"{emulator.uploads_url}/media", files={"file": ("a.png", image.read_bytes())})
    assert (answer.status_code, len(answer.json()["data"]["sources"])) == (201, 1)


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b"raw bytes"},
        {"json": {"url": "http://x/a.mp4"}},
        {"files": {"other": ("a.mp4", b"x")}},
        {"files": {"file": ("a.mp4", b"x"), "url": (None, "http://x/a.mp4")}},
        {"files": [("file", ("a.mp4", b"x")), ("file", ("b.mp4", b"y"))]},
        {"content": b"--b\r\nbroken", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        {"content": b"--b\r\n\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
    ],
)
def test_a_form_that_cannot_be_understood_is_400_and_leaves_nothing(
    emulator: RunningEmulator, early: httpx.Client, sent: dict[str, Any]
) -> None:
    answer = early.post(f"{emulator.uploads_url}/media", **sent)
    assert (answer.status_code, set(answer.json())) == (400, {"meta", "error"})
    assert emulator.control.files() == []
    assert list((emulator.state / "incoming").iterdir()) == []


def test_a_form_with_too_many_bytes_is_413(emulator: RunningEmulator, early: httpx.Client) -> None:
    emulator.control.settings(max_upload_bytes=1000)
    answer = early.post(f"{emulator.uploads_url}/media", files={"file": ("a.mp4", b"x" * 5000)})
    assert (answer.status_code, answer.json()["error"]["message"]) == (413, "Request Entity Too Large")


def test_uploads_are_on_their_own_port_only(emulator: RunningEmulator, early: httpx.Client) -> None:
    assert early.post("/media", data={"url": "http://x"}).status_code == 405
    assert early.get(f"{emulator.uploads_url}/media").status_code == 405


def test_a_media_whose_processing_failed_says_so(
    emulator: RunningEmulator, early: httpx.Client, upload: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no media")
    media = upload(tmp_path / "broken.mp4")
    emulator.control.settle()
    done = early.get(f"/media/{media['id']}").json()["data"]
    assert (done["sources"], list(done["error"])) == ([], ["message"])


def test_lists_are_by_kind_with_limit_and_pages(
    emulator: RunningEmulator, early: httpx.Client, upload: Callable[[Path], dict[str, Any]], media_folder: Path
) -> None:
    names = ("clip.mp4", "still.png", "tone.mp3", "still.png")
    ids = [upload(media_folder / name)["id"] for name in names]
    emulator.control.settle()
    kinds = {path: [media["id"] for media in early.get(path).json()["data"]] for path in ("/videos", "/audio")}
    assert kinds == {"/videos": [ids[0]], "/audio": [ids[2]]}
    assert [media["id"] for media in early.get("/images").json()["data"]] == [ids[3], ids[1]]
    first = early.get("/media", params={"limit": 3}).json()
    assert [media["id"] for media in first["data"]] == ids[:0:-1]
    assert {name: first["meta"][name] for name in ("total", "limit", "page", "pages")} == {
        "total": 4,
        "limit": 3,
        "page": 1,
        "pages": 2,
    }
    second = early.get(first["links"]["next"]).json()
    assert ([media["id"] for media in second["data"]], second["links"]["next"]) == (ids[:1], None)


def test_lists_can_be_ordered_by_size_and_by_creation(
    emulator: RunningEmulator, early: httpx.Client, upload: Callable[[Path], dict[str, Any]], media_folder: Path
) -> None:
    names = ("clip.mp4", "still.png", "tone.mp3")
    ids = {name: upload(media_folder / name)["id"] for name in names}
    emulator.control.settle()
    listed = early.get("/media", params={"orderBy": "filesize", "order": "asc"}).json()["data"]
    by_size = sorted(names, key=lambda name: (media_folder / name).stat().st_size)
    assert [media["id"] for media in listed] == [ids[name] for name in by_size]
    oldest_first = early.get("/media", params={"order": "asc"}).json()["data"]
    assert [media["id"] for media in oldest_first] == list(ids.values())


def test_an_update_moves_a_media_to_the_front_of_the_order_by_updates(
    speak: Callable[..., httpx.Client], early: httpx.Client
) -> None:
    later = speak("2025-08-20")
    ids = [later.post("/media").json()["id"] for _ in range(2)]
    later.patch(f"/media/{ids[0]}", json={"title": "changed"})
    listed = early.get("/media", params={"orderBy": "updated"}).json()["data"]
    assert [media["id"] for media in listed] == ids


@pytest.mark.parametrize("query", ["limit=0", "limit=251", "orderBy=name", "order=up", "limit=x"])
def test_a_parameter_out_of_its_bounds_is_400(early: httpx.Client, query: str) -> None:
    assert early.get(f"/media?{query}").status_code == 400


def test_limit_may_be_250(early: httpx.Client) -> None:
    assert early.get("/media?limit=250").json()["meta"]["limit"] == 250
    assert early.get("/media").json()["meta"]["limit"] == 10


def test_a_deleted_media_leaves_the_lists_but_can_still_be_read(
    emulator: RunningEmulator, early: httpx.Client, upload: Callable[[Path], dict[str, Any]], video: Path
) -> None:
    media = upload(video)
    emulator.control.settle()
    before = early.get(f"/media/{media['id']}").json()["data"]
    assert early.delete(f"/media/{media['id']}").status_code == 200
    assert early.get("/media").json()["data"] == []
    after = early.get(f"/media/{media['id']}").json()["data"]
    assert (after["filename"], after["filesize"], after["sources"]) == ("clip.mp4", before["filesize"], [])
    assert httpx.get(before["urls"]["playback"]).status_code == 404
    assert early.delete(f"/media/{media['id']}").status_code == 404


def test_a_media_of_one_generation_is_that_of_another(
    emulator: RunningEmulator,
    early: httpx.Client,
    speak: Callable[..., httpx.Client],
    put: Callable[..., dict[str, Any]],
    video: Path,
) -> None:
    file = put(video)
    media = early.get(f"/media/{file['media_id']}").json()["data"]
    assert media["sources"][0]["url"] == file["url"]
    early.delete(f"/media/{file['media_id']}")
    assert speak("2025-08-20").get(f"/files/{file['id']}").status_code == 404
    assert [kept["deleted"] for kept in emulator.control.files()] == [True]
