"""What of a list item can be trusted, and when asking for lists pays."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.processing import ProcessingState
from airflow_provider_ittybit.api.sweeping import Odds, can_be_swept, parts_shown, read_listed

READY, RUNNING = {"status": "ready"}, {"status": "processing"}


@pytest.mark.parametrize(
    ("item", "state"),
    [
        ({"status": "ready"}, ProcessingState.SUCCEEDED),
        ({"status": "failed"}, ProcessingState.FAILED),
        ({"status": "queued"}, ProcessingState.PROCESSING),
        ({"files": [READY, RUNNING]}, ProcessingState.PROCESSING),
    ],
)
def test_an_item_that_carries_a_known_status_is_trusted(item: dict[str, Any], state: ProcessingState) -> None:
    status = read_listed({"id": "med_1", **item})
    assert status is not None
    assert status.state is state


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"status": None},
        {"status": ""},
        {"status": "reticulating"},
        {"files": None},
        {"files": []},
        {"sources": []},
        {"url": "https://store.example/a.mp4"},
        {"files": [{"status": "reticulating"}]},
        {"error": {"message": "No."}},
    ],
    ids=repr,
)
def test_an_item_that_may_be_abridged_says_nothing(item: dict[str, Any]) -> None:
    assert read_listed({"id": "med_1", **item}) is None


@pytest.mark.parametrize(
    "parts", [{"files": [READY]}, {"sources": [{"id": "file_1"}]}, {"files": [{"status": "failed"}]}]
)
def test_an_end_that_only_parts_show_is_read_from_the_resource_itself(parts: dict[str, Any]) -> None:
    assert read_listed({"id": "med_1", **parts}, ["files", "sources"]) is None


@pytest.mark.parametrize("name", ["files", "sources"])
def test_an_empty_list_of_parts_counts_where_the_list_is_known_to_show_parts(name: str) -> None:
    proven = parts_shown([{"id": "med_1", name: []}, {"id": "med_2", name: [READY]}])
    assert proven == {name}
    status = read_listed({"id": "med_1", name: []}, proven)
    assert status is not None
    assert not status.state.is_final


def test_items_without_parts_prove_nothing() -> None:
    assert parts_shown([{"id": "med_1", "files": []}, {"id": "med_2"}]) == set()


@pytest.mark.parametrize(
    ("generation", "collection", "possible"),
    [("files-flat", "files", True), ("jobs", "jobs", True), ("jobs", "tasks", False), ("media", "files", False)],
)
def test_what_has_no_list_cannot_be_swept(generation: str, collection: str, *, possible: bool) -> None:
    assert can_be_swept(BY_NAME[generation], collection) is possible


def turns_until_next_try(odds: Odds) -> int:
    turns = 0
    while not odds.favour():
        turns += 1
    return turns


def test_what_does_not_pay_is_tried_ever_more_seldom_but_again_and_again() -> None:
    odds = Odds()
    rests = []
    for _ in range(7):
        rests.append(turns_until_next_try(odds))
        odds.learn(answered=1, requests=1)
    assert rests == [0, 1, 2, 4, 8, 16, 16]


def test_what_pays_once_is_tried_at_every_turn_again() -> None:
    odds = Odds()
    for _ in range(4):
        odds.learn(answered=0, requests=1)
    turns_until_next_try(odds)
    odds.learn(answered=2, requests=1)
    assert [turns_until_next_try(odds) for _ in range(3)] == [0, 0, 0]


def test_what_did_not_pay_for_few_is_tried_for_many_at_once() -> None:
    odds = Odds()
    for _ in range(3):
        odds.favour(10)
        odds.learn(answered=0, requests=1)
    assert not odds.favour(39)
    assert odds.favour(40)
    odds.learn(answered=0, requests=1)
    assert not odds.favour(40)


def test_what_was_given_up_is_never_tried_again() -> None:
    odds = Odds()
    odds.give_up()
    assert odds.given_up
    assert not any(odds.favour() for _ in range(100))
