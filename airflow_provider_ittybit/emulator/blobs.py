"""The bytes of files: one folder for each file, in which ``content`` is the file and the rest belongs to it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO


class TooLargeError(Exception):
    """More bytes arrived than one file may have."""


class Blobs:
    """The folder ``root`` with all bytes of one emulator."""

    def __init__(self, root: Path) -> None:
        self._files = root / "files"
        self._incoming = root / "incoming"
        for folder in (self._files, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def content(self, file_id: str) -> Path:
        """Return where the bytes of a file are, or will be."""
        return self._files / file_id / "content"

    def sidecar(self, file_id: str, name: str) -> Path:
        """Return where a further file of a file is."""
        return self._files / file_id / Path(name).name

    def new_folder(self) -> Path:
        """Return a new empty folder for bytes on their way in."""
        return Path(tempfile.mkdtemp(dir=self._incoming))

    def new_path(self, name: str) -> Path:
        """Return where bytes on their way in are written; ``name`` is an id, so that no two are the same."""
        return self._incoming / name

    def adopt(self, file_id: str, path: Path) -> None:
        """Make ``path`` the bytes of a file; the path is gone afterwards."""
        place = self.content(file_id)
        place.parent.mkdir(exist_ok=True)
        path.replace(place)

    def adopt_sidecar(self, file_id: str, path: Path) -> str:
        """Keep ``path`` beside the bytes of a file; return its name."""
        path.replace(self.sidecar(file_id, path.name))
        return path.name

    def remove(self, file_id: str) -> None:
        """Remove the bytes of a file and all that belongs to it."""
        shutil.rmtree(self._files / file_id, ignore_errors=True)

    def discard(self, path: Path) -> None:
        """Remove bytes that did not become a file."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def sweep(self, kept: set[str]) -> None:
        """Remove what an earlier process left on its way in, but for the unfinished uploads ``kept``."""
        for path in self._incoming.iterdir():
            if path.name not in kept:
                self.discard(path)

    def clear(self) -> None:
        """Remove all bytes."""
        for folder in (self._files, self._incoming):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)


class Sink:
    """Takes bytes as they come: writes, counts and hashes them, and never holds more than one piece.

    :param path: where they go; None counts and hashes only.
    :param limit: most bytes that it takes; then it raises TooLargeError.
    :param offset: the position in ``path`` at which to begin; the file is made if it is missing.
    """

    def __init__(self, path: Path | None, *, limit: int, offset: int | None = None) -> None:
        self.path = path
        self.size = 0
        self._limit = limit
        self._hash = hashlib.sha256()
        self._stream: BinaryIO | None = None
        if path is not None:
            if offset is None:
                self._stream = path.open("wb")
            else:
                path.touch()
                self._stream = path.open("r+b")
                self._stream.seek(offset)

    def write(self, data: bytes) -> None:
        """Take some bytes."""
        self.size += len(data)
        if self.size > self._limit:
            raise TooLargeError
        self._hash.update(data)
        if self._stream is not None:
            self._stream.write(data)

    def close(self) -> str:
        """Finish; return the SHA-256 of all bytes as hexadecimal digits."""
        if self._stream is not None:
            self._stream.close()
        return self._hash.hexdigest()


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
