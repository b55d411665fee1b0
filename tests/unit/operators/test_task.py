"""CreateTaskOperator in every generation: what is sent, what comes back, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from task_running import Run, Story, run_to_end, sent, task_context, uploaded

from airflow_provider_ittybit.exceptions import (
    IttybitInputError,
    IttybitInvalidRequestError,
    IttybitProcessingFailedError,
    IttybitProcessingTimeoutError,
    IttybitUnsupportedError,
)
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.task import CreateTaskOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

GENERATIONS = ("files-enveloped", "files-flat", "tasks", "jobs")
FILES = GENERATIONS[:2]
MODES = pytest.mark.parametrize("mode", ["in the worker", "deferred"])
PATHS = {"files-enveloped": "/tasks", "files-flat": "/tasks", "tasks": "/tasks", "jobs": "/jobs"}


def make(source: object, kind: str = "image", **arguments: Any) -> CreateTaskOperator:
    return CreateTaskOperator(task_id="task", kind=kind, input=source, **{"poll_interval": 0.01, **arguments})


def create(source: object, kind: str = "image", *, run: Run | None = None, **arguments: Any) -> Story:
    return run_to_end(lambda: make(source, kind, **arguments), task_context(run))


def width_of(made: dict[str, Any], hook: Any) -> int:
    """Tell how wide the picture is that was made: the resource says it, but a job's only has an address."""
    output = made.get("output") or made["outputs"][0]
    if isinstance(output, str):
        return int(hook.get_media(made["id"])["tasks"][-1]["output"]["width"])
    return int(output["width"])


@MODES
@pytest.mark.parametrize("generation", GENERATIONS)
def test_both_modes_return_what_was_made(
    generation: str, mode: str, connect: Connect, hook_for: Callable[..., Any], web: str
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    run = Run()
    story = create(
        f"{web}/clip.mp4",
        options={"width": 64},
        run=run,
        wait_for_processing=True,
        deferrable=mode == "deferred",
    )
    assert sent(emulator, "POST") == [f"POST {PATHS[generation]}"]
    assert len(story.deferrals) == (1 if mode == "deferred" else 0)
    assert story.result["id"] == run.pushed("ittybit_id")
    assert width_of(story.result, hook_for(generation)) == 64


@pytest.mark.parametrize("generation", GENERATIONS)
def test_without_waiting_the_task_is_returned_as_accepted(generation: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="held")
    run = Run()
    made = create(f"{web}/clip.mp4", run=run).result
    assert made["id"] == run.pushed("ittybit_id")
    assert made["kind"] == "image"
    assert not made.get("output")
    assert sent(emulator) == [f"POST {PATHS[generation]}"]


@MODES
@pytest.mark.parametrize("generation", GENERATIONS)
def test_both_modes_fail_in_the_words_of_ittybit(generation: str, mode: str, connect: Connect, web: str) -> None:
    connect(generation).control.settings(processing="after_reads:1")
    run = Run()
    with pytest.raises(IttybitProcessingFailedError) as caught:
        create(f"{web}/nothing.mp4", run=run, wait_for_processing=True, deferrable=mode == "deferred")
    assert caught.value.detail
    assert caught.value.detail in str(caught.value)
    assert caught.value.resource_id == run.pushed("ittybit_id")


@MODES
@pytest.mark.parametrize("generation", GENERATIONS)
def test_both_modes_time_out_with_the_id(generation: str, mode: str, connect: Connect, web: str) -> None:
    connect(generation).control.settings(processing="held")
    run = Run()
    with pytest.raises(IttybitProcessingTimeoutError, match="last known status"):
        create(f"{web}/clip.mp4", run=run, wait_for_processing=True, deferrable=mode == "deferred", timeout=0.001)
    assert run.pushed("ittybit_id")


@pytest.mark.parametrize("generation", FILES)
def test_an_uploaded_file_is_the_input_as_it_was_returned_or_by_its_id(
    generation: str, connect: Connect, video: Path
) -> None:
    emulator = connect(generation)
    file = uploaded(video)
    whole = create(file, options={"width": 64}, ref="poster", wait_for_processing=True).result
    by_id = create(file["id"], options={"width": 32}, folder="small", wait_for_processing=True).result
    again = create(whole, options={"width": 16}, wait_for_processing=True).result
    assert [made["output"]["width"] for made in (whole, by_id, again)] == [64, 32, 16]
    files = {file["id"]: file for file in emulator.control.files()}
    assert files[whole["output"]["id"]]["ref"] == "poster"
    assert files[by_id["output"]["id"]]["folder"] == "small"
    assert files[whole["output"]["id"]]["media_id"] == file["media_id"]


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
def test_what_an_upstream_task_made_is_the_input(
    generation: str, connect: Connect, hook_for: Callable[..., Any], web: str
) -> None:
    connect(generation)
    upload = UploadMediaOperator(
        task_id="task", source=f"{web}/still.png", wait_for_processing=True, poll_interval=0.01
    ).execute(task_context())
    first = create(upload, options={"width": 64}, wait_for_processing=True).result
    second = create(first, options={"width": 16}, wait_for_processing=True).result
    assert [width_of(made, hook_for(generation)) for made in (first, second)] == [64, 16]


def test_a_single_task_of_the_jobs_generation_takes_an_input_object(connect: Connect, web: str) -> None:
    emulator = connect("jobs")
    facts = create({"url": f"{web}/clip.mp4"}, "probe", wait_for_processing=True).result
    copy = create({"url": f"{web}/clip.mp4"}, "import", wait_for_processing=True).result
    small = create(copy, options={"width": 64}, wait_for_processing=True).result
    assert (facts["output"]["width"], small["output"]["width"]) == (320, 64)
    assert sent(emulator, "POST") == ["POST /tasks"] * 3


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_upload_that_made_nothing_yet_is_refused_before_any_request(
    generation: str, connect: Connect, web: str
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="held")
    task = create(f"{web}/still.png").result
    before = sent(emulator)
    with pytest.raises(IttybitInputError, match=f"{task['id']} holds no file yet"):
        create(task)
    assert sent(emulator) == before


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_unknown_kind_is_sent_and_refused_by_ittybit_in_its_own_words(
    generation: str, connect: Connect, web: str, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    emulator = connect(generation)
    source = {"url": f"{web}/clip.mp4"} if generation == "jobs" else f"{web}/clip.mp4"
    with pytest.raises(IttybitInvalidRequestError, match="hologram"):
        create(source, "hologram")
    assert sent(emulator, "POST") == ["POST /tasks"]
    told = caplog.text + "".join(capfd.readouterr())
    assert f"{generation!r} documents no kind 'hologram'" in told


@pytest.mark.parametrize("arguments", [{}, {"folder": "f"}, {"kind": "probe"}], ids=repr)
def test_a_generation_without_tasks_refuses_before_any_request(
    arguments: dict[str, Any], connect: Connect, web: str
) -> None:
    emulator = connect("media")
    with pytest.raises(IttybitUnsupportedError, match="files-flat, tasks, jobs"):
        create(f"{web}/clip.mp4", **arguments)
    assert sent(emulator) == []


@pytest.mark.parametrize(
    ("generation", "arguments", "error"),
    [
        ("tasks", {"folder": "f"}, IttybitUnsupportedError),
        ("jobs", {"ref": "poster"}, IttybitUnsupportedError),
        ("files-flat", {"destination": "s3://b/k"}, IttybitUnsupportedError),
        ("files-flat", {"fields": {"kind": "video"}}, IttybitInputError),
        ("files-flat", {"folder": "f", "fields": {"folder": "g"}}, IttybitInputError),
        ("files-flat", {"options": {"url": "x"}}, IttybitInputError),
        ("tasks", {"source": "file_1"}, IttybitInputError),
        ("files-flat", {"source": None}, IttybitInputError),
        ("files-flat", {"kind": ""}, IttybitInputError),
        ("files-flat", {"poll_interval": 0}, IttybitInputError),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(
    generation: str, arguments: dict[str, Any], error: type[Exception], connect: Connect
) -> None:
    emulator = connect(generation)
    with pytest.raises(error):
        create(**{"source": "https://cdn.example/a.mp4", **arguments})
    assert sent(emulator) == []


def test_other_fields_are_sent_as_they_are(connect: Connect, video: Path) -> None:
    emulator = connect("files-flat")
    made = create(uploaded(video), fields={"filename": "poster.jpg"}, wait_for_processing=True).result
    assert {file["id"]: file["filename"] for file in emulator.control.files()}[made["output"]["id"]] == "poster.jpg"


def test_metadata_and_destination_go_where_the_jobs_generation_has_them(connect: Connect, web: str) -> None:
    connect("jobs").control.settings(processing="held")
    made = create(f"{web}/clip.mp4", metadata={"a": 1}, destination="s3://bucket/key").result
    assert made["metadata"] == {"a": 1}


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
def test_the_signature_of_the_input_is_not_in_xcom(generation: str, connect: Connect, web: str) -> None:
    connect(generation)
    run = Run()
    story = create(f"{web}/still.png?signature=hush", run=run, wait_for_processing=True)
    assert f"{web}/still.png" in str(story.result)
    assert "hush" not in f"{story.result}{run.xcom}"


def test_what_is_templated_is_rendered_also_inside_objects() -> None:
    task = make("{{ x }}", options={"width": "{{ y }}"}, idempotency_key="k-{{ x }}", workflow=[{"ref": "{{ x }}"}])
    task.render_template_fields({"x": "in", "y": "64"})
    assert (task.input, task.options, task.idempotency_key, task.workflow) == (
        "in",
        {"width": "64"},
        "k-in",
        [{"ref": "in"}],
    )
