"""A raw loopback server that does to a connection what no web framework would, until it has done it often enough."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

DRIP = 0.02
"""Seconds between two bytes, or parts, of a slow answer."""
PARTS = 8
"""Parts of an answer that is slow and yet comes."""
A_CONNECTION = "a connection"
"""What stands for the line of a request that nobody reads."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that arrived whole."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def line(self) -> str:
        """Method and path, without the query, and the range of a part of a file."""
        part = self.headers.get("content-range", "")
        return f"{self.method} {self.target.partition('?')[0]} {part}".strip()

    @property
    def awaits_more(self) -> bool:
        """Whether it brings a part of a file, and not the last one."""
        end, _, total = self.headers.get("content-range", "").rpartition("-")[2].partition("/")
        return bool(total) and int(end) + 1 < int(total)


@dataclass(frozen=True, slots=True)
class Line:
    """A connection on which a request is to be answered.

    :param asked: the request; ``None`` if none was read.
    :param good: what a server without faults would answer, as JSON; ``None`` for an answer without a body.
    :param url: base URL of the server.
    :param over: is set when the server closes.
    """

    socket: socket.socket
    asked: Asked | None
    good: Any
    url: str
    over: threading.Event

    def say(self, content: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(content)

    def answer(self, status: int, body: bytes = b"", /, **headers: str) -> None:
        """Send a whole answer; ``Retry_After="3"`` is the header ``Retry-After``, an empty value leaves one out."""
        self.say(encoded(status, body, **headers))

    def drip(self, content: bytes) -> None:
        """Send the same bytes one by one, again and again, until the other side has enough or the server closes."""
        while True:
            for byte in content:
                self.say(bytes([byte]))
                if self.over.wait(DRIP):
                    return

    def trickle(self, content: bytes) -> None:
        """Send bytes part by part, with a pause before each."""
        size = len(content) // PARTS + 1
        for start in range(0, len(content), size):
            self.over.wait(DRIP)
            self.say(content[start : start + size])

    def reset(self) -> None:
        """Have the connection end with a reset instead of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def encoded(status: int, body: bytes = b"", /, **headers: str) -> bytes:
    """Write down an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    usual = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Date": formatdate(usegmt=True)}
    usual["Has-More"] = "false"
    usual["Connection"] = "close"  # else the next request could meet the end of this connection
    if status == HTTPStatus.NO_CONTENT:
        del usual["Content-Length"]
    lines = [f"{name}: {value}" for name, value in {**usual, **named}.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", ""]).encode() + body


@dataclass(slots=True)
class FaultServer:
    """Answers well, but for some requests, to which it does something.

    :param behaviour: what it does to them.
    :param good: what it answers without a fault, by method and path, or by method and collection.
    :param faulty: tells, by method and path, which requests meet the fault.
    :param times: how many of them do; ``None`` for all.
    :param reads: whether it reads a request before it does so; without, any connection counts as one.
    :param listening: false for a port that refuses connections.
    :param tls: what it proves who it is with; without, it speaks plain HTTP.
    """

    behaviour: Callable[[Line], None]
    good: Callable[[Asked], Any]
    faulty: Callable[[str], bool] = lambda _: True
    times: int | None = None
    reads: bool = True
    listening: bool = True
    tls: ssl.SSLContext | None = None
    met: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    was_met: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=socket.socket)
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        if self.listening:
            self._listener.listen(32)
            self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)

    def _begin(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._begin(self._talk, connection)

    def _meets(self, line: str) -> bool:
        if not self.faulty(line) or (self.times is not None and len(self.met) >= self.times):
            return False
        self.met.append(line)
        self.was_met.set()
        return True

    def _talk(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            # it has arrived, though nobody reads it; else the connection may end before it has quite come about
            if not self.reads and connection.recv(1, socket.MSG_PEEK) and self._meets(A_CONNECTION):
                self.behaviour(Line(connection, None, None, self.url, self._over))
                return
            with connection.makefile("rb") as stream:
                if (asked := _read(stream)) is not None:
                    self.asked.append(asked)
                    line = Line(connection, asked, self.good(asked), self.url, self._over)
                    if self._meets(asked.line):
                        self.behaviour(line)
                    else:
                        line.answer(202 if asked.awaits_more else 200, json.dumps(line.good).encode())
        except (OSError, ValueError):
            pass  # the other side went away, which is what many of the faults are about
        finally:
            connection.close()


def _read(stream: Any) -> Asked | None:
    """Read a request; ``None`` at the end of the connection."""
    first = stream.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().strip().decode("latin-1"):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Asked(first[0], first[1], headers, body)
