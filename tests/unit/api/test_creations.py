"""Everything that adds something, as the request it becomes in each generation."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api import creations
from airflow_provider_ittybit.api.forms import form_text
from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.messages import Origin
from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitUnsupportedError

URL = "https://example.com/a.mp4?signature=hush"
MEDIA, ENVELOPED, FLAT, TASKS, JOBS = (
    BY_NAME[name] for name in ("media", "files-enveloped", "files-flat", "tasks", "jobs")
)


def sent(call: Any) -> tuple[str, str, Any]:
    assert call.request.origin is Origin.API
    return call.request.method, call.request.path, call.request.json


def test_the_first_generation_ingests_by_a_form_to_the_uploads_host() -> None:
    request = creations.ingest(MEDIA, URL, {}).request
    assert (request.method, request.path, request.origin, request.json) == ("POST", "/media", Origin.UPLOADS, None)
    assert request.body is not None
    assert request.body.content_type.startswith("multipart/form-data; boundary=")
    assert f'name="url"\r\n\r\n{URL}\r\n'.encode() in request.body.open().read()


@pytest.mark.parametrize("generation", [ENVELOPED, FLAT], ids=lambda row: row.name)
def test_the_files_generations_ingest_by_a_file(generation: Any) -> None:
    fields = {"folder": "f", "metadata": {"a": 1}}
    assert sent(creations.ingest(generation, URL, fields)) == ("POST", "/files", {"url": URL, **fields})


def test_the_tasks_generation_ingests_by_a_run() -> None:
    body = {"tasks": [{"kind": "ingest", "options": {"url": URL}}]}
    assert sent(creations.ingest(TASKS, URL, {})) == ("POST", "/runs", body)


def test_the_jobs_generation_ingests_by_a_job_with_a_kind() -> None:
    fields = {"kind": "video", "options": {"format": "mp4"}, "output": "s3://b/k", "metadata": {"a": 1}}
    body = {"input": URL, "kind": "video", "options": {"format": "mp4"}, "output": "s3://b/k", "metadata": {"a": 1}}
    assert sent(creations.ingest(JOBS, URL, fields)) == ("POST", "/jobs", body)
    with pytest.raises(IttybitInputError, match="kind=None") as raised:
        creations.ingest(JOBS, URL, {})
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("generation", BY_NAME.values(), ids=lambda row: row.name)
def test_only_the_jobs_generation_is_told_an_idempotency_key_for_what_it_fetches(generation: Any) -> None:
    call = creations.ingest(generation, URL, {"kind": "video"}, idempotency_key="k")
    assert call.request.idempotency_key == ("k" if generation is JOBS else None)


@pytest.mark.parametrize("generation", BY_NAME.values(), ids=lambda row: row.name)
@pytest.mark.parametrize(
    "url", ["", "a.mp4", "/data/a.mp4", "ftp://x/a", "file:///etc/passwd", "javascript:x", "file_1"]
)
def test_what_ittybit_could_not_fetch_is_refused(generation: Any, url: str) -> None:
    with pytest.raises(IttybitInputError, match="http, https or s3"):
        creations.ingest(generation, url, {"kind": "video"} if generation is JOBS else {})


def test_a_form_is_sent_to_the_uploads_host() -> None:
    body = form_text({"url": URL})
    request = creations.send_form(body).request
    assert (request.method, request.path, request.origin, request.body) == ("POST", "/media", Origin.UPLOADS, body)


@pytest.mark.parametrize(
    ("generation", "given", "path", "body"),
    [
        (
            FLAT,
            ("image", "file_1", {"width": 320}, {"ref": "t"}),
            "/tasks",
            {"file_id": "file_1", "kind": "image", "width": 320, "ref": "t"},
        ),
        (ENVELOPED, ("video", URL, None, None), "/tasks", {"url": URL, "kind": "video"}),
        (FLAT, ("video", "s3://b/k.mp4", {}, {}), "/tasks", {"url": "s3://b/k.mp4", "kind": "video"}),
        (
            TASKS,
            ("video", URL, {"width": 320}, {"destination": "s3://b/k"}),
            "/tasks",
            {"url": URL, "kind": "video", "options": {"width": 320}, "destination": "s3://b/k"},
        ),
        (TASKS, ("video", URL, None, None), "/tasks", {"url": URL, "kind": "video"}),
        (
            JOBS,
            ("adaptive_video", URL, {"format": "hls"}, {"metadata": {}}),
            "/jobs",
            {"input": URL, "kind": "adaptive_video", "options": {"format": "hls"}, "metadata": {}},
        ),
        (JOBS, ("animation", URL, None, None), "/jobs", {"input": URL, "kind": "animation"}),
        (JOBS, ("probe", URL, None, None), "/tasks", {"input": {"url": URL}, "kind": "probe"}),
        (
            JOBS,
            ("video", {"id": "file_1", "url": URL}, None, None),
            "/tasks",
            {"input": {"id": "file_1", "url": URL}, "kind": "video"},
        ),
        (
            JOBS,
            ("export", {"id": "file_1"}, {"url": "s3://b/k"}, None),
            "/tasks",
            {"input": {"id": "file_1"}, "kind": "export", "options": {"url": "s3://b/k"}},
        ),
    ],
)
def test_a_task_is_written_as_its_generation_wants(
    generation: Any, given: tuple[Any, ...], path: str, body: dict[str, Any]
) -> None:
    assert sent(creations.create_task(generation, *given)) == ("POST", path, body)


def test_the_first_generation_cannot_process() -> None:
    words = "'media' cannot create tasks. These can: files-enveloped, files-flat, tasks, jobs."
    with pytest.raises(IttybitUnsupportedError, match=words):
        creations.create_task(MEDIA, "video", URL)


@pytest.mark.parametrize("kind", [None, "", 5, ["video"], {}])
@pytest.mark.parametrize("source", [URL, {"url": URL}, f"https://user:hush@example.com/{'a'}"])
def test_a_task_needs_a_kind_and_the_refusal_shows_no_secret(kind: object, source: Any) -> None:
    with pytest.raises(IttybitInputError, match="pass kind") as raised:
        creations.create_task(JOBS, kind, source)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("generation", [ENVELOPED, FLAT], ids=lambda row: row.name)
@pytest.mark.parametrize("option", ["kind", "url", "file_id", "ref"])
def test_an_option_must_not_replace_a_field_of_the_task(generation: Any, option: str) -> None:
    with pytest.raises(IttybitInputError, match=f"The options {option} collide"):
        creations.create_task(generation, "video", "file_1", {option: "x"}, {"ref": "t"})


@pytest.mark.parametrize(
    ("generation", "source"),
    [
        (FLAT, "med_1"),
        (FLAT, "file"),
        (FLAT, "file_"),
        (FLAT, ""),
        (FLAT, "ftp://x/a"),
        (FLAT, {"url": URL}),
        (FLAT, "file_1/../x"),
        (TASKS, "file_1"),
        (TASKS, {"url": URL}),
        (JOBS, "file_1"),
        (JOBS, "https:/missing.slash"),
    ],
)
def test_a_source_that_cannot_be_the_input_is_refused_without_its_secrets(generation: Any, source: Any) -> None:
    with pytest.raises(IttybitInputError) as raised:
        creations.create_task(generation, "video", source)
    assert "hush" not in str(raised.value)


def test_an_idempotency_key_is_kept_only_where_it_is_known() -> None:
    keys = {
        row.name: creations.create_task(row, "video", URL, idempotency_key="k").request.idempotency_key
        for row in (ENVELOPED, FLAT, TASKS, JOBS)
    }
    assert keys == {"files-enveloped": None, "files-flat": None, "tasks": None, "jobs": "k"}


def test_what_is_given_is_not_changed() -> None:
    options, fields = {"width": 1}, {"ref": "r"}
    call = creations.create_task(TASKS, "video", URL, options, fields)
    call.request.json["options"]["width"] = 2
    assert (options, fields) == ({"width": 1}, {"ref": "r"})
