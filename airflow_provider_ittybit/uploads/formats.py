"""What a file is, by its first bytes and its name, and whether ittybit says that it accepts it."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_TYPE = "application/octet-stream"
HEAD = 64
"""Bytes from the start of a file that are looked at."""

_BY_SUFFIX = {
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
_BY_START: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
)
_BY_BRAND: Mapping[bytes, str] = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
    b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
ACCEPTED: Mapping[str, frozenset[str]] = {
    "video": frozenset({"video/mp4", "video/quicktime", "video/x-matroska", "video/hevc", "video/webm"}),
    "image": frozenset({"image/jpeg", "image/png", "image/gif", "image/heic", "image/webp"}),
}
"""The formats that the media reference lists. It lists none for audio, so any audio passes."""


def type_of(name: str, head: bytes = b"") -> str:
    """Find a MIME type.

    :param name: the file's name.
    :param head: its first bytes, at least 64 where it has them; they win over the name.
    :return: the type, ``application/octet-stream`` if neither says anything.
    """
    return _by_content(head) or type_by_name(name)


def type_by_name(name: str) -> str:
    """Find a MIME type by a file's name alone."""
    return _BY_SUFFIX.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE


def kind_of(mime_type: str) -> str | None:
    """Find the kind (``video``, ``image``, ``audio``) of a MIME type, ``None`` for others."""
    kind = mime_type.split("/", 1)[0]
    return kind if kind in ("video", "image", "audio") else None


def doubt_about(mime_type: str) -> str | None:
    """Tell why ittybit may refuse a format, ``None`` if its reference lists it (or nothing is known)."""
    kind = kind_of(mime_type)
    if mime_type == UNKNOWN_TYPE or (kind is not None and mime_type in ACCEPTED.get(kind, {mime_type})):
        return None
    listed = ", ".join(sorted(part.split("/", 1)[1] for group in ACCEPTED.values() for part in group))
    return f"{mime_type} is not among the formats that ittybit lists ({listed}, and audio); it may refuse it."


def _by_content(head: bytes) -> str | None:
    for offset, mark, mime_type in _BY_START:
        if head[offset : offset + len(mark)] == mark:
            return mime_type
    if head[4:8] == b"ftyp":
        return _BY_BRAND.get(head[8:12], "video/mp4")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in head else "video/x-matroska"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4):  # 0xE6 would take UTF-16 text along
        return "audio/mpeg"
    return None
