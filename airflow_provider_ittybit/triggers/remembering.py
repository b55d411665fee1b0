"""Where a watcher keeps its position: what Airflow lets a trigger write, which differs by version."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any, Protocol

LONGEST = 60.0
"""Seconds for one reading or writing; then the next look tries again."""

log = logging.getLogger(__name__)


class Memory(Protocol):
    """Keeps one value beyond the life of a trigger."""

    async def load(self) -> object:
        """Return what was kept, ``None`` if nothing was."""

    async def save(self, value: dict[str, Any]) -> None:
        """Keep a value in place of the one before."""


class AssetMemory:
    """Keeps it with the asset, in the state store of Airflow 3.3.

    :param store: what Airflow gave the trigger.
    :param key: name of the value.
    """

    def __init__(self, store: Any, key: str) -> None:
        self._store = store
        self._key = key

    async def load(self) -> object:
        """Return what was kept, ``None`` if nothing was."""
        if hasattr(self._store, "aget"):
            return await _soon(self._store.aget(self._key))
        return await _soon(_in_thread(self._store.get, self._key))

    async def save(self, value: dict[str, Any]) -> None:
        """Keep a value in place of the one before."""
        if hasattr(self._store, "aset"):
            await _soon(self._store.aset(self._key, value))
        else:  # 3.3.0 and 3.3.1
            await _soon(_in_thread(self._store.set, self._key, value))


class VariableMemory:
    """Keeps it in an Airflow variable, which the page of variables shows.

    :param key: name of the variable.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    async def load(self) -> object:
        """Return what was kept, ``None`` if nothing was."""
        from airflow.providers.common.compat.sdk import Variable

        text = await _soon(_in_thread(Variable.get, self._key, None))
        return json.loads(text) if text else None

    async def save(self, value: dict[str, Any]) -> None:
        """Keep a value in place of the one before."""
        from airflow.providers.common.compat.sdk import Variable

        await _soon(_in_thread(Variable.set, self._key, json.dumps(value)))


class OwnMemory:
    """Keeps it for as long as the trigger runs."""

    def __init__(self) -> None:
        self._value: object = None

    async def load(self) -> object:
        """Return what was kept, ``None`` if nothing was."""
        return self._value

    async def save(self, value: dict[str, Any]) -> None:
        """Keep a value in place of the one before."""
        self._value = value


def memory_for(store: Any, key: str) -> Memory:
    """Choose where to keep a position: with the asset, else in a variable, else only for as long as the trigger runs.

    :param store: the trigger's ``asset_state_store`` (Airflow 3.3 and later), else ``None``.
    :param key: names the position, the same after a restart.
    """
    if store is not None and _is_of_one_asset(store):
        return AssetMemory(store, key)
    if can_write_variables():
        return VariableMemory(key)
    log.warning(
        "This version of Airflow lets a trigger keep nothing, so %s begins anew when its triggerer restarts: what "
        "ittybit gets meanwhile is not told.",
        key,
    )
    return OwnMemory()


def _is_of_one_asset(store: Any) -> bool:
    """Tell whether a store has one asset only. With several, which share one trigger, none of them is its own."""
    return int(getattr(store, "_total", 1)) == 1


def can_write_variables() -> bool:
    """Tell whether the triggerer that this runs in passes on the writing of a variable.

    Some versions of Airflow 3 only pass on the reading, and answer nothing to the rest.
    """
    triggerer = sys.modules.get("airflow.jobs.triggerer_job_runner")
    return triggerer is None or hasattr(triggerer, "PutVariable")


async def _soon(answer: Any) -> Any:
    async with asyncio.timeout(LONGEST):
        return await answer


async def _in_thread(function: Any, *arguments: Any) -> Any:
    """Call what blocks, in the way in which Airflow's channel to the database can be used from a trigger."""
    from asgiref.sync import sync_to_async

    return await sync_to_async(function)(*arguments)
