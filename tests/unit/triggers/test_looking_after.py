"""What a watcher waits for: what that costs, and what is left of it afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import NOW, Stage, no
from unit.triggers.watching import Watching, add

from airflow_provider_ittybit.api.watching import Sieve

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("generation", "collection", "ready"),
    [
        ("files-flat", "files", {"status": "ready"}),
        ("media", "media", {"status": "", "sources": [{"src": "https://a.example/1"}]}),
    ],
)
async def test_a_look_reads_the_connection_once_however_many_are_waited_for(
    stage: Callable[..., Stage], generation: str, collection: str, ready: dict[str, Any]
) -> None:
    scene = stage(generation)
    watching = Watching(scene)
    lookout = watching.lookout(created_after=NOW)
    names = add(scene, *range(60), collection=collection, status="processing")
    read: list[int] = []
    told: list[str] = []
    for look in range(8):
        before = watching.connections_read
        told += await watching.tells(lookout)
        read.append(watching.connections_read - before)
        if look == 1:
            for name in names:
                scene.ittybit.resources[name] |= ready
    assert sorted(told) == sorted(names)
    assert read == [1] * 8
    await watching.end()


async def test_a_poller_that_ended_since_the_look_is_replaced(stage: Callable[..., Stage]) -> None:
    scene = stage()
    watching = Watching(scene)
    await watching.tick()
    visit, ended = await watching.newcomers.visit(), scene.poller
    ended._task.cancel()
    await asyncio.wait([ended._task])
    assert not visit.is_open
    assert (await watching.newcomers.visit()).is_open
    assert scene.poller is not ended
    await watching.end()


@pytest.mark.parametrize("end", ["ready", "failed", "gone", "of another kind"])
async def test_nothing_is_kept_in_memory_of_what_is_not_waited_for_any_more(
    stage: Callable[..., Stage], end: str
) -> None:
    scene = stage()
    watching = Watching(scene)
    lookout = watching.lookout(sieve=Sieve("video"))
    await watching.tells(lookout)
    (name,) = add(scene, 1, status="processing")
    await watching.tells(lookout)
    assert list(lookout._facts) == [name]
    scene.ittybit.resources[name]["status"] = "failed" if end == "failed" else "ready"
    if end == "gone":
        del scene.ittybit.resources[name]
    if end == "of another kind":
        scene.ittybit.resources[name]["kind"] = "image"
        left = [no(403)]  # so that the waiting ends without a status, and the watcher reads the resource itself
        scene.ittybit.trouble = lambda request: left.pop() if left and name in request.path else None
    told = [one for _ in range(4) for one in await watching.tells(lookout)]
    assert told == ([name] if end == "ready" else [])
    assert (lookout._facts, lookout._waiters) == ({}, {})
    await watching.end()
