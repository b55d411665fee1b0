"""ittybit in memory behind a poller, and a clock that only moves when it is told to."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ittybit.api.messages import Call, Headers, Request, Response
from airflow_provider_ittybit.api.settings import Settings, read_settings
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.triggers.clock import Clock
from airflow_provider_ittybit.triggers.registry import Pollers

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.transport.asynchronous import Gate
    from airflow_provider_ittybit.triggers.poller import Poller
    from airflow_provider_ittybit.triggers.waiters import Ended, Waiter

T = TypeVar("T")

KEY = "ittybit_live_k3yThatNobodyMaySee"
NOW = 1_900_000_000.0
PREFIX = {"files": "file", "media": "med", "tasks": "task", "runs": "run", "jobs": "job"}
NO_LIST = "tasks"
"""Of the jobs generation, single tasks have no list: they are asked for one by one."""
LONGEST = 30.0
"""Seconds of real time after which a test counts as hung."""


class HandClock(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self._now = 1024.125
        self.parked: dict[asyncio.Event, float] = {}
        self.changed = asyncio.Event()

    def now(self) -> float:
        return self._now

    def time(self) -> float:
        return NOW + self._now

    async def wait(self, news: asyncio.Event, seconds: float | None) -> None:
        self.parked[news] = float("inf") if seconds is None else self._now + seconds
        self.changed.set()
        try:
            await news.wait()
        finally:
            del self.parked[news]
            self.changed.set()

    def move(self, seconds: float) -> None:
        """Let time pass, and wake whoever it is time for."""
        self._now += seconds
        for news, until in self.parked.items():
            if until <= self._now:
                news.set()

    @property
    def next(self) -> float:
        """Seconds until someone wants to wake up."""
        return min(self.parked.values(), default=float("inf")) - self._now


Trouble = Response | Exception


def settings_for(api_version: str = "files-flat", *, key: str = KEY, **extra: Any) -> Settings:
    fields = {"api_version": api_version, "max_retries": 0, **extra}
    return read_settings("ittybit_default", host="http://127.0.0.1:9", password=key, extra=fields)


def no(status: int, message: str = "No.", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, Headers(named.items()), json.dumps({"message": message}).encode())


class Ittybit:
    """Resources in memory, newest last; it answers lists and single reads, and notes what was asked."""

    def __init__(self, *, has_cursors: bool = False) -> None:
        self.has_cursors = has_cursors
        self.resources: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.trouble: Callable[[Request], Trouble | None] = lambda _: None
        self.as_listed: Callable[[dict[str, Any]], dict[str, Any]] = lambda resource: resource
        self.keys: list[str] = []
        self.held: asyncio.Event | None = None
        self.line: Callable[[Request], asyncio.Event | None] = lambda _: None
        self.heard = asyncio.Event()
        self.open = 0
        self.under_way = self.most_under_way = 0

    def add(self, collection: str, number: int, **fields: Any) -> list[str]:
        """Add resources that are still being processed."""
        first = len(self.resources)
        ids = [f"{PREFIX[collection]}_{first + n}" for n in range(number)]
        for name in ids:
            self.resources[name] = {"id": name, "object": collection, "status": "processing", **fields}
        return ids

    def count(self, *starts: str) -> int:
        """Count the requests whose path begins like this; all without any."""
        return sum(1 for path in self.asked if not starts or path.startswith(starts))

    def forget(self) -> None:
        self.asked.clear()

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        collection, _, resource_id = request.path.strip("/").partition("/")
        if not resource_id:
            return self._page(collection, dict(request.query))
        if resource_id not in self.resources:
            return no(404, "There is none.")
        return Response(200, content=json.dumps(self.resources[resource_id]).encode())

    def _page(self, collection: str, query: dict[str, str]) -> Response:
        prefix, limit = PREFIX.get(collection, "evt"), int(query["limit"])
        items = [value for name, value in reversed(self.resources.items()) if name.startswith(f"{prefix}_")]
        start = limit * (int(query.get("page", "1")) - 1)
        if "after" in query:
            start = [item["id"] for item in items].index(query["after"]) + 1
        page = [self.as_listed(item) for item in items[start : start + limit]]
        more = "true" if len(items) > start + limit else "false"
        return Response(200, Headers([("Has-More", more)] if self.has_cursors else []), _json(page))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


class InMemory:
    """The transport of a poller to ``Ittybit``."""

    def __init__(self, ittybit: Ittybit, settings: Settings, gate: Gate) -> None:
        self._ittybit = ittybit
        self._settings = settings
        self._gate = gate
        self.is_open = True
        ittybit.open += 1

    async def send(self, call: Call[T], on_departure: Callable[[], None] | None = None) -> T:
        self._gate.admit()
        ittybit = self._ittybit
        if (turn := ittybit.line(call.request)) is not None:
            await turn.wait()
        if on_departure is not None:
            on_departure()
        query = "?" + "&".join(f"{name}={value}" for name, value in call.request.query) if call.request.query else ""
        ittybit.asked.append(call.request.path + query)
        ittybit.heard.set()
        ittybit.keys.append(self._settings.api_key)
        trouble = ittybit.trouble(call.request)
        answer = ittybit.answer(call.request) if trouble is None else trouble
        ittybit.under_way += 1
        ittybit.most_under_way = max(ittybit.under_way, ittybit.most_under_way)
        try:
            await (asyncio.sleep(0) if ittybit.held is None else ittybit.held.wait())
        finally:
            ittybit.under_way -= 1
        if isinstance(answer, Exception):
            raise answer
        return call.read(call.request, answer)

    async def close(self) -> None:
        self._ittybit.open -= self.is_open
        self.is_open = False


class Stage:
    """Pollers, the ittybit that they ask, and their clock."""

    def __init__(self, api_version: str = "files-flat", **extra: Any) -> None:
        self.settings = settings_for(api_version, **extra)
        self.clock = HandClock()
        self.ittybit = Ittybit(has_cursors=api_version in ("tasks", "jobs"))
        self.current = self.settings
        self.reread = 0
        self.waiters: list[Waiter] = []

        async def reread(_: str) -> Settings:
            self.reread += 1
            await asyncio.sleep(0)
            return self.current

        def transport(settings: Settings, gate: Gate) -> InMemory:
            return InMemory(self.ittybit, settings, gate)

        self.pollers = Pollers(clock=self.clock, transport=transport, reread=reread)

    @property
    def poller(self) -> Poller:
        [only] = self.pollers.open()
        return only

    def wait_for(self, resource_id: str, *, conn_id: str = "ittybit_default", **options: Any) -> Waiter:
        """Subscribe, with the current settings of the connection."""
        waiter = self.pollers.subscribe(conn_id, self.current, resource_id, **options)
        self.waiters.append(waiter)
        return waiter

    async def wait_for_all(self, names: list[str], **options: Any) -> list[Waiter]:
        """Subscribe for many, each in a step of its own as triggers do."""
        waiters = []
        for name in names:
            waiters.append(self.wait_for(name, **options))
            await asyncio.sleep(0)
        return waiters

    def in_seconds(self, seconds: float) -> float:
        """Return a deadline."""
        return self.clock.time() + seconds

    async def settle(self) -> None:
        """Wait until all pollers have done what is due."""
        async with asyncio.timeout(LONGEST):
            while not all(poller._news in self.clock.parked and poller.is_idle for poller in self.pollers.open()):
                self.clock.changed.clear()
                await self.clock.changed.wait()

    async def pass_time(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass in small steps, with all that is due done in each."""
        end = self.clock.now() + seconds
        await self.settle()
        while self.clock.now() < end:
            self.clock.move(min(max(step, self.clock.next), end - self.clock.now()))
            await self.settle()

    async def asked(self, number: int) -> None:
        """Wait until so many requests were made; they may still be without an answer."""
        async with asyncio.timeout(LONGEST):
            while self.ittybit.count() < number:
                self.ittybit.heard.clear()
                await self.ittybit.heard.wait()

    async def parked(self) -> None:
        """Wait until the poller waits for time to pass; looks may still be under way."""
        async with asyncio.timeout(LONGEST):
            while self.poller._news not in self.clock.parked:
                self.clock.changed.clear()
                await self.clock.changed.wait()

    async def closed(self) -> None:
        """Wait until all network connections are closed."""
        async with asyncio.timeout(LONGEST):
            while self.ittybit.open:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)

    async def ended(self, waiter: Waiter) -> Ended:
        """Wait for an end that must come without time passing, and leave as a trigger does."""
        async with asyncio.timeout(LONGEST):
            try:
                return await waiter.future
            finally:
                await waiter.leave()

    async def clear(self) -> None:
        """Have all leave."""
        for waiter in self.waiters:
            waiter.future.cancel()
            await waiter.leave()
            await asyncio.sleep(0)


async def begun(scene: Stage, number: int, collection: str = "files", **options: Any) -> list[str]:
    """Let so many begin to wait, and everybody be looked at once."""
    names = scene.ittybit.add(collection, number)
    await scene.wait_for_all(names, **options)
    await scene.pass_time(1)
    scene.ittybit.forget()
    return names


def outcomes(scene: Stage) -> list[str]:
    return [waiter.future.result().outcome for waiter in scene.waiters if waiter.is_over]


def errors(scene: Stage) -> list[IttybitError]:
    ended = [waiter.future.result() for waiter in scene.waiters if waiter.is_over]
    return [IttybitError.from_json(end.error) for end in ended if end.error]


def refuse_once(scene: Stage, answer: Any, *, times: int = 1) -> None:
    left = [answer] * times
    scene.ittybit.trouble = lambda _: left.pop() if left else None


def rotate(scene: Stage, key: str = "a_new_key") -> None:
    """Have the connection hold another key, and ittybit take only that one."""
    scene.current = replace(scene.settings, api_key=key)
    scene.ittybit.trouble = lambda _: no(401) if scene.ittybit.keys[-1] == scene.settings.api_key else None
