"""A server that takes uploads as fast as it can and throws them away: what all contenders send to.

It listens on four ports of 127.0.0.1: plain and TLS, each at full speed and with so many bytes a second for each
connection. It says where in one line of JSON, and ends when its standard input does, or when its time is up.

``python -m benchmarks.sink --certificate server.pem --rate 20000000``
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.streams import Plain, Tls

HEAD = 64 * 1024
IDLE = 60
"""Seconds without a byte after which a connection is given up."""
SLOW_BUFFER = 256 * 1024
"""Receive buffer of a limited connection: what it swallows at once must not matter beside its rate."""

LARGE = 1024 * 1024
"""Bytes from which a body that comes in one piece is skipped instead of read."""

RANGE = re.compile(r"bytes[= ](\d+)-(\d+)/(\d+)")


@dataclass(slots=True)
class Received:
    """What came in so far, and the files that are not whole yet.

    :param count: bytes of bodies.
    :param parts: bytes of chunks by path.
    """

    count: int = 0
    signed: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> None:
        """Count the bytes of a body."""
        with self.lock:
            self.count += count

    def take(self) -> int:
        """Return the bytes since the last time."""
        with self.lock:
            count, self.count = self.count, 0
            return count

    def whole(self, path: str, count: int, total: int) -> bool:
        """Count a chunk and say whether the file is whole now."""
        with self.lock:
            self.parts[path] = self.parts.get(path, 0) + count
            if self.parts[path] < total:
                return False
            del self.parts[path]
            return True

    def next_name(self) -> str:
        """Make a path for a signed URL."""
        with self.lock:
            self.signed += 1
            return f"/put/{self.signed}"


class Bucket:
    """Holds a connection to a rate.

    :param rate: bytes a second.
    """

    QUANTUM = 64 * 1024

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = time.monotonic()

    def spend(self, count: int) -> None:
        """Wait until so many bytes may have come; time in which nothing came is not saved up."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now - self.QUANTUM / self._rate) + count / self._rate
        if self._free_at > now:
            time.sleep(self._free_at - now)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return int(self.headers.get("content-length", "0"))


class Connection:
    """One connection, until its end.

    :param stream: the socket, with or without TLS.
    :param received: where bytes are counted.
    :param rate: bytes a second, 0 for no limit.
    :param base: address of this port, for signed URLs.
    """

    def __init__(self, stream: Plain | Tls, received: Received, rate: float, base: str) -> None:
        self._stream, self._received, self._base = stream, received, base
        self._bucket = Bucket(rate) if rate else None
        self._rest = b""

    def serve(self) -> None:
        """Answer one request after the other."""
        while self._stream.reusable and (head := self._read_head()) is not None:
            if "100-continue" in head.headers.get("expect", "").lower():
                self._stream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            if "transfer-encoding" in head.headers:
                self._answer(411, {"message": "A Content-Length is needed."})
                return
            self._drop_body(head)
            self._answer(*self._route(head))

    def _read_head(self) -> Head | None:
        data = self._rest
        while b"\r\n\r\n" not in data:
            more = self._stream.recv(HEAD)
            if not more:
                return None
            data += more
        text, _, self._rest = data.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        return Head(method, path.partition("?")[0], {name.lower(): value.strip() for name, _, value in pairs})

    def _drop_body(self, head: Head) -> None:
        first = min(head.length, len(self._rest))
        self._rest = self._rest[first:]
        left = head.length - first
        if self._bucket is None and left >= LARGE and "content-range" not in head.headers:
            self._stream.skip(left)
            left = 0
        while left:
            count = self._stream.drop(min(left, Bucket.QUANTUM if self._bucket else left))
            if not count:
                raise ConnectionError
            left -= count
            if self._bucket is not None:
                self._bucket.spend(count)
        self._received.add(head.length)

    def _route(self, head: Head) -> tuple[int, Any]:
        if head.method == "GET":
            return 200, {"bytes": self._received.take()} if head.path == "/received" else []
        if head.path == "/signatures":
            self._received.take()  # its own small body is no part of the upload
            path = self._received.next_name()
            return 201, {"object": "signature", "method": "put", "url": f"{self._base}{path}"}
        if head.path.endswith("/media"):
            media = {"id": "med_benchmark", "object": "media", "kind": "video"}
            return 201, {"meta": {"type": "object"}, "data": media, "links": {}}
        part = RANGE.fullmatch(head.headers.get("content-range", ""))
        size = int(part[3]) if part else head.length
        if part and not self._received.whole(head.path, head.length, size):
            return 202, {"message": "accepted"}
        file = {"id": "file_benchmark", "object": "source", "kind": "video", "media_id": "med_benchmark"}
        return 201, {**file, "filesize": size, "status": "ready"}

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        keep = "keep-alive" if self._stream.reusable else "close"
        head = f"HTTP/1.1 {status} -\r\nConnection: {keep}\r\nContent-Type: application/json\r\n"
        self._stream.send(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)


class Port:
    """One listening socket.

    :param received: where bytes are counted.
    :param rate: bytes a second for each connection, 0 for no limit.
    :param tls: what TLS needs, ``None`` for plain HTTP.
    """

    def __init__(self, received: Received, rate: float, tls: ssl.SSLContext | None) -> None:
        self._received, self._rate, self._tls = received, rate, tls
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if rate:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Accept connections from now on."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            accepted, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # unlike settimeout this adds no system call to each read
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", IDLE, 0))
        with stream, suppress(OSError, ValueError):
            wrapped = Tls(stream, self._tls) if self._tls is not None else Plain(stream)
            try:
                Connection(wrapped, self._received, self._rate, self.url).serve()
            finally:
                wrapped.close()


def main() -> None:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificate", help="file with the server's key and certificate")
    parser.add_argument("--rate", type=float, default=20e6, help="bytes a second of a limited connection")
    parser.add_argument("--lifetime", type=float, default=3600, help="seconds after which it ends in any case")
    given = parser.parse_args()
    received = Received()
    tls = None
    if given.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        tls.load_cert_chain(given.certificate)
    ports = {"http": Port(received, 0, None), "http-limited": Port(received, given.rate, None)}
    if tls is not None:
        ports |= {"https": Port(received, 0, tls), "https-limited": Port(received, given.rate, tls)}
    for port in ports.values():
        port.start()
    sys.stdout.write(json.dumps({name: port.url for name, port in ports.items()}) + "\n")
    sys.stdout.flush()
    threading.Timer(given.lifetime, os._exit, (0,)).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
