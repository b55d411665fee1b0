"""Many answered with few requests: which lists are read, how far, and when no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import no

from airflow_provider_ittybit.api.feeding import TRUST
from airflow_provider_ittybit.api.messages import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.triggers.staging import Stage

    from airflow_provider_ittybit.api.messages import Request

    Set = Callable[..., Stage]

ROUND = 14
"""Seconds in which everybody is looked at once, at the default interval of 10 s."""


def end(scene: Stage, *names: str, status: str = "ready") -> None:
    for name in names:
        scene.ittybit.resources[name]["status"] = status


def tell(scene: Stage, name: str, kind: str = "task.succeeded", **data: Any) -> None:
    """Add an event about a task."""
    number = len(scene.ittybit.resources)
    event = {"id": f"evt_{number}", "object": "event", "kind": kind, "created_at": number}
    scene.ittybit.resources[event["id"]] = {**event, "data": {**scene.ittybit.resources[name], **data}}


async def first_round(scene: Stage, number: int, collection: str = "files", **fields: Any) -> list[str]:
    """Let so many begin to wait, and everybody be looked at once."""
    names = scene.ittybit.add(collection, number, **fields)
    await scene.wait_for_all(names)
    await scene.pass_time(1)
    return names


@pytest.mark.parametrize("generation", ["files-enveloped", "files-flat"])
async def test_two_hundred_who_wait_cost_as_many_requests_as_they_fill_pages(stage: Set, generation: str) -> None:
    scene = stage(generation)
    await first_round(scene, 200)
    assert scene.ittybit.asked == ["/files?limit=100", "/files?limit=100&page=2"]


async def test_all_who_are_done_are_told_by_one_sweep(stage: Set) -> None:
    scene = stage()
    names = await first_round(scene, 90)
    end(scene, *names)
    scene.ittybit.forget()
    await scene.pass_time(ROUND)
    assert [waiter.future.result().outcome for waiter in scene.waiters] == ["final"] * 90
    assert scene.ittybit.asked == ["/files?limit=100"]


async def test_one_who_waits_alone_is_asked_for_alone(stage: Set) -> None:
    scene = stage()
    [name] = await first_round(scene, 1)
    assert scene.ittybit.asked == [f"/files/{name}"]


async def test_two_who_wait_for_the_same_are_one(stage: Set) -> None:
    scene = stage()
    [name] = scene.ittybit.add("files", 1)
    scene.wait_for(name)
    scene.wait_for(name)
    await scene.pass_time(1)
    assert scene.ittybit.asked == [f"/files/{name}"]


async def test_a_sweep_stops_at_the_first_page_that_answers_fewer_than_two_and_the_rest_is_asked_for(
    stage: Set,
) -> None:
    scene = stage()
    old, scattered = scene.ittybit.add("files", 3), scene.ittybit.add("files", 200)[:1]
    recent = scene.ittybit.add("files", 5)
    await scene.wait_for_all([*old, *scattered, *recent])
    await scene.pass_time(1)
    pages = [path for path in scene.ittybit.asked if "?" in path]
    assert pages == ["/files?limit=100", "/files?limit=100&page=2"]
    assert set(scene.ittybit.asked) - set(pages) == {f"/files/{name}" for name in (*old, *scattered)}


async def test_sweeps_that_do_not_pay_become_rare(stage: Set) -> None:
    scene = stage()
    names = scene.ittybit.add("files", 3)
    scene.ittybit.add("files", 300)
    await scene.wait_for_all(names)
    await scene.pass_time(1)
    for _ in range(30):
        await scene.pass_time(10)
    assert scene.ittybit.count("/files/") >= 30
    assert scene.ittybit.count("/files?") <= 8


async def test_each_collection_has_its_own_sweep(stage: Set) -> None:
    scene = stage()
    for collection in ("files", "tasks"):
        await scene.wait_for_all(scene.ittybit.add(collection, 4))
    await scene.pass_time(1)
    assert sorted(scene.ittybit.asked) == ["/files?limit=100", "/tasks?limit=100"]


async def test_single_tasks_of_the_jobs_generation_have_no_list_and_are_asked_for_one_by_one(stage: Set) -> None:
    scene = stage("jobs")
    names = await first_round(scene, 4, "tasks")
    assert sorted(scene.ittybit.asked) == sorted(f"/tasks/{name}" for name in names)


async def test_a_list_with_abridged_items_is_not_trusted(stage: Set) -> None:
    scene = stage()
    scene.ittybit.as_listed = lambda resource: {"id": resource["id"]}
    names = await first_round(scene, 4)
    assert scene.ittybit.count("/files/") == 4
    end(scene, *names)
    await scene.pass_time(ROUND)
    assert all(waiter.is_over for waiter in scene.waiters)


async def test_media_without_files_in_a_list_that_shows_none_are_asked_for_one_by_one(stage: Set) -> None:
    scene = stage()
    await first_round(scene, 4, "media", status=None, files=[])
    assert scene.ittybit.count("/media/") == 4


async def test_media_are_answered_by_a_list_that_is_known_to_show_files(stage: Set) -> None:
    scene = stage()
    scene.ittybit.add("media", 1, status=None, files=[{"id": "file_1", "status": "ready"}])
    names = await first_round(scene, 4, "media", status=None, files=[])
    assert scene.ittybit.asked == ["/media?limit=100"]
    scene.ittybit.resources[names[0]]["files"] = [{"id": "file_2", "status": "ready"}]
    scene.ittybit.forget()
    await scene.pass_time(ROUND)
    assert scene.waiters[0].future.result().outcome == "final"
    assert scene.ittybit.count(f"/media/{names[0]}") == 1


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_a_list_that_is_refused_for_good_is_never_asked_for_again(stage: Set, status: int) -> None:
    scene = stage()
    scene.ittybit.trouble = lambda request: no(status) if request.path == "/files" else None
    await first_round(scene, 4)
    await scene.pass_time(60)
    assert scene.ittybit.count("/files?") == 1
    assert scene.ittybit.count("/files/") >= 16
    assert not any(waiter.is_over for waiter in scene.waiters)


@pytest.mark.parametrize("answer", [no(500), Response(200, content=b"<html>"), Response(200, content=b"{}")])
async def test_a_list_that_fails_costs_nobody_a_look(stage: Set, answer: Response) -> None:
    scene = stage()
    scene.ittybit.trouble = lambda request: answer if request.path == "/files" else None
    await first_round(scene, 4)
    for _ in range(8):
        await scene.pass_time(10)
    assert not any(waiter.is_over or waiter.failed for waiter in scene.waiters)
    assert scene.ittybit.count("/files?") > 1


async def test_an_error_of_our_own_in_a_sweep_costs_no_more_than_asking_one_by_one(stage: Set) -> None:
    scene = stage()
    scene.ittybit.trouble = lambda request: KeyError("a bug") if request.path == "/files" else None
    await first_round(scene, 4)
    assert scene.ittybit.count("/files/") == 4


async def test_a_list_that_does_not_answer_within_15_seconds_is_not_waited_for(
    stage: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = stage()
    loop, passed = asyncio.get_running_loop(), [0.0]
    began = loop.time()
    monkeypatch.setattr(loop, "time", lambda: began + passed[0])

    def trouble(request: Request) -> None:
        scene.ittybit.held = asyncio.Event() if request.path == "/files" else None

    scene.ittybit.trouble = trouble
    await scene.wait_for_all(scene.ittybit.add("files", 4))
    scene.clock.move(1)
    await scene.asked(1)
    for seconds, asked in ((14.9, 0), (15.1, 4)):
        passed[0] = seconds
        for _ in range(50):
            await asyncio.sleep(0)
        assert scene.ittybit.count("/files/") == asked
    assert scene.ittybit.count("/files?") == 1
    assert [waiter.failed for waiter in scene.waiters] == [0] * 4


@pytest.mark.parametrize(("seconds", "pages"), [(9.9, 4), (10.0, 3)])
async def test_pages_are_read_one_after_the_other_for_30_seconds_at_most(
    stage: Set, seconds: float, pages: int
) -> None:
    scene = stage("jobs")

    def trouble(request: Request) -> None:
        if request.path == "/jobs":
            scene.clock.move(seconds)

    scene.ittybit.trouble = trouble
    await scene.wait_for_all(scene.ittybit.add("jobs", 600), poll_interval=600.0)
    await scene.pass_time(1)
    assert scene.ittybit.count("/jobs?") == pages
    assert scene.ittybit.count("/jobs/") == 600 - 100 * pages


async def test_the_feed_takes_the_place_of_sweeps(stage: Set) -> None:
    scene = stage("tasks")
    await first_round(scene, 150, "tasks")
    assert [path.split("?")[0] for path in scene.ittybit.asked] == ["/events", "/tasks", "/tasks"]
    scene.ittybit.forget()
    await scene.pass_time(ROUND)
    assert scene.ittybit.asked == ["/events?limit=100"]


async def test_the_feed_tells_who_is_done(stage: Set) -> None:
    scene = stage("tasks")
    names = await first_round(scene, 4, "tasks")
    for name in names[:2]:
        tell(scene, name, status="succeeded")
    tell(scene, names[2], "task.updated", status="processing", progress=50)
    scene.ittybit.forget()
    await scene.pass_time(ROUND)
    assert [waiter.is_over for waiter in scene.waiters] == [True, True, False, False]
    assert scene.waiters[0].future.result().status == "succeeded"
    assert scene.waiters[2].progress == 50
    assert scene.ittybit.asked == ["/events?limit=100"]


async def test_what_the_feed_leaves_out_is_noticed_all_the_same(stage: Set) -> None:
    scene = stage("tasks")
    names = await first_round(scene, 4, "tasks")
    end(scene, *names, status="cancelled")
    await scene.pass_time((TRUST + 2) * ROUND)
    assert {waiter.future.result().status for waiter in scene.waiters} == {"cancelled"}


async def test_an_unclear_event_is_followed_by_a_look(stage: Set) -> None:
    scene = stage("tasks")
    names = await first_round(scene, 4, "tasks")
    tell(scene, names[0], status="processing")
    end(scene, names[0], status="succeeded")
    scene.ittybit.forget()
    await scene.pass_time(ROUND)
    assert scene.waiters[0].is_over
    assert scene.ittybit.asked == ["/events?limit=100", f"/tasks/{names[0]}"]


async def runs_beside_tasks(scene: Stage) -> tuple[list[str], list[str]]:
    """Let runs wait with long pauses and tasks with short ones, and everybody be looked at once."""
    runs, tasks = scene.ittybit.add("runs", 4), scene.ittybit.add("tasks", 4)
    await scene.wait_for_all(runs, poll_interval=60.0)
    await scene.wait_for_all(tasks, poll_interval=10.0)
    await scene.pass_time(1)
    scene.ittybit.forget()
    return runs, tasks


async def test_the_feed_tells_those_too_who_wait_in_a_collection_of_which_nothing_is_due(stage: Set) -> None:
    scene = stage("tasks")
    runs, _ = await runs_beside_tasks(scene)
    for name in runs[:2]:
        tell(scene, name, "run.succeeded", status="succeeded")
    await scene.pass_time(ROUND)
    assert [waiter.is_over for waiter in scene.waiters] == [True, True, *[False] * 6]
    assert scene.ittybit.asked == ["/events?limit=100"]


async def test_an_unclear_event_about_what_is_not_due_is_followed_by_a_look_when_it_is(stage: Set) -> None:
    scene = stage("tasks")
    runs, _ = await runs_beside_tasks(scene)
    tell(scene, runs[0], "run.succeeded", status="processing")
    end(scene, runs[0], status="succeeded")
    await scene.pass_time(ROUND)
    assert scene.ittybit.asked == ["/events?limit=100"]
    await scene.pass_time(60)
    assert [waiter.is_over for waiter in scene.waiters] == [True, *[False] * 7]
    assert [path for path in scene.ittybit.asked if path.startswith("/runs")] == [f"/runs/{runs[0]}"]


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_without_a_feed_lists_are_swept_for_the_life_of_the_poller(stage: Set, status: int) -> None:
    scene = stage("tasks")
    scene.ittybit.trouble = lambda request: no(status) if request.path == "/events" else None
    await first_round(scene, 4, "tasks")
    await scene.pass_time(60)
    assert scene.ittybit.count("/events") == 1
    assert scene.ittybit.count("/tasks?") >= 4
    assert scene.ittybit.count("/tasks/") == 0


async def test_a_feed_in_another_order_than_expected_is_not_followed(stage: Set) -> None:
    scene = stage("tasks")
    for number in (9, 5, 1):
        scene.ittybit.resources[f"evt_{number}"] = {
            "id": f"evt_{number}",
            "kind": "x",
            "data": {},
            "created_at": number,
        }
    await first_round(scene, 4, "tasks")
    await scene.pass_time(30)
    assert scene.ittybit.count("/events") == 1
    assert scene.ittybit.count("/tasks?") >= 2


async def test_a_feed_that_runs_ahead_is_no_answer_for_anybody(stage: Set) -> None:
    scene = stage("tasks")
    names = await first_round(scene, 4, "tasks")
    [other] = scene.ittybit.add("tasks", 1)
    tell(scene, names[0], status="succeeded")
    end(scene, names[0], status="succeeded")
    for _ in range(300):
        tell(scene, other, "task.updated")
    scene.ittybit.forget()
    await scene.pass_time(ROUND)
    assert scene.ittybit.count("/events") == 2
    assert scene.ittybit.count("/tasks?") == 1
    assert scene.waiters[0].future.result().status == "succeeded"


async def test_a_last_look_is_not_left_to_the_feed(stage: Set) -> None:
    scene = stage("tasks")
    names = scene.ittybit.add("tasks", 3)
    await scene.wait_for_all(names, deadline=scene.in_seconds(15))
    await scene.pass_time(1)
    end(scene, *names, status="succeeded")
    await scene.pass_time(16)
    assert {waiter.future.result().outcome for waiter in scene.waiters} == {"final"}
