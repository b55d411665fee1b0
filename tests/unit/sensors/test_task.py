"""TaskSensor: what it adds to the waiting that all sensors share, which test_media.py tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from task_running import Store, run_to_end, sent, task_context

from airflow_provider_ittybit.exceptions import (
    IttybitInputError,
    IttybitProcessingFailedError,
    IttybitUnsupportedError,
)
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.sensors.task import TaskSensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

GENERATIONS = ("files-enveloped", "files-flat", "tasks", "jobs")
MODE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "poke": {},
    "reschedule": {"mode": "reschedule"},
    "deferred": {"deferrable": True},
}
MODES = pytest.mark.parametrize("mode", MODE_ARGUMENTS)


def wait(named: object, mode: str) -> Any:
    arguments: dict[str, Any] = {"poke_interval": 0.01, "timeout": 60, **MODE_ARGUMENTS[mode]}
    context = task_context(store=Store())
    return run_to_end(lambda: TaskSensor(task_id="task", ittybit_task_id=named, **arguments), context).result


def created(source: str) -> dict[str, Any]:
    with IttybitHook() as hook:
        return hook.create_task("image", source, {"width": 64})


@MODES
@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_mode_returns_what_was_made(generation: str, mode: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    emulator.control.settings(processing="after_reads:1")
    made = created(f"{web}/clip.mp4")
    emulator.control.settle()
    result = wait(made, mode)
    assert result["id"] == made["id"]
    assert result.get("output") or result["outputs"]


@MODES
@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_mode_fails_in_the_words_of_ittybit(generation: str, mode: str, connect: Connect, web: str) -> None:
    emulator = connect(generation)
    emulator.control.fault(match={"method": "POST"}, fail_processing="moov atom not found")
    made = created(f"{web}/clip.mp4")
    emulator.control.settle()
    with pytest.raises(IttybitProcessingFailedError, match="moov atom not found"):
        wait(made["id"], mode)


def test_a_run_is_waited_for_as_well(connect: Connect, web: str) -> None:
    connect("tasks")
    assert wait(created(f"{web}/clip.mp4")["run_id"], "deferred")["object"] == "run"


@MODES
def test_a_generation_without_tasks_refuses_before_any_request(mode: str, connect: Connect) -> None:
    emulator = connect("media")
    with pytest.raises(IttybitUnsupportedError, match="files-flat"):
        wait("task_1", mode)
    assert sent(emulator) == []


@MODES
@pytest.mark.parametrize("named", [None, "", {"output": None}], ids=repr)
def test_what_is_no_id_is_refused_before_any_request(mode: str, named: object, connect: Connect) -> None:
    emulator = connect("files-flat")
    with pytest.raises(IttybitInputError):
        wait(named, mode)
    assert sent(emulator) == []


def test_the_id_is_templated_and_leaves_airflows_own_task_id_alone() -> None:
    sensor = TaskSensor(task_id="wait", ittybit_task_id="{{ made }}")
    sensor.render_template_fields({"made": "task_1"})
    assert (sensor.task_id, sensor.ittybit_task_id) == ("wait", "task_1")
