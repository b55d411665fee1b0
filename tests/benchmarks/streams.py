"""Sockets that can drop bytes faster than they can read them, so that the sink is never the slowest part."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import cast

BLOCK = 1024 * 1024
DISCARD = getattr(socket, "MSG_TRUNC", 0)
"""Linux: drop the bytes of a TCP stream in the kernel, which is faster than any copy of them."""

HEADER = 5
OVERHEAD = HEADER + 17
"""What a record of TLS 1.3 adds to the bytes in it: header, content type, authentication tag."""
RAW = 256 * 1024


class Plain:
    """A connection without TLS."""

    reusable = True

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._buffer = memoryview(bytearray(BLOCK))

    def recv(self, size: int) -> bytes:
        """Read up to ``size`` bytes; none is the end."""
        return self._stream.recv(size)

    def send(self, data: bytes) -> None:
        """Write all of it."""
        self._stream.sendall(data)

    def drop(self, size: int) -> int:
        """Drop up to ``size`` bytes and return how many there were."""
        return self._stream.recv_into(self._buffer, min(size, BLOCK), DISCARD)

    def skip(self, size: int) -> None:
        """Drop exactly ``size`` bytes."""
        while size:
            count = self.drop(size)
            if not count:
                raise ConnectionError
            size -= count

    def close(self) -> None:
        """Close it."""
        self._stream.close()


class Tls:
    """A connection with TLS 1.3.

    Whole records are cut out here and only then handed to OpenSSL, so that ``skip`` can leave some out.

    :param stream: the accepted socket.
    :param context: TLS 1.3 only, with the server's certificate.
    """

    def __init__(self, stream: socket.socket, context: ssl.SSLContext) -> None:
        self._stream = stream
        self._raw = bytearray(RAW)
        self._view = memoryview(self._raw)
        self._start = self._end = 0
        self._buffer = memoryview(bytearray(BLOCK))
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.reusable = True
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
        self._flush()

    def recv(self, size: int) -> bytes:
        """Read up to ``size`` bytes; none is the end."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                if not self._feed():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""

    def send(self, data: bytes) -> None:
        """Write all of it."""
        self._tls.write(data)
        self._flush()

    def drop(self, size: int) -> int:
        """Decrypt and drop up to ``size`` bytes and return how many there were."""
        while True:
            try:
                # given a buffer it returns a number, which its type stub does not say
                return cast("int", self._tls.read(min(size, BLOCK), self._buffer))
            except ssl.SSLWantReadError:
                if not self._feed():
                    return 0

    def skip(self, size: int) -> None:
        """Drop the records that hold exactly the next ``size`` bytes, without decrypting them.

        Decrypting takes Python longer than any client takes to encrypt, so all contenders would look the same.
        What comes after can not be decrypted any more: the connection can only be written to, and is to be closed.
        """
        self.reusable = False
        while size > 0:
            record = self._record()
            if not record:
                raise ConnectionError
            size -= record - OVERHEAD
            self._start += record
        if size < 0:
            message = "more than the body came, or what came was no TLS 1.3"
            raise ConnectionError(message)

    def close(self) -> None:
        """Say goodbye and close it."""
        with suppress(OSError):
            self._tls.unwrap()
        with suppress(OSError):
            self._flush()
        self._stream.close()

    def _record(self) -> int:
        """Have a whole record at the start of the buffer, and return its bytes; 0 at the end of the stream."""
        raw = self._raw
        while True:
            have = self._end - self._start
            if have >= HEADER:
                size = HEADER + (raw[self._start + 3] << 8 | raw[self._start + 4])
                if have >= size:
                    return size
            if self._start:
                raw[:have] = self._view[self._start : self._end].tobytes()
                self._start, self._end = 0, have
            count = self._stream.recv_into(self._view[have:])
            if not count:
                return 0
            self._end = have + count

    def _feed(self) -> bool:
        size = self._record()
        self._in.write(self._view[self._start : self._start + size])
        self._start += size
        return bool(size)

    def _flush(self) -> None:
        data = self._out.read()
        if data:
            self._stream.sendall(data)
