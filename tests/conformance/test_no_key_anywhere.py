"""The API key is looked for wherever Airflow keeps or shows something: logs, errors, reprs, XCom, triggers, events.

Airflow would mask it in task logs. That is left out here on purpose: nothing should need masking.
"""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow_versions import DagSerialization, structured_logs
from task_running import Run, Store, fire, run_to_end, task_context

from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor
from airflow_provider_ittybit.sensors.task import TaskSensor
from airflow_provider_ittybit.triggers.processing import ProcessingTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow.providers.common.compat.sdk import BaseOperator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
FAST: dict[str, Any] = {"poll_interval": 0.01}


class Records(logging.Handler):
    """Keeps all that any library logs, arguments and tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self.lines.append(f"{record.name} {record.getMessage()} {record.args!r} {record.__dict__!r} {trace}")


class Seen:
    """All that could be seen of what ran."""

    def __init__(self, records: Records, events: list[Any]) -> None:
        self._records, self._events = records, events
        self.shown: list[str] = []
        self.with_locals = True

    def show(self, *things: object) -> None:
        self.shown += [text for thing in things for text in (repr(thing), str(thing))]

    def run(self, make: Callable[[], BaseOperator]) -> Any:
        """Run a task and keep what Airflow would store or show of it; return its result, or its error."""
        run, store = Run(), Store()
        ran: list[BaseOperator] = []

        def new() -> BaseOperator:
            ran.append(make())
            return ran[-1]

        try:
            story = run_to_end(new, task_context(run, store=store))
        except Exception as error:  # noqa: BLE001 - any error is looked into
            self.show(
                error, error.args, vars(error), pickle.dumps(error), *_whole_chain(error, with_locals=self.with_locals)
            )
            outcome: Any = error
        else:
            outcome = story.result
            stored = [(deferred.trigger.serialize(), deferred.kwargs) for deferred in story.deferrals]
            self.show(outcome, stored, story.events, story.deferrals)
        self.show(run.xcom, store.values, *ran, *(vars(task) for task in ran), *(pickle.dumps(task) for task in ran))
        return outcome

    @property
    def text(self) -> str:
        return "\n".join([*self.shown, *self._records.lines, *map(repr, self._events)])


@pytest.fixture
def seen() -> Iterator[Seen]:
    """Everything at the level DEBUG, by whichever way it is logged."""
    records, root = Records(), logging.getLogger()
    before = root.level
    root.addHandler(records)
    root.setLevel(logging.NOTSET)
    with structured_logs() as events:
        yield Seen(records, events)
    root.removeHandler(records)
    root.setLevel(before)


def _whole_chain(error: BaseException | None, *, with_locals: bool) -> Iterator[str]:
    """Yield each error behind an error; ours with the local variables of their frames.

    Frames of HTTP libraries hold headers, so errors of ours must not lead there.
    """
    behind: list[BaseException] = []
    while error is not None and error not in behind:
        behind.append(error)
        error = error.__cause__ or error.__context__
    for one in behind:
        yield from (repr(one), str(one), repr(one.args))
        capture = with_locals and isinstance(one, IttybitError)
        trace = traceback.TracebackException.from_exception(one, capture_locals=capture, compact=True)
        yield "".join(trace.format(chain=False))


def test_the_search_finds_a_key_that_is_there(seen: Seen, emulator: RunningEmulator) -> None:
    key = emulator.api_key
    logging.getLogger("some.library").debug("sent %s", key)
    found_in_library = key in seen.text
    seen._records.lines.clear()
    ListMediaOperator(task_id="task").log.info("sent %s", key)
    found_in_task = key in seen.text
    seen._events.clear()
    seen.show({"Authorization": f"Bearer {key}"})
    assert (found_in_library, found_in_task, key in seen.text) == (True, True, True)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_whole_life_of_media_shows_no_key(
    generation: str, seen: Seen, connect: Callable[..., RunningEmulator], web: str, tmp_path: Path
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    (tmp_path / "still.png").write_bytes(urlopen(f"{web}/still.png").read())  # noqa: S310 - our own web server
    source = f"{web}/still.png" if generation in ("tasks", "jobs") else str(tmp_path / "still.png")
    resource = seen.run(
        lambda: UploadMediaOperator(task_id="task", source=source, wait_for_processing=True, deferrable=True, **FAST)
    )
    assert resource["id"], "the upload has to work, or nothing is shown"
    again = seen.run(lambda: UploadMediaOperator(task_id="task", source=source, wait_for_processing=True, **FAST))
    for mode in ({}, {"mode": "reschedule"}, {"deferrable": True}):
        arguments: dict[str, Any] = {"media_id": again, "poke_interval": 0.01, **mode}
        assert seen.run(partial(MediaProcessingSensor, task_id="task", **arguments))["id"]
    assert seen.run(lambda: ListMediaOperator(task_id="task"))
    assert seen.run(lambda: ListMediaOperator(task_id="task", output_path=str(tmp_path / "list.jsonl")))["items"]
    assert seen.run(lambda: GetMediaOperator(task_id="task", media_id=resource))["id"] == resource["id"]
    seen.run(lambda: UpdateMediaOperator(task_id="task", media_id=resource, metadata={"a": 1}))
    seen.run(lambda: DeleteMediaOperator(task_id="task", media_id=[resource, again]))
    assert emulator.api_key not in seen.text
    assert emulator.api_key not in (tmp_path / "list.jsonl").read_text()


@pytest.mark.parametrize("generation", GENERATIONS[1:])
def test_a_whole_life_of_a_task_shows_no_key(
    generation: str, seen: Seen, connect: Callable[..., RunningEmulator], web: str
) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:2")
    arguments: dict[str, Any] = {"kind": "image", "input": f"{web}/clip.mp4", **FAST}
    for mode in ({}, {"deferrable": True}):
        waiting: dict[str, Any] = {**arguments, **mode, "wait_for_processing": True}
        assert seen.run(partial(CreateTaskOperator, task_id="task", **waiting))["id"]
    made = seen.run(lambda: CreateTaskOperator(task_id="task", options={"width": 16}, **arguments))
    for mode in ({}, {"mode": "reschedule"}, {"deferrable": True}):
        sensing: dict[str, Any] = {"ittybit_task_id": made, "poke_interval": 0.01, **mode}
        assert seen.run(partial(TaskSensor, task_id="task", **sensing))["id"] == made["id"]
    emulator.control.fault(match={"method": "POST"}, fail_processing="moov atom not found")
    failed: dict[str, Any] = {**arguments, "options": {"width": 8}, "wait_for_processing": True}
    assert isinstance(seen.run(partial(CreateTaskOperator, task_id="task", **failed)), IttybitError)
    assert emulator.api_key not in seen.text


@pytest.mark.parametrize("generation", ["media", "files-enveloped", "files-flat"])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401},
        {"status": 403, "message": "Not with this key."},
        {"status": 429, "retry_after": 0},
        {"status": 500, "body": "<html>Out of order</html>"},
        {"status": 200, "body": "no JSON"},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/elsewhere"}},
        {"drop": "before"},
        {"drop": "after"},
        {"delay": 0.2},
    ],
    ids=lambda fault: " ".join(
        f"{name} {value}" for name, value in fault.items() if name in ("status", "drop", "delay")
    ),
)
def test_what_fails_shows_no_key(
    generation: str, fault: dict[str, Any], seen: Seen, connect: Callable[..., RunningEmulator], image: Path
) -> None:
    once_more = 1 if fault.get("status") == 429 else 0
    emulator = connect(generation, max_retries=once_more, timeout=0.1 if "delay" in fault else 5)
    emulator.control.fault(times=0, **fault)
    tasks: list[Callable[[], BaseOperator]] = [
        lambda: UploadMediaOperator(task_id="task", source=str(image), wait_for_processing=True, **FAST),
        lambda: ListMediaOperator(task_id="task"),
        lambda: GetMediaOperator(task_id="task", media_id="file_1"),
        lambda: DeleteMediaOperator(task_id="task", media_id=["file_1", "file_2"]),
        lambda: MediaProcessingSensor(task_id="task", media_id="file_1", deferrable=True, poke_interval=0.01),
        lambda: CreateTaskOperator(task_id="task", kind="image", input="file_1", **FAST),
    ]
    outcomes = [seen.run(task) for task in tasks]
    assert any(isinstance(outcome, IttybitError) for outcome in outcomes)
    assert emulator.api_key not in seen.text


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_error_in_which_ittybit_repeats_the_key_shows_none(
    generation: str, seen: Seen, connect: Callable[..., RunningEmulator]
) -> None:
    emulator = connect(generation)
    seen.with_locals = False  # the answer itself is in some frames
    key = emulator.api_key
    emulator.control.fault(times=0, status=401, message=f"The key {key} is none.", headers={"X-Request-Id": key})
    tasks: list[Callable[[], BaseOperator]] = [
        lambda: ListMediaOperator(task_id="task"),
        lambda: MediaProcessingSensor(
            task_id="task", media_id="file_1", resource="media", deferrable=True, poke_interval=0.01
        ),
    ]
    assert all(isinstance(seen.run(task), IttybitError) for task in tasks)
    assert "is none." in seen.text
    assert key not in seen.text


def test_an_error_in_the_triggerer_in_which_ittybit_repeats_the_key_shows_none(
    seen: Seen, connect: Callable[..., RunningEmulator]
) -> None:
    emulator = connect("files-flat")
    emulator.control.fault(times=0, status=401, message=f"The key {emulator.api_key} is none.")
    event = fire(ProcessingTrigger("file_1"))
    assert "is none." in event["message"]
    seen.show(event)
    assert emulator.api_key not in seen.text


def test_a_serialized_dag_shows_no_key(connect: Callable[..., RunningEmulator], image: Path) -> None:
    emulator = connect("files-flat")
    with DAG("media", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        task = UploadMediaOperator(task_id="task", source=str(image))
    task.execute(task_context())
    assert emulator.api_key not in json.dumps(DagSerialization.to_dict(dag))


def test_a_hook_that_was_used_shows_no_key(connect: Callable[..., RunningEmulator]) -> None:
    emulator = connect("files-flat")
    with IttybitHook() as hook:
        assert hook.test_connection()[0]
        shown = [repr(hook), repr(hook.settings), repr(hook.get_conn()), str(hook.test_connection())]
        assert emulator.api_key not in "".join(shown)
        assert emulator.api_key.encode() not in pickle.dumps(hook)
