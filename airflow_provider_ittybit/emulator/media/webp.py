"""Read the facts of a WebP file from its own chunks.

The reader in PyAV decodes a still WebP but not an animated one, and its RIFF structure is short and public.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.refusal import CannotProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RIFF_HEADER = 12
_ANIMATION_FLAG = 0x02
_ALPHA_FLAG = 0x10
_CANVAS_AT = 4  # in VP8X
_EXTENDED_BYTES = 10
_SIZE_AT = 6  # in ANMF, as the next two
_DURATION_AT = 12
_FRAME_HEADER = 16


@dataclass(frozen=True, slots=True)
class Animation:
    """An animated WebP.

    :param width: of its canvas, in pixels.
    :param height: of its canvas, in pixels.
    :param delays: how long each frame is shown, in milliseconds.
    :param first: the first frame as a still WebP file.
    :param covered: whether the first frame fills the whole canvas.
    """

    width: int
    height: int
    delays: tuple[int, ...]
    first: bytes
    covered: bool


def read_animation(path: Path) -> Animation | None:
    """Return the animation in a WebP file, or None for a still picture.

    :raises CannotProcess: when the file is shorter than it says, or holds no frame.
    """
    data = path.read_bytes()
    if len(data) < _RIFF_HEADER or len(data) < 8 + int.from_bytes(data[4:8], "little"):
        message = "The webp file is incomplete: its end is missing."
        raise CannotProcess(message)
    chunks = list(_chunks(data[_RIFF_HEADER:]))
    extended = next((body for name, body in chunks if name == b"VP8X" and len(body) >= _EXTENDED_BYTES), None)
    if extended is None or not extended[0] & _ANIMATION_FLAG:
        return None
    frames = [body for name, body in chunks if name == b"ANMF" and len(body) > _FRAME_HEADER]
    if not frames:
        message = "The webp file says that it is animated, but holds no frame."
        raise CannotProcess(message)
    canvas = (_uint24(extended, _CANVAS_AT) + 1, _uint24(extended, _CANVAS_AT + 3) + 1)
    return Animation(
        *canvas,
        delays=tuple(_uint24(frame, _DURATION_AT) for frame in frames),
        first=_still(frames[0]),
        covered=_size_of(frames[0]) == canvas,
    )


def _size_of(frame: bytes) -> tuple[int, int]:
    return _uint24(frame, _SIZE_AT) + 1, _uint24(frame, _SIZE_AT + 3) + 1


def _still(frame: bytes) -> bytes:
    """Wrap the data of one frame as a file of its own."""
    header = bytes((_ALPHA_FLAG, 0, 0, 0)) + frame[_SIZE_AT : _SIZE_AT + 6]
    body = b"WEBPVP8X" + len(header).to_bytes(4, "little") + header + frame[_FRAME_HEADER:]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        yield data[position : position + 4], data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2


def _uint24(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 3], "little")
