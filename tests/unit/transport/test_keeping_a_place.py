"""A triggerer among workers that always ask, at a low limit: over the network, in a time that moves when all sleep."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
from collections import deque
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import pytest
from unit.transport.carriers import call, settings_for

from airflow_provider_ittybit.exceptions import IttybitRateLimitError
from airflow_provider_ittybit.transport.asynchronous import AsyncTransport
from airflow_provider_ittybit.triggers.rate_gate import RateGate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from aiohttp import web

WORKERS = 8
MINUTE = 60.0
LONG = 20 * MINUTE


class SharedTime:
    """Unix seconds that pass only while everybody sleeps; who sleeps is woken alone, in the order of the time."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0
        self.end = self.now + LONG
        self._awake = 0
        self._order = itertools.count()
        self._asleep: list[tuple[float, int, asyncio.Event]] = []

    def __call__(self) -> float:
        return self.now

    @property
    def is_over(self) -> bool:
        return self.now >= self.end

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heappush(self._asleep, (self.now + seconds, next(self._order), woken))
        self._rest()
        await woken.wait()

    async def live(self, everybody: list[Awaitable[None]]) -> None:
        """Have all live until each has come to an end."""
        self._awake = len(everybody)

        async def one(life: Awaitable[None]) -> None:
            await life
            self._rest()

        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            for life in everybody:
                group.create_task(one(life))

    def _rest(self) -> None:
        self._awake -= 1
        if not self._awake and self._asleep:
            self.now, _, woken = heappop(self._asleep)
            self._awake = 1
            woken.set()


class Limited:
    """A server with a limit for any minute, that counts whom it answered and whom it refused."""

    def __init__(self, limit: int, time: SharedTime) -> None:
        self.answered: dict[str, list[float]] = {}
        self.refused = 0
        self._time = time
        self._limit = limit
        self._admitted: deque[float] = deque()

    async def answer(self, request: web.Request) -> web.Response:
        from aiohttp import web

        now, admitted = self._time(), self._admitted
        while admitted and admitted[0] <= now - MINUTE:
            admitted.popleft()
        if len(admitted) >= self._limit:
            self.refused += 1
            seconds = max(1, math.ceil(admitted[0] + MINUTE - now))
            return web.Response(status=429, headers={"Retry-After": str(seconds)}, text='{"message": "Slow down."}')
        admitted.append(now)
        self.answered.setdefault(request.path, []).append(now)
        return web.Response(text=json.dumps({"id": "file_1"}))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Serve on loopback; gives the URL."""
        from aiohttp import web

        app = web.Application()
        app.router.add_get("/files/{name}", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def work(url: str, name: str, time: SharedTime) -> None:
    """Ask again and again, as a worker does."""
    async with AsyncTransport(settings_for(url), sleep=time.sleep, clock=time) as transport:
        while not time.is_over:
            try:
                await transport.send(call(path=f"/files/{name}"))
            except IttybitRateLimitError:
                continue


async def look(transport: AsyncTransport, gate: RateGate, number: int, time: SharedTime) -> None:
    """Ask again and again, as one of the looks of a poller does."""
    while not time.is_over:
        if gate.is_closed or number >= gate.allowed:
            await time.sleep(max(0.0, gate.opens_at - time.now) + 0.5)
            continue
        closings = gate.closings
        try:
            await transport.send(call(path="/files/polled"))
        except IttybitRateLimitError as error:
            if error.status is not None or error.retry_after is not None:
                gate.close(error.retry_after)
        else:
            gate.passed(closings)


@pytest.mark.parametrize(("limit", "looks"), [(6, 1), (10, 16)])
async def test_a_triggerer_gets_its_share_of_a_limit_of_a_few_requests_a_minute(
    limit: int, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chances = random.Random(7)  # noqa: S311 - the same in each run: its figures depend on them
    monkeypatch.setattr(random, "random", chances.random)
    time = SharedTime()
    server = Limited(limit, time)
    async with server.open() as url:
        gate = RateGate(looks, time)
        async with AsyncTransport(settings_for(url), sleep=time.sleep, clock=time, gate=gate) as transport:
            polling = [look(transport, gate, number, time) for number in range(looks)]
            await time.live([*(work(url, f"worker_{number}", time) for number in range(WORKERS)), *polling])
    polled = server.answered.pop("/files/polled", [])
    worked = [len(times) for times in server.answered.values()]
    gaps = [after - before for before, after in itertools.pairwise([time.end - LONG, *polled, time.end])]
    figures = f"{len(polled)} polls, {sorted(worked)} by workers, {server.refused} refused, gap {max(gaps):.0f} s"
    assert len(polled) / looks >= 0.4 * sum(worked) / WORKERS, figures  # less: it comes back step by step
    assert max(gaps) <= 4 * MINUTE, figures
