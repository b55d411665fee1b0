"""Reads, updates and deletions of every generation as the requests they become."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api.calls import (
    check_access,
    delete_resource,
    get_resource,
    get_task,
    list_resources,
    task_list,
    update_resource,
)
from airflow_provider_ittybit.api.decoding import read_confirmation, read_page, read_resource
from airflow_provider_ittybit.api.generations import BY_NAME, GENERATIONS
from airflow_provider_ittybit.api.messages import Origin
from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitUnsupportedError

PAGED_BY = {"media": 250, "files-enveloped": 100, "files-flat": 100, "tasks": 100, "jobs": 100}


@pytest.mark.parametrize(
    ("generation", "path"),
    [
        ("media", "/media"),
        ("files-enveloped", "/files"),
        ("files-flat", "/files"),
        ("tasks", "/runs"),
        ("jobs", "/jobs"),
    ],
)
def test_a_list_shows_the_main_collection_in_its_largest_pages(generation: str, path: str) -> None:
    call = list_resources(BY_NAME[generation])
    assert (call.request.method, call.request.path, call.request.origin) == ("GET", path, Origin.API)
    assert call.request.query == (("limit", str(PAGED_BY[generation])),)
    assert call.request.resource_id is None
    assert call.read is read_page


@pytest.mark.parametrize(
    ("generation", "asked", "path", "query"),
    [
        ("media", {"kind": "video", "limit": 1}, "/videos", {"limit": "1"}),
        ("media", {"kind": "image"}, "/images", {"limit": "250"}),
        ("media", {"kind": "audio"}, "/audio", {"limit": "250"}),
        ("media", {"resource": "videos", "kind": "video"}, "/videos", {"limit": "250"}),
        (
            "media",
            {"order_by": "filesize", "order": "asc"},
            "/media",
            {"limit": "250", "orderBy": "filesize", "order": "asc"},
        ),
        ("files-flat", {"resource": "media", "limit": 20}, "/media", {"limit": "20"}),
        ("files-flat", {"kind": "video"}, "/files", {"limit": "100"}),
        ("files-flat", {"resource": "automations"}, "/automations", {"limit": "100"}),
        ("files-enveloped", {"resource": "tasks", "kind": "image"}, "/tasks", {"limit": "100", "kind": "image"}),
        (
            "files-enveloped",
            {"resource": "tasks", "filters": {"status": "ready", "kind": None}},
            "/tasks",
            {"limit": "100", "status": "ready"},
        ),
        (
            "tasks",
            {"resource": "tasks", "filters": {"run_id": "run_1", "created_by": "key_1"}, "order": "desc"},
            "/tasks",
            {"limit": "100", "order": "desc", "run_id": "run_1", "created_by": "key_1"},
        ),
        (
            "tasks",
            {"resource": "events", "filters": {"kind": "task.succeeded"}},
            "/events",
            {"limit": "100", "kind": "task.succeeded"},
        ),
        (
            "jobs",
            {"kind": "video", "filters": {"input": "https://a/b?c"}},
            "/jobs",
            {"limit": "100", "input": "https://a/b?c", "kind": "video"},
        ),
        ("jobs", {"kind": "video", "filters": {"kind": "image"}}, "/jobs", {"limit": "100", "kind": "image"}),
    ],
)
def test_what_is_asked_of_a_list_becomes_its_query(
    generation: str, asked: dict[str, Any], path: str, query: dict[str, str]
) -> None:
    request = list_resources(BY_NAME[generation], **asked).request
    assert (request.path, dict(request.query)) == (path, query)


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda row: row.name)
def test_both_ends_of_the_page_size_are_taken_and_nothing_beyond(generation: Any) -> None:
    largest = PAGED_BY[generation.name]
    for limit in (1, largest):
        assert ("limit", str(limit)) in list_resources(generation, limit=limit).request.query
    bad: list[Any] = [0, -1, largest + 1, 10**9, True, 1.0, "", "5.0", float("nan")]
    for limit in bad:
        with pytest.raises(IttybitInputError, match=f"{generation.name!r}: it takes 1 to {largest}. .*max_items"):
            list_resources(generation, limit=limit)


@pytest.mark.parametrize("generation", ["files-enveloped", "files-flat", "tasks", "jobs"])
def test_a_sort_key_is_refused_where_none_is_documented(generation: str) -> None:
    with pytest.raises(IttybitUnsupportedError, match=r"no documented sort keys.*These can: media"):
        list_resources(BY_NAME[generation], order_by="created")


@pytest.mark.parametrize("generation", ["files-enveloped", "files-flat"])
def test_an_order_is_refused_where_none_is_documented(generation: str) -> None:
    with pytest.raises(IttybitUnsupportedError, match=r"no documented order.*These can: media, tasks, jobs"):
        list_resources(BY_NAME[generation], order="asc")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"order_by": "size"}, "order_by='size' is none of created, updated, filesize"),
        ({"order": "up"}, "order='up' is none of asc, desc"),
        ({"kind": "document"}, "kind='document' is none of video, image, audio"),
    ],
)
def test_a_value_that_is_none_of_the_documented_ones_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(IttybitInputError, match=words):
        list_resources(BY_NAME["media"], **asked)


@pytest.mark.parametrize(
    ("generation", "resource", "filters", "words"),
    [
        ("files-flat", "tasks", {"status": "ready"}, "cannot filter tasks by status.*files-enveloped, tasks"),
        ("media", None, {"status": "ready"}, "cannot filter media by status.*No generation"),
        ("tasks", "events", {"status": "x"}, "cannot filter events by status"),
        ("tasks", "tasks", {"limit": "5"}, "cannot filter tasks by limit"),
        ("tasks", "tasks", {"after": "task_1"}, "cannot filter tasks by after"),
    ],
)
def test_a_filter_that_is_not_documented_is_refused(
    generation: str, resource: str | None, filters: dict[str, str | None], words: str
) -> None:
    with pytest.raises(IttybitUnsupportedError, match=words):
        list_resources(BY_NAME[generation], resource=resource, filters=filters)


@pytest.mark.parametrize(
    ("generation", "resource", "words"),
    [
        ("media", "files", "'media' cannot list files. These can: files-enveloped, files-flat."),
        ("media", "tasks", "cannot list tasks. These can: files-enveloped, files-flat, tasks."),
        ("files-flat", "videos", "cannot list videos. These can: media."),
        ("files-flat", "signatures", "cannot list signatures. No generation"),
        ("tasks", "media", "cannot list media. These can: media, files-enveloped, files-flat."),
        ("jobs", "tasks", "cannot list tasks. These can: files-enveloped, files-flat, tasks."),
    ],
)
def test_a_list_that_the_generation_lacks_names_those_that_have_it(generation: str, resource: str, words: str) -> None:
    with pytest.raises(IttybitUnsupportedError, match=words):
        list_resources(BY_NAME[generation], resource=resource)


@pytest.mark.parametrize(
    ("generation", "resource_id", "resource", "path"),
    [
        ("media", "1f6b2c", None, "/media/1f6b2c"),
        ("media", "file_1", None, "/media/file_1"),
        ("files-enveloped", "file_1", None, "/files/file_1"),
        ("files-flat", "med_1", None, "/media/med_1"),
        ("files-flat", "task_1", None, "/tasks/task_1"),
        ("files-flat", "tsk_1", None, "/tasks/tsk_1"),
        ("files-flat", "auto_1", None, "/automations/auto_1"),
        ("files-flat", "1f6b2c", "media", "/media/1f6b2c"),
        ("files-flat", "file_é", None, "/files/file_%C3%A9"),
        ("tasks", "run_1", None, "/runs/run_1"),
        ("tasks", "evt_1", None, "/events/evt_1"),
        ("jobs", "job_1", None, "/jobs/job_1"),
        ("jobs", "task_1", None, "/tasks/task_1"),
    ],
)
def test_one_resource_is_read_from_its_own_path(
    generation: str, resource_id: str, resource: str | None, path: str
) -> None:
    call = get_resource(BY_NAME[generation], resource_id, resource)
    assert (call.request.method, call.request.path, call.request.query) == ("GET", path, ())
    assert call.request.resource_id == resource_id
    assert call.read is read_resource


@pytest.mark.parametrize(
    ("generation", "resource_id", "words"),
    [
        ("files-flat", "run_1", "cannot get runs. These can: tasks."),
        ("tasks", "file_1", "cannot get files. These can: files-enveloped, files-flat."),
        ("tasks", "job_1", "cannot get jobs. These can: jobs."),
        ("jobs", "med_1", "cannot get media. These can: media, files-enveloped, files-flat."),
    ],
)
def test_a_read_that_the_generation_lacks_names_those_that_have_it(
    generation: str, resource_id: str, words: str
) -> None:
    with pytest.raises(IttybitUnsupportedError, match=words):
        get_resource(BY_NAME[generation], resource_id)


def test_a_task_is_never_looked_for_among_the_media() -> None:
    with pytest.raises(IttybitUnsupportedError, match=r"cannot get tasks. These can: files-enveloped"):
        get_task(BY_NAME["media"], "task_1")
    assert get_task(BY_NAME["tasks"], "run_1").request.path == "/runs/run_1"
    assert get_task(BY_NAME["jobs"], "x1", "jobs").request.path == "/jobs/x1"


@pytest.mark.parametrize(
    ("generation", "resource_id", "fields", "path"),
    [
        (
            "files-flat",
            "file_1",
            {"folder": "a", "filename": "b", "ref": "c", "metadata": {"k": None}},
            "/files/file_1",
        ),
        ("files-enveloped", "med_1", {"title": "t", "alt": None, "metadata": {}}, "/media/med_1"),
        ("files-flat", "auto_1", {"status": "paused", "anything": 1}, "/automations/auto_1"),
        ("tasks", "aut_1", {"name": "n"}, "/automations/aut_1"),
    ],
)
def test_an_update_sends_only_the_named_fields(
    generation: str, resource_id: str, fields: dict[str, Any], path: str
) -> None:
    call = update_resource(BY_NAME[generation], resource_id, fields)
    assert (call.request.method, call.request.path, call.request.json) == ("PATCH", path, fields)
    assert call.request.resource_id == resource_id
    assert call.read is read_resource


@pytest.mark.parametrize(
    ("resource_id", "fields", "words"),
    [
        ("file_1", {}, "got no field to change"),
        ("file_1", {"title": "t", "size": 1}, "cannot change size, title: files have folder, filename, ref, metadata"),
        ("med_1", {"folder": "f"}, "cannot change folder: media have title, alt, metadata"),
        ("auto_1", {}, "got no field to change"),
    ],
)
def test_an_update_that_cannot_work_is_refused(resource_id: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(IttybitInputError, match=f"{words}.*Nothing was sent") as raised:
        update_resource(BY_NAME["files-flat"], resource_id, fields)
    assert raised.value.resource_id == resource_id


@pytest.mark.parametrize(
    ("generation", "resource_id", "words"),
    [
        ("media", "1f6b2c", "cannot update media. These can: files-enveloped, files-flat."),
        ("files-flat", "task_1", "cannot update tasks. No generation"),
        ("jobs", "job_1", "cannot update jobs. No generation"),
    ],
)
def test_an_update_that_the_generation_lacks_says_so(generation: str, resource_id: str, words: str) -> None:
    with pytest.raises(IttybitUnsupportedError, match=words):
        update_resource(BY_NAME[generation], resource_id, {"title": "t"})


@pytest.mark.parametrize(
    ("generation", "resource_id", "path"),
    [
        ("media", "1f6b2c", "/media/1f6b2c"),
        ("files-enveloped", "file_1", "/files/file_1"),
        ("files-flat", "med_1", "/media/med_1"),
        ("files-flat", "auto_1", "/automations/auto_1"),
    ],
)
def test_a_deletion_names_exactly_one_resource(generation: str, resource_id: str, path: str) -> None:
    call = delete_resource(BY_NAME[generation], resource_id)
    assert (call.request.method, call.request.path, call.request.json) == ("DELETE", path, None)
    assert call.request.resource_id == resource_id
    assert call.read is read_confirmation


@pytest.mark.parametrize(
    ("generation", "resource_id", "words"),
    [
        ("tasks", "task_1", "cannot delete tasks. No generation"),
        ("tasks", "aut_1", "cannot delete automations. These can: files-enveloped, files-flat."),
        ("jobs", "job_1", "cannot delete jobs. No generation"),
        ("jobs", "file_1", "cannot delete files. These can: files-enveloped, files-flat."),
    ],
)
def test_a_deletion_that_the_generation_lacks_says_so(generation: str, resource_id: str, words: str) -> None:
    with pytest.raises(IttybitUnsupportedError, match=words):
        delete_resource(BY_NAME[generation], resource_id)


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda row: row.name)
def test_the_access_check_reads_one_item_and_changes_nothing(generation: Any) -> None:
    request = check_access(generation).request
    assert (request.method, request.query) == ("GET", (("limit", "1"),))


def test_processing_is_listed_where_it_has_a_list() -> None:
    assert {name: task_list(row) for name, row in BY_NAME.items()} == {
        "media": "tasks",
        "files-enveloped": "tasks",
        "files-flat": "tasks",
        "tasks": "tasks",
        "jobs": "jobs",
    }
