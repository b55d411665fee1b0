"""The pieces of code in docs/tasks.md do in each generation what the page says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from task_running import run_to_end, task_context

from airflow_provider_ittybit.exceptions import (
    IttybitProcessingFailedError,
    IttybitServerError,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.task import TaskSensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

PAGE = (Path(__file__).parents[3] / "docs" / "tasks.md").read_text()
URL = "https://example.com/talk.mp4"
RESULTS: dict[str, dict[str, str]] = {
    "files-enveloped": {"small": "completed"},
    "files-flat": {"poster": "completed", "many": "pending"},
    "tasks": {"sound": "succeeded"},
    "jobs": {"poster": "succeeded", "facts": "succeeded"},
}
"""How the tasks of each section end, those that do not wait while work is held."""


def code_of(heading: str, web: str) -> dict[str, Any]:
    """Run the code below a heading inside a DAG, on a video that is there, and return its names."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith(heading)]
    [code] = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    with DAG("documented", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        exec(code.replace(URL, f"{web}/clip.mp4"), names)  # noqa: S102 - our own documentation
    return names


@pytest.mark.parametrize("generation", RESULTS)
def test_the_code_of_each_generation_runs(generation: str, connect: Callable[..., RunningEmulator], web: str) -> None:
    emulator = connect(generation)
    names = code_of(f"`{generation}`", web)
    for name, status in RESULTS[generation].items():
        if not names[name].wait_for_processing:
            emulator.control.settings(processing="held")
        names[name].poll_interval = 0.01
        assert run_to_end(lambda task=names[name]: task, task_context()).result["status"] == status


def test_the_emulator_takes_a_workflow_and_ends_it_as_failed(connect: Callable[..., RunningEmulator], web: str) -> None:
    connect("files-flat")
    task = code_of("`files-flat`", web)["many"]
    task.wait_for_processing, task.poll_interval = True, 0.01
    with pytest.raises(IttybitProcessingFailedError, match="cannot do tasks of the kind 'workflow'"):
        run_to_end(lambda: task, task_context())


def test_the_emulator_does_so_in_the_generation_tasks_too(connect: Callable[..., RunningEmulator], web: str) -> None:
    connect("tasks")
    given: dict[str, Any] = {"kind": "workflow", "input": f"{web}/clip.mp4", "wait_for_processing": True}
    with pytest.raises(IttybitProcessingFailedError, match="cannot do tasks of the kind 'workflow'"):
        run_to_end(lambda: CreateTaskOperator(task_id="many", poll_interval=0.01, **given), task_context())


def test_a_run_can_be_made_by_call_and_waited_for(connect: Callable[..., RunningEmulator], web: str) -> None:
    connect("tasks")
    run_id = code_of("Runs, automations", web)["start_run"].function(f"{web}/clip.mp4")
    arguments: dict[str, Any] = {"ittybit_task_id": run_id, "deferrable": True, "poke_interval": 0.01, "timeout": 60}
    run = run_to_end(lambda: TaskSensor(task_id="task", **arguments), task_context()).result
    assert sorted(task["kind"] for task in run["tasks"]) == ["image", "ingest", "video"]
    assert {task["status"] for task in run["tasks"]} == {"succeeded"}


def test_automations_are_reached_by_call_though_the_emulator_has_none(
    connect: Callable[..., RunningEmulator], web: str
) -> None:
    emulator = connect("files-flat", max_retries=0)
    with pytest.raises(IttybitServerError, match="no automations"):
        code_of("Runs, automations", web)["automate"].function()
    [asked] = emulator.control.requests()
    assert (asked["method"], asked["path"], asked["status"]) == ("POST", "/automations", 501)
