"""Every verb of the hook in every API generation: it does what it says, or is refused before any request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

import pytest

from airflow_provider_ittybit.api.messages import Request
from airflow_provider_ittybit.exceptions import (
    IttybitInputError,
    IttybitInvalidRequestError,
    IttybitNotFoundError,
    IttybitUnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
FILES = ("files-enveloped", "files-flat")
HookFor = Any
Sent = Any
URL = "https://cdn.example/a.mp4"
MAIN = {"media": "media", "files-enveloped": "files", "files-flat": "files", "tasks": "runs", "jobs": "jobs"}
PREFIX = {"media": "med_", "files-enveloped": "file_", "files-flat": "file_", "tasks": "run_", "jobs": "job_"}

LACKING: list[tuple[str, str, Callable[[IttybitHook], Any]]] = [
    ("media", "update_media", lambda hook: hook.update_media("med_1", title="T")),
    ("media", "create_task", lambda hook: hook.create_task("image", URL)),
    ("media", "get_task", lambda hook: hook.get_task("task_1")),
    ("media", "list_tasks", lambda hook: hook.list_tasks()),
    ("media", "sign_url", lambda hook: hook.sign_url("a.mp4")),
    ("media", "list files", lambda hook: hook.list_media(resource="files")),
    ("media", "upload with folder", lambda hook: hook.upload_media(URL, folder="talks")),
    ("media", "filter", lambda hook: hook.list_media(status="ready")),
    ("files-enveloped", "list jobs", lambda hook: hook.list_tasks(resource="jobs")),
    ("files-enveloped", "get run", lambda hook: hook.get_task("run_1")),
    ("files-enveloped", "order", lambda hook: hook.list_media(order="asc")),
    ("files-enveloped", "order_by", lambda hook: hook.list_media(order_by="created")),
    ("files-enveloped", "filter", lambda hook: hook.list_media(status="ready")),
    ("files-flat", "delete task", lambda hook: hook.delete_media("task_1")),
    ("files-flat", "update task", lambda hook: hook.update_media("task_1", metadata={})),
    ("files-flat", "list runs", lambda hook: hook.list_tasks(resource="runs")),
    ("files-flat", "order", lambda hook: hook.list_media(order="asc")),
    ("files-flat", "filter tasks", lambda hook: hook.list_tasks(status="ready")),
    ("tasks", "delete_media", lambda hook: hook.delete_media("run_1")),
    ("tasks", "delete file", lambda hook: hook.delete_media("file_1")),
    ("tasks", "update_media", lambda hook: hook.update_media("task_1", metadata={})),
    ("tasks", "sign_url", lambda hook: hook.sign_url("a.mp4")),
    ("tasks", "get file", lambda hook: hook.get_media("file_1")),
    ("tasks", "get_processing of a file", lambda hook: hook.get_processing("file_1")),
    ("tasks", "list files", lambda hook: hook.list_media(resource="files")),
    ("tasks", "order_by", lambda hook: hook.list_media(order_by="filesize")),
    ("tasks", "upload with metadata", lambda hook: hook.upload_media(URL, metadata={"a": 1})),
    ("jobs", "delete_media", lambda hook: hook.delete_media("job_1")),
    ("jobs", "update_media", lambda hook: hook.update_media("job_1", metadata={})),
    ("jobs", "sign_url", lambda hook: hook.sign_url("a.mp4")),
    ("jobs", "list tasks", lambda hook: hook.list_tasks(resource="tasks")),
    ("tasks", "list runs by kind", lambda hook: hook.list_media(kind="video")),
    ("jobs", "get media", lambda hook: hook.get_media("med_1")),
    ("jobs", "order_by", lambda hook: hook.list_media(order_by="created")),
    ("jobs", "upload with folder", lambda hook: hook.upload_media(URL, folder="talks")),
]


@pytest.mark.parametrize(("version", "verb", "use"), LACKING, ids=[f"{v}-{what}" for v, what, _ in LACKING])
def test_what_a_generation_lacks_is_refused_before_any_request(
    hook_for: HookFor, sent: Sent, *, version: str, verb: str, use: Callable[[IttybitHook], Any]
) -> None:
    with pytest.raises(IttybitUnsupportedError) as caught:
        use(hook_for(version))
    assert repr(version) in str(caught.value), verb
    assert ("These can: " in str(caught.value)) or ("No generation" in str(caught.value))
    assert sent() == []


@pytest.mark.parametrize("version", GENERATIONS)
def test_a_url_is_taken_and_what_comes_back_can_be_read(hook_for: HookFor, web: str, version: str) -> None:
    hook = hook_for(version)
    made = hook.upload_media(f"{web}/clip.mp4")
    assert made["id"].startswith(PREFIX[version])
    read = hook.get_media(made["id"])
    assert (read["id"], read["object"]) == (made["id"], made["object"])
    assert hook.get_media(made["id"], resource=MAIN[version])["id"] == made["id"]
    assert [item["id"] for item in hook.list_media()] == [made["id"]]


@pytest.mark.parametrize("version", GENERATIONS)
def test_what_is_not_there_is_not_found(hook_for: HookFor, version: str) -> None:
    with pytest.raises(IttybitNotFoundError, match="was not found") as caught:
        hook_for(version).get_media(f"{PREFIX[version]}nothing")
    assert caught.value.status == 404
    assert f"{PREFIX[version]}nothing" in str(caught.value)


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("bad", ["", "..", "a/b", "a b", "x?y", None, 7, "%2e%2e"])
@pytest.mark.parametrize("verb", ["get_media", "delete_media", "get_processing", "update_media"])
def test_what_is_no_id_never_reaches_a_url(hook_for: HookFor, sent: Sent, *, version: str, bad: Any, verb: str) -> None:
    more = {"title": "T"} if verb == "update_media" else {}
    with pytest.raises((IttybitInputError, IttybitUnsupportedError)):
        getattr(hook_for(version), verb)(bad, **more)
    assert sent() == []


@pytest.mark.parametrize("version", ["media", *FILES])
def test_what_is_deleted_is_gone_from_the_list(hook_for: HookFor, emulator: Any, video: Path, version: str) -> None:
    hook = hook_for(version)
    gone, kept = hook.upload_media(video)["id"], hook.upload_media(video)["id"]
    answer = hook.delete_media(gone)
    assert answer == {"id": gone, "deleted": True, "missing": False, "message": f"{gone} deleted"}
    assert [item["id"] for item in hook.list_media()] == [kept]
    assert sorted(file["deleted"] for file in emulator.control.files()) == [False, True]


@pytest.mark.parametrize("version", ["media", *FILES])
def test_deleting_what_is_gone_counts_as_deleted(hook_for: HookFor, video: Path, version: str) -> None:
    hook = hook_for(version)
    media_id = hook.upload_media(video)["id"]
    hook.delete_media(media_id)
    again = hook.delete_media(media_id)
    assert (again["id"], again["deleted"], again["missing"]) == (media_id, True, True)
    assert "was not found" in again["message"]


def test_a_deleted_media_of_the_media_generation_can_still_be_read(hook_for: HookFor, video: Path) -> None:
    hook = hook_for("media")
    media_id = hook.upload_media(video)["id"]
    hook.delete_media(media_id)
    assert hook.get_media(media_id)["sources"] == []


@pytest.mark.parametrize("version", FILES)
def test_deleting_a_media_deletes_its_files(hook_for: HookFor, video: Path, version: str) -> None:
    hook = hook_for(version)
    file = hook.upload_media(video)
    hook.delete_media(file["media_id"])
    with pytest.raises(IttybitNotFoundError):
        hook.get_media(file["id"])
    assert list(hook.list_media(resource="media")) == []


@pytest.mark.parametrize("version", FILES)
def test_an_update_changes_what_it_names_and_keeps_the_rest(hook_for: HookFor, video: Path, version: str) -> None:
    hook = hook_for(version)
    file = hook.upload_media(video, metadata={"a": 1, "b": 2}, folder="talks")
    updated = hook.update_media(file["id"], ref="main", metadata={"b": None, "c": 3})
    assert (updated["ref"], updated["folder"]) == ("main", "talks")
    assert updated["metadata"] == {"a": 1, "c": 3}
    media = hook.update_media(file["media_id"], title="Gänse", alt="Birds")
    assert (media["title"], media["alt"]) == ("Gänse", "Birds")


@pytest.mark.parametrize("version", FILES)
@pytest.mark.parametrize(("media_id", "fields"), [("file_1", {"title": "T"}), ("med_1", {"ref": "r"}), ("file_1", {})])
def test_an_update_of_a_field_that_is_not_there_is_refused_before_any_request(
    hook_for: HookFor, sent: Sent, *, version: str, media_id: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IttybitInputError, match="Nothing was sent"):
        hook_for(version).update_media(media_id, **fields)
    assert sent() == []


@pytest.mark.parametrize("version", FILES)
def test_a_task_is_made_of_a_file_or_a_url(hook_for: HookFor, video: Path, web: str, version: str) -> None:
    hook = hook_for(version)
    file = hook.upload_media(video)
    from_file = hook.create_task("image", file["id"], {"width": 64, "format": "png"}, ref="poster")
    from_url = hook.create_task("image", f"{web}/clip.mp4", {"width": 64})
    assert (from_file["object"], from_file["kind"]) == ("task", "image")
    assert [task["id"] for task in hook.list_tasks()] == [from_url["id"], from_file["id"]]
    assert hook.get_task(from_file["id"])["kind"] == "image"
    assert hook.wait_for_processing(from_file["id"], poll_interval=0.01, timeout=30).resource["output"]["width"] == 64


def test_a_task_of_the_tasks_generation_is_part_of_a_run(hook_for: HookFor, web: str) -> None:
    hook = hook_for("tasks")
    task = hook.create_task("image", f"{web}/clip.mp4", {"width": 64})
    assert hook.get_task(task["run_id"])["tasks"][0]["id"] == task["id"]
    assert [run["id"] for run in hook.list_tasks(resource="runs")] == [task["run_id"]]
    done = hook.wait_for_processing(task["id"], poll_interval=0.01, timeout=30)
    assert done.resource["outputs"][0]["width"] == 64


def test_the_jobs_generation_makes_jobs_of_urls_and_single_tasks_of_objects(
    hook_for: HookFor, web: str, sent: Sent
) -> None:
    hook = hook_for("jobs")
    job = hook.create_task("image", f"{web}/clip.mp4", {"width": 64}, metadata={"a": 1})
    probe = hook.create_task("probe", f"{web}/clip.mp4")
    assert sent() == ["POST /jobs", "POST /tasks"]
    assert (job["object"], job["metadata"], probe["object"]) == ("job", {"a": 1}, "task")
    assert hook.wait_for_processing(job["id"], poll_interval=0.01, timeout=30).resource["output"].startswith("http")
    assert hook.wait_for_processing(probe["id"], poll_interval=0.01, timeout=30).resource["output"]["width"] == 320


def test_an_idempotency_key_makes_one_job_of_two_requests(hook_for: HookFor, emulator: Any) -> None:
    emulator.control.settings(processing="held")
    hook = hook_for("jobs")
    first, second = (hook.create_task("image", URL, idempotency_key="once-7") for _ in range(2))
    assert first["id"] == second["id"]
    assert len(list(hook.list_media())) == 1
    assert [r["idempotency_key"] for r in emulator.control.requests(method="POST")] == ["once-7"] * 2


@pytest.mark.parametrize("version", ["files-enveloped", "files-flat", "tasks"])
def test_an_idempotency_key_is_not_sent_where_it_means_nothing(held: HookFor, emulator: Any, version: str) -> None:
    held(version).create_task("image", URL, idempotency_key="once-7")
    assert [r["idempotency_key"] for r in emulator.control.requests()] == [None]


@pytest.mark.parametrize("version", ["files-flat", "tasks", "jobs"])
@pytest.mark.parametrize(("kind", "source"), [("", URL), (None, URL), ("image", "not a url"), ("image", "med_1")])
def test_a_task_without_kind_or_usable_input_is_refused_before_any_request(
    hook_for: HookFor, sent: Sent, *, version: str, kind: Any, source: str
) -> None:
    with pytest.raises(IttybitInputError):
        hook_for(version).create_task(kind, source)
    assert sent() == []


@pytest.mark.parametrize("version", FILES)
def test_a_signed_url_lets_its_bearer_read_one_file(
    hook_for: HookFor, emulator: Any, video: Path, version: str
) -> None:
    emulator.control.settings(public_delivery=False)
    hook = hook_for(version)
    hook.upload_media(video, folder="talks")
    url = hook.sign_url("clip.mp4", folder="talks")
    with build_opener(ProxyHandler({})).open(url) as answer:
        assert answer.read() == video.read_bytes()


def test_a_signed_url_has_the_expiry_that_was_asked_for(hook_for: HookFor) -> None:
    assert "expiry=4102444800&method=put" in hook_for("files-flat").sign_url("a.mp4", method="put", expiry=4102444800)


@pytest.mark.parametrize(("filename", "method"), [("", "get"), ("a.mp4", "delete")])
def test_a_signed_url_without_a_name_or_with_another_method_is_refused(
    hook_for: HookFor, sent: Sent, filename: str, method: str
) -> None:
    with pytest.raises(IttybitInputError):
        hook_for("files-flat").sign_url(filename, method=method)
    assert sent() == []


@pytest.mark.parametrize("version", FILES)
def test_any_other_request_can_be_sent_and_comes_back_without_envelope(
    hook_for: HookFor, emulator: Any, video: Path, version: str
) -> None:
    hook = hook_for(version)
    file_id = hook.upload_media(video)["id"]
    changed = hook.call(Request("PATCH", f"/files/{file_id}", json={"ref": "main"}))
    assert (changed["id"], changed["ref"]) == (file_id, "main")
    assert "video" in hook.call(Request("GET", "/tasks-config"))
    assert [item["id"] for item in hook.call(Request("GET", "/files", query=(("limit", "1"),)))] == [file_id]
    assert hook.call(Request("DELETE", f"/files/{file_id}")) == {"message": f"{file_id} deleted"}
    assert {request["has_authorization"] for request in emulator.control.requests() if request["role"] == "api"} == {
        True
    }


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_can_be_sent_and_refused_by_ittybit(
    hook_for: HookFor, sent: Sent, version: str, method: str
) -> None:
    path = {"files-enveloped": "/files", "files-flat": "/files"}.get(version, f"/{MAIN[version]}")
    with pytest.raises(IttybitInvalidRequestError, match="not supported") as caught:
        hook_for(version).call(Request(method, path, json={"a": 1}))
    assert caught.value.status == 405
    assert sent() == [f"{method} {path}"]


def test_an_answer_without_a_body_is_none(hook_for: HookFor, emulator: Any) -> None:
    emulator.control.fault(match={"method": "PUT"}, status=204, body="")
    assert hook_for("files-flat").call(Request("PUT", "/automations/auto_1", json={})) is None


@pytest.mark.parametrize("version", GENERATIONS)
def test_events_and_other_collections_are_reached_by_name(hook_for: HookFor, sent: Sent, version: str) -> None:
    hook = hook_for(version)
    if version == "tasks":
        assert list(hook.list_media(resource="events")) == []
        assert sent() == ["GET /events"]
    else:
        with pytest.raises(IttybitUnsupportedError, match="These can: tasks"):
            hook.list_media(resource="events")
