"""Real, small media made on the spot: a moving test card and a steady tone, for tests and for the demo.

What a sample is made with is what a true reading of it must say, so each function takes exactly the values
that the readings are compared with.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import av
import av.filter
from av.audio.stream import AudioStream

from airflow_provider_ittybit.emulator.media.encoders import H264_OPTIONS, PICTURE_FORMATS, SOUND_FORMATS
from airflow_provider_ittybit.emulator.media.graphs import REPEATABLE, SCALING, end_in, link, pictures, sound
from airflow_provider_ittybit.emulator.media.pictures import encode_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from av.container import OutputContainer
    from av.video.frame import VideoFrame

SOUND_RATE = 48_000
TONE_HZ = 440


def make_video(
    path: Path,
    *,
    seconds: float = 2.0,
    width: int = 320,
    height: int = 180,
    fps: int = 24,
    with_audio: bool = True,
) -> Path:
    """Make an H.264 MP4 of a moving test card, with a 440 Hz tone as AAC.

    :param path: of the file, replaced if it is there.
    :param seconds: its length; ``round(seconds * fps)`` frames are written.
    :param width: in pixels, even.
    :param height: in pixels, even.
    :param fps: frames per second.
    :param with_audio: whether it has a sound track.
    :returns: the path.
    :raises ValueError: for an odd width or height, which H.264 with 4:2:0 colour cannot hold.
    """
    if width % 2 or height % 2:
        message = f"A sample video needs an even width and height, not {width}x{height}."
        raise ValueError(message)
    with ExitStack() as stack:
        output = stack.enter_context(av.open(str(path), "w", format="mp4", options=REPEATABLE))
        video = output.add_stream("libx264", rate=fps, options=dict(H264_OPTIONS))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = output.add_stream("aac", rate=SOUND_RATE, layout="mono") if with_audio else None
        for frame in card(width, height, fps=fps, frames=round(seconds * fps), pixels="yuv420p"):
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio is not None:
            _write_tone(output, audio, seconds)
    return path


def make_image(path: Path, *, width: int = 320, height: int = 240) -> Path:
    """Make a still picture of a test card; the format follows the suffix.

    :param path: ending in .png, .jpg, .jpeg, .webp or .gif.
    :param width: in pixels.
    :param height: in pixels.
    :returns: the path.
    :raises ValueError: for another suffix.
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix == "gif":
        with av.open(str(path), "w", format="gif") as output:
            stream = output.add_stream("gif", rate=1)
            stream.width, stream.height, stream.pix_fmt = width, height, "rgb8"
            for frame in card(width, height, fps=1, frames=1, pixels="rgb8"):
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path
    if suffix not in PICTURE_FORMATS:
        message = f"A sample picture ends in .png, .jpg, .jpeg, .webp or .gif, not in {path.suffix!r}."
        raise ValueError(message)
    frame = next(card(width, height, fps=1, frames=1, pixels=PICTURE_FORMATS[suffix].opaque))
    path.write_bytes(encode_picture(frame, suffix, quality=80))
    return path


def make_audio(path: Path, *, seconds: float = 2.0) -> Path:
    """Make a 440 Hz tone in mono at 48,000 Hz; the format follows the suffix.

    :param path: ending in .mp3, .wav, .m4a, .flac, .aac, .ogg or .opus.
    :param seconds: its length.
    :returns: the path.
    :raises ValueError: for another suffix.
    """
    row = SOUND_FORMATS.get(path.suffix.lower().lstrip("."))
    if row is None:
        known = ", ".join("." + key for key in SOUND_FORMATS)
        message = f"A sample sound ends in one of {known}, not in {path.suffix!r}."
        raise ValueError(message)
    with av.open(str(path), "w", format=row.muxer, options=REPEATABLE) as output:
        stream = output.add_stream(row.encoder, rate=SOUND_RATE, layout="mono")
        assert isinstance(stream, AudioStream)  # noqa: S101 - every encoder of the table is for sound
        _write_tone(output, stream, seconds)
    return path


def card(width: int, height: int, *, fps: int, frames: int, pixels: str) -> Iterator[VideoFrame]:
    """Yield the frames of a moving test card.

    :param pixels: name of the pixel format, such as ``yuv420p``.
    """
    graph = av.filter.Graph()
    # Made as RGB at its full size: the source cuts odd sizes when it is asked for halved colour.
    source = graph.add("testsrc2", f"size={width}x{height}:rate={fps}")
    steps = [
        ("format", "rgb24"),
        ("trim", f"end_frame={frames}"),
        ("scale", SCALING),
        ("format", pixels),
    ]
    yield from pictures(end_in(graph, link(graph, source, steps), "buffersink"))


def tone(seconds: float) -> Iterator[AudioFrame]:
    """Yield a 440 Hz tone in mono at 48,000 Hz, exactly as long as asked to a sample."""
    graph = av.filter.Graph()
    source = graph.add("sine", f"frequency={TONE_HZ}:sample_rate={SOUND_RATE}")
    steps = [("atrim", f"end_sample={round(seconds * SOUND_RATE)}")]
    yield from sound(end_in(graph, link(graph, source, steps), "abuffersink"))


def _write_tone(output: OutputContainer, stream: AudioStream, seconds: float) -> None:
    for piece in tone(seconds):
        output.mux(stream.encode(piece))
    output.mux(stream.encode(None))
