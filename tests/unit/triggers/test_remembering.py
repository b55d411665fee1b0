from __future__ import annotations

import asyncio
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import Asset, Variable
from airflow_versions import ASSET_WATCHERS, SHARED_STREAMS

from airflow_provider_ittybit.triggers.remembering import AssetMemory, OwnMemory, VariableMemory, memory_for

if TYPE_CHECKING:
    from collections.abc import Callable

if not ASSET_WATCHERS.is_here:
    pytest.skip(ASSET_WATCHERS.reason, allow_module_level=True)

TRIGGERER = "airflow.jobs.triggerer_job_runner"


class Blocking:
    """The state store of Airflow 3.3.0, whose calls block until the event loop has carried them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.loop = asyncio.get_running_loop()

    def get(self, key: str, default: Any = None) -> Any:
        return asyncio.run_coroutine_threadsafe(self._soon(self.values.get(key, default)), self.loop).result(20)

    def set(self, key: str, value: Any) -> None:
        self.values[key] = asyncio.run_coroutine_threadsafe(self._soon(value), self.loop).result(20)

    async def _soon(self, value: Any) -> Any:
        await asyncio.sleep(0)
        return value


class Awaited(Blocking):
    """That of Airflow 3.3.2."""

    async def aget(self, key: str, default: Any = None) -> Any:
        return await self._soon(self.values.get(key, default))

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = await self._soon(value)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    values: dict[str, str] = {}
    monkeypatch.setattr(Variable, "get", lambda key, default=None: values.get(key, default))
    monkeypatch.setattr(Variable, "set", values.__setitem__)
    return values


def triggerer(monkeypatch: pytest.MonkeyPatch, **has: Any) -> None:
    module = types.ModuleType(TRIGGERER)
    vars(module).update(has)
    monkeypatch.setitem(sys.modules, TRIGGERER, module)


@pytest.mark.parametrize("make", [Blocking, Awaited])
async def test_a_position_is_kept_with_the_asset_where_airflow_has_a_store(make: Callable[[], Blocking]) -> None:
    store = make()
    memory = memory_for(store, "ittybit_watcher_1")
    assert isinstance(memory, AssetMemory)
    assert await memory.load() is None
    await memory.save({"floor": 1.5})
    assert await memory.load() == {"floor": 1.5}
    assert store.values == {"ittybit_watcher_1": {"floor": 1.5}}


@SHARED_STREAMS.needed
def test_a_store_of_several_assets_keeps_no_position(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time.context import AssetStateStoreAccessors

    triggerer(monkeypatch, PutVariable=object)
    assets = [Asset("one", "s3://a/one"), Asset("two", "s3://a/two")]
    assert isinstance(memory_for(AssetStateStoreAccessors(assets[:1]), "key"), AssetMemory)
    assert isinstance(memory_for(AssetStateStoreAccessors(assets), "key"), VariableMemory)


async def test_a_position_is_kept_in_a_variable_where_airflow_has_no_store_for_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    triggerer(monkeypatch, PutVariable=object)
    memory = memory_for(None, "key")
    assert isinstance(memory, VariableMemory)
    assert await memory.load() is None
    await memory.save({"floor": 2.5})
    assert variables == {"key": '{"floor": 2.5}'}
    assert await memory.load() == {"floor": 2.5}


async def test_where_a_trigger_may_write_nothing_the_log_says_so_and_it_is_kept_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    triggerer(monkeypatch)
    memory = memory_for(None, "ittybit_watcher_1")
    assert isinstance(memory, OwnMemory)
    assert "begins anew when its triggerer restarts" in caplog.text
    assert await memory.load() is None
    await memory.save({"floor": 3.5})
    assert await memory.load() == {"floor": 3.5}
