"""A connection is read once for all who ask at the same time, and never from before they asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from unit.triggers.staging import settings_for

from airflow_provider_ittybit.triggers.reading import Readings

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.settings import Settings


class Reader:
    """Reads only when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let = asyncio.Event()

    async def __call__(self, name: str) -> Settings:
        self.begun.append(name)
        number = len(self.begun)
        await self.let.wait()
        if name == "broken":
            message = "cannot be read"
            raise ValueError(message)
        return settings_for(key=f"key_{number}")


async def some_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_asks_while_a_connection_is_read_gets_what_is_read_next_together_with_others() -> None:
    reader = Reader()
    readings = Readings(reader)
    first = asyncio.create_task(readings.settings("one"))
    await some_turns()
    later = [asyncio.create_task(readings.settings("one")) for _ in range(5)]
    await some_turns()
    assert reader.begun == ["one"]
    reader.let.set()
    assert (await first).api_key == "key_1"
    assert {(await task).api_key for task in later} == {"key_2"}
    assert (await readings.settings("one")).api_key == "key_3"


async def test_other_connections_are_read_at_the_same_time() -> None:
    reader = Reader()
    readings = Readings(reader)
    tasks = [asyncio.create_task(readings.settings(name)) for name in ("one", "two")]
    await some_turns()
    assert reader.begun == ["one", "two"]
    reader.let.set()
    await asyncio.gather(*tasks)


async def test_an_error_reaches_all_who_asked_and_the_next_asks_again() -> None:
    reader = Reader()
    readings = Readings(reader)
    tasks = [asyncio.create_task(readings.settings("broken")) for _ in range(2)]
    await some_turns()
    reader.let.set()
    for task in tasks:
        with pytest.raises(ValueError, match="cannot be read"):
            await task
    with pytest.raises(ValueError, match="cannot be read"):
        await readings.settings("broken")
    assert len(reader.begun) == 2


async def test_who_stops_waiting_leaves_the_reading_to_the_others() -> None:
    reader = Reader()
    readings = Readings(reader)
    one, other = (asyncio.create_task(readings.settings("one")) for _ in range(2))
    await some_turns()
    one.cancel()
    reader.let.set()
    assert (await other).api_key == "key_1"
