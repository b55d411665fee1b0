"""What is true of one media file, read from the file itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.containers import Container, recognise
from airflow_provider_ittybit.emulator.media.measuring import Track, measure
from airflow_provider_ittybit.emulator.media.opening import (
    first_picture,
    moving_pictures,
    opened,
    sound_track,
)
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess
from airflow_provider_ittybit.emulator.media.transparency import has_alpha, see_through
from airflow_provider_ittybit.emulator.media.turning import Turn, turn_of
from airflow_provider_ittybit.emulator.media.webp import Animation, read_animation

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["CannotProcess", "Facts", "probe"]

# Where ittybit's documentation has another word for a codec than the libraries.
_CODEC_NAMES = {"hevc": "h265"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of one file; None where it does not apply. The names are those of the API's File object.

    :param kind: video, image or audio. A sound file with a cover picture is audio, an animated GIF an image.
    :param type: MIME type, such as ``video/mp4``.
    :param container: such as mp4, mov, webm, mp3; None for images.
    :param codec: of the pictures; for sound, of the sound. Such as h264, h265, vp9, jpeg, aac.
    :param width: in pixels as stored, that is, before ``rotation``. Whether ittybit gives it before or after
        is not published.
    :param height: in pixels as stored.
    :param orientation: landscape, portrait or square, as seen (after ``rotation``).
    :param rotation: degrees clockwise that the stored picture is turned to be seen: 0, 90, 180 or 270.
    :param transparency: whether anything in the first picture is less than opaque; for a video, whether its
        pictures have an alpha channel.
    :param animated: whether an image has more than one frame.
    :param frames: how many pictures there are; None for sound.
    :param duration: in seconds; None for a still picture.
    :param fps: pictures per second, the average where it varies.
    :param filesize: in bytes.
    :param bitrate: of the whole file, in bit/s; None for images.
    """

    kind: str
    type: str
    container: str | None
    codec: str | None
    width: int | None
    height: int | None
    orientation: str | None
    rotation: int | None
    transparency: bool | None
    animated: bool | None
    frames: int | None
    duration: float | None
    fps: float | None
    filesize: int
    bitrate: int | None


def probe(path: Path) -> Facts:
    """Read what is true of a media file.

    Pictures and lengths are counted from end to end, not taken from the header, and the first picture or the
    first sound is decoded, so that what is only named like media is found out.

    :param path: of the file; its name is not looked at.
    :raises CannotProcess: for what is empty, no media, incomplete or damaged.
    """
    found = recognise(path)
    size = path.stat().st_size
    look = None
    with opened(path, found) as media:
        video, audio = moving_pictures(media), sound_track(media)
        if video is not None:
            look = _Look.at(first_picture(media, video), path)
        elif audio is not None and next(media.decode(audio), None) is None:
            message = "The file has a sound track, but nothing in it can be decoded."
            raise CannotProcess(message)
    animation = read_animation(path) if found.name == "webp" else None
    if animation is not None and look is not None:
        return _animated_webp(animation, look, size)
    with opened(path, found) as media:  # again, since not every reader can go back to the beginning
        video, audio = moving_pictures(media), sound_track(media)
        pictures, sound = measure(media, video, audio)
        if video is not None and pictures is not None and look is not None:
            if found.is_picture:
                return _image(pictures, look, found, size)
            return _video(video, (pictures, sound), look, found, size)
        if audio is not None and sound is not None:
            return _audio(audio, sound, found, size)
    message = "The file holds neither pictures nor sound."
    raise CannotProcess(message)


@dataclass(frozen=True, slots=True)
class _Look:
    """What the first picture of a file looks like."""

    width: int
    height: int
    turn: Turn
    transparent: bool

    @classmethod
    def at(cls, frame: VideoFrame, path: Path) -> _Look:
        return cls(frame.width, frame.height, turn_of(frame, path), see_through(frame))

    @property
    def orientation(self) -> str:
        sides = (self.height, self.width) if self.turn.swaps_sides else (self.width, self.height)
        return _orientation(*sides)


def _orientation(width: int, height: int) -> str:
    if width == height:
        return "square"
    return "landscape" if width > height else "portrait"


def _codec(stream: Stream) -> str | None:
    name = stream.codec_context.codec.canonical_name if stream.codec_context else None
    return _CODEC_NAMES.get(name, name) if name else None


def _seconds(length: Fraction) -> float:
    return round(float(length), 3)


def _bitrate(size: int, length: Fraction) -> int | None:
    return round(size * 8 / length) if length else None


def _video(stream: VideoStream, tracks: tuple[Track, Track | None], look: _Look, found: Container, size: int) -> Facts:
    pictures, _ = tracks
    heard_or_seen = [track for track in tracks if track is not None and track.shown]
    length = max(track.ends for track in heard_or_seen) - min(track.starts for track in heard_or_seen)
    return Facts(
        kind="video",
        type=found.types[0],
        container=found.name,
        codec=_codec(stream),
        width=look.width,
        height=look.height,
        orientation=look.orientation,
        rotation=look.turn.degrees,
        transparency=has_alpha(stream.format) or stream.metadata.get("alpha_mode") == "1",
        animated=None,
        frames=pictures.shown,
        duration=_seconds(length),
        fps=pictures.rate(stream.average_rate),
        filesize=size,
        bitrate=_bitrate(size, length),
    )


def _audio(stream: AudioStream, sound: Track, found: Container, size: int) -> Facts:
    length = sound.ends - sound.starts
    return Facts(
        kind="audio",
        type=found.types[1],
        container=found.name,
        codec=_codec(stream),
        width=None,
        height=None,
        orientation=None,
        rotation=None,
        transparency=None,
        animated=None,
        frames=None,
        duration=_seconds(length),
        fps=None,
        filesize=size,
        bitrate=_bitrate(size, length),
    )


def _image(pictures: Track, look: _Look, found: Container, size: int) -> Facts:
    animated = pictures.shown > 1
    length = pictures.ends - pictures.starts
    return Facts(
        kind="image",
        type=found.types[0],
        container=None,
        codec=found.name,
        width=look.width,
        height=look.height,
        orientation=look.orientation,
        rotation=look.turn.degrees,
        transparency=look.transparent,
        animated=animated,
        frames=pictures.shown,
        duration=_seconds(length) if animated else None,
        fps=round(float(pictures.shown / length), 3) if animated and length else None,
        filesize=size,
        bitrate=None,
    )


def _animated_webp(animation: Animation, look: _Look, size: int) -> Facts:
    seconds = sum(animation.delays) / 1000
    return Facts(
        kind="image",
        type="image/webp",
        container=None,
        codec="webp",
        width=animation.width,
        height=animation.height,
        orientation=_orientation(animation.width, animation.height),
        rotation=0,
        transparency=look.transparent or not animation.covered,
        animated=len(animation.delays) > 1,
        frames=len(animation.delays),
        duration=seconds,
        fps=round(len(animation.delays) / seconds, 3) if seconds else None,
        filesize=size,
        bitrate=None,
    )
