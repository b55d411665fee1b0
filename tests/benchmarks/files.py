"""The files that are sent: made once, kept in the cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
HEAD = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def file_of(folder: Path, size: int, *, sparse: bool = False) -> Path:
    """Make a file that begins as an MP4 does.

    :param sparse: let it take no space; else it holds random bytes.
    """
    path = folder / f"{size}{'-sparse' if sparse else ''}.mp4"
    if path.exists() and path.stat().st_size == size:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    block = os.urandom(MIB)
    with partial.open("wb") as file:
        if not sparse:
            for start in range(0, size, MIB):
                file.write(block[: size - start])
        file.truncate(size)
        file.seek(0)
        file.write(HEAD)
    return partial.rename(path)
