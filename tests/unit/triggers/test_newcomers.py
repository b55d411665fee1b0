from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import Stage, no, settings_for
from unit.triggers.watching import Advance, Outcome, Watching, add, when_asked_for

from airflow_provider_ittybit.api.watching import LATE
from airflow_provider_ittybit.exceptions import IttybitTransportError
from airflow_provider_ittybit.triggers.newcomers import (
    AT_ONCE,
    ENOUGH,
    LARGE_PAGE,
    LONGEST_PAUSE,
    MANY_PAGES,
    MOST_READINGS,
    PAGE,
    Tick,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.triggers.newcomers import ReadingBack


READING = 4
"""Requests for 250 items in pages of 100, of which the last is empty."""


def ids(tick: Tick) -> list[str]:
    return [one.id for one in tick.seen]


async def read_all(reading: ReadingBack) -> list[str]:
    while not await reading.go_on():
        pass
    return [one.id for one in reading.seen]


async def test_a_look_brings_what_came_since_the_one_before(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, 1, 2)
    first = await watching.tick()
    new = add(scene, 3, 4)
    second = await watching.tick()
    assert (first.number, second.number) == (1, 2)
    assert sorted(ids(second)) == new
    assert ids(await watching.tick()) == []
    await watching.end()


async def test_a_quiet_list_costs_one_small_page_for_each_look(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene, poll_interval=30)
    add(scene, *range(5 * PAGE))
    begun = scene.clock.now()
    for _ in range(4):
        await watching.tick()
    assert scene.ittybit.count() == 4
    assert scene.ittybit.asked[-1] == f"/files?limit={PAGE}"
    assert 3 * 27 <= scene.clock.now() - begun <= 3 * 33
    await watching.end()


async def test_a_burst_is_read_down_to_what_is_known(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(10 * PAGE))
    await watching.tick()
    new = add(scene, *(10 * PAGE + n for n in range(2 * PAGE + 5)))
    scene.ittybit.forget()
    assert sorted(ids(await watching.tick())) == sorted(new)
    pages = [f"/files?limit={PAGE}", f"/files?limit={PAGE}&page=2", f"/files?limit={PAGE}&page=3"]
    assert scene.ittybit.asked == pages * 2  # once more, since something may have slipped from one page to another
    await watching.end()


async def test_while_many_come_a_look_costs_one_large_page(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(PAGE))
    asked: list[list[str]] = []
    for number in (0, ENOUGH + 1, 3 * ENOUGH, 1, 1):
        add(scene, *(len(scene.ittybit.resources) + n for n in range(number)))
        scene.ittybit.forget()
        assert len(ids(await watching.tick())) == (number or PAGE)
        asked.append(list(scene.ittybit.asked))
    small, large = [f"/files?limit={PAGE}"], [f"/files?limit={LARGE_PAGE}"]
    assert asked == [small, [*small, f"{small[0]}&page=2"] * 2, large, large, small]
    await watching.end()


async def test_what_slips_onto_a_page_that_a_look_has_read_is_seen(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(3 * PAGE))
    await watching.tick()
    new = add(scene, *(3 * PAGE + n for n in range(PAGE + 10)))
    when_asked_for(scene, "2", lambda: scene.ittybit.resources.pop(new[-1]))
    assert sorted(ids(await watching.tick())) == sorted(new)
    await watching.end()


async def test_what_appears_late_among_known_ones_is_seen(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(5))
    await watching.tick()
    (late,) = add(scene, 2.5)
    resources = sorted(scene.ittybit.resources.items(), key=lambda entry: entry[1]["created"])
    scene.ittybit.resources = dict(resources)
    assert ids(await watching.tick()) == [late]
    await watching.end()


async def test_what_slips_up_because_others_were_deleted_is_not_new(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *(n * LATE for n in range(2 * PAGE)))
    await watching.tick()
    for name in list(scene.ittybit.resources)[-10:]:
        del scene.ittybit.resources[name]
    assert ids(await watching.tick()) == []
    await watching.end()


async def test_a_list_that_is_oldest_first_is_read_to_its_end_and_the_log_says_so(
    stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(PAGE * (MANY_PAGES + 1), 0, -1))
    await watching.tick()
    older = dict(scene.ittybit.resources)
    scene.ittybit.resources = {}
    (new,) = add(scene, PAGE * (MANY_PAGES + 1) + 1)
    scene.ittybit.resources = {"file_new": {**scene.ittybit.resources[new], "id": "file_new"}, **older}
    assert ids(await watching.tick()) == ["file_new"]
    assert "not newest first" in caplog.text
    await watching.end()


async def test_looks_that_fail_are_repeated_after_growing_pauses_and_count_for_nothing(
    stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    scene = stage()
    watching = Watching(scene, poll_interval=30)
    add(scene, 1)
    await watching.tick()
    new = add(scene, 2)
    answers: list[Any] = [no(503), IttybitTransportError("gone"), ValueError("odd"), no(401)]
    scene.ittybit.trouble = lambda _: answers.pop(0) if answers else None
    begun = scene.clock.now()
    tick = await watching.tick()
    assert (tick.number, ids(tick)) == (2, new)
    assert scene.clock.now() - begun == pytest.approx(30 + 30 + 60 + 120 + 240, rel=0.1)
    levels = [record.levelno for record in caplog.records if "in a row" in record.message]
    assert levels == [logging.WARNING] * 3 + [logging.ERROR]
    await watching.end()


async def test_pauses_after_failures_end_growing(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene, poll_interval=30)
    answers: list[Any] = [no(500)] * 20
    scene.ittybit.trouble = lambda _: answers.pop(0) if answers else None
    await watching.tick()
    assert scene.clock.now() < 21 * LONGEST_PAUSE + 2000
    await watching.end()


async def test_a_page_that_fails_in_the_middle_loses_nothing(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(3 * PAGE))
    await watching.tick()
    new = add(scene, *(3 * PAGE + n for n in range(PAGE + 1)))
    answers: list[Any] = [None, no(500)]
    scene.ittybit.trouble = lambda _: answers.pop(0) if answers else None
    assert sorted(ids(await watching.tick())) == sorted(new)
    await watching.end()


async def test_a_rate_limit_pauses_all_who_share_the_connection(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene, poll_interval=30)
    answers: list[Any] = [no(429, Retry_After="90")]
    scene.ittybit.trouble = lambda _: answers.pop(0) if answers else None
    begun = scene.clock.now()
    await watching.tick()
    assert 90 <= scene.clock.now() - begun < 91
    assert scene.ittybit.count() == 2
    await watching.end()


async def test_it_shares_the_session_of_those_who_wait_and_is_the_last_to_close_it(
    stage: Callable[..., Stage],
) -> None:
    scene = stage()
    watching = Watching(scene)
    await watching.tick()
    waiter = scene.wait_for(*scene.ittybit.add("files", 1))
    assert scene.ittybit.open == 1
    await waiter.leave()
    assert scene.ittybit.open == 1
    await watching.end()
    assert scene.ittybit.open == 0


async def test_another_key_is_taken_up_at_the_next_look(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    await watching.tick()
    scene.current = settings_for("files-flat", key="an0therK3y")
    await watching.tick()
    assert scene.ittybit.keys[-1] == "an0therK3y"
    assert scene.ittybit.open == 1
    await watching.end()


async def test_a_list_of_less_than_a_page_is_read_once(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, 1)
    await watching.tick()
    add(scene, 2)
    scene.ittybit.forget()
    await watching.tick()
    assert scene.ittybit.asked == [f"/files?limit={PAGE}", f"/files?limit={PAGE}&page=2"]
    await watching.end()


async def test_the_next_look_comes_at_once_when_more_is_to_be_told_and_events_are_stored(
    stage: Callable[..., Stage],
) -> None:
    scene = stage()
    watching = Watching(scene)
    tick = await watching.tick()
    tick.has_more = True
    await watching.newcomers.advance([Advance(tick)])
    before = scene.clock.now()
    await watching.tick()
    assert scene.clock.now() == before
    await watching.end()


async def test_positions_are_kept_only_of_looks_whose_events_are_stored(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    kept: list[str] = []
    for name, outcome in (("stored", Outcome()), ("lost", Outcome(is_clean=False))):
        tick = await watching.tick()

        async def keep(name: str = name) -> None:
            kept.append(name)

        tick.note(keep)
        await watching.newcomers.advance([Advance(tick, outcome)])
    assert kept == ["stored"]
    await watching.end()


@pytest.mark.parametrize("fired", [True, False])
async def test_without_word_from_airflow_events_get_some_seconds_to_be_stored(
    stage: Callable[..., Stage], *, fired: bool
) -> None:
    scene = stage()
    watching = Watching(scene, poll_interval=30)
    kept: list[float] = []

    async def keep() -> None:
        kept.append(scene.clock.now())

    ticks = watching.newcomers.settled()
    tick = await watching._in_time(anext(ticks))
    tick.has_fired = fired
    tick.note(keep)
    begun = scene.clock.now()
    await watching._in_time(anext(ticks))
    assert kept == [begun + 5 if fired else begun]
    await watching.end()


async def test_reading_back_ends_at_the_moment_that_is_asked_for(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    names = add(scene, *range(1000))
    await watching.tick()
    scene.ittybit.forget()
    floor = scene.ittybit.resources[names[850]]["created"]
    assert sorted(await read_all(watching.newcomers.read_back(floor))) == sorted(names[850:])
    assert scene.ittybit.count() == 2 * 3
    await watching.end()


@pytest.mark.parametrize(("number", "requests"), [(250, 3 * READING), (101, 3 * 2)])
async def test_several_pages_are_read_until_nothing_older_turns_up(
    stage: Callable[..., Stage], number: int, requests: int
) -> None:
    scene = stage()
    watching = Watching(scene)
    names = add(scene, *range(number))
    await watching.tick()
    scene.ittybit.forget()
    when_asked_for(scene, "2", lambda: scene.ittybit.resources.pop(names[-1]))
    assert sorted(await read_all(watching.newcomers.read_back(0.0))) == sorted(names)
    assert scene.ittybit.count() == requests
    await watching.end()


async def test_what_comes_at_the_top_while_it_reads_again_costs_no_further_reading(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    names = add(scene, *range(250))
    await watching.tick()
    scene.ittybit.forget()
    new: list[str] = []
    when_asked_for(scene, "2", lambda: new.extend(add(scene, 250)))
    assert sorted(await read_all(watching.newcomers.read_back(0.0))) == sorted([*names, *new])
    assert scene.ittybit.count() == 2 * READING
    await watching.end()


async def test_a_list_that_goes_on_to_change_is_read_five_times_at_most_and_the_log_says_so(
    stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(250))
    await watching.tick()
    scene.ittybit.forget()
    when_asked_for(scene, "2", lambda: add(scene, 10.5), times=100)
    await read_all(watching.newcomers.read_back(0.0))
    assert scene.ittybit.count() == MOST_READINGS * READING
    assert "may be left out" in caplog.text
    await watching.end()


async def test_pages_that_begin_after_an_item_are_read_once(stage: Callable[..., Stage]) -> None:
    scene = stage("tasks")
    watching = Watching(scene)
    names = add(scene, *range(250), collection="runs")
    await watching.tick()
    scene.ittybit.forget()
    assert sorted(await read_all(watching.newcomers.read_back(0.0))) == sorted(names)
    assert scene.ittybit.count() == 3
    await watching.end()


async def test_reading_back_to_nowhere_takes_the_top_only(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(1000))
    await watching.tick()
    scene.ittybit.forget()
    assert len(await read_all(watching.newcomers.read_back(None))) == 100
    assert scene.ittybit.count() == 1
    await watching.end()


async def test_reading_far_back_goes_a_few_pages_at_a_time_and_on_after_a_failure(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    names = add(scene, *range(100 * (AT_ONCE + 3)))
    await watching.tick()
    scene.ittybit.forget()
    reading = watching.newcomers.read_back(0.0)
    assert not await reading.go_on()
    assert scene.ittybit.count() == AT_ONCE
    scene.ittybit.trouble = lambda _: no(500)
    with pytest.raises(Exception, match="500"):
        await reading.go_on()
    scene.ittybit.trouble = lambda _: None
    assert sorted(await read_all(reading)) == sorted(names)
    await watching.end()


async def test_it_can_be_ended_while_it_waits(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    await watching.tick()
    task: asyncio.Future[Any] = asyncio.ensure_future(anext(watching.ticks))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await watching.end()
    assert scene.ittybit.open == 0
