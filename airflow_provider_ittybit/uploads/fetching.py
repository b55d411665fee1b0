"""A file behind an ``http(s)`` URL that this worker reads itself, because ittybit cannot reach it.

It is streamed through: nothing is kept on disk or whole in memory. No key goes there.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from airflow_provider_ittybit.exceptions import IttybitError, IttybitSourceError, IttybitSourceNotFoundError
from airflow_provider_ittybit.transport.redaction import queries_hidden
from airflow_provider_ittybit.uploads.signatures import without_signature
from airflow_provider_ittybit.uploads.unreadable import presentable
from airflow_provider_ittybit.uploads.versions import bare, written_anew

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

TIMEOUT = 60.0

_PART = re.compile(r"bytes[ =]+(\d+)-\d+/(?:(\d+)|\*)", re.IGNORECASE)
"""What ``Content-Range`` says of a part: its first byte, and the bytes of the whole file if it tells them."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What an answer tells of the whole file, each empty where it tells nothing."""

    etag: str
    changed: str
    size: str

    @classmethod
    def by(cls, headers: Mapping[str, str], size: str | None) -> _Told:
        return cls(bare(headers.get("ETag", "")), headers.get("Last-Modified", ""), size or "")

    def is_other_than(self, other: _Told) -> bool:
        """Tell whether it is about other bytes. The time counts without ETags only: on another server it may differ."""
        tagged = self.etag and other.etag
        told = [(self.size, other.size), (self.etag, other.etag) if tagged else (self.changed, other.changed)]
        return any(before and now and before != now for before, now in told)


class FetchedFile:
    """The part of ``pathlib.Path`` that an upload needs, over HTTP.

    :param url: where the file is; its query, which may be a signature, is never shown.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.identity = without_signature(url)
        self.name = unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1] or "download"
        self.seekable = False
        self._looked_at: _Told | None = None

    def __str__(self) -> str:
        return presentable(self._url)

    def stat(self) -> dict[str, Any]:
        """Ask for its size and what tells a change.

        :return: ``size``, ``etag`` and ``mtime``, as object stores report them.
        :raises IttybitSourceError: the server does not say the size, or compresses the bytes.
        """
        with self._get(0) as answer:
            size = answer.headers.get("Content-Length", "")
            if not size.isdigit() or answer.headers.get("Content-Encoding", "identity") != "identity":
                message = f"{self} does not say its size, which an upload has to announce: store it as a file first."
                raise IttybitSourceError(message)
            self.seekable = answer.headers.get("Accept-Ranges", "").lower() == "bytes"
            self._looked_at = _Told.by(answer.headers, size)
            return {
                "size": int(size),
                "etag": answer.headers.get("ETag"),
                "mtime": answer.headers.get("Last-Modified"),
            }

    def open(self, mode: str, **_: Any) -> BinaryIO:  # noqa: ARG002 - as in pathlib
        """Return a new reader at the first byte."""
        return self.open_at(0)

    def open_at(self, start: int) -> BinaryIO:
        """Return a new reader at byte ``start``.

        :raises IttybitSourceError: the server tells another ETag, time of change or size than it told ``stat``, or
            serves another part.
        """
        answer = self._get(start)
        try:
            self._refuse_other_bytes(answer.headers, start)
        except IttybitSourceError:
            answer.close()
            raise
        return cast("BinaryIO", _Reader(answer))

    def _refuse_other_bytes(self, headers: Mapping[str, str], start: int) -> None:
        size = headers.get("Content-Length")
        if start:
            part = _PART.match(headers.get("Content-Range", ""))
            if part is None or int(part[1]) != start:
                message = f"Cannot fetch {self}: its server does not say that it serves the bytes from {start} on."
                raise IttybitSourceError(message)
            size = part[2]
        if self._looked_at is not None and self._looked_at.is_other_than(_Told.by(headers, size)):
            raise written_anew(self)

    def _get(self, start: int) -> requests.Response:
        import requests

        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        answer, reason = None, ""
        try:
            with queries_hidden():
                answer = requests.get(self._url, headers=headers, stream=True, timeout=TIMEOUT)
        except requests.RequestException as error:
            reason = type(error).__name__
        if answer is None:  # out here the error has no context: the texts of the library's errors hold the whole URL
            message = f"Cannot fetch {self}: {reason}. Check that this worker can reach it; a retry may help."
            raise IttybitError(message)
        wanted = 206 if start else 200
        if answer.status_code == wanted:
            return answer
        answer.close()
        if answer.status_code in (404, 410):
            message = f"There is nothing at {self} ({answer.status_code})."
            raise IttybitSourceNotFoundError(message)
        message = f"Cannot fetch {self}: its server answered {answer.status_code}, wanted {wanted}."
        passing = answer.status_code in (408, 429) or answer.status_code >= 500
        raise IttybitError(message) if passing else IttybitSourceError(message)


class _Reader:
    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            return bytes(self._answer.raw.read(size if size >= 0 else None))
        except HTTPError as error:  # must not pass for a failure of the connection to ittybit
            reason = f"its server broke off ({type(error).__name__})"
            raise OSError(errno.EIO, reason) from None

    def close(self) -> None:
        self._answer.close()
