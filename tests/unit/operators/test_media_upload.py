"""UploadMediaOperator: what is sent, what comes back, and that a retry sends nothing twice."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from free_ports import free_port
from task_running import Run, Store, sent, task_context, uploaded

from airflow_provider_ittybit.durability import KEY
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitInvalidRequestError,
    IttybitServerError,
    IttybitSourceError,
    IttybitSourceNotFoundError,
    IttybitUnsupportedError,
)
from airflow_provider_ittybit.operators.media import UploadMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")
TAKE_URLS = (*TAKE_BYTES, "tasks", "jobs")
WRITES = ("POST", "PUT", "PATCH")


def upload(source: object, **arguments: Any) -> UploadMediaOperator:
    return UploadMediaOperator(task_id="task", source=source, **arguments)


def connection_to_nothing(emulator: RunningEmulator) -> str:
    """Make a connection to a port on which nobody listens."""
    connection = json.loads(emulator.airflow_connection(api_version="files-flat", max_retries=0))
    return json.dumps(connection | {"host": f"http://127.0.0.1:{free_port()}"})


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_an_upload_that_is_only_accepted_ends_the_task_at_once(generation: str, connect: Connect, image: Path) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="held")
    run = Run()
    resource = upload(str(image)).execute(task_context(run))
    assert run.pushed("ittybit_id") == resource["id"]
    assert [row["status"] for row in emulator.control.requests()][-1] == 202
    assert sent(emulator, "GET") == []
    [kept] = emulator.control.files()
    assert kept["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()


@pytest.mark.parametrize("generation", TAKE_URLS)
def test_a_url_is_fetched_by_ittybit_and_not_by_the_worker(generation: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="held")
    run = Run()
    resource = upload(f"{web}/still.png").execute(task_context(run))
    assert run.pushed("ittybit_id") == resource["id"]
    assert len(sent(emulator, *WRITES)) == 1


@pytest.mark.parametrize("scheme", ["path", "text", "file URL", "ObjectStoragePath"])
def test_every_way_to_name_a_file_sends_the_same_bytes(scheme: str, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    named = {
        "path": image,
        "text": str(image),
        "file URL": f"file://{image}",
        "ObjectStoragePath": ObjectStoragePath(f"file://{image}"),
    }
    resource = upload(named[scheme]).execute(task_context())
    assert resource["filename"] == "still.png"
    assert emulator.control.files()[0]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()


def test_all_that_is_said_of_a_file_arrives(connect: Connect, hook_for: Callable[..., Any], image: Path) -> None:
    connect("files-flat")
    task = upload(
        str(image),
        filename="a b.png",
        folder="x/y",
        title="Stills",
        metadata={"n": 1, "deep": {"k": "ü"}},
        ref="poster",
    )
    resource = task.execute(task_context())
    hook = hook_for("files-flat")
    kept = hook.get_media(resource["id"])
    assert (kept["filename"], kept["folder"], kept["ref"]) == ("a b.png", "x/y", "poster")
    assert kept["metadata"] == {"n": 1, "deep": {"k": "ü"}}
    assert hook.get_media(kept["media_id"])["title"] == "Stills"


def test_templates_that_render_to_nothing_are_not_sent(connect: Connect, image: Path) -> None:
    connect("media")
    task = upload("{{ params.where }}", folder="{{ params.none }}", title="{{ params.none }}", ref="", kind="")
    task.render_template_fields({"params": {"where": str(image), "none": ""}})
    assert task.execute(task_context())["id"]


def test_metadata_and_options_are_rendered_deep_inside(connect: Connect, image: Path) -> None:
    connect("files-flat")
    task = upload(str(image), metadata={"run": {"id": "{{ run_id }}"}})
    task.render_template_fields({"run_id": "daily"})
    assert task.execute(task_context())["metadata"] == {"run": {"id": "daily"}}


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
def test_a_generation_without_bytes_says_which_have_them_and_sends_nothing(
    generation: str, connect: Connect, image: Path
) -> None:
    emulator = connect(generation)
    with pytest.raises(IttybitUnsupportedError, match="files-flat"):
        upload(str(image)).execute(task_context())
    assert sent(emulator) == []


@pytest.mark.parametrize(
    ("source", "error"),
    [("missing.png", IttybitSourceNotFoundError), ("", IttybitSourceError), (None, IttybitSourceError)],
)
def test_a_source_that_cannot_be_read_fails_before_any_request(
    source: str | None, error: type[Exception], connect: Connect, tmp_path: Path
) -> None:
    emulator = connect("files-flat")
    with pytest.raises(error):
        upload(str(tmp_path / source) if source else source).execute(task_context())
    assert sent(emulator) == []


@pytest.mark.parametrize(
    "arguments", [{"poll_interval": 0}, {"poll_interval": "soon"}, {"timeout": -1}, {"timeout": float("nan")}]
)
def test_a_duration_that_is_none_is_refused_before_any_request(
    arguments: dict[str, Any], connect: Connect, image: Path
) -> None:
    emulator = connect("files-flat")
    with pytest.raises(IttybitInputError, match="is no duration"):
        upload(str(image), wait_for_processing=True, **arguments).execute(task_context())
    assert sent(emulator) == []


def test_a_refused_upload_fails_in_the_words_of_ittybit(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.fault(match={"path": "signatures"}, status=400, message="The folder is not yours.")
    run = Run()
    with pytest.raises(IttybitInvalidRequestError, match=r"The folder is not yours\."):
        upload(str(image)).execute(task_context(run))
    assert run.xcom == {}


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_a_retry_finds_what_an_earlier_try_uploaded_and_sends_nothing(
    generation: str, connect: Connect, image: Path
) -> None:
    emulator = connect(generation)
    store = Store()
    first = upload(str(image)).execute(task_context(store=store))
    before = sent(emulator, *WRITES)
    again = Run()
    second = upload(str(image)).execute(task_context(again, store=store))
    assert second["id"] == first["id"] == again.pushed("ittybit_id")
    assert sent(emulator, *WRITES) == before
    assert len(emulator.control.files()) == 1


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
def test_a_retry_finds_what_an_earlier_try_had_fetched(generation: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    store = Store()
    first = upload(f"{web}/still.png").execute(task_context(store=store))
    second = upload(f"{web}/still.png").execute(task_context(store=store))
    assert second["id"] == first["id"]
    assert len(sent(emulator, *WRITES)) == 1


@pytest.mark.parametrize(
    ("run", "wish"),
    [
        pytest.param(Run(max_tries=1), {}, id="a cleared task"),
        pytest.param(Run(run_id="tomorrow"), {}, id="another run"),
        pytest.param(Run(map_index=3), {}, id="another mapped task"),
        pytest.param(Run(), {"ref": "poster"}, id="another wish"),
        pytest.param(Run(), {"durable": False}, id="a task that is not durable"),
    ],
)
def test_what_is_not_a_retry_uploads_afresh(run: Run, wish: dict[str, Any], connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    store = Store()
    first = upload(str(image)).execute(task_context(store=store))
    second = upload(str(image), **wish).execute(task_context(run, store=store))
    assert second["id"] != first["id"]
    assert len(emulator.control.files()) == 2


def test_a_retry_uploads_afresh_when_the_earlier_upload_is_gone(
    connect: Connect, hook_for: Callable[..., Any], image: Path
) -> None:
    connect("files-flat")
    store = Store()
    first = upload(str(image)).execute(task_context(store=store))
    hook_for("files-flat").delete_media(first["id"])
    second = upload(str(image)).execute(task_context(store=store))
    assert second["id"] != first["id"]
    assert store.get(KEY)["id"] == second["id"]


def test_without_a_task_state_store_each_try_uploads_afresh(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    ids = {upload(str(image)).execute(task_context())["id"] for _ in range(2)}
    assert len(ids) == len(emulator.control.files()) == 2


def test_a_retry_while_ittybit_is_down_fails_instead_of_uploading_again(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat", max_retries=0)
    store = Store()
    upload(str(image)).execute(task_context(store=store))
    emulator.control.fault(match={"method": "GET"}, status=503)
    with pytest.raises(IttybitServerError):
        upload(str(image)).execute(task_context(store=store))
    assert len(emulator.control.files()) == 1


def test_a_connection_lost_before_the_answer_leaves_the_intent_and_not_an_id(connect: Connect, image: Path) -> None:
    emulator = connect("media", max_retries=0)
    emulator.control.fault(match={"role": "uploads"}, drop="after")
    store = Store()
    with pytest.raises(Exception, match="gave no answer"):
        upload(str(image)).execute(task_context(store=store))
    assert store.get(KEY)["id"] is None
    assert store.get(KEY)["since"] is not None


@pytest.mark.parametrize("failing", ["the file", "its media"])
def test_a_retry_sets_what_could_not_be_set_after_the_bytes_had_arrived(
    failing: str, connect: Connect, hook_for: Callable[..., Any], image: Path
) -> None:
    emulator = connect("files-flat", max_retries=0)
    path = "/files/" if failing == "the file" else "/media/"
    emulator.control.fault(match={"method": "PATCH", "path": path}, status=500)
    store = Store()
    task = upload(str(image), title="Stills", metadata={"n": 1}, ref="poster")
    with pytest.raises(IttybitServerError, match="is uploaded, but"):
        task.execute(task_context(store=store))
    resource = task.execute(task_context(store=store))
    assert len(emulator.control.files()) == 1
    kept = hook_for("files-flat").get_media(resource["id"])
    assert (kept["ref"], kept["metadata"]) == ("poster", {"n": 1})
    assert hook_for("files-flat").get_media(kept["media_id"])["title"] == "Stills"
    before = len(sent(emulator, "PATCH"))
    task.execute(task_context(store=store))
    assert len(sent(emulator, "PATCH")) == before


@pytest.mark.parametrize("refusal", ["missing file", "rate limit", "no server"])
def test_a_try_that_surely_submitted_nothing_leaves_no_record(
    refusal: str, connect: Connect, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = connect("files-flat", max_retries=0)
    source = tmp_path / "missing.png" if refusal == "missing file" else image
    if refusal == "rate limit":
        emulator.control.fault(status=429, retry_after=0)
    if refusal == "no server":
        monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", connection_to_nothing(emulator))
    store = Store()
    with pytest.raises(IttybitError):
        upload(str(source)).execute(task_context(store=store))
    assert store.values == {}


def test_the_record_holds_neither_the_wish_nor_the_key(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    store = Store()
    upload(str(image), metadata={"secret": "plans"}).execute(task_context(store=store))
    kept = store.values[KEY]
    assert "plans" not in kept
    assert emulator.api_key not in kept
    assert str(image) not in kept


def test_an_operator_without_durable_writes_no_record(connect: Connect, image: Path) -> None:
    connect("files-flat")
    store = Store()
    upload(str(image), durable=False).execute(task_context(store=store))
    assert store.values == {}


def test_a_second_file_can_be_added_to_a_media(connect: Connect, image: Path, web: str) -> None:
    connect("files-flat")
    media_id = uploaded(image)["media_id"]
    assert upload(f"{web}/still.png", media_id=media_id).execute(task_context())["media_id"] == media_id
