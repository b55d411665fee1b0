"""Every status vocabulary of the API, and what "done" means for each kind of resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.api.decoding import read_page, read_resource
from airflow_provider_ittybit.api.messages import Request
from airflow_provider_ittybit.api.processing import STATUSES, ProcessingState, error_text, read_processing

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.api.messages import Response

PROCESSING, SUCCEEDED, FAILED, CANCELLED = ProcessingState
GET = Request("GET", "/x")

# the table of terminal states of the API notes, section 3, one row for each generation and resource
VOCABULARIES = {
    "2021": ("Complete", "", "", "Uploading Pending"),
    "2024 task": ("ready completed", "error", "", "waiting processing"),
    "2025-01-01 and 2025-08-20 task": ("completed ready", "failed error", "cancelled", "pending waiting processing"),
    "2025-01-01 and 2025-08-20 file": ("ready", "failed", "", "waiting processing"),
    "early 2025 media": ("ready", "failed", "", "pending processing"),
    "2025-09-15 task and run": (
        "succeeded ready",
        "failed",
        "cancelled",
        "waiting validating queued processing finishing",
    ),
    "jobs job": ("succeeded", "failed", "cancelled", "queued processing"),
    "jobs task": ("succeeded", "failed", "cancelled", "waiting"),
}
WORDS = [
    pytest.param(word, state, id=f"{where}: {word}")
    for where, columns in VOCABULARIES.items()
    for state, words in zip((SUCCEEDED, FAILED, CANCELLED, PROCESSING), columns, strict=True)
    for word in words.split()
]


@pytest.mark.parametrize(("word", "state"), WORDS)
def test_every_published_status_has_its_meaning(word: str, state: ProcessingState) -> None:
    status = read_processing({"id": "x_1", "status": word})
    assert (status.state, status.status, status.known) == (state, word, True)


def test_the_table_holds_only_published_words() -> None:
    assert set(STATUSES) == {word.lower() for columns in VOCABULARIES.values() for word in " ".join(columns).split()}


@pytest.mark.parametrize(
    "word", ["done", "canceled", "success", "active", "paused", "not ready", "ready!", " ", 5, True, ["ready"], {}]
)
def test_an_unknown_status_is_still_processing_and_never_success(word: object) -> None:
    status = read_processing(
        {"id": "x_1", "status": word, "url": "https://x", "sources": [{}], "files": [{"url": "x"}]}
    )
    assert status.state is PROCESSING
    assert status.known is False


@pytest.mark.parametrize("word", ["READY", " ready ", "Ready"])
def test_case_and_space_around_a_status_mean_nothing(word: str) -> None:
    assert read_processing({"status": word}).state is SUCCEEDED


def test_only_processing_is_not_final() -> None:
    assert [state for state in ProcessingState if not state.is_final] == [PROCESSING]


@pytest.mark.parametrize(
    ("name", "state", "word"),
    [
        ("resources/video_2021", PROCESSING, "Uploading"),
        ("resources/image_2021", SUCCEEDED, "Complete"),
        ("resources/media_first_generation", SUCCEEDED, None),
        ("resources/media_first_generation_without_sources", PROCESSING, None),
        ("resources/media_2024_03_21", SUCCEEDED, "ready"),
        ("resources/media_2024_08_21", SUCCEEDED, "ready"),
        ("resources/media_early_2025_pending", PROCESSING, "pending"),
        ("resources/media_early_2025_ready", SUCCEEDED, "ready"),
        ("resources/media_early_2025_failed", FAILED, "failed"),
        ("resources/media_2025_07_enveloped", SUCCEEDED, None),
        ("resources/media_2025_08_20_all_files_ready", SUCCEEDED, None),
        ("resources/media_2025_08_20_one_file_processing", PROCESSING, None),
        ("resources/media_2025_08_20_one_file_failed", FAILED, None),
        ("resources/media_2025_08_20_empty", PROCESSING, None),
        ("resources/file_2025_01_01", SUCCEEDED, "ready"),
        ("resources/file_2025_08_20", SUCCEEDED, "ready"),
        ("resources/file_waiting_after_ingest", PROCESSING, "waiting"),
        ("resources/file_processing", PROCESSING, "processing"),
        ("resources/file_failed", FAILED, "failed"),
        ("resources/file_without_status_0_7_0", SUCCEEDED, None),
        ("resources/task_2024_processing", PROCESSING, "processing"),
        ("resources/task_2024_ready", SUCCEEDED, "ready"),
        ("resources/task_2024_completed", SUCCEEDED, "completed"),
        ("resources/task_2024_error", FAILED, "error"),
        ("resources/task_2025_01_01_pending", PROCESSING, "pending"),
        ("resources/task_2025_01_01_early_with_next", PROCESSING, "waiting"),
        ("resources/task_2025_08_20_completed", SUCCEEDED, "completed"),
        ("resources/task_2025_08_20_failed", FAILED, "failed"),
        ("resources/task_2025_08_20_cancelled", CANCELLED, "cancelled"),
        ("resources/task_2025_08_20_workflow", PROCESSING, "processing"),
        ("resources/task_2025_09_15_succeeded", SUCCEEDED, "succeeded"),
        ("resources/task_2025_09_15_finishing", PROCESSING, "finishing"),
        ("resources/task_2025_09_15_failed_with_error_object", FAILED, "failed"),
        ("resources/run_validating", PROCESSING, "validating"),
        ("resources/run_failed_in_a_task", FAILED, "failed"),
        ("resources/job_queued", PROCESSING, "queued"),
        ("resources/job_replayed_by_idempotency_key", PROCESSING, "processing"),
        ("resources/job_succeeded", SUCCEEDED, "succeeded"),
        ("resources/job_failed_in_a_task", FAILED, "failed"),
        ("resources/job_cancelled_because_a_sibling_failed", CANCELLED, "cancelled"),
        ("resources/task_of_jobs_waiting", PROCESSING, "waiting"),
        ("resources/step_of_staging", SUCCEEDED, "succeeded"),
    ],
)
def test_every_recorded_resource_is_judged(
    recorded: Callable[[str], Response], name: str, state: ProcessingState, word: str | None
) -> None:
    resource = read_resource(GET, recorded(name))
    status = read_processing(resource)
    assert (status.state, status.status, status.known) == (state, word, True)
    assert status.id == resource["id"]
    assert status.resource is resource


def test_a_run_that_a_list_calls_ready_has_succeeded(recorded: Callable[[str], Response]) -> None:
    (run,) = read_page(GET, recorded("lists/runs_with_ready_status")).items
    assert read_processing(run).state is SUCCEEDED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resources/file_failed", "The file is no media"),
        ("resources/task_2025_08_20_failed", "The input has no video stream"),
        ("resources/task_2025_09_15_failed_with_error_object", "The format is not supported"),
        ("resources/run_failed_in_a_task", "task_2: Could not fetch the URL"),
        ("resources/job_failed_in_a_task", "task_1: 403 from the input URL"),
        ("resources/job_cancelled_because_a_sibling_failed", "A sibling failed"),
        ("resources/media_2025_08_20_one_file_failed", "file_b: Codec not supported"),
        ("resources/task_2024_error", None),
        ("resources/task_2025_08_20_completed", None),
    ],
)
def test_a_failure_says_why_in_ittybits_words(
    recorded: Callable[[str], Response], name: str, words: str | None
) -> None:
    assert read_processing(read_resource(GET, recorded(name))).error == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ({}, None),
        ([], None),
        (" odd ", "odd"),
        ({"message": " m "}, "m"),
        ({"kind": "k"}, '{"kind": "k"}'),
        ({"message": ""}, '{"message": ""}'),
        (["a"], '["a"]'),
        (17, "17"),
    ],
)
def test_an_error_of_any_form_becomes_words(error: object, words: str | None) -> None:
    assert error_text({"status": "failed", "error": error}) == words


def test_the_error_of_something_not_failed_is_not_shown() -> None:
    assert read_processing({"status": "ready", "error": "a warning"}).error is None


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ([], PROCESSING),
        ([{"status": "ready"}], SUCCEEDED),
        ([{"url": "https://x"}], SUCCEEDED),
        ([{}], PROCESSING),
        ([{"status": "ready"}, {"status": "new word"}], PROCESSING),
        ([{"status": "ready"}, "no object"], PROCESSING),
        ([{"status": "processing"}, {"status": "failed"}], FAILED),
        ([{"status": "ready"}, {"status": "cancelled"}], CANCELLED),
        ([{"error": "bad"}, {"status": "ready"}], FAILED),
        ([{"status": None, "url": "https://x"}], PROCESSING),
    ],
)
def test_media_without_status_is_judged_by_its_files(files: list[Any], state: ProcessingState) -> None:
    assert read_processing({"id": "med_1", "files": files}).state is state


@pytest.mark.parametrize(
    ("resource", "state"),
    [
        ({}, PROCESSING),
        ({"url": "https://x"}, PROCESSING),
        ({"url": "https://x", "object": "source"}, SUCCEEDED),
        ({"url": "https://x", "id": "file_1"}, SUCCEEDED),
        ({"url": "https://x", "id": "med_1"}, PROCESSING),
        ({"url": ""}, PROCESSING),
        ({"url": 5}, PROCESSING),
        ({"url": "https://x", "status": None}, PROCESSING),
        ({"url": "https://x", "error": "bad"}, FAILED),
        ({"sources": [{}]}, SUCCEEDED),
        ({"sources": [{"status": "processing"}, {}]}, PROCESSING),
        ({"sources": [{}], "error": {"message": "bad"}}, FAILED),
        ({"sources": None, "url": "https://x"}, PROCESSING),
    ],
)
def test_what_has_no_status_is_judged_by_what_it_has(resource: dict[str, Any], state: ProcessingState) -> None:
    assert read_processing(resource).state is state


def test_files_within_files_are_not_followed_without_end() -> None:
    nested: dict[str, Any] = {}
    for _ in range(480):
        nested = {"files": [nested]}
    assert read_processing(nested).state is PROCESSING


@pytest.mark.parametrize(
    ("progress", "read"),
    [
        (0, 0.0),
        (100, 100.0),
        (33.3, 33.3),
        ("50", 50.0),
        (None, None),
        (True, None),
        (-1, None),
        (101, None),
        (float("nan"), None),
        ("nan", None),
        ("inf", None),
        ("half", None),
        (10**400, None),
        ([50], None),
    ],
)
def test_progress_is_a_percentage_or_nothing(progress: object, read: float | None) -> None:
    assert read_processing({"status": "processing", "progress": progress}).progress == read


@pytest.mark.parametrize("identifier", [None, 5, ["x"], {}])
def test_an_id_that_is_no_text_is_empty(identifier: object) -> None:
    assert read_processing({"id": identifier, "status": "ready"}).id == ""
