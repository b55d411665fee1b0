"""What an event says, and how a feed is followed without missing one."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api.feeding import Thread, has_feed, is_newest_first, newest_news, read_news
from airflow_provider_ittybit.api.generations import GENERATIONS
from airflow_provider_ittybit.api.processing import ProcessingState


def event(kind: str, number: int = 1, **data: Any) -> dict[str, Any]:
    return {"id": f"evt_{number}", "object": "event", "kind": kind, "data": data, "created_at": 1_757_000_000 + number}


def events(*numbers: int) -> list[dict[str, Any]]:
    return [event("task.updated", number, id=f"task_{number}", status="processing") for number in numbers]


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        ("task.succeeded", "succeeded", ProcessingState.SUCCEEDED),
        ("run.failed", "failed", ProcessingState.FAILED),
        ("task.updated", "cancelled", ProcessingState.CANCELLED),
        ("task.updated", "processing", ProcessingState.PROCESSING),
        ("task.created", "waiting", ProcessingState.PROCESSING),
    ],
)
def test_an_event_with_a_known_status_says_where_processing_stands(
    kind: str, status: str, state: ProcessingState
) -> None:
    news = read_news(event(kind, id="task_1", status=status))
    assert news is not None
    assert news.status is not None
    assert (news.resource_id, news.status.state) == ("task_1", state)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("task.succeeded", {"id": "task_1"}),
        ("task.succeeded", {"id": "task_1", "status": "processing"}),
        ("task.updated", {"id": "task_1", "status": "reticulating"}),
        ("task.updated", {"id": "task_1"}),
    ],
)
def test_an_event_that_is_unclear_names_its_resource_and_says_no_more(kind: str, data: dict[str, Any]) -> None:
    news = read_news(event(kind, **data))
    assert news is not None
    assert (news.resource_id, news.status) == ("task_1", None)


@pytest.mark.parametrize("data", [None, [], "task_1", {}, {"id": None}, {"id": ""}, {"id": 5}])
def test_an_event_about_nothing_is_passed_over(data: object) -> None:
    assert read_news({"id": "evt_1", "kind": "task.updated", "data": data}) is None


def test_the_newest_event_of_a_resource_counts() -> None:
    [news] = newest_news(
        [
            event("task.succeeded", 2, id="task_1", status="succeeded"),
            event("task.updated", 1, id="task_1", status="queued"),
        ]
    )
    assert news.status is not None
    assert news.status.status == "succeeded"


def test_a_thread_is_met_where_it_was_left() -> None:
    thread = Thread()
    assert not thread.is_taken_up
    thread.take_up(events(3, 2, 1))
    assert thread.unread(events(3, 2, 1)) == ([], True)
    assert thread.unread(events(5, 4, 3)) == (events(5, 4), True)
    thread.advance(events(5, 4, 3))
    assert thread.unread(events(9, 8, 7)) == (events(9, 8, 7), False)


def test_a_thread_of_an_empty_feed_meets_its_end_nowhere_and_all_is_new() -> None:
    thread = Thread()
    thread.take_up([])
    assert thread.is_taken_up
    assert thread.unread(events(2, 1)) == (events(2, 1), False)


@pytest.mark.parametrize("newest", [{}, {"id": None}, {"id": ""}, {"id": 5}])
def test_an_event_without_an_id_is_met_nowhere_so_nothing_newer_is_passed_over(newest: dict[str, Any]) -> None:
    thread = Thread()
    thread.take_up([newest])
    page = [{"id": "event_2"}, {"id": ""}, {"id": "5"}, newest]
    assert thread.unread(page) == (page, False)


def test_a_look_that_came_back_empty_does_not_lose_the_thread() -> None:
    thread = Thread()
    thread.take_up(events(1))
    thread.advance([])
    assert thread.unread(events(2, 1)) == (events(2), True)


def test_taking_a_thread_up_again_begins_a_new_era() -> None:
    thread = Thread()
    eras = [thread.era]
    for number in (1, 5):
        thread.take_up(events(number))
        eras.append(thread.era)
    assert eras == [0, 1, 2]


@pytest.mark.parametrize(
    ("times", "newest_first"),
    [([3, 2, 1], True), ([3, 3, 3], True), ([], True), ([1], True), ([1, 2, 3], False), ([3, None, "x", 4], False)],
)
def test_a_feed_in_another_order_is_noticed(times: list[Any], *, newest_first: bool) -> None:
    assert is_newest_first([{"created_at": time} for time in times]) is newest_first


def test_only_the_tasks_generation_documents_a_feed() -> None:
    assert [generation.name for generation in GENERATIONS if has_feed(generation)] == ["tasks"]
