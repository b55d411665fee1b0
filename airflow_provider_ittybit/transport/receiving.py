"""Answers are read within bounds, whatever the other side sends: so many bytes, unpacked, and without the API key."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.failures import unreadable
from airflow_provider_ittybit.api.messages import Headers, Response
from airflow_provider_ittybit.transport.failures import HIDDEN

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.messages import Request
    from airflow_provider_ittybit.api.settings import Settings

LARGEST = 50_000_000
"""Bytes of an answer, unpacked. The largest that makes sense is a page of 250 items, a hundredth of it."""
LARGEST_REFUSAL = 1_000_000
"""Bytes that are read of an answer that means "no": what it says stands at the beginning."""
PATIENCE = 5.0
"""Times the connection's ``timeout`` that a whole answer may take; each part of it must come within one ``timeout``."""
BLOCK = 65_536
ENCODINGS = "gzip, deflate"
"""What is asked for and can be unpacked; with others, such as several one over the other, a few bytes become many."""
SHORTEST_KEY = 12
"""Characters that an API key has at least to be taken out of answers: a shorter one, as people give to a local server,
may be a part of what an answer says. Out of errors it is taken all the same."""

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_BARE = -zlib.MAX_WBITS
_HEADER = 2
"""Bytes that tell whether a stream has the header of ``deflate``."""


class Receiver:
    """Collects the body of one answer. Memory stays within the bound, also while it unpacks.

    :param status: HTTP status.
    :param headers: its headers.
    :param settings: hold the key, which is taken out: whoever reads the answer cuts, stores and shows its words.
    """

    def __init__(self, status: int, headers: Headers, settings: Settings) -> None:
        self.status = status
        self.headers = headers = _headers_without_key(headers, settings)
        self._settings = settings
        self._is_success = 200 <= status < 300
        self._most = LARGEST if self._is_success else LARGEST_REFUSAL
        self._content = bytearray()
        self._problem: str | None = None
        self._unpacker: _Unpacker | None = None
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding in _WINDOWS:
            self._unpacker = _Unpacker(encoding)
        elif encoding not in ("", "identity"):
            self._problem = f"it is encoded as {encoding[:40]!r}, which was not asked for"
        length = headers.get("content-length", "").strip()
        if self._is_success and length.isascii() and length.isdigit() and int(length[:20]) > self._most:
            self._problem = self._too_large()

    @property
    def wants_more(self) -> bool:
        """Whether a further block would be read."""
        return self._problem is None and len(self._content) <= self._most

    def take(self, block: bytes) -> bool:
        """Take in what came next, and tell whether more is wanted."""
        if not self.wants_more:
            return False
        room = self._most + 1 - len(self._content)
        if self._unpacker is None:
            self._content += block[:room]
        else:
            try:
                self._content += self._unpacker.unpack(block, room)
            except zlib.error:
                self._problem = "it cannot be unpacked"
        if len(self._content) > self._most:
            self._problem = self._too_large()
        return self.wants_more

    def response(self, request: Request) -> Response:
        """Return the answer; of one that means "no", what could be read of it.

        :raises IttybitUnreadableAnswerError: it means success, but is too large, or cannot be unpacked.
        """
        if self._problem is None and self._unpacker is not None and self._unpacker.is_cut_off:
            self._problem = "what was packed in it is cut off"
        response = Response(self.status, self.headers, _content_without_key(self._content, self._settings))
        if self._problem is not None and self._is_success:
            raise unreadable(request, response, self._problem)
        return response

    def _too_large(self) -> str:
        return f"it has more than {self._most // 1_000_000} MB"


def _content_without_key(content: bytearray, settings: Settings) -> bytes:
    key = settings.api_key.encode()
    if len(key) >= SHORTEST_KEY and key in content:
        content = content.replace(key, HIDDEN.encode())
    return bytes(content)


def _headers_without_key(headers: Headers, settings: Settings) -> Headers:
    key = settings.api_key
    if len(key) < SHORTEST_KEY or key not in "\n".join(headers.values()):
        return headers
    return Headers((name, value.replace(key, HIDDEN)) for name, value in headers.items())


class _Unpacker:
    """Unpacks a stream, so many bytes at a time."""

    def __init__(self, encoding: str) -> None:
        self._stream = zlib.decompressobj(_WINDOWS[encoding])
        self._may_be_bare = encoding == "deflate"  # some servers leave out the header that the standard wants
        self._has_begun = False
        self._first = b""

    @property
    def is_cut_off(self) -> bool:
        """Whether it began and did not come to its end."""
        return self._has_begun and not self._stream.eof

    def unpack(self, block: bytes, most: int) -> bytes:
        """Unpack a block.

        :param most: bytes; there may be more in it.
        :raises zlib.error: it is none of this encoding, or goes on behind its end.
        """
        self._has_begun = True
        if self._may_be_bare:
            block = self._first + block
            if len(block) < _HEADER:
                self._first = block
                return b""
            self._may_be_bare = False
            if not _has_header(block):
                self._stream = zlib.decompressobj(_BARE)
        over = self._stream.eof
        found = self._stream.decompress(block, most)
        if over or self._stream.unused_data:
            message = "there are bytes behind its end"
            raise zlib.error(message)
        return found


def _has_header(block: bytes) -> bool:
    try:
        zlib.decompressobj(zlib.MAX_WBITS).decompress(block[:_HEADER])
    except zlib.error:
        return False
    return True
