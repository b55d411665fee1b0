from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import NOW, Stage, no
from unit.triggers.watching import Advance, Kept, Watching, add, when_asked_for

from airflow_provider_ittybit.api.watching import LATE, Sieve
from airflow_provider_ittybit.triggers.lookout import MOST

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_what_is_there_at_the_first_start_is_not_told_and_what_comes_is_told_once(
    stage: Callable[..., Stage],
) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, 1, 2, 3)
    lookout = watching.lookout()
    assert await watching.tells(lookout) == []
    new = add(scene, 4, 5)
    assert await watching.tells(lookout) == new
    assert await watching.tells(lookout) == []
    await watching.end()


async def test_the_position_is_kept_at_the_first_start(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    add(scene, 1)
    await watching.tells(watching.lookout(kept))
    await watching.end()
    new = add(scene, 2)
    again = Watching(scene)
    assert await again.tells(again.lookout(kept)) == new
    await again.end()


async def test_after_a_restart_it_goes_on_where_it_was_however_much_came_meanwhile(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    add(scene, 1)
    lookout = watching.lookout(kept)
    await watching.tells(lookout)
    first = add(scene, 2)
    assert await watching.tells(lookout) == first
    await watching.end()
    meanwhile = add(scene, *(LATE * n for n in range(1, 350)))
    again, told = Watching(scene), []
    lookout = again.lookout(kept)
    for _ in range(6):
        told += await again.tells(lookout)
    assert told == meanwhile
    await again.end()


async def test_events_that_were_not_stored_are_told_again_after_a_restart(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept)
    await watching.tells(lookout)
    new = add(scene, 1)
    assert await watching.tells(lookout, stored=False) == new
    assert await watching.tells(lookout, stored=False) == []
    await watching.end()
    again = Watching(scene)
    assert await again.tells(again.lookout(kept)) == new
    await again.end()


async def test_with_created_after_the_first_start_tells_of_older_ones_too(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    names = add(scene, 1, 2, 3)
    watching = Watching(scene)
    assert await watching.tells(watching.lookout(kept, created_after=NOW + 2)) == names[1:]
    await watching.end()
    again = Watching(scene)
    assert await again.tells(again.lookout(kept, created_after=NOW)) == []
    await again.end()


async def test_a_crowd_is_told_in_portions_oldest_first_each_after_the_one_before_is_stored(
    stage: Callable[..., Stage],
) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept)
    await watching.tells(lookout)
    names = add(scene, *range(2 * MOST + 10))
    portions = [await watching.tells(lookout), await watching.tells(lookout, stored=False)]
    await watching.end()
    assert portions == [names[:MOST], names[MOST : 2 * MOST]]
    again = Watching(scene)
    lookout = again.lookout(kept)
    before = scene.clock.now()
    assert await again.tells(lookout) == names[MOST : 2 * MOST]
    assert await again.tells(lookout) == names[2 * MOST :]
    assert scene.clock.now() == before
    await again.end()


async def test_it_tells_only_what_the_sieve_lets_through(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    lookout = watching.lookout(sieve=Sieve("image", "in"))
    await watching.tells(lookout)
    add(scene, 1, 2, kind="video", folder="in")
    add(scene, 3, kind="image", folder="out")
    wanted = add(scene, 4, kind="image", folder="in/deep")
    assert await watching.tells(lookout) == wanted
    await watching.end()


@pytest.mark.parametrize("when", ["ready", "created"])
@pytest.mark.parametrize(("turns_out", "is_told"), [("video", True), ("image", False)])
async def test_what_has_no_kind_at_first_is_told_of_once_it_is_ready_and_of_the_kind_looked_for(
    stage: Callable[..., Stage], *, when: str, turns_out: str, is_told: bool
) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept, sieve=Sieve("video"), when=when)
    await watching.tells(lookout)
    (name,) = add(scene, 1, status="processing", kind=None)
    assert await watching.tells(lookout) == []
    scene.ittybit.resources[name] |= {"status": "ready", "kind": turns_out}
    told = [facts for _ in range(4) async for facts in lookout.take(await watching.tick())]
    assert [(facts["id"], facts["kind"]) for facts in told] == [(name, "video")] * is_told
    assert name not in lookout._position.waiting
    await watching.end()


async def test_watchers_with_the_same_looks_cost_one_request_and_tell_each_their_own(
    stage: Callable[..., Stage],
) -> None:
    scene = stage()
    watching = Watching(scene)
    add(scene, *range(-60, 0))
    images, videos, all_ = (watching.lookout(sieve=Sieve(kind)) for kind in ("image", "video", None))
    await watching.told(images, videos, all_)
    scene.ittybit.forget()
    (image,) = add(scene, 1, kind="image")
    (video,) = add(scene, 2, kind="video")
    assert await watching.told(images, videos, all_) == [[image], [video], [image, video]]
    assert scene.ittybit.count() == 1
    await watching.end()


async def test_one_that_joins_later_reads_back_what_it_missed(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    first = watching.lookout(kept)
    await watching.tells(first)
    other = Watching(scene)
    regular = other.lookout()
    await other.told(regular)
    new = add(scene, 5)
    assert await other.told(regular, other.lookout(kept)) == [new, new]
    await watching.end()
    await other.end()


async def test_what_is_not_ready_is_told_when_it_is(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    lookout = watching.lookout()
    await watching.tells(lookout)
    (name,) = add(scene, 1, status="processing")
    assert await watching.tells(lookout) == []
    assert await watching.tells(lookout) == []
    scene.ittybit.resources[name]["status"] = "ready"
    told = [*await watching.tells(lookout), *await watching.tells(lookout), *await watching.tells(lookout)]
    assert told == [name]
    await watching.end()


@pytest.mark.parametrize("created_after", [None, NOW])
async def test_what_is_processing_at_the_first_start_is_told_with_created_after_only(
    stage: Callable[..., Stage], created_after: float | None
) -> None:
    scene = stage()
    (name,) = add(scene, 1, status="processing")
    watching = Watching(scene)
    lookout = watching.lookout(created_after=created_after)
    assert await watching.tells(lookout) == []
    scene.ittybit.resources[name]["status"] = "ready"
    told = [one for _ in range(4) for one in await watching.tells(lookout)]
    assert told == ([] if created_after is None else [name])
    await watching.end()


async def test_what_is_waited_for_outlives_a_restart(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept)
    await watching.tells(lookout)
    (name,) = add(scene, 1, status="processing", filename="a.mp4")
    await watching.tells(lookout)
    await watching.end()
    add(scene, 3 * LATE)
    scene.ittybit.resources[name]["status"] = "ready"
    again, told = Watching(scene), []
    lookout = again.lookout(kept)
    for _ in range(4):
        told += await again.tells(lookout)
    assert told.count(name) == 1
    await again.end()


async def test_resources_without_a_status_are_read_before_they_are_told_of(stage: Callable[..., Stage]) -> None:
    scene = stage("media")
    watching = Watching(scene)
    lookout = watching.lookout()
    await watching.tells(lookout)
    (name,) = add(scene, 1, collection="media", status="", sources=[{"src": "https://a.example/1?sig=s"}])
    told: list[dict[str, Any]] = []
    for _ in range(4):
        told += [facts async for facts in lookout.take(await watching.tick())]
    assert [facts["id"] for facts in told] == [name]
    assert "s3cret" not in str(told)
    await watching.end()


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_what_failed_is_logged_and_not_told_of(
    stage: Callable[..., Stage], status: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept)
    await watching.tells(lookout)
    (at_once,) = add(scene, 1, status=status)
    (later,) = add(scene, 2, status="processing")
    assert await watching.tells(lookout) == []
    scene.ittybit.resources[later]["status"] = status
    for _ in range(3):
        assert await watching.tells(lookout) == []
    assert all(f"{name} failed or was cancelled" in caplog.text for name in (at_once, later))
    assert '"waiting": {}' in str(kept.text)
    await watching.end()


async def test_what_is_deleted_before_it_is_ready_is_not_waited_for_any_more(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept)
    await watching.tells(lookout)
    (name,) = add(scene, 1, status="processing")
    await watching.tells(lookout)
    del scene.ittybit.resources[name]
    for _ in range(4):
        assert await watching.tells(lookout) == []
    assert '"waiting": {}' in str(kept.text)
    await watching.end()


async def test_it_waits_on_when_single_looks_fail(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    lookout = watching.lookout()
    await watching.tells(lookout)
    (name,) = add(scene, 1, status="processing")
    await watching.tells(lookout)
    scene.ittybit.trouble = lambda request: no(500) if request.path != "/files" else None
    for _ in range(8):
        assert await watching.tells(lookout) == []
    scene.ittybit.trouble = lambda _: None
    scene.ittybit.resources[name]["status"] = "ready"
    told = [await watching.tells(lookout) for _ in range(6)]
    assert [name] in told
    await watching.end()


async def test_created_tells_at_once_what_is_not_ready(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    lookout = watching.lookout(when="created")
    await watching.tells(lookout)
    name = add(scene, 1, status="processing")
    assert await watching.tells(lookout) == name
    assert await watching.tells(lookout) == []
    await watching.end()


async def test_a_position_that_cannot_be_read_is_waited_for_and_never_begun_anew(
    stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    await watching.tells(watching.lookout(kept))
    await watching.end()
    new = add(scene, 1)
    kept.trouble = ConnectionError("no database")
    again = Watching(scene)
    lookout = again.lookout(kept)
    assert await again.tells(lookout) == []
    assert "cannot be read" in caplog.text
    kept.trouble = None
    assert await again.tells(lookout) == new
    await again.end()


async def test_a_position_that_cannot_be_kept_is_kept_at_the_next_look(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept)
    await watching.tells(lookout)
    new = add(scene, 1)
    kept.trouble = ConnectionError("no database")
    assert await watching.tells(lookout) == new
    assert new[0] not in str(kept.text)
    kept.trouble = None
    assert await watching.tells(lookout) == []
    assert new[0] in str(kept.text)
    await watching.end()


async def test_a_position_that_stays_the_same_is_not_written_again(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    lookout = watching.lookout(kept)
    for _ in range(5):
        await watching.tells(lookout)
    assert kept.saved == 1
    await watching.end()


async def test_reading_back_that_fails_is_begun_anew(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    await watching.tells(watching.lookout(kept))
    await watching.end()
    new = add(scene, 1)
    again = Watching(scene)
    lookout = again.lookout(kept)
    tick = await again.tick()
    scene.ittybit.trouble = lambda _: no(500)
    assert [facts async for facts in lookout.take(tick)] == []
    scene.ittybit.trouble = lambda _: None
    assert await again.tells(lookout) == new
    await again.end()


async def test_what_slips_onto_a_page_that_was_read_is_told_as_well(stage: Callable[..., Stage]) -> None:
    scene, kept = stage(), Kept()
    watching = Watching(scene)
    add(scene, 1)
    await watching.tells(watching.lookout(kept))
    await watching.end()
    names = add(scene, *range(2, 302))
    again, told = Watching(scene), []
    lookout = again.lookout(kept)
    tick = await again.tick()
    when_asked_for(scene, "2", lambda: scene.ittybit.resources.pop(names[-1]))
    told += [facts["id"] async for facts in lookout.take(tick)]
    await again.newcomers.advance([Advance(tick)])
    for _ in range(3):
        told += await again.tells(lookout)
    assert told == names
    await again.end()


async def test_what_comes_while_it_reads_far_back_is_told_as_well(stage: Callable[..., Stage]) -> None:
    scene = stage()
    names = add(scene, *range(2100))
    watching = Watching(scene)
    lookout = watching.lookout(created_after=NOW)
    assert await watching.tells(lookout) == []
    names += add(scene, 2101)
    told: list[str] = []
    for _ in range(30):
        told += await watching.tells(lookout)
    assert told == names
    await watching.end()


async def test_leaving_closes_the_poller(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    lookout = watching.lookout()
    await watching.tells(lookout)
    add(scene, 1, status="processing")
    await watching.tells(lookout)
    await watching.end()
    await asyncio.sleep(0)
    assert (scene.ittybit.open, scene.pollers.open()) == (0, [])
