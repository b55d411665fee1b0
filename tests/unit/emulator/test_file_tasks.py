"""Tasks in the generations files-enveloped and files-flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ittybit.emulator.generations.file_tasks import OPTIONS
from airflow_provider_ittybit.emulator.profiles import EARLY_FILE_KINDS, LATER_FILE_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

WISHES: dict[str, Any] = {
    "format": None,
    "quality": 50,
    "width": 64,
    "height": 36,
    "fit": "fill",
    "background": "#000000",
    "codec": "h264",
    "fps": 12,
    "start": 0.1,
    "end": 1.0,
    "bitrate": 64000,
    "interval": 1,
}


def test_a_task_makes_a_file_of_the_same_media(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]], video: Path
) -> None:
    client, file = speak(), put(video)
    wish = {"file_id": file["id"], "kind": "image", "width": 160, "ref": "poster", "filename": "p.jpg"}
    answer = client.post("/tasks", json={**wish, "webhook_url": "https://example.com/hook"})
    task = answer.json()
    assert (answer.status_code, task["status"], task["output"], task["options"]) == (
        201,
        "pending",
        None,
        {"width": 160},
    )
    emulator.control.settle()
    done = client.get(f"/tasks/{task['id']}").json()
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert (done["input"]["id"], done["output"]["width"], done["output"]["ref"]) == (file["id"], 160, "poster")
    made = client.get(f"/files/{done['output']['id']}").json()
    assert (made["media_id"], made["object"], made["status"]) == (file["media_id"], "source", "ready")
    assert (made["filename"], made["kind"]) == ("p.jpg", "image")
    assert client.get(f"/media/{file['media_id']}").json()["urls"] == {"poster": made["url"]}
    assert httpx.get(made["url"]).content[:2] == b"\xff\xd8"


def test_thumbnails_are_a_track_whose_sprite_can_be_fetched_beside_it(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]], video: Path
) -> None:
    client, file = speak(), put(video)
    task = client.post("/tasks", json={"file_id": file["id"], "kind": "thumbnails"}).json()
    emulator.control.settle()
    output = client.get(f"/tasks/{task['id']}").json()["output"]
    assert (output["object"], output["kind"], output["type"]) == ("track", "thumbnails", "text/vtt")
    cues = httpx.get(output["url"]).text
    sprite = next(line for line in cues.splitlines() if "#xywh=" in line).partition("#")[0]
    answer = httpx.get(str(httpx.URL(output["url"]).join(sprite)))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")


def test_a_task_by_url_makes_a_media_of_its_own(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str
) -> None:
    client = speak("2025-01-01")
    task = client.post("/tasks", json={"url": f"{web}/clip.mp4", "kind": "ingest", "folder": "in"}).json()["data"]
    emulator.control.settle()
    done = client.get(f"/tasks/{task['id']}").json()["data"]
    file = client.get(f"/files/{done['output']['id']}").json()["data"]
    assert (file["filename"], file["folder"], file["width"]) == ("clip.mp4", "in", 320)


def test_a_task_waits_for_its_file(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]], video: Path
) -> None:
    emulator.control.settings(processing="held")
    client, file = speak(), put(video, settle=False)
    task = client.post("/tasks", json={"file_id": file["id"], "kind": "image"}).json()
    emulator.control.release(task["id"])
    emulator.control.settle()
    assert client.get(f"/tasks/{task['id']}").json()["status"] == "pending"
    emulator.control.release(file["id"])
    emulator.control.settle()
    assert client.get(f"/tasks/{task['id']}").json()["status"] == "completed"


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "no media"])
def test_a_task_on_a_file_that_is_deleted_or_failed_fails(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]], *, deleted: bool
) -> None:
    emulator.control.settings(processing="held")
    client, file = speak(), put(b"no media", settle=False)
    task = client.post("/tasks", json={"file_id": file["id"], "kind": "image"}).json()
    if deleted:
        client.delete(f"/files/{file['id']}")
    emulator.control.settings(processing="auto")
    emulator.control.settle()
    done = client.get(f"/tasks/{task['id']}").json()
    assert done["status"] == "failed"
    assert ("gone" if deleted else file["id"]) in done["error"]


@pytest.mark.parametrize("kind", sorted(LATER_FILE_KINDS - set(OPTIONS)))
def test_a_kind_that_the_emulator_cannot_do_ends_failed(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str, kind: str
) -> None:
    client = speak()
    task = client.post("/tasks", json={"url": f"{web}/clip.mp4", "kind": kind}).json()
    emulator.control.settle()
    done = client.get(f"/tasks/{task['id']}").json()
    assert (done["status"], done["output"]) == ("failed", None)
    assert kind in done["error"]


def test_each_generation_has_its_own_kinds(speak: Callable[..., httpx.Client], web: str) -> None:
    wish = {"url": f"{web}/clip.mp4", "kind": "tags"}
    assert "tags" in EARLY_FILE_KINDS - LATER_FILE_KINDS
    assert speak("2025-01-01").post("/tasks", json=wish).status_code == 201
    assert speak("2025-08-20").post("/tasks", json=wish).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "image"},
        {"kind": "image", "url": "http://x/a", "file_id": "file_0"},
        {"kind": "image", "file_id": "file_0"},
        {"url": "http://x/a"},
        {"kind": "magic", "url": "http://x/a"},
    ],
)
def test_a_task_that_cannot_be_understood_is_400(speak: Callable[..., httpx.Client], body: dict[str, Any]) -> None:
    assert speak().post("/tasks", json=body).status_code == 400


def test_an_unknown_option_fails_the_task_by_name(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str
) -> None:
    client = speak()
    wish = {"url": f"{web}/clip.mp4", "kind": "image", "sparkle": True}
    task = client.post("/tasks", json=wish).json()
    emulator.control.settle()
    assert "sparkle" in client.get(f"/tasks/{task['id']}").json()["error"]


@pytest.mark.parametrize("kind", sorted(set(OPTIONS) - {"ingest"}))
def test_the_options_that_the_emulator_lists_are_those_that_it_takes(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str, kind: str
) -> None:
    client = speak()
    listed = client.get("/tasks-config").json()[kind]["options"]
    wishes = {**WISHES, "quality": None} if kind == "audio" else WISHES  # a bitrate is there already
    options = {name: wishes[name] for name in listed if name in wishes}
    assert set(options) == set(OPTIONS[kind])
    task = client.post("/tasks", json={"url": f"{web}/clip.mp4", "kind": kind, **options}).json()
    emulator.control.settle()
    done = client.get(f"/tasks/{task['id']}").json()
    assert (done["status"], done["error"]) == ("completed", None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=completed", ["image"]),
        ("status=ready", ["image"]),
        ("status=failed", ["speech"]),
        ("status=error", ["speech"]),
        ("status=pending", []),
        ("kind=image", ["image"]),
        ("kind=image&status=failed", []),
        ("", ["speech", "image"]),
    ],
)
def test_the_list_of_tasks_can_be_filtered(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str, query: str, expected: list[str]
) -> None:
    client = speak()
    for kind in ("image", "speech"):
        client.post("/tasks", json={"url": f"{web}/clip.mp4", "kind": kind})
    emulator.control.settle()
    assert [task["kind"] for task in client.get(f"/tasks?{query}").json()] == expected
    assert client.get("/tasks?status=sleeping").status_code == 400


def test_a_task_that_is_not_there_is_404(speak: Callable[..., httpx.Client]) -> None:
    assert speak().get("/tasks/task_0").status_code == 404
