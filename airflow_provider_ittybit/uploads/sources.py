"""What can be uploaded: a local file, an object in a store, or a URL that ittybit fetches itself."""

from __future__ import annotations

import mimetypes
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from airflow_provider_ittybit.exceptions import IttybitSourceError, IttybitSourceNotFoundError

_FILES = (stat.S_IFREG, 0)
"""Modes of what can be read to its end: a file, or an object of a store that tells no mode."""
UNKNOWN_TYPE = "application/octet-stream"
_TYPES = {
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".hevc": "video/hevc",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


class Readable(Protocol):
    """The part of ``pathlib.Path`` and ``ObjectStoragePath`` that an upload needs."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as in pathlib
    def stat(self) -> Any: ...  # noqa: D102 - as in pathlib
    def is_dir(self) -> bool: ...  # noqa: D102 - as in pathlib
    def open(self, mode: str) -> Any: ...  # noqa: D102 - as in pathlib


@dataclass(frozen=True, slots=True)
class FileSource:
    """Bytes that this worker reads.

    :param path: where they are.
    :param name: the file name to give them.
    :param size: how many they are; never 0.
    :param mime_type: found by the name.
    """

    path: Readable
    name: str
    size: int
    mime_type: str

    def open(self) -> BinaryIO:
        """Return a new reader at the first byte."""
        reader: BinaryIO = self.path.open("rb")
        return reader

    def __str__(self) -> str:
        return _shown(str(self.path))


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

    def __str__(self) -> str:
        return _shown(self.url)


UploadSource = FileSource | UrlSource


def as_source(value: object, *, filename: str | None = None) -> UploadSource:
    """Find out what a user wants to upload.

    :param value: a path of this worker's file system, an ``ObjectStoragePath`` or a URL of one of its schemes
        (``file://``, ``s3://``, ``gs://``, …), or an ``http(s)`` URL.
    :param filename: name to give the file instead of its own.
    :raises IttybitSourceNotFoundError: there is no such file.
    :raises IttybitSourceError: it is a directory, empty, unreadable, or nothing that can be uploaded.
    """
    if isinstance(value, str) and "://" in value:
        return _from_url(value, filename)
    if isinstance(value, str | os.PathLike) and not hasattr(value, "protocol"):
        text = os.fspath(value)
        if not isinstance(text, str) or not text.strip() or "\x00" in text:
            raise _unusable(value)
        return _from_path(_at_home(text), filename)
    if hasattr(value, "protocol") and hasattr(value, "open") and hasattr(value, "stat"):
        return _from_path(value, filename)
    raise _unusable(value)


def guess_type(name: str) -> str:
    """Find a MIME type by a file's name; ``application/octet-stream`` if the name says nothing."""
    suffix = Path(name).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE


def kind_of(mime_type: str) -> str | None:
    """Find the kind (``video``, ``image``, ``audio``) of a MIME type, ``None`` for others."""
    kind = mime_type.split("/", 1)[0]
    return kind if kind in ("video", "image", "audio") else None


def _from_url(value: str, filename: str | None) -> UploadSource:
    url = value.strip()
    scheme = url.split("://", 1)[0].lower()
    if scheme in ("http", "https"):
        if not _is_fetchable(url):
            raise _unusable(value)
        return UrlSource(url, guess_type(filename or urlsplit(url).path))
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    try:
        path = ObjectStoragePath(url)
        path.fs  # noqa: B018 - loads the file system, which is what can fail
    except (ValueError, ImportError) as error:
        message = (
            f"Cannot read {_shown(url)!r}: {error}. Use a path, http(s), or a scheme whose Airflow provider is "
            "installed (for s3:// that is apache-airflow-providers-amazon[s3fs])."
        )
        raise IttybitSourceError(message) from error
    return _from_path(path, filename)


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


def _from_path(path: Any, filename: str | None) -> FileSource:
    shown = _shown(str(path))
    try:
        if path.is_dir():
            message = f"{shown!r} is a directory: give the path of one file, or map the task over its files."
            raise IttybitSourceError(message)
        facts = path.stat()
        if stat.S_IFMT(getattr(facts, "st_mode", 0)) not in _FILES:  # opening a pipe would wait for its other end
            message = f"{shown!r} is a pipe, socket or device: give the path of a file."
            raise IttybitSourceError(message)
        with path.open("rb"):
            pass
        size = _size(facts)
    except FileNotFoundError as error:
        message = f"There is no file {shown!r} on this worker: check the path, and that the upstream task wrote it."
        raise IttybitSourceNotFoundError(message) from error
    except OSError as error:
        message = f"Cannot read {shown!r}: {error.strerror or type(error).__name__}. Check its permissions."
        raise IttybitSourceError(message) from error
    if size == 0:
        message = f"{shown!r} is empty: there is nothing to upload. Check the task that wrote it."
        raise IttybitSourceError(message)
    name = filename or path.name
    return FileSource(path, name, size, guess_type(name))


def _size(facts: Any) -> int:
    return int(facts.st_size if hasattr(facts, "st_size") else facts["size"])


def _unusable(value: object) -> IttybitSourceError:
    shown = repr(_shown(value)) if isinstance(value, str) else f"{type(value).__name__} {value!r}"
    message = (
        f"{shown} cannot be uploaded: give a path, an ObjectStoragePath or its URL, or an http(s) URL. If it "
        "comes from a template or an upstream task, check what that returned."
    )
    return IttybitSourceError(message)


def _shown(text: str) -> str:
    """Leave out the query, which may be a signature, and credentials before the host."""
    head, _, rest = text.partition("://")
    if rest and "@" in rest.split("/", 1)[0]:
        rest = rest.split("@", 1)[1]
        text = f"{head}://{rest}"
    return text.split("?", 1)[0] if "://" in text else text
