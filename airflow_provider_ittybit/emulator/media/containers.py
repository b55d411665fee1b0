"""Tell what a file is by its first bytes, never by its name.

The row that matches also names the one reader the file is opened with. A playlist that points at other files
is therefore never followed, whatever it is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.refusal import CannotProcess

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Container:
    """One way to lay out a file.

    :param name: as it is reported; for a picture also its codec.
    :param demuxer: the reader.
    :param types: MIME type as a video and as sound; for pictures both are the picture's.
    :param signature: bytes it begins with, behind ``offset``.
    :param offset: of the signature, in bytes.
    :param second: further bytes it must hold, as (offset, bytes).
    :param ending: bytes that a complete file has near its end; empty where nothing marks it.
    """

    name: str
    demuxer: str
    types: tuple[str, str]
    signature: bytes
    offset: int = 0
    second: tuple[int, bytes] = (0, b"")
    ending: bytes = b""

    @property
    def is_picture(self) -> bool:
        """Whether it holds a picture, still or animated."""
        return self.types[0].startswith("image/")

    def matches(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes is of this kind."""
        offset, more = self.second
        return head.startswith(self.signature, self.offset) and head.startswith(more, offset)


_ISO = ("video/mp4", "audio/mp4")
_MOV = ("video/quicktime", "audio/quicktime")
_TRANSPORT_PACKET = 188
_MPEG_LAYERS = (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2, 0xFD, 0xFC, 0xF5, 0xF4)  # III, then II
_TILED = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avis")

# The first row that matches wins: the particular before the general.
CONTAINERS = (
    Container("png", "png_pipe", ("image/png",) * 2, b"\x89PNG\r\n\x1a\n", ending=b"IEND"),
    Container("jpeg", "jpeg_pipe", ("image/jpeg",) * 2, b"\xff\xd8\xff", ending=b"\xff\xd9"),
    Container("gif", "gif", ("image/gif",) * 2, b"GIF87a", ending=b";"),
    Container("gif", "gif", ("image/gif",) * 2, b"GIF89a", ending=b";"),
    Container("webp", "webp_pipe", ("image/webp",) * 2, b"RIFF", second=(8, b"WEBP")),
    Container("bmp", "bmp_pipe", ("image/bmp",) * 2, b"BM", second=(6, b"\0\0\0\0")),
    Container("tiff", "tiff_pipe", ("image/tiff",) * 2, b"II*\0"),
    Container("tiff", "tiff_pipe", ("image/tiff",) * 2, b"MM\0*"),
    Container("avif", "mov", ("image/avif",) * 2, b"ftypavif", offset=4),
    Container("wav", "wav", ("video/x-wav", "audio/wav"), b"RIFF", second=(8, b"WAVE")),
    Container("avi", "avi", ("video/x-msvideo", "audio/x-msvideo"), b"RIFF", second=(8, b"AVI ")),
    Container("mov", "mov", _MOV, b"ftypqt  ", offset=4),
    Container("3gp", "mov", ("video/3gpp", "audio/3gpp"), b"ftyp3gp", offset=4),
    Container("mp4", "mov", _ISO, b"ftyp", offset=4),
    Container("mov", "mov", _MOV, b"moov", offset=4),
    Container("mov", "mov", _MOV, b"mdat", offset=4),
    Container("mov", "mov", _MOV, b"wide", offset=4),
    Container("matroska", "matroska", ("video/x-matroska", "audio/x-matroska"), b"\x1a\x45\xdf\xa3"),
    Container("ogg", "ogg", ("video/ogg", "audio/ogg"), b"OggS"),
    Container("flac", "flac", ("video/x-flac", "audio/flac"), b"fLaC"),
    Container("mp3", "mp3", ("video/mpeg", "audio/mpeg"), b"ID3"),
    *(Container("aac", "aac", ("video/x-aac", "audio/aac"), bytes((0xFF, byte))) for byte in (0xF0, 0xF1, 0xF8, 0xF9)),
    *(Container("mp3", "mp3", ("video/mpeg", "audio/mpeg"), bytes((0xFF, byte))) for byte in _MPEG_LAYERS),
    Container("aiff", "aiff", ("video/x-aiff", "audio/aiff"), b"FORM", second=(8, b"AIF")),
    Container("flv", "flv", ("video/x-flv", "audio/x-flv"), b"FLV\x01"),
    Container("mpegts", "mpegts", ("video/mp2t", "audio/mp2t"), b"G", second=(_TRANSPORT_PACKET, b"G")),
    Container("mpeg", "mpeg", ("video/mpeg", "audio/mpeg"), b"\0\0\x01\xba"),
)
WEBM = Container("webm", "matroska", ("video/webm", "audio/webm"), b"\x1a\x45\xdf\xa3")
APNG = Container("png", "apng", ("image/png",) * 2, b"\x89PNG\r\n\x1a\n", ending=b"IEND")

_HEAD_BYTES = 4096
_TAIL_BYTES = 4096


def recognise(path: Path) -> Container:
    """Tell which container a file is.

    :param path: of the file; its name is not looked at.
    :returns: the row of the table.
    :raises CannotProcess: for an empty file, one of no known kind, or one that lacks its end.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if not head:
            message = "The file is empty (0 bytes)."
            raise CannotProcess(message)
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
    if head[4:8] == b"ftyp" and head[8:12] in _TILED:
        message = "The file is a HEIC picture, or one built like it from tiles, which cannot be read here."
        raise CannotProcess(message)
    found = next((row for row in CONTAINERS if row.matches(head)), None)
    if found is None:
        raise CannotProcess(_unknown(head))
    if found.ending not in tail or (found.name == "gif" and not tail.rstrip(b"\0").endswith(found.ending)):
        message = f"The {found.name} file is incomplete: its end is missing."
        raise CannotProcess(message)
    return _closer_look(found, head)


def _closer_look(found: Container, head: bytes) -> Container:
    """Tell apart the kinds that differ only further in."""
    if found.name == "matroska" and b"\x42\x82\x84webm" in head:
        return WEBM
    if found.name == "png" and b"acTL" in head.partition(b"IDAT")[0]:
        return APNG
    return found


def _unknown(head: bytes) -> str:
    """Say what a file looks like that is no media."""
    if head.startswith(b"PK\x03\x04"):
        return "The file is a zip archive, not a video, image or sound file."
    if head.startswith(b"%PDF"):
        return "The file is a PDF document, not a video, image or sound file."
    if b"\0" not in head:
        try:
            head[: len(head) - 3].decode("utf-8") if len(head) == _HEAD_BYTES else head.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return "The file is text, not a video, image or sound file."
    return "The file is not a video, image or sound file of a known kind."
