"""What can be uploaded: a local file, an object in a store, or a URL that ittybit fetches itself."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from airflow_provider_ittybit.exceptions import IttybitError, IttybitSourceError
from airflow_provider_ittybit.uploads.ahead import attended, never
from airflow_provider_ittybit.uploads.formats import HEAD, type_by_name, type_of
from airflow_provider_ittybit.uploads.signatures import veiled, without_signature
from airflow_provider_ittybit.uploads.unreadable import has_key_before_bucket, in_store, presentable, unreadable
from airflow_provider_ittybit.uploads.versions import is_other, stamp_of, written_anew

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FILES = (stat.S_IFREG, 0)
"""Modes of what can be read to its end: a file, or an object of a store that tells no mode."""
BLOCK = 4 * 1024 * 1024
"""Bytes that a file of an object store reads ahead; its own default of up to 50 MiB would not be flat memory."""


class Readable(Protocol):
    """The part of ``pathlib.Path`` and ``ObjectStoragePath`` that an upload needs."""

    @property
    def name(self) -> str:
        """The last part of the path."""

    def stat(self) -> Any:
        """Return size, mode and time of the file."""

    def open(self, mode: str, **options: Any) -> Any:
        """Open the file."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """Bytes that this worker reads.

    :param path: where they are.
    :param name: the file name to give them.
    :param size: how many they are; never 0.
    :param mime_type: found by content and name.
    :param stamp: changes when the bytes do: modification time or ETag, where there is one.
    :param seekable: whether reading can begin anywhere, so that chunks can be read side by side.
    :param is_stopped: tells whether the task was killed, after which nobody waits for bytes from elsewhere.
    """

    path: Readable
    name: str
    size: int
    mime_type: str
    stamp: str = ""
    seekable: bool = True
    is_stopped: Callable[[], bool] = field(default=never, repr=False, compare=False)

    @property
    def may_hang(self) -> bool:
        """Whether the bytes come from elsewhere, so that reading them may take long."""
        return _is_elsewhere(self.path)

    @property
    def identity(self) -> str:
        """What tells it from other sources, also when its URL is signed anew; to be hashed, not shown."""
        return getattr(self.path, "identity", None) or str(self)

    def open(self, start: int = 0) -> BinaryIO:
        """Return a new reader at byte ``start``.

        :raises IttybitSourceError: it was written anew since it was looked at: what its store or server tells of it,
            such as an ETag, is another. Where nothing is told, and for a file of this worker, nobody notices.
        :raises IttybitStoppedError: the task was killed meanwhile.
        """
        return _in_time(self.path, lambda: self._open(start), self.is_stopped)

    def _open(self, start: int) -> BinaryIO:
        reader: BinaryIO
        if hasattr(self.path, "open_at"):
            reader = self.path.open_at(start)
            return reader
        reader = self.path.open("rb", **({"block_size": BLOCK} if hasattr(self.path, "protocol") else {}))
        if is_other(self.stamp, getattr(reader, "details", None)):
            reader.close()
            raise written_anew(self)
        if start:
            reader.seek(start)
        return reader

    def __str__(self) -> str:
        return presentable(str(self.path))


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A URL that ittybit fetches; this worker never downloads it.

    :param url: ``http`` or ``https``, public or signed by the bucket it is in.
    :param mime_type: found by the name in its path.
    """

    url: str
    mime_type: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return unquote(urlsplit(self.url).path.rstrip("/").rsplit("/", 1)[-1])

    @property
    def identity(self) -> str:
        """What tells it from other sources, also when it is signed anew; to be hashed, not shown."""
        return without_signature(self.url)

    def __str__(self) -> str:
        return presentable(self.url)

    def __repr__(self) -> str:
        return f"UrlSource({self})"


UploadSource = FileSource | UrlSource


def as_source(
    value: object, *, filename: str | None = None, fetch: bool = False, is_stopped: Callable[[], bool] = never
) -> UploadSource:
    """Find out what a user wants to upload.

    :param value: a path of this worker's file system, an ``ObjectStoragePath`` or a URL of one of its schemes
        (``file://``, ``s3://``, ``gs://``, …), or an ``http(s)`` URL.
    :param filename: name to give the file instead of its own.
    :param fetch: have this worker read ``http(s)`` URLs, streamed through, because ittybit cannot reach them.
    :param is_stopped: tells whether the task was killed.
    :raises IttybitSourceNotFoundError: there is no such file.
    :raises IttybitSourceError: it is a directory, empty, unreadable, or nothing that can be uploaded.
    :raises IttybitError: its store cannot be reached now; a retry may help.
    :raises IttybitStoppedError: the task was killed while it waited for a store or a server.
    """
    if isinstance(value, str) and "://" in value:
        return _from_url(value, filename, fetch=fetch, is_stopped=is_stopped)
    if isinstance(value, str | os.PathLike) and not hasattr(value, "protocol"):
        text = os.fspath(value)
        if not isinstance(text, str) or not text.strip() or "\x00" in text:
            raise _unusable(value)
        return _from_path(_at_home(text), filename)
    if hasattr(value, "protocol") and hasattr(value, "open") and hasattr(value, "stat"):
        return _from_path(value, filename, is_stopped)
    raise _unusable(value)


def _from_url(value: str, filename: str | None, *, fetch: bool, is_stopped: Callable[[], bool]) -> UploadSource:
    url = veiled(value.strip())
    scheme = url.split("://", 1)[0].lower()
    if scheme in ("http", "https"):
        if not _is_fetchable(url):
            raise _unusable(value)
        if fetch:
            from airflow_provider_ittybit.uploads.fetching import FetchedFile

            return _from_path(FetchedFile(url), filename, is_stopped)
        return UrlSource(url, type_by_name(filename or urlsplit(url).path))
    if has_key_before_bucket(url):
        message = (
            f"Cannot read {presentable(url)!r}: a key stands before its bucket. Put that into an Airflow connection, "
            "and the id of the connection in its place, as in s3://aws_default@bucket/key."
        )
        raise IttybitSourceError(message)
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    path: Any = None
    try:
        path = ObjectStoragePath(str(url))
        path.fs  # noqa: B018 - loads the file system, which is what can fail
    except (ValueError, ImportError) as error:
        path = None  # it shows the whole URL, and what a frame holds is sent away with an error by some tools
        message = (
            f"Cannot read {presentable(url)!r}: {error}. Use a path, http(s), or a scheme whose Airflow provider is "
            "installed (for s3:// that is apache-airflow-providers-amazon[s3fs])."
        )
        raise IttybitSourceError(message) from error
    return _from_path(path, filename, is_stopped)


def _is_fetchable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what can fail
    except ValueError:
        return False
    return bool(parts.hostname) and not any(c.isspace() or ord(c) < 0x20 for c in url)


def _at_home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # nobody has such a home: then it is a path that leads nowhere
        return Path(text)


def _from_path(path: Any, filename: str | None, is_stopped: Callable[[], bool] = never) -> FileSource:
    shown = presentable(str(path))
    try:
        size, stamp, head = _in_time(path, lambda: _look_at(path, shown), is_stopped)
    except IttybitError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    if size == 0:
        message = f"{shown!r} is empty: there is nothing to upload. Check the task that wrote it."
        raise IttybitSourceError(message)
    name = filename or path.name
    return FileSource(path, name, size, type_of(name, head), stamp, getattr(path, "seekable", True), is_stopped)


def _is_elsewhere(path: object) -> bool:
    """Tell an object of a store, or a file behind a URL, from a file of this worker."""
    return in_store(path) or hasattr(path, "open_at")


def _in_time(path: object, action: Callable[[], T], is_stopped: Callable[[], bool]) -> T:
    """Do something with a path; what is elsewhere may not answer, and a killed task does not wait for it.

    The store of the path is connected by then, in this thread: Airflow is asked for connections by one at a time.
    """
    return attended(action, is_stopped) if _is_elsewhere(path) else action()


def _look_at(path: Any, shown: str) -> tuple[int, str, bytes]:
    """Find size, stamp and first bytes of a file."""
    if in_store(path):
        path.fs.invalidate_cache(path.path)  # a listing from before would hide what was written since
    facts = path.stat()
    _refuse_unless_file(shown, getattr(facts, "st_mode", 0))
    size = _size(facts)
    return size, stamp_of(facts), _head(path) if size else b""


def _refuse_unless_file(shown: str, mode: int) -> None:
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFDIR:
        message = f"{shown!r} is a directory: give the path of one file, or map the task over its files."
        raise IttybitSourceError(message)
    if kind not in _FILES:  # opening a pipe would wait for its other end
        message = f"{shown!r} is a pipe, socket or device: give the path of a file."
        raise IttybitSourceError(message)


def _size(facts: Any) -> int:
    return int(facts.st_size if hasattr(facts, "st_size") else facts["size"])


def _head(path: Any) -> bytes:
    """Read the first bytes, and so find out whether the file can be read at all."""
    files = getattr(path, "fs", None)
    if files is not None and hasattr(files, "cat_file"):
        return bytes(files.cat_file(path.path, start=0, end=HEAD))
    with path.open("rb") as reader:
        return bytes(reader.read(HEAD))


def _unusable(value: object) -> IttybitSourceError:
    shown = repr(presentable(value)) if isinstance(value, str) else f"{type(value).__name__} {value!r}"
    message = (
        f"{shown} cannot be uploaded: give a path, an ObjectStoragePath or its URL, or an http(s) URL. If it "
        "comes from a template or an upstream task, check what that returned."
    )
    return IttybitSourceError(message)
