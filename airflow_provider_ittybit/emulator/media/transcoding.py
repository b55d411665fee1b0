"""The ``video`` and ``animation`` kinds: moving pictures in another size, rate, length or format."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from airflow_provider_ittybit.emulator.media.encoders import (
    SOUND_FORMATS,
    VIDEO_CODECS,
    VIDEO_FORMATS,
    require_encoder,
)
from airflow_provider_ittybit.emulator.media.moments import approach, beginning, take_window
from airflow_provider_ittybit.emulator.media.opening import moving_pictures, opened, sound_track
from airflow_provider_ittybit.emulator.media.picturetracks import PictureWriter
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess
from airflow_provider_ittybit.emulator.media.shaping import Shape, Shaper
from airflow_provider_ittybit.emulator.media.soundtracks import SoundWriter
from airflow_provider_ittybit.emulator.media.writing import written

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer

    from airflow_provider_ittybit.emulator.media.facts import Facts
    from airflow_provider_ittybit.emulator.media.wishes import Wishes

_FASTEST = 60
_FASTEST_ANIMATION = 50  # a GIF counts in hundredths of a second, and players show no picture for just one of them
_ANIMATION_RATE = Fraction(10)
_ANIMATIONS = ("gif", "webp")
_ANY_RATE = Fraction(25)


def make_video(wishes: Wishes, facts: Facts, source: Path, folder: Path) -> Path:
    """Make ``video.mp4``, ``.mov`` or ``.webm``, with the sound of the source.

    Options: ``format`` mp4, webm or mov (default mp4), ``codec`` h264, h265, vp9 or av1 (default h264, in WebM
    vp9), ``width``, ``height``, ``fit``, ``background``, ``fps`` 1 to 60, ``start`` and ``end`` in seconds,
    ``quality``. Without them size and rate stay (ittybit's documentation); odd sides become even.

    :raises CannotProcess: for a source without moving pictures.
    """
    _require_movement(facts, "video")
    row = VIDEO_FORMATS[wishes.word("format", VIDEO_FORMATS, "mp4")]
    codec_name = wishes.word("codec", row.codecs, row.codecs[0])
    codec = VIDEO_CODECS[codec_name]
    box, fps, quality = wishes.box(), wishes.rate(_FASTEST), wishes.quality()
    window = take_window(wishes, facts.duration)
    wishes.refuse_the_rest()
    require_encoder(codec.encoder, codec_name)
    worst, best = codec.crf
    options = {**dict(codec.options), "crf": str(round(worst + (best - worst) * quality / 100))}
    target = folder / f"video{row.suffix}"
    with opened(source) as media, written(target, row.muxer, dict(row.options)) as output:
        stream, heard = moving_pictures(media), sound_track(media)
        assert stream is not None  # noqa: S101 - the facts say that it is there
        writer = PictureWriter(
            output,
            codec.encoder,
            options,
            rate=fps or _rate(facts),
            shaper=Shaper(Shape(box, "yuv420p", even=True, fps=fps), stream, source),
            window=window,
            tag=codec.tag if row.muxer != "webm" else "",
        )
        sound = None
        if heard is not None:
            sound = SoundWriter(output, SOUND_FORMATS[row.sound], heard, window=window, begins=beginning(media))
        approach(media, window[0])
        _run(media, writer, sound)
    return target


def make_animation(wishes: Wishes, facts: Facts, source: Path, folder: Path) -> Path:
    """Make ``animation.gif`` or ``animation.webp``: moving pictures without sound, repeated for ever.

    Options: ``format`` gif or webp (default gif), ``width``, ``height``, ``fit``, ``background``, ``fps`` 1 to
    50 (default 10), ``start`` and ``end`` in seconds, ``quality`` (of a GIF: how many colours a picture has).
    The defaults of ittybit are not published.

    :raises CannotProcess: for a source without moving pictures.
    """
    _require_movement(facts, "animation")
    form = wishes.word("format", _ANIMATIONS, "gif")
    box, fps = wishes.box(), wishes.rate(_FASTEST_ANIMATION) or _ANIMATION_RATE
    quality = wishes.quality(100 if form == "gif" else 75)
    window = take_window(wishes, facts.duration)
    wishes.refuse_the_rest()
    if form == "gif":
        shape = Shape(box, "pal8", "pal8", fps=fps, colours=round(16 + 240 * quality / 100))
        encoder, options = "gif", {}
    else:
        shape = Shape(box, "yuv420p", "yuva420p", fps=fps)
        encoder, options = "libwebp_anim", {"quality": str(quality)}
    target = folder / f"animation.{form}"
    with opened(source) as media, written(target, form, {"loop": "0"}) as output:
        stream = moving_pictures(media)
        assert stream is not None  # noqa: S101 - the facts say that it is there
        shaper = Shaper(shape, stream, source)
        writer = PictureWriter(output, encoder, options, rate=fps, shaper=shaper, window=window)
        approach(media, window[0])
        _run(media, writer, None)
    return target


def _require_movement(facts: Facts, kind: str) -> None:
    """Refuse a source whose pictures do not move, or cannot all be decoded."""
    if facts.kind == "audio":
        message = f"The file is sound only: there are no pictures to make a {kind} of."
    elif facts.kind == "image" and not facts.animated:
        message = f"The file is a still picture: no {kind} can be made from it."
    elif facts.codec == "webp":
        message = f"The file is an animated webp, of which only the first picture can be read here: no {kind} of it."
    else:
        return
    raise CannotProcess(message)


def _rate(facts: Facts) -> Fraction:
    return Fraction(facts.fps).limit_denominator(1001) if facts.fps else _ANY_RATE


def _run(media: InputContainer, pictures: PictureWriter, sound: SoundWriter | None) -> None:
    """Decode a file and hand its pictures and its sound to their writers, until both have all they want."""
    early: list[AudioFrame] = []  # sound that comes before the first picture is written
    streams = [stream for stream in (moving_pictures(media), sound and sound_track(media)) if stream]
    for packet in media.demux(*streams):
        for frame in packet.decode():
            if isinstance(frame, VideoFrame):
                pictures.push(frame, media)
            elif isinstance(frame, AudioFrame):
                early.append(frame)
        if sound is not None and pictures.has_begun:
            for piece in early:
                sound.push(piece)
            early.clear()
        if pictures.is_over and (sound is None or sound.is_over):
            break
    pictures.finish()
    if sound is not None:
        for piece in early:
            sound.push(piece)
        sound.finish()
