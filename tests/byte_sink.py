"""A server that takes uploads of every generation, counts their bytes, keeps none, and tells what it was sent.

It runs in a thread of a test, or as a program of its own: ``python byte_sink.py`` prints its address.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1024 * 1024


class Sink(BaseHTTPRequestHandler):
    """Signs any file, takes all bytes, and lists nothing."""

    protocol_version = "HTTP/1.1"
    rbufsize = BLOCK
    disable_nagle_algorithm = True
    hashing = False
    taken: list[dict[str, Any]]

    def do_GET(self) -> None:
        self._answer(200, [])

    def do_POST(self) -> None:
        count, digest = self._take()
        if self.path == "/signatures":
            host = self.headers["Host"]
            self._answer(200, {"url": f"http://{host}/clip.mp4?signature=s", "expiry": 4_000_000_000})
        else:
            self._file(count, digest)

    def do_PUT(self) -> None:
        count, digest = self._take()
        span = self.headers.get("Content-Range")
        if span is not None and int(span.partition("-")[2].partition("/")[0]) + 1 < int(span.partition("/")[2]):
            self.taken.append({"bytes": count})
            self._answer(202, {"message": "Received."})
        else:
            self._file(count, digest)

    def _take(self) -> tuple[int, str]:
        left = count = int(self.headers.get("Content-Length", "0"))
        buffer = memoryview(bytearray(BLOCK))
        digest = hashlib.sha256()
        while left:
            got = self.rfile.readinto(buffer[: min(left, BLOCK)])
            if self.hashing:
                digest.update(buffer[:got])
            left -= got
        return count, digest.hexdigest()

    def _file(self, count: int, digest: str) -> None:
        self.taken.append({"bytes": count, "sha256": digest, "path": self.path, "headers": dict(self.headers)})
        self._answer(201, {"id": "file_sink", "media_id": "med_sink", "object": "source"})

    def _answer(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def sinking(*, hashing: bool = True) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Run a sink in a thread: its address, and what it took."""
    taken: list[dict[str, Any]] = []
    handler = type("TheSink", (Sink,), {"taken": taken, "hashing": hashing})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


if __name__ == "__main__":
    with sinking(hashing=False) as (address, _):
        print(address, flush=True)  # noqa: T201 - that is how it tells
        sys.stdin.read()  # until its parent is gone
