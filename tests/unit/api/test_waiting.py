"""How waiting ends: well, badly, or not in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ittybit.api.processing import STATUSES, ProcessingState, read_processing
from airflow_provider_ittybit.api.waiting import as_seconds, succeeded, timed_out
from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitProcessingFailedError


@pytest.mark.parametrize("word", [*STATUSES, "a new word", None])
def test_only_success_ends_the_waiting_well(word: str | None) -> None:
    status = read_processing({"id": "task_1", "status": word, "error": "E"} if word else {"id": "task_1"})
    if status.state in (ProcessingState.FAILED, ProcessingState.CANCELLED):
        with pytest.raises(IttybitProcessingFailedError):
            succeeded(status)
    else:
        assert succeeded(status) is (word in ("complete", "completed", "ready", "succeeded"))


@pytest.mark.parametrize(
    ("word", "error", "parts"),
    [
        ("failed", "No video stream", ["task_1 failed", "(status failed)", "No video stream"]),
        ("error", None, ["task_1 failed", "(status error)", "gave no reason"]),
        ("cancelled", None, ["task_1 was cancelled", "gave no reason"]),
    ],
)
def test_a_failure_names_the_resource_its_status_and_the_reason(word: str, error: str | None, parts: list[str]) -> None:
    with pytest.raises(IttybitProcessingFailedError) as raised:
        succeeded(read_processing({"id": "task_1", "status": word, "error": error}))
    assert all(part in str(raised.value) for part in parts)
    assert (raised.value.resource_id, raised.value.detail) == ("task_1", error)


def test_running_out_of_time_says_what_was_seen_last() -> None:
    error = timed_out("file_1", "processing", 90.0)
    assert "file_1 did not end within 90 s" in str(error)
    assert "last known status is processing" in str(error)
    assert error.resource_id == "file_1"
    assert "in time; its last known status is unknown" in str(timed_out("file_1", None))


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, None), (5, 5.0), (0.5, 0.5), (timedelta(minutes=2), 120.0), ("7", 7.0)]
)
def test_a_duration_is_seconds_or_a_timedelta(value: Any, seconds: float | None) -> None:
    assert as_seconds(value, "timeout") == seconds


@pytest.mark.parametrize("value", [0, -1, timedelta(0), "soon", [], float("nan"), float("inf"), 10**400])
def test_what_is_no_positive_duration_is_refused_by_name(value: Any) -> None:
    with pytest.raises(IttybitInputError, match="timeout="):
        as_seconds(value, "timeout")
