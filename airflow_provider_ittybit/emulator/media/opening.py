"""Open a media file for reading, and close it whatever happens."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import av

from airflow_provider_ittybit.emulator.media.containers import Container, recognise
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess, refusing
from airflow_provider_ittybit.emulator.media.webp import read_animation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


@contextmanager
def opened(path: Path, container: Container | None = None) -> Iterator[InputContainer]:
    """Open a file with the one reader that its first bytes call for.

    Of an animated WebP the first frame is opened, which is all that PyAV can decode.

    :param path: of the file.
    :param container: what it was recognised as, when the caller knows already.
    :raises CannotProcess: when it is not media, or when reading it fails anywhere inside the block.
    """
    found = container or recognise(path)
    animation = read_animation(path) if found.name == "webp" else None
    with (
        refusing(f"The {found.name} file cannot be read"),
        av.open(
            BytesIO(animation.first) if animation else str(path.resolve()),
            "r",
            format=found.demuxer,
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        ) as media,
    ):
        yield media


def moving_pictures(media: InputContainer) -> VideoStream | None:
    """Return the first video track that is not a cover picture."""
    for stream in media.streams.video:
        if not stream.disposition & type(stream.disposition).attached_pic:
            return stream
    return None


def sound_track(media: InputContainer) -> AudioStream | None:
    """Return the first sound track."""
    return media.streams.audio[0] if media.streams.audio else None


def first_picture(media: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode the first picture of a track.

    :raises CannotProcess: when not one picture can be decoded.
    """
    frame = next(media.decode(stream), None)
    if frame is None:
        message = "The file has a video track, but not one picture in it can be decoded."
        raise CannotProcess(message)
    return frame
