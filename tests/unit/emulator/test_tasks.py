"""The generation tasks: tasks, runs, events and cursors."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from airflow_provider_ittybit.emulator.running import RunningEmulator


@pytest.fixture
def client(speak: Callable[..., httpx.Client]) -> httpx.Client:
    return speak("2025-12-01")


def test_a_task_makes_a_run_and_succeeds_with_outputs(
    emulator: RunningEmulator, client: httpx.Client, web: str
) -> None:
    url = f"{web}/clip.mp4"
    answer = client.post("/tasks", json={"url": url, "kind": "image", "options": {"width": 64, "ref": "small"}})
    task = answer.json()
    assert (answer.status_code, task["status"], task["inputs"], task["outputs"]) == (201, "waiting", [{"url": url}], [])
    emulator.control.settle()
    done = client.get(f"/tasks/{task['id']}").json()
    [output] = done["outputs"]
    assert (done["status"], output["width"], output["ref"], output["type"]) == ("succeeded", 64, "small", "image/jpeg")
    assert all(isinstance(done[name], int) for name in ("created_at", "started_at", "finished_at", "updated_at"))
    assert abs(done["created_at"] - time.time()) < 120
    run = client.get(f"/runs/{task['run_id']}").json()
    assert (run["object"], run["status"], run["progress"]) == ("run", "succeeded", 100)
    assert [member["id"] for member in run["tasks"]] == [task["id"]]


def test_a_run_chains_tasks_and_cancels_what_follows_a_failure(
    emulator: RunningEmulator, client: httpx.Client, web: str
) -> None:
    tree = {
        "kind": "ingest",
        "options": {"url": f"{web}/clip.mp4"},
        "next": [
            {"kind": "audio", "next": [{"kind": "audio", "options": {"format": "wav"}}]},
            {"kind": "speech", "next": [{"kind": "image", "next": [{"kind": "image"}]}]},
        ],
    }
    run = client.post("/runs", json={"tasks": [tree], "metadata": {"a": 1}}).json()
    assert (run["status"], run["metadata"], len(run["tasks"])) == ("waiting", {"a": 1}, 6)
    emulator.control.settle()
    done = client.get(f"/runs/{run['id']}").json()
    ends = [(task["kind"], task["status"]) for task in done["tasks"]]
    assert ends == [
        ("ingest", "succeeded"),
        ("audio", "succeeded"),
        ("audio", "succeeded"),
        ("speech", "failed"),
        ("image", "cancelled"),
        ("image", "cancelled"),
    ]
    assert done["status"] == "failed"
    assert "speech" in done["error"]
    ingest, _, wav = done["tasks"][:3]
    assert done["tasks"][1]["inputs"][0]["id"] == ingest["outputs"][0]["id"]
    assert wav["outputs"][0]["type"] in ("audio/wav", "audio/x-wav")


def test_siblings_of_a_run_are_independent(emulator: RunningEmulator, client: httpx.Client, web: str) -> None:
    tasks = [{"kind": kind, "options": {"url": f"{web}/clip.mp4"}} for kind in ("speech", "image")]
    run = client.post("/runs", json={"tasks": tasks}).json()
    emulator.control.settle()
    done = client.get(f"/runs/{run['id']}").json()
    assert [task["status"] for task in done["tasks"]] == ["failed", "succeeded"]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/tasks", {"kind": "image"}, "url_required"),
        ("/tasks", {"kind": "magic", "url": "http://x"}, "request_invalid"),
        ("/tasks", {"kind": "ingest", "url": "http://x"}, "request_invalid"),
        ("/tasks", {"kind": "prompt", "url": "http://x"}, "request_invalid"),
        ("/tasks", {"kind": "image", "url": "http://x", "options": []}, "request_invalid"),
        ("/runs", {}, "request_invalid"),
        ("/runs", {"tasks": []}, "request_invalid"),
        ("/runs", {"tasks": ["ingest"]}, "request_invalid"),
        ("/runs", {"tasks": [{"kind": "ingest"}]}, "url_required"),
        ("/runs", {"tasks": [{"kind": "ingest", "options": {"url": "http://x"}, "next": 3}]}, "request_invalid"),
    ],
)
def test_a_create_that_cannot_be_understood_is_400_with_its_kind(
    client: httpx.Client, path: str, body: dict[str, Any], kind: str
) -> None:
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json()["kind"]) == (400, kind)


def test_a_destination_in_a_store_fails_honestly(emulator: RunningEmulator, client: httpx.Client, web: str) -> None:
    wish = {"url": f"{web}/clip.mp4", "kind": "image", "destination": "s3://bucket/key"}
    task = client.post("/tasks", json=wish).json()
    emulator.control.settle()
    done = client.get(f"/tasks/{task['id']}").json()
    assert done["status"] == "failed"
    assert "s3://bucket/key" in done["error"]


@pytest.fixture
def tasks(emulator: RunningEmulator, client: httpx.Client, web: str) -> list[dict[str, Any]]:
    """Five finished tasks, oldest first; the third one failed."""
    kinds = ("image", "image", "speech", "audio", "image")
    made = [client.post("/tasks", json={"url": f"{web}/clip.mp4", "kind": kind}).json() for kind in kinds]
    emulator.control.settle()
    return made


def ids(answer: httpx.Response) -> list[str]:
    return [item["id"] for item in answer.json()]


def next_link(answer: httpx.Response) -> str | None:
    match = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
    return match[1] if match else None


def test_a_list_goes_on_by_link_until_there_is_no_more(
    emulator: RunningEmulator, client: httpx.Client, tasks: list[dict[str, Any]]
) -> None:
    answer = client.get("/tasks", params={"limit": 2})
    pages, more = [ids(answer)], [answer.headers["has-more"]]
    while link := next_link(answer):
        assert link.startswith(f"{emulator.api_url}/tasks?limit=2&after=")
        answer = client.get(link)
        pages.append(ids(answer))
        more.append(answer.headers["has-more"])
    newest_first = [task["id"] for task in reversed(tasks)]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert (more, answer.headers["limit"]) == (["true", "true", "false"], "2")


def test_before_gives_what_stands_directly_before(client: httpx.Client, tasks: list[dict[str, Any]]) -> None:
    names = [task["id"] for task in tasks]
    answer = client.get("/tasks", params={"before": names[1], "limit": 2})
    assert ids(answer) == [names[3], names[2]]
    assert answer.headers["has-more"] == "true"
    assert ids(client.get(next_link(answer) or "")) == [names[4]]


def test_the_order_can_be_turned(client: httpx.Client, tasks: list[dict[str, Any]]) -> None:
    names = [task["id"] for task in tasks]
    assert ids(client.get("/tasks", params={"order": "asc", "limit": 2, "after": names[0]})) == names[1:3]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "order=up", "after=task_0", "after=a&before=b", "status=x"])
def test_a_parameter_that_cannot_be_is_400(client: httpx.Client, query: str) -> None:
    assert client.get(f"/tasks?{query}").json()["kind"] == "request_invalid"


def test_tasks_can_be_filtered(client: httpx.Client, tasks: list[dict[str, Any]]) -> None:
    names = [task["id"] for task in tasks]
    assert ids(client.get("/tasks?status=failed")) == [names[2]]
    assert ids(client.get("/tasks?kind=audio")) == [names[3]]
    assert ids(client.get(f"/tasks?run_id={tasks[0]['run_id']}")) == [names[0]]
    assert ids(client.get(f"/tasks?created_by={tasks[0]['created_by']}&kind=speech")) == [names[2]]
    assert ids(client.get("/tasks?created_by=key_other")) == []
    assert [run["status"] for run in client.get("/runs?status=failed").json()] == ["failed"]


def test_events_tell_the_life_of_a_task(client: httpx.Client, emulator: RunningEmulator, web: str) -> None:
    task = client.post("/tasks", json={"url": f"{web}/clip.mp4", "kind": "image"}).json()
    emulator.control.settle()
    events = client.get("/events", params={"order": "asc"}).json()
    told = [event["kind"] for event in events]
    assert told == [
        *("run.created", "task.created", "task.updated", "run.updated"),
        *("task.succeeded", "run.succeeded"),
    ]
    [succeeded] = client.get("/events?kind=task.succeeded").json()
    assert (succeeded["object"], succeeded["data"]["id"]) == ("event", task["id"])
    assert client.get(f"/events/{succeeded['id']}").json() == succeeded


@pytest.mark.parametrize(
    ("path", "kind"), [("/tasks/task_0", "task_not_found"), ("/runs/run_0", "run_not_found"), ("/nope", "not_found")]
)
def test_what_is_not_there_is_404_with_its_kind(client: httpx.Client, path: str, kind: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["kind"]) == (404, kind)
