"""A loopback HTTP server that answers by a script, and can misbehave in ways that no HTTP library would let it."""

from __future__ import annotations

import contextlib
import enum
import json
import os
import select
import socket
import ssl
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request that arrived whole; header names are in lower case, repeated ones are joined by a comma."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    :param reads_body: whether the request's body is read before the answer goes out, or after it.
    :param repeated: further headers, whose names may repeat.
    """

    status: int = 200
    body: bytes = b'{"id": "file_1", "object": "source"}'
    headers: Mapping[str, str] = field(default_factory=dict)
    reads_body: bool = True
    repeated: tuple[tuple[str, str], ...] = ()

    def encoded(self) -> bytes:
        """Return the whole answer as bytes."""
        headers = {"Content-Type": "application/json", "Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in (*headers.items(), *self.repeated)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


class Mishap(enum.Enum):
    """What a server does instead of answering, once it has read the request."""

    RESET = "resets the connection"
    HANG_UP = "closes the connection without a word"
    HALF_AN_ANSWER = "closes the connection in the middle of the answer"
    NOISE = "sends what is not HTTP, and below TLS what is not TLS"
    SILENCE = "keeps the connection open and says nothing"
    DRIP = "sends byte after byte of an answer that has no end"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Answer ``CONNECT`` as a proxy does: pass on everything to this loopback port, whatever host is named."""

    port: int


@dataclass(frozen=True, slots=True)
class Raw:
    """Answer with bytes as they are, which need not be HTTP, and close the connection."""

    content: bytes


Step = Reply | Mishap | Tunnel | Raw


def no(status: int, message: str = "No.", **headers: str) -> Reply:
    """Make an answer that says no; ``Retry_After="3"`` is the header ``Retry-After``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({"message": message}).encode(), named)


class ScriptedServer:
    """Answers the n-th request by the n-th step of its script; the last step repeats.

    :param steps: the script.
    :param tls: makes it an HTTPS server.
    :param listening: false for a port that refuses connections until ``listen`` is called.

    ``heard`` is set as soon as a request arrived.
    """

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None, listening: bool = True) -> None:
        self.arrived: list[Arrived] = []
        self.connections = 0
        self.heard = threading.Event()
        self.cut_off = 0
        self._steps = deque(steps or (Reply(),))
        self._tls = tls
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        if listening:
            self.listen()

    @property
    def url(self) -> str:
        """The base URL, by the loopback address."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        """The methods of the requests that arrived."""
        return [request.method for request in self.arrived]

    def listen(self) -> None:
        """Begin to accept connections."""
        self._listener.listen(32)
        self._begin(self._accept)

    def close(self) -> None:
        """Close everything, and wait until no thread is left."""
        self._closing.set()
        for open_socket in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type] # any callable
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            self._begin(self._talk, connection, number)

    def _talk(self, connection: socket.socket, number: int) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._open.append(connection)
            reader = _Reader(connection)
            while self._serve_one(connection, reader, number):
                pass
        except (OSError, ValueError):
            pass  # the other side went away, which is what some tests are about
        finally:
            connection.close()

    def _serve_one(self, connection: socket.socket, reader: _Reader, number: int) -> bool:
        """Read one request and do the next step; tell whether another request may follow."""
        head = reader.head()
        if head is None:
            return False
        method, target, headers = head
        with self._lock:
            step = self._steps.popleft() if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, Reply) and not step.reads_body:
            connection.sendall(step.encoded())
        try:
            body = reader.body(headers)
        except EOFError:
            with self._lock:
                self.cut_off += 1
            return False
        with self._lock:
            self.arrived.append(Arrived(method, target, headers, body, number))
        self.heard.set()
        if isinstance(step, Tunnel):
            self._tunnel(connection, step.port)
            return False
        if isinstance(step, Raw):
            connection.sendall(step.content)
            return False
        if isinstance(step, Mishap):
            self._misbehave(connection, step)
            return False
        if step.reads_body:
            connection.sendall(step.encoded())
        return True

    def _misbehave(self, connection: socket.socket, mishap: Mishap) -> None:
        match mishap:
            case Mishap.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case Mishap.HALF_AN_ANSWER:
                whole = Reply(body=b'{"id": "' + b"x" * 100 + b'"}').encoded()
                connection.sendall(whole[:-50])
            case Mishap.NOISE:
                os.write(connection.fileno(), b"\x00 this is not what you expect \x00\r\n\r\n")
            case Mishap.SILENCE:
                self._closing.wait(30)
            case Mishap.DRIP:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not self._closing.wait(0.02):
                    connection.sendall(b" ")
            case Mishap.HANG_UP:
                pass

    def _tunnel(self, connection: socket.socket, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as other:
            self._open.append(other)
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _pass_on(connection, other)


class _Reader:
    """Reads requests from a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def head(self) -> tuple[str, str, dict[str, str]] | None:
        """Read request line and headers; None at the end of the connection."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        raw, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        first, *lines = raw.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            key = name.lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
        return method, target, headers

    def body(self, headers: Mapping[str, str]) -> bytes:
        """Read the body that the headers announce.

        :raises EOFError: the connection ended before it.
        """
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked()
        return self._exactly(int(headers.get("content-length", "0")))

    def _chunked(self) -> bytes:
        whole = bytearray()
        while size := int(self._line(), 16):
            whole += self._exactly(size)
            self._line()
        self._line()
        return bytes(whole)

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if not self._more():
                raise EOFError
        line, _, rest = bytes(self._buffer).partition(b"\r\n")
        self._buffer = bytearray(rest)
        return line

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                raise EOFError
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def _more(self) -> bool:
        block = self._connection.recv(CHUNK)
        self._buffer += block
        return bool(block)


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Pass on in both directions until one side ends: in one thread, since TLS takes no two at once."""
    towards = {one: other, other: one}
    with contextlib.suppress(OSError, ValueError):  # closed meanwhile
        while True:
            decrypted = [each for each in towards if isinstance(each, ssl.SSLSocket) and each.pending()]
            for source in decrypted or select.select(list(towards), [], [])[0]:
                if not (block := source.recv(CHUNK)):
                    return
                towards[source].sendall(block)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Something"
