"""The server that all contenders of the waiting benchmark ask: TLS, so many milliseconds to each answer, kept alive.

One event loop without a thread or a task for a request: an answer is made when the request is there, and sent when
its time has come. ``/control/begin`` and ``/control/report`` are on a plain port of their own. It says where in one
line of JSON and ends when its standard input does.

``python -m benchmarks.waiting_server --certificate server.pem --latency 0.1``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import ssl
import sys
import time
from collections import deque
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

from benchmarks.waiting_answers import answer, response
from benchmarks.waiting_project import Course, Project

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

HEAD = 64 * 1024
BACKLOG = 4096


class Late:
    """Sends everything so many seconds later, in order."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._queue: deque[tuple[float, asyncio.Transport, bytes]] = deque()
        self._is_set = False

    def send(self, transport: asyncio.Transport, data: bytes) -> None:
        """Send data when its time has come."""
        self._queue.append((time.monotonic() + self._latency, transport, data))
        self._set()

    def _set(self) -> None:
        if self._queue and not self._is_set:
            self._is_set = True
            pause = max(0.0, self._queue[0][0] - time.monotonic())
            asyncio.get_running_loop().call_later(pause, self._ring)

    def _ring(self) -> None:
        self._is_set = False
        now = time.monotonic()
        while self._queue and self._queue[0][0] <= now:
            _, transport, data = self._queue.popleft()
            if not transport.is_closing():
                transport.write(data)
        self._set()


class Site:
    """What is behind the ports."""

    def __init__(self) -> None:
        self.project = Project(Course(waiting=1, spread=0, seconds=0), time.monotonic())
        self._cpu: list[float] = []

    def ask(self, target: str) -> bytes:
        """Answer a contender."""
        return answer(self.project, target, time.monotonic())

    def connected(self) -> None:
        """Count a connection of a contender."""
        self.project.tally(time.monotonic()).connections += 1

    def control(self, target: str) -> bytes:
        """Begin a run, or report on the last one."""
        parts = urlsplit(target)
        if parts.path == "/control/begin":
            return response(json.dumps(self._begin(dict(parse_qsl(parts.query)))).encode())
        cpu = self._cpu[1] - self._cpu[0] if len(self._cpu) == 2 else 0.0
        return response(json.dumps(self.project.report(cpu)).encode())

    def _begin(self, given: dict[str, str]) -> dict[str, float]:
        types = {"waiting": int, "number": int}
        values: dict[str, Any] = {f.name: types.get(f.name, float)(given[f.name]) for f in fields(Course)}
        self.project = Project(Course(**values), time.monotonic())
        self._cpu = []
        loop, cpu = asyncio.get_running_loop(), self._cpu
        for moment in (self.project.begins, self.project.ends):
            loop.call_later(moment - time.monotonic(), lambda: cpu.append(time.process_time()))
        return {"begins": self.project.begins, "ends": self.project.ends}


class Speaker(asyncio.Protocol):
    """One connection: GET without a body, answered in order.

    :param ask: makes the answer to a target.
    :param late: sends it.
    :param connected: is told of the connection.
    """

    def __init__(self, ask: Callable[[str], bytes], late: Late, connected: Callable[[], None]) -> None:
        self._ask, self._late, self._connected = ask, late, connected
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        self._connected()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        assert self._transport is not None
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, _, self._rest = self._rest.partition(b"\r\n\r\n")
            self._late.send(self._transport, self._ask(head.split(b" ", 2)[1].decode()))
        if len(self._rest) > HEAD:
            self._transport.close()


async def serve(certificate: str, latency: float) -> None:
    """Serve until the standard input ends."""
    site, loop = Site(), asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    late, at_once = Late(latency), Late(0)
    asked = await loop.create_server(
        lambda: Speaker(site.ask, late, site.connected), "127.0.0.1", 0, ssl=context, backlog=BACKLOG
    )
    control = await loop.create_server(lambda: Speaker(site.control, at_once, lambda: None), "127.0.0.1", 0)
    ports = {name: server.sockets[0].getsockname()[1] for name, server in (("https", asked), ("control", control))}
    places = {"https": f"https://127.0.0.1:{ports['https']}", "control": f"http://127.0.0.1:{ports['control']}"}
    sys.stdout.write(json.dumps(places) + "\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on the leaner event loop where it is installed (Airflow brings it along), so that the server costs little."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def more_files() -> None:
    """Allow as many open files, and so connections, as this user may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--latency", type=float, default=0.1)
    given = parser.parse_args()
    more_files()
    run(serve(given.certificate, given.latency))


if __name__ == "__main__":
    main()
