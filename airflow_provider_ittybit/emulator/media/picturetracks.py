"""The picture track of a new file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from av.video.stream import VideoStream

from airflow_provider_ittybit.emulator.media.encoders import require_encoder
from airflow_provider_ittybit.emulator.media.moments import time_of
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from av.container import InputContainer, OutputContainer
    from av.video.frame import VideoFrame

    from airflow_provider_ittybit.emulator.media.shaping import Shaper

_JUST_BEFORE = Fraction(1, 1_000_000)
_NO_TYPE = 0  # else the encoder repeats the key pictures of the source


class PictureWriter:
    """Cut the pictures of one track to a stretch of time, shape them and write them as a track of a new file.

    The size of the track is known with its first picture: nothing else may be written to the file before
    ``has_begun``.

    :param output: the new file.
    :param encoder: that compresses the pictures.
    :param options: of the encoder.
    :param rate: pictures per second, as the encoder should expect them.
    :param shaper: that brings them to size.
    :param window: the stretch in seconds from the beginning of the source; no end is its end.
    :param tag: four letters that players look for; empty for the muxer's own choice.
    """

    def __init__(
        self,
        output: OutputContainer,
        encoder: str,
        options: Mapping[str, str],
        *,
        rate: Fraction,
        shaper: Shaper,
        window: tuple[float, float | None],
        tag: str = "",
    ) -> None:
        require_encoder(encoder, encoder)
        stream = output.add_stream(encoder, rate=rate, options=dict(options))
        assert isinstance(stream, VideoStream)  # noqa: S101 - every encoder of the table is for pictures
        if tag:
            stream.codec_context.codec_tag = tag
        self._output = output
        self._stream = stream
        self._shaper = shaper
        self._start, self._end = window
        self._first: int | None = None
        self.has_begun = False
        self.is_over = False

    def push(self, frame: VideoFrame, media: InputContainer) -> None:
        """Take in a decoded picture and write what is ready.

        :param media: where it comes from, for the time at which that begins.
        """
        at = time_of(frame, media)
        self.is_over = self._end is not None and at > self._end - _JUST_BEFORE
        if at < self._start - _JUST_BEFORE or self.is_over:
            return
        if self._first is None:
            self._first = frame.pts or 0
        frame.pts = (frame.pts or 0) - self._first
        self._write(self._shaper.push(frame))

    def finish(self) -> None:
        """Write what was held back.

        :raises CannotProcess: when there was not one picture.
        """
        self._write(self._shaper.finish())
        if not self.has_begun:
            message = "There is not one picture in the stretch between start and end."
            raise CannotProcess(message)
        self._output.mux(self._stream.encode(None))

    def _write(self, frames: Iterable[VideoFrame]) -> None:
        for frame in frames:
            if not self.has_begun:
                self._stream.width, self._stream.height = frame.width, frame.height
                self._stream.pix_fmt = frame.format.name
                self._stream.codec_context.time_base = frame.time_base or Fraction(1, 1000)
                self.has_begun = True
            frame.pict_type = _NO_TYPE
            self._output.mux(self._stream.encode(frame))
