"""Files whose bytes tests send, and what of them went where."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

MIB = 1024 * 1024
SMALL = {"threshold": 1, "size": 1000, "parallel": 2}
"""Chunking for small files: 8 kB go in eight chunks or so and a last one."""


def some_bytes(size: int, seed: int = 0) -> bytes:
    return random.Random(size + seed).randbytes(size)  # noqa: S311 - any bytes will do


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_with(folder: Path, content: bytes, name: str = "clip.mp4") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def put_rows(emulator: RunningEmulator) -> list[dict[str, Any]]:
    """Tell of each PUT of bytes, in the order in which they began."""
    return [row for row in emulator.control.requests(method="PUT") if row["role"] == "delivery"]


def byte_requests(emulator: RunningEmulator) -> list[dict[str, Any]]:
    """Tell of each request that carried bytes of a file, by form or PUT."""
    return [row for row in emulator.control.requests() if row["role"] in ("delivery", "uploads")]


def ranges(rows: list[dict[str, Any]]) -> list[str]:
    return [row["content_range"] for row in rows]


def arrived(emulator: RunningEmulator) -> list[str]:
    """Tell the hash of each file that is there."""
    return [file["sha256"] for file in emulator.control.files()]
