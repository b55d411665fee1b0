"""Make media of chosen colours, times and tags, and look at the colours of what comes out."""

from __future__ import annotations

import math
import struct
from array import array
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from unit.emulator.media.independent_reading import write_png

from airflow_provider_ittybit.emulator.media.samples import card, tone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Colour = tuple[int, ...]
RED, GREEN, BLUE = (200, 30, 30), (30, 180, 30), (30, 30, 200)


def write_colours(path: Path, colours: Sequence[tuple[int, int, int]], times: Sequence[int]) -> Path:
    """Write one flat 64x48 picture for each colour, shown from its time in milliseconds on."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"crf": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for colour, at in zip(colours, times, strict=True):
            picture = av.VideoFrame(64, 48, "rgb24")
            line = (bytes(colour) * 64).ljust(picture.planes[0].line_size, b"\0")
            picture.planes[0].update(line * 48)
            frame = picture.reformat(format="yuv420p")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    """Put an orientation tag into a JPEG."""
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0x0112, 3, 1, orientation) + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff + jpeg[2:]


def with_cover(mp3: bytes, cover: bytes) -> bytes:
    """Put a cover picture in front of an MP3, as an ID3 tag."""
    body = b"\0image/png\0\x03\0" + cover
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frame + mp3


def near(one: Colour, other: Colour, by: int = 14) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one[:3], other[:3], strict=True))


def colours_seen(path: Path) -> list[Colour]:
    """The colour in the middle of each picture of a file."""
    seen = []
    with av.open(str(path)) as media:
        for frame in media.decode(video=0):
            plane = frame.reformat(format="rgb24").planes[0]
            at = frame.height // 2 * plane.line_size + frame.width // 2 * 3
            seen.append(tuple(bytes(plane)[at : at + 3]))
    return seen


def seconds_heard(path: Path) -> float:
    """How long the sound of a file is when it is decoded."""
    with av.open(str(path)) as media:
        return sum(piece.samples / piece.sample_rate for piece in media.decode(audio=0))


def write_late_sound(path: Path, late: float) -> Path:
    """Write two seconds of pictures at 10 fps, with a tone of one second that begins late (in seconds)."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = output.add_stream("aac", rate=48_000, layout="mono")
        for frame in card(64, 48, fps=10, frames=20, pixels="yuv420p"):
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        for piece in tone(1):
            piece.pts = (piece.pts or 0) + round(late * 48_000)
            output.mux(audio.encode(piece))
        output.mux(audio.encode(None))
    return path


def first_heard(path: Path) -> float:
    """When the sound of a file is first loud, in seconds."""
    with av.open(str(path)) as media:
        for piece in media.decode(audio=0):
            strengths = array("f", bytes(piece.planes[0])[: piece.samples * 4])
            loud = next((index for index, strength in enumerate(strengths) if abs(strength) > 0.02), None)
            if loud is not None:
                return ((piece.pts or 0) + loud) / piece.sample_rate
    return math.inf


def runs(colours: list[Colour]) -> list[tuple[str, int]]:
    """Name the colours and count how often each comes in a row."""
    names = {"red": RED, "green": GREEN, "blue": BLUE}
    found: list[tuple[str, int]] = []
    for colour in colours:
        name = next(name for name, known in names.items() if near(colour, known))
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1] + 1)
        else:
            found.append((name, 1))
    return found


def quarters(path: Path, width: int = 40, height: int = 20) -> Path:
    """A picture with red top left, green top right, blue bottom left, white bottom right."""
    white = (255, 255, 255)
    top = [RED] * (width // 2) + [GREEN] * (width // 2)
    bottom = [BLUE] * (width // 2) + [white] * (width // 2)
    return write_png(path, [top] * (height // 2) + [bottom] * (height // 2))
