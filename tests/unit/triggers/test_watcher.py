"""A watcher that looks for itself, as every Airflow with asset watchers can drive it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import Asset, Variable
from airflow_versions import ASSET_WATCHERS, found
from task_running import rebuilt
from unit.triggers.watching import LONGEST, upload, watch

from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitInputError
from airflow_provider_ittybit.triggers import newcomers, watcher
from airflow_provider_ittybit.triggers.watcher import MediaWatcherTrigger

if not ASSET_WATCHERS.is_here:
    pytest.skip(ASSET_WATCHERS.reason, allow_module_level=True)
from airflow.sdk import AssetWatcher
from airflow.triggers.base import BaseEventTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

GENERATIONS = ["media", "files-enveloped", "files-flat"]


class Variables:
    """Airflow's variables, in memory. Threads read and write them."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.loop = asyncio.get_running_loop()
        self.news = asyncio.Event()

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: str) -> None:
        self.values[key] = value
        self.loop.call_soon_threadsafe(self.news.set)

    async def kept(self, what: str) -> None:
        """Wait until one holds something."""
        async with asyncio.timeout(LONGEST):
            while not any(what in value for value in self.values.values()):
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def variables(monkeypatch: pytest.MonkeyPatch) -> Variables:
    """Keep positions in variables, as where Airflow does not say what is stored."""
    made = Variables()
    monkeypatch.setattr(Variable, "get", made.get)
    monkeypatch.setattr(Variable, "set", made.set)
    monkeypatch.setattr(watcher, "TELLS_WHAT_IS_STORED", False)
    return made


@contextlib.asynccontextmanager
async def running(trigger: MediaWatcherTrigger) -> AsyncIterator[AsyncIterator[Any]]:
    """Run a watcher from what Airflow would store of it."""
    async with contextlib.aclosing(rebuilt(trigger).run()) as events:
        yield events


async def ids(events: Any, number: int) -> list[str]:
    """Wait for so many events, and return their ids."""
    async with asyncio.timeout(LONGEST):
        return [json.loads(json.dumps((await anext(events)).payload))["id"] for _ in range(number)]


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_new_medium_becomes_one_event_with_its_id(
    generation: str, connect: Connect, variables: Variables, image: Path
) -> None:
    connect(generation)
    before = await upload(image)
    async with running(watch()) as events:
        coming = asyncio.ensure_future(anext(events))
        await variables.kept("floor")
        name = await upload(image)
        payload = (await asyncio.wait_for(coming, LONGEST)).payload
    assert (payload["id"], payload["kind"]) == (name, "image")
    assert name != before
    assert payload["ittybit_conn_id"] == "ittybit_default"
    assert not {"url", "sources", "urls"} & set(payload)


@pytest.mark.parametrize("settled", [True, False])
async def test_after_a_restart_an_event_is_told_again_unless_it_was_given_time_to_be_stored(
    connect: Connect, variables: Variables, image: Path, monkeypatch: pytest.MonkeyPatch, *, settled: bool
) -> None:
    connect("files-flat")
    monkeypatch.setattr(newcomers, "SETTLING", 0.05 if settled else LONGEST)
    async with running(watch()) as events:
        telling = asyncio.ensure_future(ids(events, 1))
        await variables.kept("floor")
        first = await upload(image)
        assert await telling == [first]
        looking = asyncio.ensure_future(anext(events))
        if settled:
            await variables.kept(f'"known": {{"{first}"')
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
    second = await upload(image)
    monkeypatch.setattr(newcomers, "SETTLING", 0.05)
    async with running(watch()) as events:
        expected = [second] if settled else [first, second]
        assert sorted(await ids(events, len(expected))) == sorted(expected)  # within a second, their order is open


def test_without_shared_streams_it_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "TELLS_WHAT_IS_STORED", False)
    assert watch().shared_stream_key() is None


def test_the_position_has_another_name_for_another_question_only() -> None:
    names = {watch(**more)._name() for more in ({}, {"kind": "video"}, {"folder": "in"}, {"when": "created"})}
    assert len(names) == 4
    assert watch(poll_interval=5)._name() == watch(created_after="2026-01-01")._name() == watch()._name()
    assert all(name.startswith("ittybit_watcher_") for name in names)


@pytest.mark.parametrize("wrong", [{"when": "sometimes"}, {"poll_interval": 0}, {"poll_interval": -1}])
def test_values_that_cannot_be_used_are_refused_when_the_dag_is_parsed(wrong: dict[str, Any]) -> None:
    with pytest.raises(IttybitInputError, match=next(iter(wrong))):
        MediaWatcherTrigger(**wrong)


def test_airflow_can_store_it_and_tells_it_from_others() -> None:
    encode_trigger = found(
        "airflow.serialization.encoders:encode_trigger", "airflow.serialization.serialized_objects:_encode_trigger"
    )
    trigger = watch(kind="video", created_after=datetime(2026, 1, 1, tzinfo=UTC))
    asset = Asset("videos", watchers=[AssetWatcher(name="ittybit", trigger=trigger)])
    stored = json.loads(json.dumps(encode_trigger(asset.watchers[0].trigger)))
    assert stored["classpath"] == "airflow_provider_ittybit.triggers.watcher.MediaWatcherTrigger"
    assert rebuilt(trigger).serialize() == trigger.serialize()
    path, kwargs = trigger.serialize()
    assert kwargs["created_after"] == "2026-01-01T00:00:00+00:00"
    assert BaseEventTrigger.hash(path, kwargs) != BaseEventTrigger.hash(*watch().serialize())


def test_an_airflow_without_asset_watchers_is_told_so_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "HAS_ASSET_WATCHERS", False)
    with pytest.raises(IttybitConfigurationError, match=r"Airflow has from 3\.0 on"):
        MediaWatcherTrigger()
