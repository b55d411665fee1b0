"""How the stored picture must be turned to be seen upright."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from av.sidedata.sidedata import Type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from av.buffer import Buffer
    from av.video.frame import VideoFrame

    from airflow_provider_ittybit.emulator.media.graphs import Filter


@dataclass(frozen=True, slots=True)
class Turn:
    """One of the eight ways to turn or mirror a picture.

    :param degrees: clockwise, one of 0, 90, 180 and 270, after any mirroring left to right.
    :param filters: that do it.
    """

    degrees: int
    filters: tuple[Filter, ...]

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.degrees % 180 != 0


UPRIGHT = Turn(0, ())

_HALF = Turn(180, (("hflip", ""), ("vflip", "")))
_QUARTER = Turn(90, (("transpose", "clock"),))
_THREE_QUARTERS = Turn(270, (("transpose", "cclock"),))
_MIRROR = Turn(0, (("hflip", ""),))
_MIRROR_HALF = Turn(180, (("vflip", ""),))
_MIRROR_QUARTER = Turn(90, (("transpose", "clock_flip"),))
_MIRROR_THREE_QUARTERS = Turn(270, (("transpose", "cclock_flip"),))

# Keyed by the signs of a, b, c, d in the display matrix: (x, y) goes to (ax + cy, bx + dy), y counted downwards.
_BY_MATRIX = {
    (0, 1, -1, 0): _QUARTER,
    (-1, 0, 0, -1): _HALF,
    (0, -1, 1, 0): _THREE_QUARTERS,
    (-1, 0, 0, 1): _MIRROR,
    (1, 0, 0, -1): _MIRROR_HALF,
    (0, -1, -1, 0): _MIRROR_QUARTER,
    (0, 1, 1, 0): _MIRROR_THREE_QUARTERS,
}
# The orientation tag of Exif, 1 to 8.
_BY_EXIF = (
    UPRIGHT,
    _MIRROR,
    _HALF,
    _MIRROR_HALF,
    _MIRROR_THREE_QUARTERS,
    _QUARTER,
    _MIRROR_QUARTER,
    _THREE_QUARTERS,
)
_EXIF_WITHIN = 262_144
_ORIENTATION_TAG = 0x0112


def turn_of(frame: VideoFrame, path: Path) -> Turn:
    """Return how a decoded picture must be turned; upright when nothing, or an odd angle, is stated.

    :param frame: as it was decoded.
    :param path: of its file, where a picture's Exif data stands.
    """
    try:
        stated = cast("Mapping[Type, Buffer]", frame.side_data)
        matrix = bytes(stated[Type.DISPLAYMATRIX])
    except KeyError:
        return UPRIGHT
    except ValueError:
        # PyAV has no name for the side data that holds Exif, and then shows none of the frame's side data.
        with path.open("rb") as file:
            return _exif_turn(file.read(_EXIF_WITHIN))
    a, b, _, c, d, *_ = struct.unpack("9i", matrix)
    return _BY_MATRIX.get((_sign(a), _sign(b), _sign(c), _sign(d)), UPRIGHT)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _exif_turn(head: bytes) -> Turn:
    """Read the orientation tag from the first directory of the Exif data."""
    found = re.search(rb"(?:Exif\0\0|EXIF....|eXIf)(II\*\0|MM\0\*)", head, re.DOTALL)
    if found is None:
        return UPRIGHT
    tiff = head[found.start(1) :]
    order = "<" if tiff.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for index in range(entries):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * index)
            if tag == _ORIENTATION_TAG and 1 <= value <= len(_BY_EXIF):
                return _BY_EXIF[value - 1]
    except struct.error:
        return UPRIGHT
    return UPRIGHT
