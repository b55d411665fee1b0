"""One poller for each event loop and connection, and none that outlives its use."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from unit.triggers.staging import KEY, Stage, settings_for

from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitUnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.triggers.registry import Pollers

DIFFERENT = [
    {"api_version": "2025-08-21"},
    {"api_version": "files-enveloped"},
    {"version_header": "X-Version"},
    {"key": "another_key"},
    {"verify": False},
    {"ca_bundle": "/etc/ssl/own.pem"},
    {"proxies": {"https": "http://proxy.example:3128"}},
    {"timeout": 5},
    {"max_retries": 1},
]


async def test_two_who_use_the_same_connection_share_a_poller(stage: Callable[..., Stage]) -> None:
    scene = stage()
    one, two = (scene.wait_for(name) for name in scene.ittybit.add("files", 2))
    assert one.poller is two.poller
    assert scene.ittybit.open == 1


@pytest.mark.parametrize("changes", DIFFERENT, ids=str)
async def test_two_connections_of_one_id_with_different_settings_never_share(
    stage: Callable[..., Stage], changes: dict[str, Any]
) -> None:
    scene = stage()
    [name] = scene.ittybit.add("files", 1)
    one = scene.wait_for(name)
    scene.current = settings_for(**changes)
    two = scene.wait_for(name)
    assert one.poller is not two.poller
    assert len(scene.pollers.open()) == 2


async def test_two_ids_with_the_same_settings_do_not_share(stage: Callable[..., Stage]) -> None:
    scene = stage()
    [name] = scene.ittybit.add("files", 1)
    assert scene.wait_for(name).poller is not scene.wait_for(name, conn_id="films").poller


async def test_the_key_stands_nowhere_in_what_tells_pollers_apart(stage: Callable[..., Stage]) -> None:
    scene = stage()
    scene.wait_for(*scene.ittybit.add("files", 1))
    assert KEY not in repr(list(scene.pollers._by_loop[asyncio.get_running_loop()].keys()))


async def test_what_cannot_be_looked_at_is_refused_before_anything_begins(stage: Callable[..., Stage]) -> None:
    scene = stage("media")
    with pytest.raises(IttybitUnsupportedError):
        scene.wait_for("file_1", resource="files")
    scene = stage("files-flat")
    with pytest.raises(IttybitInputError):
        scene.wait_for("nonsense")
    assert scene.pollers.open() == []


async def test_the_last_one_out_closes_the_network_connections(stage: Callable[..., Stage]) -> None:
    scene = stage()
    one, two = (scene.wait_for(name) for name in scene.ittybit.add("files", 2))
    await scene.settle()
    await one.leave()
    assert (scene.ittybit.open, len(scene.pollers.open())) == (1, 1)
    await two.leave()
    assert (scene.ittybit.open, len(scene.pollers.open())) == (0, 0)
    await two.leave()


async def test_who_joins_while_a_poller_closes_gets_a_new_one(stage: Callable[..., Stage]) -> None:
    scene = stage()
    [name] = scene.ittybit.add("files", 1)
    first = scene.wait_for(name)
    await scene.settle()
    leaving = asyncio.ensure_future(first.leave())
    await asyncio.sleep(0)
    second = scene.wait_for(name)
    await leaving
    assert second.poller is not first.poller
    scene.ittybit.resources[name]["status"] = "ready"
    await scene.pass_time(12)
    assert (await scene.ended(second)).status == "ready"


def test_nothing_is_left_of_a_loop_that_ended() -> None:
    scenes: list[Stage] = []
    pollers: list[weakref.ref[Any]] = []

    async def begin() -> None:
        scene = Stage()
        scenes.append(scene)
        pollers.append(weakref.ref(scene.wait_for(*scene.ittybit.add("files", 1)).poller))
        await scene.settle()
        scene.waiters.clear()
        scene.clock.changed = asyncio.Event()  # the old one knows the loop

    asyncio.run(begin())
    registry: Pollers = scenes[0].pollers
    gc.collect()
    assert pollers[0]() is None
    assert len(registry._by_loop) == 0
    assert scenes[0].ittybit.open == 0


def test_each_loop_has_pollers_of_its_own() -> None:
    found: list[Any] = []
    registry: list[Pollers] = []

    async def begin() -> None:
        scene = Stage()
        registry[:] = registry or [scene.pollers]
        scene.pollers = registry[0]
        waiter = scene.wait_for("file_1")
        found.append(waiter.poller)
        await waiter.leave()

    asyncio.run(begin())
    asyncio.run(begin())
    assert found[0] is not found[1]
