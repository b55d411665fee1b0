"""MediaProcessingSensor: its time across tries, its pace in the triggerer, and its end when it is killed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from airflow.providers.common.compat.sdk import AirflowSkipException, TaskDeferred
from airflow_versions import AirflowRescheduleException
from task_killing import killed
from task_running import (
    Run,
    Store,
    deferral_of,
    resume,
    resume_by_safety_net,
    sent,
    task_context,
    uploaded,
)

from airflow_provider_ittybit.exceptions import (
    IttybitInputError,
    IttybitProcessingTimeoutError,
    IttybitStoppedError,
)
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

T0 = 1_900_000_000
LONG = 600
"""Seconds between two looks: what ends earlier was not asleep."""
FLAGS = pytest.mark.parametrize("flag", [{}, {"soft_fail": True}, {"never_fail": True}, {"silent_fail": True}], ids=str)


@pytest.fixture
def held(connect: Connect, image: Path) -> str:
    """The id of an image that ittybit has not begun to process."""
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    resource_id = str(uploaded(image)["id"])
    emulator.control.forget_requests()
    return resource_id


def sensor(media_id: object, **arguments: Any) -> MediaProcessingSensor:
    arguments = {"poke_interval": 5, "timeout": 100, "deferrable": True, **arguments}
    return MediaProcessingSensor(task_id="task", media_id=media_id, **arguments)


def deadline_at(moment: float, media_id: str, context: Any, **arguments: Any) -> float:
    with time_machine.travel(moment, tick=False):
        return float(deferral_of(sensor(media_id, **arguments), context).trigger.deadline)


def test_in_deferred_mode_the_time_of_a_retry_counts_from_the_first_try(held: str) -> None:
    store = Store()
    assert deadline_at(T0, held, task_context(store=store)) == T0 + 100
    assert deadline_at(T0 + 60, held, task_context(store=store)) == T0 + 100


def test_a_cleared_sensor_has_all_its_time_again(held: str) -> None:
    store = Store()
    assert deadline_at(T0, held, task_context(Run(max_tries=1), store=store)) == T0 + 100
    assert deadline_at(T0 + 500, held, task_context(Run(max_tries=2), store=store)) == T0 + 600


def test_without_a_store_each_try_counts_on_its_own(held: str) -> None:
    assert deadline_at(T0, held, task_context()) == T0 + 100
    assert deadline_at(T0 + 60, held, task_context()) == T0 + 160


def test_a_retry_without_time_left_looks_once_and_ends(held: str, emulator: RunningEmulator) -> None:
    store = Store()
    deadline_at(T0, held, task_context(store=store))
    emulator.control.forget_requests()
    with time_machine.travel(T0 + 101, tick=False), pytest.raises(IttybitProcessingTimeoutError) as caught:
        sensor(held).execute(task_context(store=store))
    assert getattr(caught.value, "last_status", None) == "waiting"
    assert sent(emulator) == [f"GET /files/{held}"]


TRY = {"execution_timeout": timedelta(seconds=60)}


def test_execution_timeout_counts_for_each_try_and_timeout_for_all_of_them(held: str) -> None:
    store = Store()
    assert deadline_at(T0, held, task_context(store=store), **TRY) == T0 + 60
    assert deadline_at(T0 + 30, held, task_context(store=store), **TRY) == T0 + 90
    assert deadline_at(T0 + 70, held, task_context(store=store), **TRY) == T0 + 100
    assert deadline_at(T0 + 70, held, task_context(), **TRY) == T0 + 130


def test_the_longer_of_two_limits_changes_nothing(held: str) -> None:
    assert deadline_at(T0, held, task_context(), execution_timeout=timedelta(seconds=101)) == T0 + 100


def test_the_safety_net_of_airflow_is_later_than_the_end_of_the_try(held: str) -> None:
    with time_machine.travel(T0, tick=False):
        assert deferral_of(sensor(held, **TRY), task_context()).timeout == timedelta(seconds=120)


@pytest.mark.parametrize("way", ["the trigger", "Airflow", "no time left"])
def test_a_retry_with_time_for_its_own_but_not_for_all_tries_is_the_last(way: str, held: str) -> None:
    context = task_context(store=Store())
    deadline_at(T0, held, context, **TRY)
    with time_machine.travel(T0 + 70, tick=False):
        deferred = deferral_of(sensor(held, **TRY), context)
    event = {"outcome": "timeout", "id": held, "status": "waiting"}
    ways: dict[str, Callable[[], Any]] = {
        "the trigger": lambda: resume(sensor(held, **TRY), deferred, event, context),
        "Airflow": lambda: resume_by_safety_net(sensor(held, **TRY), context),
        "no time left": lambda: sensor(held, **TRY).execute(context),
    }
    with time_machine.travel(T0 + 101, tick=False), pytest.raises(IttybitProcessingTimeoutError):
        ways[way]()


LAST_SEEN = {
    "a trigger that looked": "processing",
    "a trigger that could not look": "waiting",
    "another version": "waiting",
    "Airflow": "unknown",
}


@pytest.mark.parametrize("way", LAST_SEEN)
def test_the_last_known_status_is_told_when_ittybit_gives_no_answer_at_the_end(
    way: str, held: str, emulator: RunningEmulator
) -> None:
    deferred = deferral_of(sensor(held), task_context())
    emulator.control.fault(match={"method": "GET"}, times=0, status=503)
    if way == "another version":
        deferred.kwargs["not_yet_known"] = 1
    event = {"outcome": "timeout", "id": held, "status": "processing" if way == "a trigger that looked" else None}
    told = pytest.raises(IttybitProcessingTimeoutError, match=f"last known status is {LAST_SEEN[way]}")
    if way == "Airflow":
        with told:
            resume_by_safety_net(sensor(held), task_context())
        return
    with told:
        resume(sensor(held), deferred, event, task_context())


@pytest.mark.parametrize(
    ("asked", "longest"),
    [
        ({}, None),
        ({"max_wait": 30}, None),  # as in Airflow's other modes, it counts with exponential_backoff only
        ({"exponential_backoff": True, "max_wait": 30}, 30),
        ({"exponential_backoff": True}, 100),
    ],
    ids=str,
)
def test_exponential_backoff_goes_along_to_the_triggerer(
    asked: dict[str, Any], longest: float | None, held: str
) -> None:
    assert deferral_of(sensor(held, **asked), task_context()).trigger.longest_pause == longest


def test_a_pause_of_nothing_is_refused_in_deferred_mode_before_any_request(
    held: str, emulator: RunningEmulator
) -> None:
    with pytest.raises(IttybitInputError, match=r"poke_interval=0.* is no duration"):
        sensor(held, poke_interval=0).execute(task_context())
    assert sent(emulator) == []


@FLAGS
def test_a_killed_sensor_ends_soon_in_poke_mode_whatever_its_flags(
    flag: dict[str, Any], held: str, emulator: RunningEmulator, logged: Callable[[], str]
) -> None:
    whole = {"id": held, "url": "https://cdn.example/a.mp4?signature=sesame"}
    task = sensor(whole, deferrable=False, poke_interval=LONG, timeout=LONG, **flag)
    with killed(task, lambda: sent(emulator)) as kill, pytest.raises(IttybitStoppedError):
        task.execute(task_context())
    assert kill.ended_soon()
    told = logged()
    assert f"not waiting for {held} any more; its processing goes on" in told
    assert "sesame" not in told
    assert sent(emulator, "DELETE") == []


@FLAGS
def test_a_sensor_that_waits_to_ask_again_after_an_error_ends_soon(
    flag: dict[str, Any], held: str, emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, times=0, status=503, retry_after=100)
    task = sensor(held, deferrable=False, poke_interval=LONG, timeout=LONG, **flag)
    with killed(task, lambda: sent(emulator)) as kill, pytest.raises(IttybitStoppedError):
        task.execute(task_context())
    assert kill.ended_soon()


@pytest.mark.parametrize(
    ("mode", "end"), [({"mode": "reschedule", "deferrable": False}, AirflowRescheduleException), ({}, TaskDeferred)]
)
def test_where_the_waiting_is_left_to_airflow_a_kill_stops_no_more_than_the_look(
    mode: dict[str, Any], end: type[BaseException], held: str, emulator: RunningEmulator
) -> None:
    emulator.control.fault(match={"method": "GET"}, times=0, status=503, retry_after=100)
    task = sensor(held, **mode)
    with killed(task, lambda: sent(emulator)) as kill, pytest.raises(end):
        task.execute(task_context(store=Store()))
    assert kill.ended_soon()


def test_a_sensor_that_has_not_begun_says_nothing_when_it_is_killed(held: str, logged: Callable[[], str]) -> None:
    sensor(held).on_kill()
    assert "Killed" not in logged()


def test_a_skip_says_for_what_and_why(held: str) -> None:
    task = sensor(held, deferrable=False, timeout=0, poke_interval=0.01, soft_fail=True)
    with pytest.raises(AirflowSkipException, match=f"{held} did not end.*last known status is waiting"):
        task.execute(task_context())


@pytest.mark.parametrize("flag", [{}, {"soft_fail": True}, {"never_fail": True}], ids=str)
@pytest.mark.parametrize("outcome", ["timeout", "error"])
def test_a_sensor_that_is_killed_while_it_looks_after_resuming_is_neither_skipped_nor_failed_for_good(
    outcome: str, flag: dict[str, Any], held: str, emulator: RunningEmulator
) -> None:
    deferred, task = deferral_of(sensor(held), task_context()), sensor(held, **flag)
    emulator.control.forget_requests()
    emulator.control.fault(match={"method": "GET"}, times=0, status=503, retry_after=100)
    error = {"class": "IttybitNotFoundError", "message": "gone", "status": 404}
    event = {"outcome": outcome, "id": held, "status": "waiting", "error": error}
    with killed(task, lambda: sent(emulator)) as kill, pytest.raises(IttybitStoppedError):
        resume(task, deferred, event, task_context())
    assert kill.ended_soon()
