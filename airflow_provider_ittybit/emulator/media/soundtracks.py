"""Sound: the ``audio`` kind, and the sound tracks of videos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av.filter
from av.audio.stream import AudioStream

from airflow_provider_ittybit.emulator.media.encoders import SOUND_FORMATS, SoundFormat, require_encoder
from airflow_provider_ittybit.emulator.media.graphs import end_in, link, sound
from airflow_provider_ittybit.emulator.media.moments import approach, beginning, take_window
from airflow_provider_ittybit.emulator.media.opening import opened, sound_track
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess
from airflow_provider_ittybit.emulator.media.writing import written

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from av.audio.frame import AudioFrame
    from av.container import OutputContainer

    from airflow_provider_ittybit.emulator.media.facts import Facts
    from airflow_provider_ittybit.emulator.media.graphs import Filter
    from airflow_provider_ittybit.emulator.media.wishes import Wishes


class SoundWriter:
    """Cut the sound of one track to a stretch of time and write it as a track of a new file.

    :param output: the new file.
    :param row: how the sound is written.
    :param source: the track it comes from; more than two channels are mixed to two.
    :param window: the stretch in seconds from the beginning of the file; no end is the end of the file.
    :param begins: when the file begins on its own clock, in seconds.
    :param bitrate: in bit/s; None for the encoder's own choice.
    """

    def __init__(
        self,
        output: OutputContainer,
        row: SoundFormat,
        source: AudioStream,
        *,
        window: tuple[float, float | None],
        begins: Fraction,
        bitrate: int | None = None,
    ) -> None:
        require_encoder(row.encoder, row.suffix.lstrip("."))
        self._output = output
        self._layout = "mono" if source.codec_context.layout.nb_channels == 1 else "stereo"
        self._rate = _nearest_rate(source.codec_context.sample_rate, row.rates)
        stream = output.add_stream(row.encoder, rate=self._rate, layout=self._layout)
        assert isinstance(stream, AudioStream)  # noqa: S101 - every encoder of the table is for sound
        if bitrate is not None:
            stream.codec_context.bit_rate = bitrate
        self._stream = stream
        self._start, self._end = window
        self._begins = begins
        self._graph: av.filter.Graph | None = None
        self.is_over = False

    def push(self, piece: AudioFrame) -> None:
        """Take in a piece of sound and write what is ready."""
        if self._graph is None:
            self._graph = self._built_for(piece)
        at = (piece.pts or 0) * (piece.time_base or 0) - self._begins
        self.is_over = self._end is not None and at >= self._end
        if not self.is_over:
            self._graph.push(piece)
            self._write()

    def finish(self) -> None:
        """Write what was held back."""
        if self._graph is not None:
            self._graph.push(None)
            self._write()
        self._output.mux(self._stream.encode(None))

    def _write(self) -> None:
        if self._graph is not None:
            for piece in sound(self._graph):
                self._output.mux(self._stream.encode(piece))

    def _built_for(self, piece: AudioFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.threads = 1
        source = graph.add_abuffer(
            sample_rate=piece.sample_rate,
            format=piece.format.name,
            layout=piece.layout.name,
            time_base=piece.time_base,
        )
        origin = float(self._begins) + self._start
        until = "" if self._end is None else f":end={float(self._begins) + self._end}"
        steps: list[Filter] = [
            ("atrim", f"start={origin}{until}"),
            ("asetpts", f"PTS-{origin}/TB"),
            ("aresample", f"{self._rate}:async=1:first_pts=0"),
            ("aformat", f"channel_layouts={self._layout}"),
        ]
        return end_in(graph, link(graph, source, steps), "abuffersink")


def _nearest_rate(rate: int, allowed: tuple[int, ...]) -> int:
    return min(allowed, key=lambda known: (abs(known - rate), -known)) if allowed else rate


def make_sound(wishes: Wishes, facts: Facts, source: Path, folder: Path) -> Path:
    """Make ``audio.mp3``, ``.aac``, ``.m4a``, ``.ogg``, ``.opus``, ``.wav`` or ``.flac``.

    Options: ``format`` (default mp3; ogg holds Opus), ``start`` and ``end`` in seconds, ``bitrate`` in bit/s
    (32000 to 320000) or ``quality`` for one within these bounds; neither for wav and flac, which lose nothing.
    The defaults of ittybit are not published.

    :raises CannotProcess: for a source without sound.
    """
    row = SOUND_FORMATS[wishes.word("format", SOUND_FORMATS, "mp3")]
    window = take_window(wishes, facts.duration)
    bitrate = _bitrate(wishes, row)
    wishes.refuse_the_rest()
    target = folder / f"audio{row.suffix}"
    with opened(source) as media:
        stream = sound_track(media)
        if stream is None:
            message = f"The file has no sound: no audio can be made from this {facts.kind}."
            raise CannotProcess(message)
        with written(target, row.muxer) as output:
            writer = SoundWriter(output, row, stream, window=window, begins=beginning(media), bitrate=bitrate)
            approach(media, window[0])
            for piece in media.decode(stream):
                writer.push(piece)
                if writer.is_over:
                    break
            writer.finish()
    return target


def _bitrate(wishes: Wishes, row: SoundFormat) -> int | None:
    if row.bitrates is None:
        return None
    low, high = row.bitrates
    asked = wishes.number("bitrate", low, high)
    quality = wishes.quality(default=-1)
    if asked is not None and quality >= 0:
        message = "audio takes bitrate or quality, not both."
        raise CannotProcess(message)
    if asked is not None:
        return round(asked)
    return round(low + (high - low) * quality / 100) if quality >= 0 else None
