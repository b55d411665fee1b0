"""Runs a task the way Airflow does: worker, triggerer, worker again, each from its own copy and through JSON."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow_versions import DEFERRAL_TIMED_OUT, TRIGGER_FAIL_REPR, AirflowRescheduleException, let_sensors_ask
from pydantic import JsonValue, TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.providers.common.compat.sdk import BaseOperator
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_ittybit.emulator.running import RunningEmulator

LONGEST = 30.0
"""Seconds after which a trigger that should have fired counts as hung."""

JSON_VALUE: TypeAdapter[Any] = TypeAdapter(JsonValue)
"""What Airflow lets through to its task state store: lists, for example, but no tuples."""

LARGEST = 65_535
"""Bytes of a value, as in ``[state_store] max_value_storage_bytes``: above it Airflow's worker warns."""

TURNS = 50
"""A task that defers or is rescheduled more often than this would never end."""


@dataclass
class Store:
    """The task state store of Airflow 3.3, in memory, and as strict where that only warns."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any) -> None:
        if value is None:
            message = "Cannot set value as None"
            raise ValueError(message)
        stored = json.dumps(JSON_VALUE.validate_python(value, strict=True), allow_nan=False)
        if len(stored) > LARGEST:
            message = f"The value of {key} has {len(stored)} bytes, which is more than {LARGEST}"
            raise ValueError(message)
        self.values[key] = stored

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


@dataclass
class Run:
    """One task instance. ``xcom`` holds what was pushed under each key, by map index."""

    task_id: str = "task"
    map_index: int = -1
    max_tries: int | None = 0
    dag_id: str = "dag"
    run_id: str = "run"
    xcom: dict[str, dict[int, Any]] = field(default_factory=dict)
    first_reschedule: datetime | None = None
    execution_date: datetime | None = None

    def xcom_push(self, key: str, value: Any, execution_date: datetime | None = None) -> None:
        """Keep a value; of the outlets, which Airflow 2 pushes after a task, only that it did."""
        value = None if key == "pipeline_outlets" else value
        assert execution_date is None
        self.xcom.setdefault(key, {})[self.map_index] = json.loads(json.dumps(value))

    def xcom_pull(self, task_ids: str | None = None, key: str = "return_value", **more: Any) -> Any:
        """Pull as Airflow 3 does: without ``map_indexes`` what all mapped tasks pushed."""
        assert task_ids in (None, self.task_id)
        pushed = self.xcom.get(key, {})
        if "map_indexes" in more:
            return pushed.get(more["map_indexes"])
        values = list(pushed.values())
        return values[0] if len(values) == 1 else values

    def pushed(self, key: str) -> Any:
        return self.xcom.get(key, {}).get(self.map_index)

    def get_first_reschedule_date(self, context: dict[str, Any]) -> datetime | None:
        assert isinstance(context["ti"], Run)
        return self.first_reschedule


def task_context(run: Run | None = None, *, store: Store | None = None) -> dict[str, Any]:
    """Make a task's context; without ``store`` that of an Airflow before 3.3."""
    context: dict[str, Any] = {"ti": run or Run()}
    _LATEST[:] = [context["ti"]]
    return context | {"task_state_store": store} if store is not None else context


_LATEST: list[Run] = []
let_sensors_ask(lambda: _LATEST[-1].first_reschedule if _LATEST else None)


def deferral_of(task: BaseOperator, context: Any) -> Any:
    """Execute a task that has to defer, and return its ``TaskDeferred``."""
    with pytest.raises(TaskDeferred) as caught:
        task.execute(context)
    return caught.value


def rebuilt(trigger: BaseTrigger) -> Any:
    """Make a trigger again from what Airflow would store of it."""
    path, kwargs = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)(**json.loads(json.dumps(kwargs)))


def fire(trigger: BaseTrigger) -> Any:
    """Run a trigger as a triggerer would, after its way through the database, and return its only event."""

    async def run() -> list[Any]:
        async with contextlib.aclosing(rebuilt(trigger).run()) as events:
            return [event.payload async for event in events]

    payloads = asyncio.run(asyncio.wait_for(run(), LONGEST))
    assert len(payloads) == 1
    return json.loads(json.dumps(payloads[0]))


def resume(task: BaseOperator, deferred: TaskDeferred, event: Any, context: Any) -> Any:
    """Resume a task with an event, as a worker would."""
    kwargs = json.loads(json.dumps(deferred.kwargs or {}))
    return task.resume_execution(deferred.method_name, {**kwargs, "event": event}, context)


def resume_by_safety_net(task: BaseOperator, context: Any) -> Any:
    """Resume a task as Airflow does when the timeout of its deferral passed."""
    return task.resume_execution(TRIGGER_FAIL_REPR, {"error": DEFERRAL_TIMED_OUT}, context)


@dataclass
class Story:
    """How a task ended, and what happened on the way."""

    result: Any = None
    deferrals: list[TaskDeferred] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    reschedules: int = 0


def run_to_end(make: Callable[[], BaseOperator], context: Any, story: Story | None = None) -> Story:
    """Run a task through all deferrals and reschedules, with a fresh operator for each turn on a worker.

    :param story: where to note what happens, for who wants to know it of a task that fails too.
    """
    story = Story() if story is None else story
    turn: Callable[[], Any] = lambda: make().execute(context)  # noqa: E731 - one turn, replaced by the next
    for _ in range(TURNS):
        try:
            story.result = turn()
        except AirflowRescheduleException:
            story.reschedules += 1
            context["ti"].first_reschedule = context["ti"].first_reschedule or datetime.now(UTC)
        except TaskDeferred as deferred:
            story.deferrals.append(deferred)
            story.events.append(fire(deferred.trigger))
            turn = _resumption(make, deferred, story.events[-1], context)
        else:
            return story
    message = f"The task did not end within {TURNS} turns."
    raise AssertionError(message)


def _resumption(
    make: Callable[[], BaseOperator], deferred: TaskDeferred, event: Any, context: Mapping[str, Any]
) -> Callable[[], Any]:
    return lambda: resume(make(), deferred, event, context)


def long_ago() -> datetime:
    """Tell when a sensor may have begun that has no time left."""
    return datetime.now(UTC) - timedelta(days=365)


def uploaded(path: object, **fields: Any) -> dict[str, Any]:
    """Upload a file over the default connection, beside any task."""
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    with IttybitHook() as hook:
        return hook.upload_media(path, **fields)


def sent(emulator: RunningEmulator, *methods: str) -> list[str]:
    """Tell what was asked of the emulator, as ``GET /files``, of some methods or of all."""
    asked = emulator.control.requests()
    return [f"{row['method']} {row['path']}" for row in asked if not methods or row["method"] in methods]
