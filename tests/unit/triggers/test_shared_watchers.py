"""Watchers that share their looks, as Airflow drives them since it says when their events are stored."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import SHARED_STREAMS
from task_running import rebuilt, sent
from unit.triggers.watching import AssetStore, upload, watch

if not SHARED_STREAMS.is_here:
    pytest.skip(SHARED_STREAMS.reason, allow_module_level=True)
from airflow.triggers.shared_stream import SharedStreamManager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.triggers.watcher import MediaWatcherTrigger

    Connect = Callable[..., RunningEmulator]

LONGEST = 30.0
GENERATIONS = ["media", "files-enveloped", "files-flat"]


class Triggerer:
    """Drives watchers as Airflow 3.3 does, with its own shared streams, and stores events when it is told to."""

    def __init__(self, store: AssetStore | None = None) -> None:
        self.store = store or AssetStore()
        self.streams = SharedStreamManager(ack_timeout=LONGEST)
        self.events: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.sequence: list[int] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, trigger: MediaWatcherTrigger) -> None:
        ready = rebuilt(trigger)
        ready.asset_state_store = self.store
        number = len(self._tasks)
        self._tasks.append(asyncio.get_running_loop().create_task(self._run(number, ready)))

    async def _run(self, number: int, trigger: Any) -> None:
        key = trigger.shared_stream_key()
        stream = self.streams.subscribe(trigger_id=number, trigger=trigger, key=key)
        try:
            async for event in trigger.filter_shared_stream(stream):
                bound = self.streams.bind_pending_event(trigger_id=number, key=key)
                assert bound is not None
                self.sequence.append(bound)
                self.events.append(json.loads(json.dumps(event.payload)))
                self.news.set()
        finally:
            await self.streams.unsubscribe(number, key)

    def persist(self) -> None:
        """Say that all events so far are in the database."""
        self.streams.confirm_persisted(self.sequence)

    async def told(self, number: int) -> list[str]:
        """Wait for so many events, and return their ids."""
        async with asyncio.timeout(LONGEST):
            while len(self.events) < number:
                self.news.clear()
                await self.news.wait()
        return [event["id"] for event in self.events]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended
        await self.streams.stop_all()


@contextlib.asynccontextmanager
async def triggerer(*triggers: MediaWatcherTrigger, store: AssetStore | None = None) -> AsyncIterator[Triggerer]:
    made = Triggerer(store)
    try:
        for trigger in triggers:
            made.start(trigger)
        yield made
    finally:
        await made.stop()


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_new_medium_becomes_one_event_with_its_id(generation: str, connect: Connect, image: Path) -> None:
    connect(generation)
    before = await upload(image)
    async with triggerer(watch()) as running:
        await running.store.kept("floor")
        name = await upload(image)
        assert await running.told(1) == [name]
        running.persist()
        await running.store.kept(name)
        (event,) = running.events
    assert event["ittybit_conn_id"] == "ittybit_default"
    assert event["resource"] == ("media" if generation == "media" else "files")
    assert event["kind"] == "image"
    assert before not in str(running.events)
    assert not {"url", "sources", "urls"} & set(event)


async def test_a_medium_is_told_of_when_it_is_ready_and_not_before(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    async with triggerer(watch()) as running:
        await running.store.kept("floor")
        name = await upload(image)
        await running.store.kept(f'"waiting": {{"{name}"')
        assert running.events == []
        await asyncio.to_thread(emulator.control.release)
        assert await running.told(1) == [name]


@pytest.mark.parametrize("stored", [True, False])
async def test_after_a_restart_a_stored_event_is_not_told_again_and_a_lost_one_is(
    connect: Connect, image: Path, *, stored: bool
) -> None:
    connect("files-flat")
    store = AssetStore()
    async with triggerer(watch(), store=store) as running:
        await running.store.kept("floor")
        first = await upload(image)
        await running.told(1)
        if stored:
            running.persist()
            await running.store.kept(f'"known": {{"{first}"')
    second = await upload(image)
    async with triggerer(watch(), store=store) as again:
        expected = [second] if stored else [first, second]
        assert sorted(await again.told(len(expected))) == sorted(expected)  # within a second, their order is open


async def test_watchers_share_their_looks_and_tell_each_their_own(connect: Connect, image: Path, video: Path) -> None:
    emulator = connect("files-flat")
    one, two = AssetStore(), AssetStore()
    async with triggerer() as running:
        running.store = one
        running.start(watch(kind="image", folder="in"))
        running.store = two
        running.start(watch(kind="video"))
        await one.kept("floor")
        await two.kept("floor")
        names = {await upload(image, folder="in/deep"), await upload(video)}
        await upload(image, folder="out")
        assert set(await running.told(2)) == names
    shared = [path for path in sent(emulator, "GET") if path == "GET /files"]
    rows = [row for row in emulator.control.requests(method="GET") if "(triggerer)" in (row["user_agent"] or "")]
    assert shared
    assert all("Bearer" not in str(row["path"]) for row in rows)


def test_watchers_of_one_connection_have_one_stream_and_others_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__ITTYBIT__SHARED_POLLER", "True")
    assert watch(kind="video").shared_stream_key() == watch(folder="in").shared_stream_key()
    for other in (watch(ittybit_conn_id="films"), watch(resource="media"), watch(poll_interval=9)):
        assert other.shared_stream_key() != watch().shared_stream_key()
    monkeypatch.setenv("AIRFLOW__ITTYBIT__SHARED_POLLER", "False")
    assert watch(kind="video").shared_stream_key() != watch(folder="in").shared_stream_key()
