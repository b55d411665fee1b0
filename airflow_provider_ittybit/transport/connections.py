"""Connections of a worker that bound the time of an answer, and that a signal handler can cut."""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import os
import socket
import time
import weakref
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family
from urllib3.util.wait import wait_for_write

from airflow_provider_ittybit.transport.receiving import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import WriteableBuffer


class Sockets:
    """The connections of one transport, also those that are only coming about."""

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

    def connect(self, host: str, port: int, timeout: float | None, options: Iterable[Any]) -> socket.socket:
        """Connect to the first address of a host that answers, so that ``cut`` can end it meanwhile.

        The look-up of the name has the time limit of the system's resolver, and cannot be ended.

        :param timeout: seconds for each address.
        :param options: arguments of ``setsockopt``.
        :raises OSError: none answers, or all have been cut.
        """
        failure: OSError = ConnectionError("the host has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, allowed_gai_family(), socket.SOCK_STREAM
        ):
            connecting = socket.socket(family, kind, protocol)
            try:
                for option in options:
                    connecting.setsockopt(*option)
                self._connect(connecting, address, timeout)
            except OSError as error:
                connecting.close()
                failure = error
                if self.are_cut:
                    break
            else:
                return connecting
        raise failure

    def _connect(self, connecting: socket.socket, address: Any, timeout: float | None) -> None:
        connecting.settimeout(0)
        begun = connecting.connect_ex(address)
        if begun not in (0, errno.EINPROGRESS):
            raise OSError(begun, os.strerror(begun))
        self.add(connecting)  # only now, since what has not begun cannot be cut
        if not wait_for_write(connecting, timeout):
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        ended = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if ended:
            raise OSError(ended, os.strerror(ended))
        connecting.settimeout(timeout)

    def twin(self, connected: socket.socket) -> socket.socket:
        """Copy what stands for a connection, which encryption takes it from, so that ``cut`` can end that as well.

        :raises ConnectionAbortedError: all have been cut, and so is this one.
        """
        twin = connected.dup()
        try:
            self.add(twin)
        except ConnectionAbortedError:
            twin.close()
            connected.close()
            raise
        return twin


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
        if not self.closed:
            with contextlib.suppress(OSError):  # the connection may be closed as well
                self._connected.settimeout(self._pause)  # what is sent next over it has all its time again
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

    _dns_host: str
    host: str
    port: int
    timeout: Any
    socket_options: Any
    _twin: socket.socket | None = None
    _is_through = False

    @property
    def has_connected_to_proxy(self) -> bool:
        """Whether a request may have gone out by this connection, also when it has been closed since.

        The library's own answer is true before the proxy let anything through, and false again as soon as the
        connection breaks: then a request that was sent would pass for one that the proxy never took.
        """
        return self._is_through

    def _new_conn(self) -> socket.socket:
        """Do what the library does, and raise what it raises; but what comes about here can be ended meanwhile."""
        this: Any = self
        host = self._dns_host.strip("[]")
        try:
            host.encode("idna")
            connected = self.watched_by.connect(host, self.port, self.timeout, self.socket_options or ())
            self._twin = self.watched_by.twin(connected)
        except UnicodeError:
            raise LocationParseError(host) from None
        except socket.gaierror as error:
            raise NameResolutionError(self.host, this, error) from error
        except TimeoutError as error:
            message = f"no connection within {self.timeout} s"
            raise ConnectTimeoutError(this, message) from error
        except OSError as error:
            message = f"Failed to establish a new connection: {error}"
            raise NewConnectionError(this, message) from error
        return connected

    def connect(self) -> None:
        self._is_through = False
        try:
            super().connect()  # type: ignore[misc] # it stands before a connection
        finally:
            if self._twin is not None:
                self._twin.close()
                self._twin = None
        try:
            self.watched_by.add(self.sock)
        except ConnectionAbortedError as error:
            self.sock.close()
            this: Any = self
            raise NewConnectionError(this, str(error)) from None
        self._is_through = True
