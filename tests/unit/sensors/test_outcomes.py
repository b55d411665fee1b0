"""The sensor ends as Airflow's own would in poke mode, in every mode, with ``soft_fail``, ``never_fail`` or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
)
from task_running import (
    Run,
    Store,
    deferral_of,
    long_ago,
    resume,
    resume_by_safety_net,
    run_to_end,
    task_context,
    uploaded,
)

from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitNotFoundError,
    IttybitProcessingFailedError,
    IttybitProcessingTimeoutError,
    IttybitServerError,
)
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.hooks.stopping import Pause
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

MODES = pytest.mark.parametrize(
    "mode", [{}, {"mode": "reschedule"}, {"deferrable": True}], ids=["poke", "reschedule", "deferred"]
)
FLAGS = pytest.mark.parametrize("flag", [{}, {"soft_fail": True}, {"never_fail": True}], ids=str)


@dataclass(frozen=True)
class Outcome:
    """How ittybit answers, what ours raises, and what a poke of Airflow's own sensors would do in its place.

    :param raised: by the poke; ``None`` if it just says "not yet" until the time is over.
    """

    ours: type[BaseException]
    raised: type[BaseException] | None
    faults: dict[str, Any] | None = None


OUTCOMES = {
    "timeout": Outcome(IttybitProcessingTimeoutError, None),
    "failed processing": Outcome(IttybitProcessingFailedError, AirflowFailException),
    "404": Outcome(IttybitNotFoundError, AirflowFailException, {"status": 404}),
    "401": Outcome(IttybitAuthenticationError, AirflowFailException, {"status": 401}),
    "500 for long": Outcome(IttybitServerError, AirflowException, {"status": 500}),
}
CASES = pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)


class Plain(BaseSensorOperator):
    """A sensor with nothing but what Airflow gives it."""

    raised: type[BaseException] | None = None

    def poke(self, context: Any) -> bool:
        """Raise, or say that it is not yet."""
        del context
        if self.raised is not None:
            raise self.raised
        return False


EXECUTION_TIMEOUT = Outcome(AirflowTaskTimeout, AirflowTaskTimeout)
ENDS = (AirflowException, AirflowSkipException, AirflowTaskTimeout)


def of_airflow(outcome: Outcome, flag: dict[str, Any]) -> type[BaseException]:
    """Tell what Airflow's own sensor raises in poke mode."""
    task = Plain(task_id="task", timeout=0, poke_interval=0.001, **flag)
    task.raised = outcome.raised
    with pytest.raises(ENDS) as caught:
        task.execute(task_context())
    return caught.type


@MODES
@FLAGS
@CASES
def test_every_mode_ends_as_a_sensor_of_airflow_in_poke_mode(
    outcome: Outcome, flag: dict[str, Any], mode: dict[str, Any], *, connect: Connect, image: Path, tmp_path: Path
) -> None:
    emulator = connect("files-flat", max_retries=0)
    failing = outcome is OUTCOMES["failed processing"]
    (tmp_path / "notes.txt").write_text("neither picture nor sound")
    emulator.control.settings(processing="auto" if failing else "held")
    media_id = uploaded(tmp_path / "notes.txt" if failing else image)["id"]
    if failing:
        emulator.control.settle()
    if outcome.faults:
        emulator.control.fault(match={"method": "GET"}, times=0, **outcome.faults)
    over = outcome is OUTCOMES["timeout"]
    limit = 0.001 if over and "mode" not in mode else 60
    run = Run(first_reschedule=long_ago() if over and "mode" in mode else None)

    def make() -> MediaProcessingSensor:
        return MediaProcessingSensor(
            task_id="task", media_id=media_id, poke_interval=0.01, timeout=limit, **mode, **flag
        )

    expected = of_airflow(outcome, flag)
    with pytest.raises((AirflowException, AirflowSkipException)) as caught:
        run_to_end(make, task_context(run))
    if expected is AirflowSkipException:
        assert caught.type is AirflowSkipException
        assert media_id in str(caught.value) or outcome.faults  # an answer that is an error may name no id
    else:
        assert caught.type is outcome.ours
        assert issubclass(caught.type, expected)


def test_the_table_tells_more_than_one_end() -> None:
    ends = {of_airflow(outcome, {"never_fail": True}) for outcome in OUTCOMES.values()}
    assert ends == {AirflowSkipException, AirflowSensorTimeout}


@MODES
@pytest.mark.parametrize("flag", ["soft_fail", "never_fail", "silent_fail"])
def test_what_goes_on_is_waited_for_whatever_the_flag(
    mode: dict[str, Any], flag: str, connect: Connect, image: Path
) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="after_reads:2")
    media_id = uploaded(image)["id"]
    emulator.control.settle()

    arguments: dict[str, Any] = {**mode, flag: True}

    def make() -> MediaProcessingSensor:
        return MediaProcessingSensor(task_id="task", media_id=media_id, poke_interval=0.01, **arguments)

    assert run_to_end(make, task_context()).result["status"] == "ready"


T0 = 1_900_000_000


@FLAGS
@pytest.mark.parametrize("way", ["the trigger", "Airflow", "another look"])
@pytest.mark.parametrize("keeps", [True, False], ids=["with a store", "without"])
def test_execution_timeout_ends_a_deferred_try_as_it_ends_one_in_poke_mode(
    way: str, flag: dict[str, Any], *, keeps: bool, connect: Connect, image: Path
) -> None:
    connect("files-flat").control.settings(processing="held")
    media_id, context = uploaded(image)["id"], task_context(store=Store() if keeps else None)
    limits: dict[str, Any] = {"timeout": 100, "execution_timeout": timedelta(seconds=60), **flag}

    def make() -> MediaProcessingSensor:
        return MediaProcessingSensor(task_id="task", media_id=media_id, poke_interval=5, deferrable=True, **limits)

    with time_machine.travel(T0, tick=False):
        deferred = deferral_of(make(), context)
    event = {"outcome": "final" if way == "another look" else "timeout", "id": media_id, "status": "processing"}
    by_airflow = way == "Airflow"
    with time_machine.travel(T0 + 61, tick=False), pytest.raises(ENDS) as caught:
        _ = resume_by_safety_net(make(), context) if by_airflow else resume(make(), deferred, event, context)
    assert caught.type is of_airflow(EXECUTION_TIMEOUT, flag)
    told = str(caught.value)
    assert f"the processing of {media_id} did not end within 60 s; its last known status is waiting" in told


def strike(*_: object, **__: object) -> None:
    """Do what the timer of ``execution_timeout`` does."""
    raise AirflowTaskTimeout


@FLAGS
@pytest.mark.parametrize("when", ["a look", "a pause", "the look before deferring", "the look after resuming"])
def test_execution_timeout_ends_a_try_in_a_worker_the_same_way_whenever_it_strikes(
    when: str, flag: dict[str, Any], connect: Connect, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("files-flat").control.settings(processing="held")
    media_id, deferrable = uploaded(image)["id"], when not in ("a look", "a pause")

    def make() -> MediaProcessingSensor:
        arguments: dict[str, Any] = {"deferrable": deferrable, **flag}
        return MediaProcessingSensor(task_id="task", media_id=media_id, **arguments)

    deferred = deferral_of(make(), task_context()) if when == "the look after resuming" else None
    struck: tuple[Any, str] = (Pause, "__call__") if when == "a pause" else (IttybitHook, "get_processing")
    monkeypatch.setattr(*struck, strike)
    event = {"outcome": "final", "id": media_id}
    with pytest.raises(ENDS) as caught:
        _ = resume(make(), deferred, event, task_context()) if deferred else make().execute(task_context())
    assert caught.type is of_airflow(EXECUTION_TIMEOUT, flag)
