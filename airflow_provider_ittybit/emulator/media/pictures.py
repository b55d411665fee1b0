"""Write one picture as a file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av.codec
from av.video.codeccontext import VideoCodecContext

from airflow_provider_ittybit.emulator.media.encoders import PICTURE_FORMATS, require_encoder
from airflow_provider_ittybit.emulator.media.refusal import refusing

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def _options(encoder: str, quality: int) -> dict[str, str]:
    """Return the settings of an encoder for a quality of 0 to 100."""
    if encoder == "mjpeg":
        step = str(2 + round(29 * (100 - quality) / 100))
        return {"qmin": step, "qmax": step, "flags": "+bitexact"}
    if encoder == "libwebp":
        return {"quality": str(quality)}
    return {}


def encode_picture(frame: VideoFrame, picture_format: str, *, quality: int) -> bytes:
    """Return the bytes of a picture file.

    :param frame: the picture, in one of the two pixel formats of the format's row.
    :param picture_format: key of ``PICTURE_FORMATS``.
    :param quality: 0 (smallest) to 100 (best); without effect on PNG, which loses nothing at any quality.
    :raises CannotProcess: when the encoder is missing or refuses the picture.
    """
    row = PICTURE_FORMATS[picture_format]
    require_encoder(row.encoder, picture_format)
    with refusing(f"The picture cannot be written as {picture_format}"):
        context = av.codec.CodecContext.create(row.encoder, "w")
        assert isinstance(context, VideoCodecContext)  # noqa: S101 - every encoder of the table is for pictures
        context.width, context.height = frame.width, frame.height
        context.pix_fmt = frame.format.name
        context.time_base = Fraction(1, 25)
        context.options = _options(row.encoder, quality)
        context.thread_count = 1
        frame.pts, frame.time_base = 0, context.time_base
        packets = [*context.encode(frame), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
