"""Looks are taken in rounds: whenever the waiting began, few requests answer all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.triggers.survey import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.triggers.staging import Stage

    Set = Callable[..., Stage]

INTERVAL = 10.0


async def begin_one_after_the_other(
    scene: Stage, names: list[str], *, seconds: float = INTERVAL, at_once: int = 5, **options: float
) -> None:
    """Let all begin to wait in the course of so many seconds."""
    for start in range(0, len(names), at_once):
        await scene.wait_for_all(names[start : start + at_once], **options)
        await scene.pass_time(seconds * at_once / len(names))


@pytest.mark.parametrize(
    ("generation", "collection"), [("files-flat", "files"), ("files-enveloped", "media"), ("jobs", "jobs")]
)
async def test_those_who_began_at_different_times_come_to_share_rounds_within_two_intervals(
    stage: Set, generation: str, collection: str
) -> None:
    scene = stage(generation)
    fields = {"files": [{"id": "file_1", "status": "processing"}], "status": None} if collection == "media" else {}
    names = scene.ittybit.add(collection, 200, **fields)
    await begin_one_after_the_other(scene, names)
    await scene.pass_time(INTERVAL)
    scene.ittybit.forget()
    await scene.pass_time(6 * INTERVAL)
    assert scene.ittybit.count(f"/{collection}/") == 0
    assert 4 * 2 <= scene.ittybit.count() <= 7 * 2


async def test_starting_at_different_times_costs_few_requests_too(stage: Set) -> None:
    scene = stage()
    for _ in range(40):
        await begin_one_after_the_other(scene, scene.ittybit.add("files", 5), seconds=INTERVAL / 40)
    assert scene.ittybit.count() <= 4
    await scene.pass_time(INTERVAL)
    assert scene.ittybit.count() <= 6


async def test_a_sweep_that_was_of_no_use_to_a_few_is_tried_again_for_many(stage: Set) -> None:
    scene = stage()
    names = scene.ittybit.add("files", 300)
    await scene.wait_for_all(names[:9])
    await scene.pass_time(1)
    assert scene.ittybit.count("/files/") == 9
    await scene.wait_for_all(names[9:])
    await scene.pass_time(2 * INTERVAL)
    assert scene.ittybit.count("/files/") == 9


async def test_with_the_feed_those_who_began_at_different_times_share_one_request(stage: Set) -> None:
    scene = stage("tasks")
    names = scene.ittybit.add("tasks", 200)
    await begin_one_after_the_other(scene, names)
    await scene.pass_time(2 * INTERVAL)
    scene.ittybit.forget()
    await scene.pass_time(3 * INTERVAL)
    assert {path.split("?")[0] for path in scene.ittybit.asked} == {"/events"}
    assert scene.ittybit.count() <= 4


async def test_who_joins_between_two_rounds_is_looked_at_within_its_interval(stage: Set) -> None:
    scene = stage()
    [*first, late] = scene.ittybit.add("files", 5)
    await scene.wait_for_all(first)
    await scene.pass_time(3)
    waiter = scene.wait_for(late)
    scene.ittybit.resources[late]["status"] = "ready"
    await scene.pass_time(INTERVAL)
    assert waiter.is_over
    assert scene.ittybit.count() == 2


async def test_who_asked_for_longer_pauses_is_answered_along(stage: Set) -> None:
    scene = stage()
    names = scene.ittybit.add("files", 90)
    await scene.wait_for_all(names[::2], poll_interval=INTERVAL)
    await scene.wait_for_all(names[1::2], poll_interval=1.5 * INTERVAL)
    await scene.pass_time(1)
    scene.ittybit.forget()
    await scene.pass_time(6 * INTERVAL)
    assert scene.ittybit.count() == scene.ittybit.count("/files?") <= 7


async def test_rounds_slow_down_when_all_have_waited_for_long(stage: Set) -> None:
    scene = stage()
    names = scene.ittybit.add("files", 150)
    await begin_one_after_the_other(scene, names, seconds=60)
    await scene.pass_time(500)
    scene.ittybit.forget()
    await scene.pass_time(200)
    assert 3 * 2 <= scene.ittybit.count() <= 6 * 2


async def test_pages_with_numbers_are_read_several_at_once(stage: Set) -> None:
    scene = stage()
    await scene.wait_for_all(scene.ittybit.add("files", 1000))
    await scene.pass_time(1)
    assert 1 < scene.ittybit.most_under_way <= AT_ONCE
    assert sorted(scene.ittybit.asked) == sorted(
        "/files?limit=100" + (f"&page={number}" if number > 1 else "") for number in range(1, 11)
    )


async def test_no_more_pages_are_under_way_at_once_than_allowed(stage: Set) -> None:
    scene = stage()
    await scene.wait_for_all(scene.ittybit.add("files", 1000), concurrency=2)
    await scene.pass_time(1)
    assert scene.ittybit.most_under_way == 2
    assert scene.ittybit.count() == 10


async def test_pages_that_only_their_neighbours_lead_to_are_read_one_after_the_other(stage: Set) -> None:
    scene = stage("jobs")
    await scene.wait_for_all(scene.ittybit.add("jobs", 500))
    await scene.pass_time(1)
    assert scene.ittybit.most_under_way == 1
    assert scene.ittybit.count() == 5


async def test_few_pages_are_read_in_vain_where_what_is_waited_for_is_deep_in_the_list(stage: Set) -> None:
    scene = stage()
    names = scene.ittybit.add("files", 1500)
    await scene.wait_for_all(names[:60])
    await scene.wait_for_all(names[-40:])
    await scene.pass_time(1)
    assert scene.ittybit.count("/files?") <= 9


async def test_pages_without_anybody_are_passed_over_where_many_wait_for_what_comes_after_them(stage: Set) -> None:
    scene = stage()
    names = scene.ittybit.add("files", 800)
    await scene.wait_for_all(names[:400])
    await scene.pass_time(1)
    assert scene.ittybit.count() == scene.ittybit.count("/files?") == 8
