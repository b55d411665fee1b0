"""A web server for one file, as good or as bad as a test wants it, that tells what it was asked."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Shelf:
    """What is served, and how.

    :param content: the file.
    :param ranges: whether the server announces and serves parts.
    :param length: whether it says the size.
    :param zipped: whether it compresses whatever it is asked for.
    :param status: an answer instead of the file.
    :param location: where to go on with 302 first, for ``/moved.mp4``.
    :param breaks_after: bytes after which it closes the connection, from the ``breaks_from``-th request on.
    :param headers: more headers of each answer.
    :param part: what ``Content-Range`` of a part says, instead of the truth.
    :param hangs_at: the number, from 1, of the request of whose answer something never comes.
    :param hangs_after: what comes of it before: ``the request`` (nothing), ``the headers`` or ``some bytes``.
    :param on_hang: is called when it hangs.
    """

    content: bytes = b""
    ranges: bool = True
    length: bool = True
    zipped: bool = False
    status: int = 200
    location: str = "/clip.mp4"
    breaks_after: int | None = None
    breaks_from: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    part: str | None = None
    hangs_at: int = 0
    hangs_after: str = "the request"
    on_hang: Callable[[], None] = lambda: None
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shelf: Shelf

    def do_GET(self) -> None:
        shelf = self.shelf
        shelf.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        self.close_connection = True
        if self.path.startswith("/moved"):
            self._head(302, {"Location": shelf.location, "Content-Length": "0"})
            return
        hangs = len(shelf.asked) == shelf.hangs_at
        if hangs and shelf.hangs_after == "the request":
            self._hang()
            return
        if shelf.status != 200:
            self._head(shelf.status, {"Content-Length": "0"})
            return
        content = gzip.compress(shelf.content) if shelf.zipped else shelf.content
        headers = dict(shelf.headers)
        if shelf.ranges:
            headers["Accept-Ranges"] = "bytes"
        if shelf.zipped:
            headers["Content-Encoding"] = "gzip"
        start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-")) if shelf.ranges else 0
        if start:
            true = f"bytes {start}-{len(content) - 1}/{len(content)}"
            headers["Content-Range"] = true if shelf.part is None else shelf.part
        if shelf.length:
            headers["Content-Length"] = str(len(content) - start)
        self._head(206 if start else 200, headers)
        if hangs:
            self.wfile.write(content[start : start + 100] if shelf.hangs_after == "some bytes" else b"")
            self._hang()
            return
        breaks = shelf.breaks_after is not None and len(shelf.asked) > shelf.breaks_from
        try:
            self.wfile.write(content[start : shelf.breaks_after if breaks else None])
        except OSError:  # the reader had enough
            return

    def _hang(self) -> None:
        self.shelf.on_hang()
        self.shelf.over.wait(60)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(shelf: Shelf) -> Iterator[Shelf]:
    """Serve a shelf on a free port of this machine; ``shelf.url`` is the address of its file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"shelf": shelf}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    shelf.url = f"http://127.0.0.1:{server.server_address[1]}/clip.mp4"
    try:
        yield shelf
    finally:
        shelf.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
