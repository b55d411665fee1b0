"""What a restart leaves as it was, and what it takes up again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_provider_ittybit.emulator.records import Job
from airflow_provider_ittybit.emulator.running import RunningEmulator

if TYPE_CHECKING:
    from pathlib import Path


def client_of(emulator: RunningEmulator, version: str = "2025-08-20") -> httpx.Client:
    headers = {"Authorization": f"Bearer {emulator.api_key}", "Accept-Version": version}
    return httpx.Client(base_url=emulator.api_url, headers=headers, timeout=30)


def test_everything_is_there_after_a_restart(tmp_path: Path, video: Path) -> None:
    with RunningEmulator(tmp_path, api_key="key") as first, client_of(first) as client:
        file_id = client.put(f"{first.delivery_url}/a/clip.mp4", content=video.read_bytes()).json()["id"]
        gone_id = client.put(f"{first.delivery_url}/b.bin", content=b"x").json()["id"]
        client.delete(f"/files/{gone_id}")
        first.control.settle()
        before = client.get(f"/files/{file_id}").json()
    with RunningEmulator(tmp_path, api_key="key") as second, client_of(second) as client:
        after = client.get(f"/files/{file_id}").json()
        assert {**after, "url": ""} == {**before, "url": ""}
        assert httpx.get(after["url"]).content == video.read_bytes()
        assert client.get(f"/files/{gone_id}").status_code == 404
        assert [file["deleted"] for file in second.control.files()] == [False, True]


def test_unfinished_work_is_taken_up_again(tmp_path: Path, video: Path, web: str) -> None:
    with RunningEmulator(tmp_path, api_key="key", processing="held") as first, client_of(first) as client:
        file_id = client.put(f"{first.delivery_url}/clip.mp4", content=video.read_bytes()).json()["id"]
        task_id = client.post("/tasks", json={"file_id": file_id, "kind": "image"}).json()["id"]
        with client_of(first, "jobs") as later:
            job_id = later.post("/jobs", json={"input": f"{web}/clip.mp4", "kind": "image"}).json()["id"]
    with RunningEmulator(tmp_path, api_key="key") as second, client_of(second) as client:
        second.control.settle()
        assert client.get(f"/files/{file_id}").json()["status"] == "ready"
        assert client.get(f"/tasks/{task_id}").json()["status"] == "completed"
        with client_of(second, "jobs") as later:
            assert later.get(f"/jobs/{job_id}").json()["status"] == "succeeded"


def test_an_upload_in_chunks_goes_on_after_a_restart(tmp_path: Path) -> None:
    content = bytes(range(250)) * 8
    statuses: list[int] = []
    for first, last in ((1000, 1999), (0, 999)):
        with RunningEmulator(tmp_path, api_key="key") as running, client_of(running) as client:
            answer = client.put(
                f"{running.delivery_url}/a.bin",
                content=content[first : last + 1],
                headers={"Content-Range": f"bytes={first}-{last}/2000"},
            )
            statuses.append(answer.status_code)
            kept = running.control.files()
    assert statuses == [202, 201]
    assert [file["sha256"] for file in kept] == [hashlib.sha256(content).hexdigest()]


@pytest.mark.parametrize("record", ["file", "job"])
def test_idempotency_keys_and_owners_survive(tmp_path: Path, record: str) -> None:
    answers: list[dict[str, Any]] = []
    for _ in range(2):
        with RunningEmulator(tmp_path, api_key="key", processing="held") as running:
            if record == "job":
                with client_of(running, "jobs") as client:
                    wish = {"input": "http://127.0.0.1:1/a.mp4", "kind": "image"}
                    answers.append(client.post("/jobs", json=wish, headers={"Idempotency-Key": "k"}).json())
            else:
                with client_of(running, "2025-01-01") as client:
                    meta = client.get("/files").json()["meta"]
                    answers.append({name: meta[name] for name in ("org_id", "project_id")})
    assert answers[0] == answers[1]


def test_what_came_in_halfway_before_a_crash_is_swept_away(tmp_path: Path) -> None:
    with RunningEmulator(tmp_path, api_key="key") as first, client_of(first) as client:
        chunk = {"Content-Range": "bytes=0-9/20"}
        client.put(f"{first.delivery_url}/a.bin", content=b"0123456789", headers=chunk)
    (tmp_path / "incoming" / "part_left").write_bytes(b"half")
    (tmp_path / "incoming" / "left").mkdir()
    with RunningEmulator(tmp_path, api_key="key"):
        assert len(list((tmp_path / "incoming").iterdir())) == 1


def test_a_job_whose_tasks_are_all_finished_is_finished_after_a_crash(tmp_path: Path, web: str) -> None:
    with RunningEmulator(tmp_path, api_key="key") as first, client_of(first, "jobs") as client:
        job_id = client.post("/jobs", json={"input": f"{web}/clip.mp4", "kind": "image"}).json()["id"]
        first.control.settle()
        assert first._service is not None
        job = first._service.store.find(Job, job_id)
        assert job is not None
        first._service.store.change(job, status="processing", output_file=None, finished=None)
    with RunningEmulator(tmp_path, api_key="key") as second, client_of(second, "jobs") as client:
        done = client.get(f"/jobs/{job_id}").json()
        assert (done["status"], httpx.get(done["output"]).status_code) == ("succeeded", 200)
