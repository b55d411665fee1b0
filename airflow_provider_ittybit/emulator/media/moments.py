"""Find the pictures that are seen at given moments, or during a stretch of time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.refusal import CannotProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from airflow_provider_ittybit.emulator.media.wishes import Wishes

_MICROSECONDS = 1_000_000
_RUN_UP = 2  # seconds


def beginning(media: InputContainer) -> Fraction:
    """Return the time at which a file begins, in seconds on its own clock."""
    return Fraction(media.start_time or 0, _MICROSECONDS)


def approach(media: InputContainer, seconds: float) -> None:
    """Go near a moment without decoding all that is before it, in the files whose index tells where that is."""
    if seconds > _RUN_UP and "mp4" in media.format.name:
        media.seek(int((seconds - _RUN_UP + beginning(media)) * _MICROSECONDS), backward=True)


def time_of(frame: VideoFrame, media: InputContainer) -> Fraction:
    """Return when a picture is first seen, in seconds from the beginning of its file."""
    return (frame.pts or 0) * (frame.time_base or Fraction(1)) - beginning(media)


def seen_at(media: InputContainer, stream: VideoStream, moments: Sequence[float]) -> Iterator[VideoFrame]:
    """Yield the picture that is on screen at each moment.

    :param moments: in seconds from the beginning, rising.
    :raises CannotProcess: when not one picture can be decoded.
    """
    left = list(moments)
    current: VideoFrame | None = None
    approach(media, left[0])
    for frame in media.decode(stream):
        while current is not None and left and time_of(frame, media) > left[0] + 1e-6:
            yield current
            left.pop(0)
        if not left:
            return
        current = frame
    if current is None:
        message = "Not one picture in the file can be decoded."
        raise CannotProcess(message)
    for _ in left:
        yield current


def take_window(wishes: Wishes, duration: float | None) -> tuple[float, float | None]:
    """Return ``start`` and ``end`` in seconds; 0 and the end of the file when they are not given.

    An end beyond the end of the file is the end of the file: decoders give a little more sound than there is.

    :param duration: of the file in seconds; None for a still picture.
    :raises CannotProcess: when the stretch is empty or begins after the end of the file.
    """
    start = wishes.number("start", 0) or 0.0
    end = wishes.number("end", 0)
    check_start(start, duration)
    if end is not None and end <= start:
        message = f"Nothing lies between start {start:g} and end {end:g} seconds."
        raise CannotProcess(message)
    if duration is None:
        return start, end
    return start, duration if end is None else min(end, duration)


def check_start(start: float, duration: float | None) -> None:
    """Refuse a moment that the file does not have.

    :raises CannotProcess: saying how long the file is.
    """
    if duration is None and start > 0:
        message = f"The file is a still picture: it has no picture at {start:g} seconds."
        raise CannotProcess(message)
    if duration is not None and start >= duration:
        message = f"The file is {duration:g} seconds long: there is nothing at {start:g} seconds."
        raise CannotProcess(message)
