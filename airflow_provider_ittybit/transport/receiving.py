"""Answers are read within bounds, whatever the other side sends: so many bytes, unpacked, and no more."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.failures import unreadable
from airflow_provider_ittybit.api.messages import Response

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.messages import Headers, Request

LARGEST = 50_000_000
"""Bytes of an answer, unpacked. The largest that makes sense is a page of 250 items, a hundredth of it."""
LARGEST_REFUSAL = 1_000_000
"""Bytes that are read of an answer that means "no": what it says stands at the beginning."""
PATIENCE = 5.0
"""Times the connection's ``timeout`` that a whole answer may take; each part of it must come within one ``timeout``."""
BLOCK = 65_536
ENCODINGS = "gzip, deflate"
"""What is asked for and can be unpacked; with others, such as several one over the other, a few bytes become many."""

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_BARE = -zlib.MAX_WBITS


class Receiver:
    """Collects the body of one answer. Memory stays within the bound, also while it unpacks.

    :param status: HTTP status.
    :param headers: its headers.
    """

    def __init__(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers
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
        response = Response(self.status, self.headers, bytes(self._content))
        if self._problem is not None and self._is_success:
            raise unreadable(request, response, self._problem)
        return response

    def _too_large(self) -> str:
        return f"it has more than {self._most // 1_000_000} MB"


class _Unpacker:
    """Unpacks a stream, so many bytes at a time."""

    def __init__(self, encoding: str) -> None:
        self._stream = zlib.decompressobj(_WINDOWS[encoding])
        self._may_be_bare = encoding == "deflate"  # some servers leave out the header that the standard wants
        self._has_begun = False

    @property
    def is_cut_off(self) -> bool:
        """Whether it began and did not come to its end."""
        return self._has_begun and not self._stream.eof

    def unpack(self, block: bytes, most: int) -> bytes:
        """Unpack a block.

        :param most: bytes; there may be more in it.
        :raises zlib.error: it is none of this encoding, or goes on behind its end.
        """
        begins, self._has_begun = not self._has_begun, True
        over = self._stream.eof
        try:
            found = self._stream.decompress(block, most)
        except zlib.error:
            if not (begins and self._may_be_bare):
                raise
            self._stream = zlib.decompressobj(_BARE)
            found = self._stream.decompress(block, most)
        if over or self._stream.unused_data:
            message = "there are bytes behind its end"
            raise zlib.error(message)
        return found
