"""A second opinion on media files: their facts read with the standard library alone, from the public formats."""

from __future__ import annotations

import struct
import wave
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MATROSKA_MASTERS = {0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0xA0}
_ISO_PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_MP3_RATES = (44100, 48000, 32000)
_MP3_BITRATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


@dataclass(frozen=True)
class IsoTrack:
    handler: str
    codec: str
    samples: int
    seconds: float
    width: int
    height: int


def iso_tracks(path: Path) -> list[IsoTrack]:
    """The tracks of an MP4 or MOV."""
    data = path.read_bytes()
    moov = next(body for name, body in _boxes(data) if name == b"moov")
    tracks = []
    for name, body in _boxes(moov):
        if name != b"trak":
            continue
        found = dict(_deep_boxes(body))
        scale, length = struct.unpack_from(">II", found[b"mdhd"], 12)
        tracks.append(
            IsoTrack(
                handler=found[b"hdlr"][8:12].decode(),
                codec=found[b"stsd"][12:16].decode(),
                samples=struct.unpack_from(">I", found[b"stsz"], 8)[0],
                seconds=length / scale,
                width=struct.unpack_from(">I", found[b"tkhd"], 76)[0] >> 16,
                height=struct.unpack_from(">I", found[b"tkhd"], 80)[0] >> 16,
            )
        )
    return tracks


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if size == 0:
            size = len(data) - position
        yield name, data[position + 8 : position + size]
        position += size


def _deep_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name, body in _boxes(data):
        if name in _ISO_PARENTS:
            yield from _deep_boxes(body)
        elif name != b"hdlr" or b"url " not in body[:16]:
            yield name, body


@dataclass(frozen=True)
class WebmTrack:
    codec: str
    width: int
    height: int
    blocks: int


def webm_video(path: Path) -> WebmTrack:
    """The first video track of a WebM or Matroska file."""
    track: dict[int, bytes] = {}
    number, blocks = None, 0
    for name, body in _elements(path.read_bytes()):
        if name == 0xAE:
            track = {}
        if name in {0xD7, 0x83, 0x86, 0xB0, 0xBA} and number is None:
            track[name] = body
            if name == 0xBA:
                number = int.from_bytes(track[0xD7], "big")
                video = dict(track)
        if name in {0xA3, 0xA1} and number is not None:
            blocks += body[0] & 0x7F == number
    return WebmTrack(
        video[0x86].decode(), int.from_bytes(video[0xB0], "big"), int.from_bytes(video[0xBA], "big"), blocks
    )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        width = 9 - data[position].bit_length()
        name = int.from_bytes(data[position : position + width], "big")
        position += width
        width = 9 - data[position].bit_length()
        size = int.from_bytes(data[position : position + width], "big") & ((1 << 7 * width) - 1)
        position += width
        body = data[position : position + size]
        yield name, body
        if name in _MATROSKA_MASTERS:
            yield from _elements(body)
        position += size


@dataclass(frozen=True)
class Gif:
    width: int
    height: int
    frames: int
    seconds: float


def gif(path: Path) -> Gif:
    """Size, number of frames and length of a GIF."""
    data = path.read_bytes()
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames = hundredths = 0
    while data[position] != 0x3B:
        if data[position] == 0x21:
            if data[position + 1] == 0xF9:
                hundredths += struct.unpack_from("<H", data, position + 4)[0]
            position += 2
        else:
            frames += 1
            local = data[position + 9]
            position += 10 + (3 << (local & 7) + 1 if local & 0x80 else 0) + 1
        while data[position]:
            position += data[position] + 1
        position += 1
    return Gif(width, height, frames, hundredths / 100)


def png_size(path: Path) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", path.read_bytes(), 16)
    return width, height


def jpeg_size(path: Path) -> tuple[int, int]:
    data, position = path.read_bytes(), 2
    while data[position + 1] not in {0xC0, 0xC1, 0xC2}:
        position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    height, width = struct.unpack_from(">HH", data, position + 5)
    return width, height


def webp_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    if data[12:16] == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    assert data[12:16] == b"VP8X"
    return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1


def webp_delays(path: Path) -> list[int]:
    """How long each frame of an animated WebP is shown, in milliseconds."""
    data, position, delays = path.read_bytes(), 12, []
    while position < len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        if name == b"ANMF":
            delays.append(int.from_bytes(data[position + 20 : position + 23], "little"))
        position += 8 + size + size % 2
    return delays


def wav_seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        frames, rate = int(file.getnframes()), int(file.getframerate())
    return frames / rate


def flac_seconds(path: Path) -> float:
    packed = int.from_bytes(path.read_bytes()[18:26], "big")
    return (packed & (1 << 36) - 1) / (packed >> 44)


def mp3_frames(path: Path) -> int:
    """Frames of an MPEG-1 layer III file, the one with the table of contents included."""
    data, position, frames = path.read_bytes(), 0, 0
    if data.startswith(b"ID3"):
        a, b, c, d = data[6:10]
        position = 10 + (a << 21 | b << 14 | c << 7 | d)
    while position + 4 <= len(data) and data[position] == 0xFF:
        third = data[position + 2]
        rate = _MP3_RATES[third >> 2 & 3]
        position += 144_000 * _MP3_BITRATES[third >> 4] // rate + (third >> 1 & 1)
        frames += 1
    return frames


def opus_seconds(path: Path) -> float:
    data = path.read_bytes()
    skipped: int = struct.unpack_from("<H", data, data.index(b"OpusHead") + 10)[0]
    last: int = struct.unpack_from("<q", data, data.rindex(b"OggS") + 6)[0]
    return (last - skipped) / 48_000


def adts_frames(path: Path) -> int:
    data, position, frames = path.read_bytes(), 0, 0
    while position + 7 <= len(data):
        position += (data[position + 3] & 3) << 11 | data[position + 4] << 3 | data[position + 5] >> 5
        frames += 1
    return frames


Pixels = Sequence[Sequence[tuple[int, ...]]]


def write_png(path: Path, pixels: Pixels) -> Path:
    """Write rows of (r, g, b) or (r, g, b, a) as a PNG."""
    depth = len(pixels[0][0])
    raw = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in pixels)
    header = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 2 if depth == 3 else 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in chunks
        )
    )
    return path


def read_png(path: Path) -> Pixels:
    """Return the rows of pixels of an 8-bit RGB or RGBA PNG."""
    data, position, packed = path.read_bytes(), 8, b""
    while position < len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if name == b"IDAT":
            packed += data[position + 8 : position + 8 + size]
        position += 12 + size
    width, height, _, colour = struct.unpack_from(">IIBB", data, 16)
    depth = {2: 3, 6: 4}[colour]
    raw, stride = zlib.decompress(packed), width * depth
    rows: list[bytearray] = [bytearray(stride)]
    for index in range(height):
        start = index * (stride + 1)
        rows.append(_unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), rows[-1], depth))
    return [[tuple(row[at : at + depth]) for at in range(0, stride, depth)] for row in rows[1:]]


def _unfiltered(kind: int, row: bytearray, above: bytearray, depth: int) -> bytearray:
    for at in range(len(row)):
        left = row[at - depth] if at >= depth else 0
        corner = above[at - depth] if at >= depth else 0
        row[at] = row[at] + _predicted(kind, left, above[at], corner) & 0xFF
    return row


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]
