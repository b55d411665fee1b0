"""A watcher in memory: looks, what it tells, and an Airflow that stores events when the test says so."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from task_running import Store, uploaded
from unit.triggers.staging import NOW, PREFIX, Stage

from airflow_provider_ittybit.api.watching import Sieve
from airflow_provider_ittybit.triggers.lookout import Lookout
from airflow_provider_ittybit.triggers.newcomers import Newcomers, Tick
from airflow_provider_ittybit.triggers.watcher import MediaWatcherTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from airflow_provider_ittybit.api.messages import Request

LONGEST = 30.0


class AssetStore(Store):
    """The state store of an asset, as a trigger gets it: calls are awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()

    async def aget(self, key: str, default: Any = None) -> Any:
        await asyncio.sleep(0)
        return self.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        await asyncio.sleep(0)
        self.set(key, value)
        self.news.set()

    async def kept(self, what: str) -> None:
        """Wait until it holds something."""
        async with asyncio.timeout(LONGEST):
            while what not in str(self.values):
                self.news.clear()
                await self.news.wait()


@dataclass
class Kept:
    """What is kept of a position, and trouble with it."""

    text: str | None = None
    saved: int = 0
    trouble: Exception | None = None

    async def load(self) -> object:
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble
        return json.loads(self.text) if self.text else None

    async def save(self, value: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble
        self.text = json.dumps(value)
        self.saved += 1


@dataclass
class Outcome:
    is_clean: bool = True


@dataclass
class Advance:
    broker_payload: Tick
    outcome: Outcome = field(default_factory=Outcome)


def add(stage: Stage, *when: float, collection: str = "files", status: str = "ready", **fields: Any) -> list[str]:
    """Add resources that were created at these seconds of the test."""
    names = []
    for moment in when:
        name = f"{PREFIX[collection]}_{len(stage.ittybit.resources)}"
        given = {"id": name, "status": status, "kind": "video", "created": NOW + moment, **fields}
        stage.ittybit.resources[name] = given
        names.append(name)
    return names


def when_asked_for(stage: Stage, page: str, happen: Callable[[], object], *, times: int = 1) -> None:
    """Have something happen just before a page is answered."""
    left = [happen] * times

    def trouble(request: Request) -> None:
        if left and dict(request.query).get("page", "1") == page:
            left.pop()()

    stage.ittybit.trouble = trouble


def watch(**arguments: Any) -> MediaWatcherTrigger:
    return MediaWatcherTrigger(**{"poll_interval": 0.05, **arguments})


async def upload(path: Path, **fields: Any) -> str:
    """Upload, without standing in the way of what is watched here."""
    return str((await asyncio.to_thread(uploaded, path, **fields))["id"])


class Watching:
    """One source of looks, and watchers that take them as Airflow's shared streams would have it."""

    def __init__(self, stage: Stage, *, resource: str | None = None, poll_interval: float = 30.0) -> None:
        self.stage = stage
        self.connections_read = 0

        async def settings(_: str) -> Any:
            self.connections_read += 1
            await asyncio.sleep(0)
            return stage.current

        self.newcomers = Newcomers(
            "ittybit_default",
            stage.pollers,
            resource=resource,
            poll_interval=poll_interval,
            settings=settings,
            clock=stage.clock,
        )
        self.ticks: AsyncIterator[tuple[Tick, Tick]] = self.newcomers.open_stream()
        self.lookouts: list[Lookout] = []

    def lookout(self, memory: Kept | None = None, sieve: Sieve | None = None, **options: Any) -> Lookout:
        self.lookouts.append(Lookout(sieve or Sieve(), memory or Kept(), **options))
        return self.lookouts[-1]

    async def tick(self) -> Tick:
        """Let time pass until there is another look."""
        return (await self._in_time(anext(self.ticks)))[0]

    async def told(self, *lookouts: Lookout, stored: bool = True) -> list[list[str]]:
        """Let each take another look, and return the ids that each tells; then have the events stored, or not."""
        tick = await self.tick()
        told = [[facts["id"] async for facts in lookout.take(tick)] for lookout in lookouts]
        await self.newcomers.advance([Advance(tick, Outcome(is_clean=stored))])
        return told

    async def tells(self, lookout: Lookout, *, stored: bool = True) -> list[str]:
        (told,) = await self.told(lookout, stored=stored)
        return told

    async def end(self) -> None:
        for lookout in self.lookouts:
            await lookout.leave()
        await self.newcomers.aclose()

    async def _in_time(self, awaitable: Any) -> Any:
        task = asyncio.ensure_future(awaitable)
        clock = self.stage.clock
        async with asyncio.timeout(LONGEST):
            while not task.done():
                await asyncio.sleep(0)
                if clock.parked and clock.next < float("inf"):
                    clock.move(max(clock.next, 0.0))
        return await task
