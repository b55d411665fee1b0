"""A key that changes while many wait, and one that is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import KEY, NO_LIST, begun, errors, no, outcomes, refuse_once, rotate

from airflow_provider_ittybit.api.waiting import FAILED_LOOKS
from airflow_provider_ittybit.exceptions import IttybitPollerError
from airflow_provider_ittybit.triggers.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.triggers.staging import Stage

    Set = Callable[..., Stage]


@pytest.mark.parametrize(("generation", "collection"), [("files-flat", "files"), ("jobs", NO_LIST), ("tasks", "tasks")])
async def test_a_key_that_was_rotated_is_read_again_and_all_wait_on(
    stage: Set, generation: str, collection: str
) -> None:
    scene = stage(generation)
    names = await begun(scene, 6, collection, deadline=scene.in_seconds(500))
    old = scene.poller
    scene.waiters[0].failed = 3
    rotate(scene)
    await scene.pass_time(14)
    assert scene.reread == 1
    assert outcomes(scene) == []
    assert scene.poller is not old
    assert {waiter.poller for waiter in scene.waiters} == {scene.poller}
    assert scene.ittybit.open == 1
    await scene.pass_time(470)
    for name in names[:3]:
        scene.ittybit.resources[name]["status"] = "ready"
    await scene.pass_time(30)
    assert sorted(outcomes(scene)) == ["final"] * 3 + ["timeout"] * 3


async def test_counts_of_failed_looks_move_along_to_the_new_poller(stage: Set) -> None:
    scene = stage()
    await begun(scene, 1)
    scene.ittybit.trouble = lambda _: no(500)
    await scene.pass_time(14 * 2)
    rotate(scene)
    scene.ittybit.trouble = lambda _: no(401) if scene.ittybit.keys[-1] == KEY else no(500)
    await scene.pass_time(14 * 3)
    assert scene.reread == 1
    assert outcomes(scene) == ["error"]
    assert scene.ittybit.count() == FAILED_LOOKS + 1


@pytest.mark.parametrize("what", ["the other poller", "joining it"])
@pytest.mark.parametrize(("generation", "collection"), [("files-flat", "files"), ("jobs", NO_LIST)])
async def test_who_cannot_be_moved_to_the_new_key_is_told(
    stage: Set, monkeypatch: pytest.MonkeyPatch, generation: str, collection: str, what: str
) -> None:
    scene = stage(generation)
    await begun(scene, 3, collection)
    rotate(scene)

    def fail(*_: Any) -> Any:
        message = f"a bug with {KEY}"
        raise KeyError(message)

    if what == "joining it":
        monkeypatch.setattr(Watch, "add", fail)
    else:
        monkeypatch.setattr(scene.poller, "_around", replace(scene.poller._around, find=fail))
    scene.clock.move(scene.clock.next)
    for waiter in scene.waiters:
        await scene.ended(waiter)
    await scene.closed()
    assert [type(error) for error in errors(scene)] == [IttybitPollerError] * 3
    assert not any(KEY in str(error.to_json()) for error in errors(scene))


async def test_who_waits_with_the_new_key_already_is_joined(stage: Set) -> None:
    scene = stage("jobs")
    names = await begun(scene, 3, NO_LIST)
    rotate(scene)
    already = scene.wait_for(names[0])
    await scene.pass_time(14)
    assert {waiter.poller for waiter in scene.waiters} == {already.poller}


async def test_a_refused_key_that_is_still_the_same_fails_everybody_with_few_requests(stage: Set) -> None:
    scene = stage()
    await begun(scene, 50)
    scene.ittybit.trouble = lambda _: no(401, "The key is wrong.")
    await scene.pass_time(14)
    assert outcomes(scene) == ["error"] * 50
    assert {type(error).__name__ for error in errors(scene)} == {"IttybitAuthenticationError"}
    assert scene.ittybit.count() <= 17


async def test_one_stray_401_fails_only_who_was_asked_for(stage: Set) -> None:
    scene = stage("jobs")
    await begun(scene, 5, NO_LIST)
    refuse_once(scene, no(401))
    await scene.pass_time(40)
    assert outcomes(scene) == ["error"]
    assert scene.reread == 1


async def test_a_connection_that_cannot_be_read_again_leaves_the_refusal(
    stage: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = stage()
    await begun(scene, 1)

    async def fail(_: str) -> Any:
        message = "no supervisor"
        raise RuntimeError(message)

    poller = scene.poller
    monkeypatch.setattr(poller, "_around", replace(poller._around, reread=lambda: fail("")))
    scene.ittybit.trouble = lambda _: no(401, "The key is wrong.")
    await scene.pass_time(14)
    [error] = errors(scene)
    assert "The key is wrong." in error.message
