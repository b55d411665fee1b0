"""Bodies that are read while they are sent: in flat memory, whatever the size of the file."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from airflow_provider_ittybit.api import forms
from airflow_provider_ittybit.exceptions import IttybitError, IttybitSourceError, IttybitSourceNotFoundError
from airflow_provider_ittybit.uploads.ahead import read_ahead
from airflow_provider_ittybit.uploads.progress import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_ittybit.uploads.progress import Progress
    from airflow_provider_ittybit.uploads.sources import FileSource

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileBody:
    """Bytes of a file and nothing else: the body of a ``PUT``.

    :param source: the file.
    :param start: the first byte to send.
    :param count: how many to send, all from ``start`` by default.
    :param progress: counts what is sent.
    """

    source: FileSource
    start: int = 0
    count: int | None = None
    progress: Progress | None = None
    _part: Part = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_part", Part(self.progress))

    @property
    def length(self) -> int:
        """Bytes in the whole body."""
        return self.source.size - self.start if self.count is None else self.count

    @property
    def content_type(self) -> str:
        """The file's MIME type."""
        return self.source.mime_type

    def open(self) -> BinaryIO:
        """Return a new reader at the first byte."""
        return Joined([Exact(self.source, self.start, self.length, self._part)])


@dataclass(frozen=True, slots=True)
class FormBody:
    """A form whose only field ``file`` holds a file: the body of a multipart upload.

    :param source: the file.
    :param boundary: what separates the parts of the form.
    :param progress: counts what is sent.
    """

    source: FileSource
    boundary: str
    progress: Progress | None = None
    _part: Part = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_part", Part(self.progress))

    @property
    def length(self) -> int:
        """Bytes in the whole body."""
        return len(self._head()) + self.source.size + len(forms.after(self.boundary))

    @property
    def content_type(self) -> str:
        """The form's MIME type, with its boundary."""
        return forms.content_type(self.boundary)

    def open(self) -> BinaryIO:
        """Return a new reader at the first byte."""
        return Joined(
            [
                io.BytesIO(self._head()),
                Exact(self.source, 0, self.source.size, self._part),
                io.BytesIO(forms.after(self.boundary)),
            ]
        )

    def _head(self) -> bytes:
        return forms.file_header(self.boundary, "file", self.source.name, self.source.mime_type)


class Joined(io.RawIOBase, BinaryIO):
    """Several readers, one after the other."""

    def __init__(self, parts: Sequence[BinaryIO]) -> None:
        super().__init__()
        self._parts = list(parts)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, all for -1; an empty result is the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while self._parts:
            block = self._parts[0].read(size)
            if block:
                return block
            self._parts.pop(0).close()
        return b""

    def close(self) -> None:
        """Close all readers."""
        for part in self._parts:
            part.close()
        super().close()


class Exact(io.RawIOBase, BinaryIO):
    """Some bytes of a file that must not change its size while it is read, since its size was announced before.

    What is read counts as progress; a new reader of the same part counts it anew.
    """

    def __init__(self, source: FileSource, start: int, count: int, part: Part) -> None:
        super().__init__()
        self._source = source
        self._part = part
        self._left = count
        self._to_end = start + count == source.size
        watched = count + 1 if self._to_end else count  # one byte more shows that the file has grown
        self._reader = self._tell_of_failure(
            lambda: read_ahead(
                lambda: source.open(start), watched, may_hang=source.may_hang, is_stopped=source.is_stopped
            )
        )
        part.begin()

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes; an empty result is the end."""
        if not self._left:  # all is sent by now, and a failure would pass for one of a body cut short
            return b""
        wanted = self._left if size < 0 else min(size, self._left)
        block = self._tell_of_failure(lambda: self._reader.read(wanted))
        self._left -= len(block)
        if (not block and self._left) or (block and not self._left and self._to_end and self._has_more()):
            message = (
                f"{self._source} changed its size while it was uploaded (it had {self._source.size} bytes): let "
                "the task that writes it end first."
            )
            raise IttybitSourceError(message)
        if block:
            self._part.add(len(block))
        return block

    def close(self) -> None:
        """Close the file."""
        if not self.closed and hasattr(self, "_reader"):
            self._reader.close()
        super().close()

    def _has_more(self) -> bool:
        return bool(self._tell_of_failure(lambda: self._reader.read(1)))

    def _tell_of_failure(self, action: Callable[[], T]) -> T:
        """Do something with the file; if it fails, name the file, else the failure looks like one of the network."""
        try:
            return action()
        except FileNotFoundError as error:
            message = f"{self._source} is gone since the upload began: let no other task remove it meanwhile."
            raise IttybitSourceNotFoundError(message) from error
        except IttybitError:
            raise
        except Exception as error:  # each store raises errors of its own kinds
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            message = f"Reading {self._source} failed: {reason}. A retry may help."
            raise IttybitError(message) from error
