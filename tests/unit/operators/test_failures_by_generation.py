"""ittybit says no to an operator, in every generation: the right error, its words, its status and its request id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from task_running import Run, run_to_end, task_context, uploaded

from airflow_provider_ittybit import exceptions as errors
from airflow_provider_ittybit.operators.media import (
    DeleteMediaOperator,
    GetMediaOperator,
    ListMediaOperator,
    UpdateMediaOperator,
    UploadMediaOperator,
)
from airflow_provider_ittybit.operators.task import CreateTaskOperator
from airflow_provider_ittybit.sensors.media import MediaProcessingSensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow.providers.common.compat.sdk import BaseOperator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
TAKE_BYTES = GENERATIONS[:3]
WORDS = "Gänse are not allowed on Tuesdays."
RETRIES = 2
ERRORS = {
    401: errors.IttybitAuthenticationError,
    402: errors.IttybitPaymentError,
    403: errors.IttybitPermissionError,
    404: errors.IttybitNotFoundError,
    413: errors.IttybitInvalidRequestError,
    429: errors.IttybitRateLimitError,
    500: errors.IttybitServerError,
}
IDS = {"media": "1f6b2c", "files-enveloped": "file_1", "files-flat": "med_1", "tasks": "run_1", "jobs": "job_1"}
OPERATORS: dict[str, Callable[[str, str], BaseOperator]] = {
    "upload": lambda _, source: UploadMediaOperator(task_id="task", source=source),
    "list": lambda *_: ListMediaOperator(task_id="task"),
    "get": lambda media_id, _: GetMediaOperator(task_id="task", media_id=media_id),
    "update": lambda media_id, _: UpdateMediaOperator(task_id="task", media_id=media_id, metadata={"a": "b"}),
    "delete": lambda media_id, _: DeleteMediaOperator(task_id="task", media_id=media_id),
    "create": lambda *_: CreateTaskOperator(task_id="task", kind="image", input="https://cdn.example/a.mp4"),
}
LACKING = {
    *(("update", version) for version in ("media", "tasks", "jobs")),
    *(("delete", version) for version in ("tasks", "jobs")),
    ("create", "media"),
}
SENT_AGAIN_AFTER_500 = {"GET", "DELETE"}


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attempts follow each other at once."""
    monkeypatch.setattr("airflow_provider_ittybit.transport.policy.pause_before", lambda *_: 0.0)


@pytest.fixture
def operator(connect: Callable[..., RunningEmulator], video: Path) -> Callable[[str, str], BaseOperator]:
    """Make an operator on a connection that is pinned to a generation: ``operator("get", "media")``."""

    def make(use: str, version: str) -> BaseOperator:
        connect(version, max_retries=RETRIES)
        source = str(video) if version in TAKE_BYTES else "https://cdn.example/a.mp4"
        return OPERATORS[use](IDS[version], source)

    return make


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("use", OPERATORS)
@pytest.mark.parametrize("status", ERRORS)
def test_a_refusal_is_its_own_error_with_ittybits_words(
    emulator: RunningEmulator, operator: Callable[[str, str], BaseOperator], *, status: int, use: str, version: str
) -> None:
    task = operator(use, version)
    emulator.control.fault(status=status, message=WORDS, times=0)
    if (use, version) in LACKING:
        with pytest.raises(errors.IttybitUnsupportedError, match=version):
            task.execute(task_context())
        assert emulator.control.requests() == []
        return
    if (use, status) == ("delete", 404):  # what is gone already counts as deleted
        assert task.execute(task_context()) == {"deleted": [IDS[version]], "missing": [IDS[version]]}
        return
    with pytest.raises(errors.IttybitError) as caught:
        task.execute(task_context())
    error = caught.value
    assert type(error) is ERRORS[status]
    assert (error.status, error.detail) == (status, WORDS)
    assert error.resource_id == (IDS[version] if use in ("get", "update", "delete") else None)
    asked = [row for row in emulator.control.requests() if (row["method"], row["path"]) == (error.method, error.path)]
    assert len(asked) == attempts(status, version, f"{error.method} {error.path}")
    assert error.request_id == asked[-1]["request_id"]
    for part in (WORDS, str(status), asked[-1]["request_id"], f"{error.method} {error.path}"):
        assert part in str(error)


def attempts(status: int, version: str, asked: str) -> int:
    """Tell how often a request is sent in all; with an idempotency key, and for a signature, that is harmless."""
    harmless = asked.split(maxsplit=1)[0] in SENT_AGAIN_AFTER_500 or version == "jobs" or asked == "POST /signatures"
    again = status == 429 or (status == 500 and harmless)
    return 1 + RETRIES if again else 1


def test_every_operator_is_tried_and_what_lacks_is_a_part_of_it() -> None:
    assert {version for _, version in LACKING} < set(GENERATIONS)
    assert {use for use, _ in LACKING} < set(OPERATORS)
    assert set(IDS) == set(GENERATIONS)


@pytest.mark.parametrize("version", GENERATIONS)
def test_failed_processing_fails_a_poking_sensor_with_ittybits_words(
    emulator: RunningEmulator, connect: Callable[..., RunningEmulator], web: str, version: str
) -> None:
    connect(version)
    emulator.control.fault(match={"method": "POST"}, fail_processing=WORDS)
    made = uploaded(f"{web}/still.png")
    emulator.control.settle()
    sensor = MediaProcessingSensor(task_id="wait", media_id=made, deferrable=False, mode="poke", poke_interval=1)
    with pytest.raises(errors.IttybitProcessingFailedError) as caught:
        sensor.poke(task_context())
    check_failure(caught.value, made["id"])


@pytest.mark.parametrize("deferrable", [False, True], ids=["in the worker", "deferred"])
@pytest.mark.parametrize("version", GENERATIONS)
def test_failed_processing_fails_a_waiting_upload_with_ittybits_words(
    emulator: RunningEmulator,
    connect: Callable[..., RunningEmulator],
    web: str,
    *,
    version: str,
    deferrable: bool,
) -> None:
    connect(version)
    emulator.control.settings(processing="after_reads:2")
    emulator.control.fault(match={"method": "POST"}, fail_processing=WORDS)
    run = Run()

    def make() -> UploadMediaOperator:
        return UploadMediaOperator(
            task_id="task",
            source=f"{web}/still.png",
            wait_for_processing=True,
            deferrable=deferrable,
            poll_interval=0.001,
        )

    with pytest.raises(errors.IttybitProcessingFailedError) as caught:
        run_to_end(make, task_context(run))
    check_failure(caught.value, run.pushed("ittybit_id"))
    senders = {"triggerer" if "(triggerer)" in row["user_agent"] else "worker" for row in emulator.control.requests()}
    assert senders == ({"worker", "triggerer"} if deferrable else {"worker"})


def check_failure(error: errors.IttybitProcessingFailedError, resource_id: str) -> None:
    assert error.is_final
    assert (error.resource_id, error.detail) == (resource_id, WORDS)
    assert WORDS in str(error)
    assert resource_id in str(error)
