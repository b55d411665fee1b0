"""How a test decides when work is done, and what readers see until then."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.emulator.running import ControlError
from airflow_provider_ittybit.emulator.work import Workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from airflow_provider_ittybit.emulator.running import RunningEmulator


def statuses(client: httpx.Client, path: str, times: int) -> list[str]:
    return [str(client.get(path).json()["status"]) for _ in range(times)]


@pytest.mark.parametrize(
    ("version", "path", "wish", "seen"),
    [
        ("2025-08-20", "/files", {}, ["waiting", "processing", "processing", "ready"]),
        ("2025-08-20", "/tasks", {"kind": "image"}, ["pending", "processing", "processing", "completed"]),
        ("tasks", "/tasks", {"kind": "image"}, ["waiting", "validating", "queued", "succeeded"]),
        ("jobs", "/jobs", {"kind": "image"}, ["queued", "queued", "queued", "succeeded"]),
    ],
)
def test_after_reads_shows_a_resource_unfinished_for_exactly_so_many_reads(
    emulator: RunningEmulator,
    speak: Callable[..., httpx.Client],
    web: str,
    *,
    version: str,
    path: str,
    wish: dict[str, str],
    seen: list[str],
) -> None:
    emulator.control.settings(processing="after_reads:3")
    client, url = speak(version), f"{web}/clip.mp4"
    source = {"input": url} if path == "/jobs" else {"url": url}
    made = client.post(path, json={**source, **wish}).json()
    assert made["status"] == seen[0]
    assert statuses(client, f"{path}/{made['id']}", 4) == seen


def test_after_reads_hides_the_outcome_and_counts_lists_too(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]], video: Path
) -> None:
    emulator.control.settings(processing="after_reads:2")
    client, file = speak(), put(video, settle=False)
    first = client.get("/files").json()[0]
    second = client.get(f"/media/{file['media_id']}").json()["files"][0]
    third = client.get(f"/files/{file['id']}").json()
    assert [seen["status"] for seen in (first, second, third)] == ["waiting", "processing", "ready"]
    assert [seen["width"] for seen in (first, second, third)] == [None, None, 320]


def test_after_reads_shows_a_failure_only_at_the_end(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]]
) -> None:
    emulator.control.settings(processing="after_reads:1")
    client, file = speak(), put(b"no media", settle=False)
    first, second = (client.get(f"/files/{file['id']}").json() for _ in range(2))
    assert (first["status"], "error" in first) == ("waiting", False)
    assert (second["status"], "error" in second) == ("failed", True)


def test_sources_of_the_generation_media_appear_after_the_reads(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], image: Path
) -> None:
    emulator.control.settings(processing="after_reads:2")
    client = speak("media")
    answer = client.post(f"{emulator.uploads_url}/media", files={"file": ("a.png", image.read_bytes())})
    media_id = answer.json()["data"]["id"]
    counts = [len(client.get(f"/media/{media_id}").json()["data"]["sources"]) for _ in range(3)]
    assert (answer.status_code, counts) == (202, [0, 0, 1])


def test_held_work_waits_until_it_is_released_one_by_one_or_all_at_once(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]], video: Path
) -> None:
    emulator.control.settings(processing="held")
    client = speak()
    ids = [put(video, f"{name}.mp4", settle=False)["id"] for name in ("a", "b", "c")]

    def seen() -> list[str]:
        emulator.control.settle()
        return [client.get(f"/files/{name}").json()["status"] for name in ids]

    assert seen() == ["waiting"] * 3
    emulator.control.release(ids[1])
    assert seen() == ["waiting", "ready", "waiting"]
    emulator.control.release()
    assert seen() == ["ready"] * 3
    assert put(video, "d.mp4", settle=False)["status"] == "waiting"


def test_releasing_a_job_releases_its_whole_pipeline(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], web: str
) -> None:
    emulator.control.settings(processing="held")
    client = speak("jobs")
    job = client.post("/jobs", json={"input": f"{web}/clip.mp4", "kind": "image"}).json()
    emulator.control.release(job["id"])
    emulator.control.settle()
    assert client.get(f"/jobs/{job['id']}").json()["status"] == "succeeded"


def test_going_back_to_auto_does_what_was_held(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client], put: Callable[..., dict[str, Any]], video: Path
) -> None:
    emulator.control.settings(processing="held")
    file = put(video, settle=False)
    emulator.control.settings(processing="auto")
    emulator.control.settle()
    assert speak().get(f"/files/{file['id']}").json()["status"] == "ready"


@pytest.mark.parametrize(
    "changes",
    [{"processing": "sometimes"}, {"colour": 1}, {"max_upload_bytes": -1}, {"default_version": "2024-05-01"},
     {"rate_limit": {"requests": 0, "per_seconds": 1}}, {"public_delivery": "no"}, {"content_range_form": "star"}],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_and_nothing_changes(
    emulator: RunningEmulator, changes: dict[str, Any]
) -> None:
    before = emulator.control.settings()
    with pytest.raises(ControlError, match=next(iter(changes))):
        emulator.control.settings(**changes)
    assert emulator.control.settings() == before


def test_settle_that_does_not_come_in_time_is_an_error() -> None:
    started, finish = threading.Event(), threading.Event()

    def work(_name: str) -> None:
        started.set()
        finish.wait(30)

    workers = Workers(work, lambda: False, threads=1)
    workers.start()
    workers.put("a")
    assert started.wait(30)
    assert workers.settle(timeout=0) is False
    finish.set()
    assert workers.settle(timeout=30) is True
    workers.stop()


def test_work_is_done_once_and_in_order() -> None:
    done: list[str] = []
    workers = Workers(done.append, lambda: False, threads=1)
    for name in ("a", "b", "a", "c"):
        workers.put(name)
    workers.start()
    assert workers.settle(30)
    workers.stop()
    assert done == ["a", "b", "c"]
