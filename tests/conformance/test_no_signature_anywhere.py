"""What opens a signed URL is looked for wherever Airflow keeps or shows something: a source's, and ittybit's own.

A signed source is given as a template field, so a task holds it (``task`` in the table of places) until it has sent it
to ittybit or fetched it. It must be nowhere else.
"""

from __future__ import annotations

import json
import logging
import pickle
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow_versions import MASKED_FIELDS, DagSerialization
from file_serving import Shelf, serving
from secret_search import SIGNATURE, everything_logged
from task_running import task_context
from unit.transport.scripted_server import Raw, Reply, ScriptedServer

from airflow_provider_ittybit.emulator.running import RunningEmulator
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import (
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.sensors.task import TaskSensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from secret_search import Seen

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
TAKE_BYTES = ("media", "files-enveloped", "files-flat")
CHANGE_MEDIA = TAKE_BYTES[1:]
FAST: dict[str, Any] = {"poll_interval": 0.01}
CANARY = "c4n4ryThatOpensTheBucket"
WAYS_TO_SIGN = {
    "S3": f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F2026&X-Amz-Expires=60&X-Amz-Signature={CANARY}",
    "Azure": f"sv=2024-08-04&se=2026-01-01T00%3A00%3A00Z&sr=b&sp=r&sig={CANARY}%3D",
    "ittybit": f"expiry=4102444800&method=get&signature={CANARY}",
}
UNKNOWN = f"t={CANARY}&id=7"
"""A query of which nobody but its server knows what it opens."""


@pytest.fixture
def seen() -> Iterator[Seen]:
    with everything_logged() as seen:
        yield seen


def elsewhere(seen: Seen, secret: Any = CANARY) -> dict[str, str]:
    """Tell where a secret can be seen beside the task that was given it, and its fields where Airflow masks none."""
    given = {"task"} if MASKED_FIELDS.is_here else {"task", "rendered fields"}
    return {sink: text for sink, text in seen.found(secret).items() if sink not in given}


@pytest.mark.parametrize("query", [*WAYS_TO_SIGN.values(), UNKNOWN], ids=[*WAYS_TO_SIGN, "unknown"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_signed_source_that_ittybit_fetches_is_shown_nowhere(
    generation: str, query: str, seen: Seen, connect: Callable[..., RunningEmulator], web: str
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    source = f"{web}/still.png?{query}"
    waiting: dict[str, Any] = {"source": source, "wait_for_processing": True, **FAST}
    for mode in ({}, {"deferrable": True}):
        resource = seen.run(partial(UploadMediaOperator, task_id="task", **waiting, **mode))
        assert resource["id"], "the upload has to work, or nothing is shown"
    several = seen.run(partial(UploadMediaOperator, task_id="task", **{**waiting, "source": [source, source]}))
    assert len(several) == 2
    assert "http" in "".join(seen.shown["extra link"]), "there was no link that could have shown it"
    assert elsewhere(seen) == {}
    for mode in ({}, {"mode": "reschedule"}, {"deferrable": True}):
        sensing = {"media_id": resource["id"], "poke_interval": 0.01, **mode}
        assert seen.run(partial(MediaProcessingSensor, task_id="task", **sensing))["id"]
    assert seen.run(partial(GetMediaOperator, task_id="task", media_id=resource["id"]))["id"]
    assert seen.run(partial(ListMediaOperator, task_id="task"))
    if generation in CHANGE_MEDIA:
        assert seen.run(partial(UpdateMediaOperator, task_id="task", media_id=resource["id"], ref="a"))["ref"] == "a"
    show_ledger(seen, emulator)
    assert elsewhere(seen) == {}


def show_ledger(seen: Seen, emulator: RunningEmulator) -> None:
    requests = emulator.control.requests()
    assert requests, "nothing was noted that could have shown it"
    seen.show("ledger", requests)


@pytest.mark.parametrize("query", [WAYS_TO_SIGN["S3"], UNKNOWN], ids=["S3", "unknown"])
@pytest.mark.parametrize("generation", GENERATIONS[1:])
def test_a_signed_input_of_a_task_is_shown_nowhere(  # noqa: PLR0917 - pytest hands over by name
    generation: str, query: str, seen: Seen, connect: Callable[..., RunningEmulator], web: str, tmp_path: Path
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    wanted: dict[str, Any] = {"kind": "image", "input": f"{web}/clip.mp4?{query}", **FAST}
    for mode in ({}, {"deferrable": True}):
        made = seen.run(partial(CreateTaskOperator, task_id="task", wait_for_processing=True, **wanted, **mode))
        assert made["id"]
    for mode in ({}, {"mode": "reschedule"}, {"deferrable": True}):
        sensing = {"ittybit_task_id": made["id"], "poke_interval": 0.01, **mode}
        assert seen.run(partial(TaskSensor, task_id="task", **sensing))["id"] == made["id"]
    assert seen.run(partial(GetMediaOperator, task_id="task", media_id=made["id"]))["id"] == made["id"]
    where = "jobs" if generation == "jobs" else "tasks"
    assert seen.run(partial(ListMediaOperator, task_id="task", resource=where))
    lines = tmp_path / "list.jsonl"
    assert seen.run(partial(ListMediaOperator, task_id="task", resource=where, output_path=str(lines)))["items"]
    seen.show("XCom", lines.read_text())
    show_ledger(seen, emulator)
    assert elsewhere(seen) == {}


@pytest.mark.parametrize("generation", TAKE_BYTES)
@pytest.mark.parametrize("chunking", [None, {"threshold": 1, "size": 1_000}], ids=["whole", "in chunks"])
def test_a_signed_source_that_the_worker_fetches_is_shown_nowhere(
    generation: str, chunking: Any, seen: Seen, connect: Callable[..., RunningEmulator], image: Path
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="held")
    with serving(Shelf(image.read_bytes())) as shelf:
        for path in ("clip.mp4", "moved.mp4"):
            url = f"{shelf.url.rsplit('/', 1)[0]}/{path}?{WAYS_TO_SIGN['S3']}"
            uploading = {"source": url, "fetch": True, "chunking": chunking}
            assert seen.run(partial(UploadMediaOperator, task_id="task", **uploading))["id"]
        assert CANARY in str(shelf.asked)
    assert "urllib3.connectionpool" in "\n".join(seen.records.lines), "nothing was logged that could have shown it"
    assert elsewhere(seen) == {}
    assert elsewhere(seen, SIGNATURE) == {}


@pytest.mark.parametrize("generation", TAKE_BYTES)
@pytest.mark.parametrize("status", [200, 403, 404, 500], ids=lambda status: f"answer {status}")
def test_a_signed_source_that_fails_is_shown_nowhere(
    generation: str, status: int, seen: Seen, connect: Callable[..., RunningEmulator]
) -> None:
    connect(generation, max_retries=0)
    with serving(Shelf(b"" if status == 200 else b"x", status=status)) as shelf:
        failing = {"source": f"{shelf.url}?{WAYS_TO_SIGN['S3']}", "fetch": True}
        assert isinstance(seen.run(partial(UploadMediaOperator, task_id="task", **failing)), IttybitError)
        several = {**failing, "source": [failing["source"], failing["source"]]}
        assert isinstance(seen.run(partial(UploadMediaOperator, task_id="task", **several)), IttybitError)
    gone = {**failing, "source": f"http://127.0.0.1:1/a.mp4?{UNKNOWN}"}
    assert isinstance(seen.run(partial(UploadMediaOperator, task_id="task", **gone)), IttybitError)
    assert elsewhere(seen) == {}


ODD_SOURCES = [
    f"ftp://user:{CANARY}@example.com/a.mp4?{UNKNOWN}",
    f"s3://AKIA:{CANARY}@bucket/a.mp4",
    f"s3://AKIA:{CANARY}@bucket/*.mp4",
    f"https://user:{CANARY}@[broken/a.mp4?{UNKNOWN}",
    f"https://user:{CANARY}@example.com:99999999/a.mp4?{UNKNOWN}",
    f"https:///a.mp4?{UNKNOWN}",
    f"nowhere://bucket/a.mp4?{UNKNOWN}",
    f"file:///nowhere/a.mp4?{UNKNOWN}",
]


@pytest.mark.parametrize("source", ODD_SOURCES, ids=lambda source: source.split("?")[0].replace(CANARY, "…"))
@pytest.mark.parametrize("generation", ["media", "files-flat", "jobs"])
def test_a_source_that_cannot_be_used_shows_neither_query_nor_password(
    generation: str, source: str, seen: Seen, connect: Callable[..., RunningEmulator]
) -> None:
    connect(generation, max_retries=0)
    outcome = seen.run(partial(UploadMediaOperator, task_id="task", source=source))
    assert isinstance(outcome, IttybitError), outcome
    assert elsewhere(seen) == {}


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 400, "message": f"Cannot fetch https://bucket.example/a.mp4?X-Amz-Signature={CANARY} now."},
        {"status": 400, "message": f"Cannot fetch https://user:{CANARY}@bucket.example/a.mp4 now."},
        {"status": 200, "body": f'{{"oops": "https://bucket.example/a.mp4?x=1\\u0026sig={CANARY}"'},
        {"status": 200, "body": f'{{"message": "no", "url": "https://bucket.example/a.mp4?sig={CANARY}"}}'},
        {"status": 502, "body": f"<a href='https://bucket.example/a.mp4?sig={CANARY}'>"},
        {"status": 502, "body": f"<a href='https://user:{CANARY}@bucket.example/a.mp4'>"},
    ],
    ids=["in the message", "a password", "escaped in no JSON", "in no resource", "in HTML", "a password in HTML"],
)
def test_an_answer_that_repeats_a_signed_url_shows_it_nowhere(
    generation: str, fault: dict[str, Any], seen: Seen, connect: Callable[..., RunningEmulator], web: str
) -> None:
    connect(generation, max_retries=0).control.fault(match={"method": "POST"}, times=0, **fault)
    uploading = {"source": f"{web}/still.png?{WAYS_TO_SIGN['S3']}"}
    seen.run(partial(UploadMediaOperator, task_id="task", **uploading))
    assert elsewhere(seen) == {}


def test_a_header_that_cannot_be_read_brings_no_signed_url_into_the_log(
    seen: Seen, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = f"HTTP/1.1 200 OK\r\nno header, but {UNKNOWN}\r\n\r\n{{}}".encode()
    with ScriptedServer(Raw(broken)) as store:
        signed = json.dumps({"url": f"{store.url}/a.png?{WAYS_TO_SIGN['ittybit']}"}).encode()
        with ScriptedServer(Reply(201, signed)) as api:
            extra = {"api_version": "files-flat", "max_retries": 0}
            connection = {"conn_type": "ittybit", "host": api.url, "password": "ittybit_live_key", "extra": extra}
            monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", json.dumps(connection))
            seen.run(partial(UploadMediaOperator, task_id="task", source=str(image)))
            fetching = {"source": f"{store.url}/a.png?{WAYS_TO_SIGN['S3']}", "fetch": True}
            seen.run(partial(UploadMediaOperator, task_id="task", **fetching))
        assert {request.method for request in store.arrived} == {"PUT", "GET"}
        assert all(CANARY in request.target for request in store.arrived)
    warned = [line for line in seen.records.lines if "Failed to parse headers" in line]
    assert len(warned) == len(store.arrived)
    assert elsewhere(seen) == {}
    assert elsewhere(seen, SIGNATURE) == {}


def test_what_ittybit_signs_is_shown_only_to_who_asks_for_it(
    seen: Seen, connect: Callable[..., RunningEmulator], image: Path
) -> None:
    emulator = connect("files-flat", max_retries=0)
    emulator.control.settings(processing="held")
    assert seen.run(partial(UploadMediaOperator, task_id="task", source=str(image)))["id"]
    for fault in ({"status": 403}, {"status": 500}, {"status": 200, "body": "no JSON"}, {"drop": "after"}):
        emulator.control.fault(match={"role": "delivery"}, times=0, **fault)
        assert isinstance(seen.run(partial(UploadMediaOperator, task_id="task", source=str(image))), IttybitError)
        emulator.control.clear_faults()
    with IttybitHook() as hook:
        assert SIGNATURE.search(hook.sign_url("a.png"))
        seen.show("repr", hook, hook.settings, hook.get_conn(), pickle.dumps(hook))
    show_ledger(seen, emulator)
    assert "urllib3.connectionpool" in "\n".join(seen.records.lines), "nothing was logged that could have shown it"
    assert seen.found(SIGNATURE) == {}


def test_an_emulator_that_logs_everything_shows_neither_key_nor_signature(
    seen: Seen, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with RunningEmulator(state=tmp_path / "state", log_level="debug") as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", emulator.airflow_connection(api_version="files-flat"))
        assert seen.run(partial(UploadMediaOperator, task_id="task", source=str(image)))["id"]
        seen.run(partial(GetMediaOperator, task_id="task", media_id="file_1"))
        show_ledger(seen, emulator)
        seen.show("ledger", *capfd.readouterr())
        assert seen.found(SIGNATURE) == {}
        assert seen.found(emulator.api_key) == {}


def test_a_templated_source_is_not_in_the_serialized_dag_after_a_run_either(
    seen: Seen, connect: Callable[..., RunningEmulator], web: str
) -> None:
    connect("files-flat")
    with DAG("media", schedule=None) as dag:
        task = UploadMediaOperator(task_id="task", source=["{{ params.where }}"], metadata={"of": "{{ ds }}"})
    for running in (task.prepare_for_execution(), task.prepare_for_execution()):  # what they share could be changed
        running.render_template_fields({"params": {"where": f"{web}/still.png?{UNKNOWN}"}, "ds": "2026-01-01"})  # type: ignore[arg-type] # enough
        assert CANARY in str(running.source)
        made: Any = running.execute(task_context())
        assert made[0]["metadata"]["of"] == "2026-01-01"
        seen.show("serialized DAG", json.dumps(DagSerialization.to_dict(dag)))
    assert "params.where" in "".join(seen.shown["serialized DAG"])
    assert elsewhere(seen) == {}


def test_what_others_log_by_urllib3_stays_as_it_is(seen: Seen, connect: Callable[..., RunningEmulator]) -> None:
    connect("files-flat")
    seen.run(partial(ListMediaOperator, task_id="task"))
    logging.getLogger("urllib3.connectionpool").debug("%s asked for %s", "somebody", "/else?page=2")
    assert any("somebody asked for /else?page=2" in line for line in seen.records.lines)
