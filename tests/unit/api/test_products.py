"""What a resource can give to the next task, and where a person can look at it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.products import input_of, public_url
from airflow_provider_ittybit.exceptions import IttybitInputError

FILE = {"id": "file_1", "object": "source", "url": "https://p.ittybit.net/a.mp4"}
TRACK = {"id": "file_2", "object": "track", "url": "https://p.ittybit.net/a.vtt"}
MEDIA = {"id": "med_1", "object": "media", "files": [FILE, TRACK], "urls": {"poster": "https://p.ittybit.net/p.jpg"}}
TASK = {"id": "task_1", "kind": "image", "input": {"url": "https://user.example/in.mp4"}, "output": FILE}
LATER_TASK = {"id": "task_1", "inputs": [{"url": "https://user.example/in.mp4"}], "outputs": [FILE]}
RUN = {"id": "run_1", "tasks": [LATER_TASK, {"id": "task_2", "outputs": []}]}
JOB = {"id": "job_1", "input": "https://user.example/in.mp4", "output": "https://store.example/o.mp4", "tasks": [TASK]}
WAITING_JOB = {"id": "job_1", "status": "queued", "output": None, "tasks": [{"id": "task_1", "output": FILE}]}


@pytest.mark.parametrize(
    ("generation", "given", "found"),
    [
        ("files-flat", "https://a.example/a.mp4", "https://a.example/a.mp4"),
        ("files-flat", "file_1", "file_1"),
        ("files-flat", FILE, "file_1"),
        ("files-enveloped", MEDIA, "file_1"),
        ("files-flat", TASK, "file_1"),
        ("files-flat", {"url": "https://a.example/a.mp4"}, "https://a.example/a.mp4"),
        ("tasks", FILE, FILE["url"]),
        ("tasks", LATER_TASK, FILE["url"]),
        ("tasks", RUN, FILE["url"]),
        ("jobs", JOB, JOB["output"]),
        ("jobs", TASK, FILE),
        ("jobs", FILE, FILE),
        ("jobs", {"url": "https://a.example/a.mp4"}, {"url": "https://a.example/a.mp4"}),
        ("media", FILE, FILE),
    ],
)
def test_a_resource_gives_the_one_file_that_it_is_or_made(generation: str, given: Any, found: Any) -> None:
    assert input_of(BY_NAME[generation], given) == found


@pytest.mark.parametrize(
    "given",
    [
        WAITING_JOB,
        {"id": "run_1", "status": "queued", "tasks": [{"id": "task_1", "outputs": []}]},
        {"id": "task_1", "output": None, "status": "pending"},
        {"id": "task_1", "output": {}, "status": "pending"},
        {"id": "med_1", "files": []},
    ],
    ids=lambda given: given["id"],
)
@pytest.mark.parametrize("generation", ["files-flat", "tasks", "jobs"])
def test_what_made_nothing_yet_is_refused_with_what_to_do(generation: str, given: dict[str, Any]) -> None:
    with pytest.raises(IttybitInputError, match=f"{given['id']} holds no file yet .*wait_for_processing") as caught:
        input_of(BY_NAME[generation], given)
    assert caught.value.resource_id == given["id"]


def test_of_several_files_none_is_chosen() -> None:
    with pytest.raises(IttybitInputError, match=r"med_1 holds 2 files \(file_1, file_3\)"):
        input_of(BY_NAME["files-flat"], {"id": "med_1", "files": [FILE, {**FILE, "id": "file_3"}]})


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        (FILE, FILE["url"]),
        ([FILE], FILE["url"]),
        (MEDIA, FILE["url"]),
        (TASK, FILE["url"]),
        (RUN, FILE["url"]),
        (JOB, JOB["output"]),
        ({"id": "1f6b2c", "sources": [], "urls": {"preview": "https://m.example/p"}}, "https://m.example/p"),
        ({"id": "1f6b2c", "sources": [{"url": "https://m.example/720.mp4"}]}, "https://m.example/720.mp4"),
        ({"id": "job_1", "input": "https://user.example/in.mp4", "output": "s3://bucket/key"}, None),
        ({"id": "file_1", "url": "https://p.ittybit.net/a.mp4?signature=hush"}, None),
        ({"id": "file_1", "url": "https://key@p.ittybit.net/a.mp4"}, None),
        ({"id": "file_1", "url": "javascript:alert(1)"}, None),
        ({"id": "file_1", "url": "https://[broken"}, None),
        ({"id": "task_1", "input": {"url": "https://user.example/in.mp4"}, "output": None}, None),
        ([FILE, FILE], None),
        ({"deleted": ["file_1"]}, None),
        ("file_1", None),
        (None, None),
    ],
)
def test_only_a_public_address_of_ittybits_answer_is_shown(resource: Any, url: str | None) -> None:
    assert public_url(resource) == url
