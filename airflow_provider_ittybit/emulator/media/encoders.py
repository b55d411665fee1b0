"""What can be written: one row per sound format, picture format and video codec.

The names of formats and codecs are those of ittybit's documentation.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import av.codec

from airflow_provider_ittybit.emulator.media.refusal import CannotProcess


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """How one sound format is written.

    :param suffix: of the file's name, with its dot.
    :param muxer: that lays out the file.
    :param encoder: that compresses the sound.
    :param rates: sample rates in Hz it can hold; empty for any.
    :param bitrates: from worst to best in bit/s; None where nothing is lost and no bitrate can be chosen.
    """

    suffix: str
    muxer: str
    encoder: str
    rates: tuple[int, ...] = ()
    bitrates: tuple[int, int] | None = (32_000, 320_000)


_MPEG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (48_000,)

SOUND_FORMATS = {
    "mp3": SoundFormat(".mp3", "mp3", "libmp3lame", _MPEG_RATES),
    "aac": SoundFormat(".aac", "adts", "aac", (*_MPEG_RATES, 64_000, 88_200, 96_000)),
    "m4a": SoundFormat(".m4a", "ipod", "aac", (*_MPEG_RATES, 64_000, 88_200, 96_000)),
    "ogg": SoundFormat(".ogg", "ogg", "libopus", _OPUS_RATES),
    "opus": SoundFormat(".opus", "opus", "libopus", _OPUS_RATES),
    "wav": SoundFormat(".wav", "wav", "pcm_s16le", bitrates=None),
    "flac": SoundFormat(".flac", "flac", "flac", bitrates=None),
}


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """How one picture format is written.

    :param suffix: of the file's name, with its dot.
    :param encoder: whose output is the whole file.
    :param opaque: pixel format of a picture without transparency.
    :param transparent: pixel format of a picture with it; None where the format has none.
    """

    suffix: str
    encoder: str
    opaque: str
    transparent: str | None


PICTURE_FORMATS = {
    "jpeg": PictureFormat(".jpg", "mjpeg", "yuvj420p", None),
    "jpg": PictureFormat(".jpg", "mjpeg", "yuvj420p", None),
    "png": PictureFormat(".png", "png", "rgb24", "rgba"),
    "webp": PictureFormat(".webp", "libwebp", "yuv420p", "yuva420p"),
}


@dataclass(frozen=True, slots=True)
class VideoCodec:
    """How one video codec is written.

    :param encoder: that compresses the pictures.
    :param crf: its constant rate factor at the worst and at the best quality.
    :param options: further settings, chosen for repeatable output and sensible speed.
    :param tag: four letters that players look for in an MP4; empty for the muxer's own choice.
    """

    encoder: str
    crf: tuple[int, int]
    options: tuple[tuple[str, str], ...]
    tag: str = ""


# Without mbtree, whose fast code gives another result each time for pictures of a few blocks.
H264_OPTIONS = (("preset", "veryfast"), ("threads", "1"), ("mbtree", "0"))

VIDEO_CODECS = {
    "h264": VideoCodec("libx264", (40, 16), H264_OPTIONS),
    "h265": VideoCodec(
        "libx265",
        (44, 20),
        (("preset", "veryfast"), ("x265-params", "log-level=none:pools=1:frame-threads=1")),
        "hvc1",
    ),
    "vp9": VideoCodec("libvpx-vp9", (56, 20), (("b", "0"), ("deadline", "good"), ("cpu-used", "5"), ("threads", "1"))),
    "av1": VideoCodec("libsvtav1", (60, 20), (("preset", "10"), ("svtav1-params", "lp=1"))),
}


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How one video container is written.

    :param suffix: of the file's name, with its dot.
    :param muxer: that lays out the file.
    :param codecs: keys of ``VIDEO_CODECS`` it can hold, the default first.
    :param sound: key of ``SOUND_FORMATS`` whose encoder its sound track uses.
    :param options: of the muxer.
    """

    suffix: str
    muxer: str
    codecs: tuple[str, ...]
    sound: str
    options: tuple[tuple[str, str], ...] = ()


VIDEO_FORMATS = {
    "mp4": VideoFormat(".mp4", "mp4", ("h264", "h265", "vp9", "av1"), "m4a", (("movflags", "+faststart"),)),
    "mov": VideoFormat(".mov", "mov", ("h264", "h265"), "m4a", (("movflags", "+faststart"),)),
    "webm": VideoFormat(".webm", "webm", ("vp9", "av1"), "opus"),
}


def require_encoder(name: str, wanted: str) -> None:
    """Refuse what the installed PyAV was built without.

    :param name: of the encoder, e.g. ``libx265``.
    :param wanted: what a person asked for, e.g. ``h265``.
    :raises CannotProcess: when the encoder is missing.
    """
    os.environ.setdefault("SVT_LOG", "1")  # the one way to keep the AV1 encoder from talking on standard error
    try:
        av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        message = f"{wanted} cannot be made here: the installed PyAV has no {name} encoder."
        raise CannotProcess(message) from None
