"""Connections of a worker that bound the time of an answer, and that a signal handler can cut."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
import weakref
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from airflow_provider_ittybit.transport.receiving import PATIENCE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Sockets:
    """The open connections of one transport. One that is only coming about is not among them."""

    def __init__(self) -> None:
        self._open: dict[int, weakref.ref[socket.socket]] = {}
        self.are_cut = False

    def add(self, connected: socket.socket) -> None:
        """Remember a connection for as long as somebody uses it.

        :raises ConnectionAbortedError: all have been cut.
        """
        for key, known in list(self._open.items()):
            if known() is None:
                self._open.pop(key, None)
        self._open[id(connected)] = weakref.ref(connected)
        if self.are_cut:  # asked last, so that none slips through between the two
            message = "the task was killed"
            raise ConnectionAbortedError(message)

    def cut(self, after: float = 0.0) -> None:
        """End whatever waits for one of them, and let no other come about.

        :param after: seconds to sleep before.
        """
        time.sleep(after)
        self.are_cut = True
        for known in list(self._open.values()):
            connected = known()
            connected = getattr(connected, "socket", connected)  # below TLS within TLS
            with contextlib.suppress(OSError, TypeError):
                # not the method of an encrypted one, which would take its state away from whoever reads from it
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # type: ignore[arg-type] # None is suppressed


def pool_classes(sockets: Sockets) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Make the pools of connections of one transport, by scheme.

    :param sockets: is told of each connection.
    """

    class Plain(_Watched, HTTPConnection):
        watched_by = sockets

    class Encrypted(_Watched, HTTPSConnection):
        watched_by = sockets

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


class _TimedReader(io.RawIOBase):
    """Reads from a socket until a moment, however small the pieces are in which it gets something."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__()
        self._connected = connected
        self._bytes: Any = connected.makefile("rb", buffering=0)
        self._pause = connected.gettimeout()
        self._begun = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self._pause is not None:
            allowed = PATIENCE * self._pause
            left = self._begun + allowed - time.monotonic()
            if left <= 0:
                message = f"the answer was not complete within {allowed:g} s"
                raise TimeoutError(message)
            self._connected.settimeout(min(self._pause, left))
        count: int | None = self._bytes.readinto(buffer)
        return count

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Timed:
    """A socket as far as an answer is read from it."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._connected))


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(_Timed(sock), *arguments, **options)  # type: ignore[arg-type] # it is read from, no more


class _Watched:
    """What both kinds of connections do besides."""

    watched_by: Sockets
    sock: Any
    response_class: Any = _TimedResponse

    def connect(self) -> None:
        super().connect()  # type: ignore[misc] # it stands before a connection
        try:
            self.watched_by.add(self.sock)
        except ConnectionAbortedError:
            self.sock.close()
            raise
