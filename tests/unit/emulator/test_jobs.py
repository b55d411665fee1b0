"""The generation jobs: the pipeline of a job, single tasks, and idempotency keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator


@pytest.fixture
def client(speak: Callable[..., httpx.Client]) -> httpx.Client:
    return speak("jobs")


def test_a_job_runs_its_pipeline_and_gives_an_address(
    emulator: RunningEmulator, client: httpx.Client, web: str
) -> None:
    wish = {"input": f"{web}/clip.mp4", "kind": "animation", "options": {"width": 64}, "metadata": {"a": 1}}
    answer = client.post("/jobs", json=wish)
    job = answer.json()
    assert (answer.status_code, job["status"], job["output"], job["input"]) == (201, "queued", None, wish["input"])
    emulator.control.settle()
    done = client.get(f"/jobs/{job['id']}").json()
    assert [task["kind"] for task in done["tasks"]] == ["probe", "import", "animation", "export"]
    assert {task["status"] for task in done["tasks"]} == {"succeeded"}
    assert (done["status"], done["metadata"], done["error"]) == ("succeeded", {"a": 1}, None)
    assert httpx.get(done["output"]).content[:3] == b"GIF"
    assert abs(done["created_at"] / 1000 - time.time()) < 120
    assert done["finished_at"] >= done["started_at"] >= done["created_at"]
    assert done["tasks"][0]["output"]["width"] == 320
    assert done["tasks"][2]["input"]["id"] == done["tasks"][1]["output"]["id"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"input": "s3://bucket/a.mp4"}, "s3"),
        ({"output": "s3://bucket/out.mp4"}, "s3://bucket/out.mp4"),
        ({"kind": "adaptive_video"}, "adaptive_video"),
        ({"options": {"sparkle": 1}}, "sparkle"),
    ],
)
def test_a_job_that_cannot_be_done_fails_and_cancels_the_rest(
    emulator: RunningEmulator, client: httpx.Client, web: str, changes: dict[str, Any], word: str
) -> None:
    job = client.post("/jobs", json={"input": f"{web}/clip.mp4", "kind": "image", **changes}).json()
    emulator.control.settle()
    done = client.get(f"/jobs/{job['id']}").json()
    statuses = [task["status"] for task in done["tasks"]]
    failed = statuses.index("failed")
    assert statuses == ["succeeded"] * failed + ["failed"] + ["cancelled"] * (3 - failed)
    assert (done["status"], done["output"]) == ("failed", None)
    assert word in done["error"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"kind": "video"}, "request_invalid"),
        ({"input": "http://x/a.mp4"}, "request_invalid"),
        ({"input": "http://x/a.mp4", "kind": "probe"}, "request_invalid"),
        ({"input": "file:///etc/passwd", "kind": "video"}, "invalid_input"),
    ],
)
def test_a_job_that_cannot_be_understood_is_400(client: httpx.Client, body: dict[str, Any], kind: str) -> None:
    answer = client.post("/jobs", json=body)
    assert (answer.status_code, answer.json()["kind"]) == (400, kind)


def test_an_idempotency_key_gives_the_first_answer_again(
    emulator: RunningEmulator, client: httpx.Client, web: str
) -> None:
    wish, key = {"input": f"{web}/clip.mp4", "kind": "image"}, {"Idempotency-Key": "k1"}
    first = client.post("/jobs", json=wish, headers=key)
    emulator.control.settle()
    again = client.post("/jobs", json={**wish, "kind": "audio"}, headers=key)
    other = client.post("/jobs", json=wish, headers={"Idempotency-Key": "k2"})
    assert [answer.status_code for answer in (first, again, other)] == [201, 200, 201]
    assert again.json() == first.json()
    assert len(client.get("/jobs").json()) == 2
    assert emulator.control.requests(method="POST")[0]["idempotency_key"] == "k1"


def test_an_idempotency_key_counts_even_when_the_first_answer_was_lost(
    emulator: RunningEmulator, client: httpx.Client, web: str
) -> None:
    emulator.control.fault(drop="after", match={"method": "POST"})
    wish, key = {"input": f"{web}/clip.mp4", "kind": "image"}, {"Idempotency-Key": "k"}
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/jobs", json=wish, headers=key)
    assert client.post("/jobs", json=wish, headers=key).status_code == 200
    assert len(client.get("/jobs").json()) == 1


def test_jobs_are_listed_by_cursor_and_filter(emulator: RunningEmulator, client: httpx.Client, web: str) -> None:
    wishes = [("clip.mp4", "image"), ("tone.mp3", "audio"), ("clip.mp4", "adaptive_video")]
    made = [client.post("/jobs", json={"input": f"{web}/{name}", "kind": kind}).json()["id"] for name, kind in wishes]
    emulator.control.settle()

    def found(query: str) -> list[str]:
        return [job["id"] for job in client.get(f"/jobs?{query}").json()]

    assert found("") == made[::-1]
    assert found("limit=1&after=" + made[2]) == [made[1]]
    assert found("kind=audio") == [made[1]]
    assert found("status=failed") == [made[2]]
    assert found("status=queued") == []
    assert found(f"input={web}/clip.mp4") == [made[2], made[0]]
    assert client.get("/jobs?limit=1").headers["has-more"] == "true"


def test_a_single_task_goes_from_import_to_export(emulator: RunningEmulator, client: httpx.Client, web: str) -> None:
    def run(kind: str, given: dict[str, Any], **options: Any) -> dict[str, Any]:
        answer = client.post("/tasks", json={"kind": kind, "input": given, "options": options})
        assert (answer.status_code, answer.json()["status"]) == (201, "waiting")
        emulator.control.settle()
        return dict(client.get(f"/tasks/{answer.json()['id']}").json())

    assert run("probe", {"url": f"{web}/clip.mp4"})["output"]["codec"] == "h264"
    imported = run("import", {"url": f"{web}/clip.mp4"})["output"]
    encoded = run("image", imported, width=32)["output"]
    assert encoded["width"] == 32
    assert run("export", encoded)["output"]["id"] == encoded["id"]
    refused = run("export", encoded, url="s3://bucket/a.jpg")
    assert (refused["status"], "s3://bucket/a.jpg" in refused["error"]) == ("failed", True)


@pytest.mark.parametrize("given", [{}, {"id": "file_0"}])
def test_a_single_task_needs_an_input(client: httpx.Client, given: dict[str, Any]) -> None:
    answer = client.post("/tasks", json={"kind": "image", "input": given})
    assert (answer.status_code, answer.json()["kind"]) == (400, "invalid_input")


@pytest.mark.parametrize(("path", "kind"), [("/jobs/job_0", "job_not_found"), ("/tasks/task_0", "task_not_found")])
def test_what_is_not_there_is_404_with_its_kind(client: httpx.Client, path: str, kind: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["kind"]) == (404, kind)
