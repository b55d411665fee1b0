"""Measure a track by what is in the file, packet by packet, not by what its header promises."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.refusal import CannotProcess

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

_NEAR = Fraction(1, 100)


@dataclass(slots=True)
class Track:
    """What was counted of one track.

    :param time_base: seconds in one unit of time.
    :param packets: pieces seen; for pictures, one each.
    :param hidden: pieces that are only there to decode others.
    :param first: presentation time of the first shown piece, in units.
    :param last: presentation time of the last one.
    :param end: when the last one is over.
    """

    time_base: Fraction
    packets: int = 0
    hidden: int = 0
    first: int | None = None
    last: int = 0
    end: int = 0
    _padding: int = 0
    _durations: tuple[int, int] = field(default=(0, 0))

    def add(self, packet: Packet[Stream]) -> None:
        """Count one piece."""
        self.packets += 1
        if packet.is_discard:
            self.hidden += 1
            return
        at = packet.pts if packet.pts is not None else packet.dts
        at = self.end if at is None else at
        length = packet.duration or 0
        start, self._padding = self._skipped(packet)
        if self.first is None or at + start < self.first:
            self.first = at + start
        self.last = max(self.last, at)
        self.end = max(self.end, at + length)
        self._durations = (self._durations[1], length)

    def _skipped(self, packet: Packet[Stream]) -> tuple[int, int]:
        """Return how much of a piece of sound is padding at its beginning and at its end, in units."""
        if not packet.has_sidedata("skip_samples"):
            return 0, 0
        rate = getattr(packet.stream.codec_context, "sample_rate", 0)
        begin, end = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
        unit = rate * self.time_base
        return (round(begin / unit), round(end / unit)) if unit else (0, 0)

    @property
    def shown(self) -> int:
        """Pieces that are shown."""
        return self.packets - self.hidden

    @property
    def starts(self) -> Fraction:
        """When it begins, in seconds on the file's clock."""
        return max(self.first or 0, 0) * self.time_base

    @property
    def ends(self) -> Fraction:
        """When it is over, in seconds on the file's clock."""
        end = self.end
        before, final = self._durations
        if self._padding and before == final:  # most readers take the padding off the last piece; not that of MP3
            end -= self._padding
        if not final and self.shown > 1:  # the last piece has no length of its own: as long as the average
            end += round((self.last - (self.first or 0)) / (self.shown - 1))
        return end * self.time_base

    def rate(self, declared: Fraction | None) -> float | None:
        """Return pictures per second.

        A declared rate is believed where it is within a hundredth of the measured one: file formats that
        count in milliseconds cannot show 24 per second exactly. Else it is the measured average.
        """
        span = (self.last - (self.first or 0)) * self.time_base
        if self.shown < 2 or not span:
            return float(declared) if declared else None
        measured = (self.shown - 1) / span
        if declared and abs(declared - measured) <= measured * _NEAR:
            return round(float(declared), 3)
        length = self.ends - self.starts
        return round(float(self.shown / length), 3) if length else None


def measure(
    media: InputContainer, video: VideoStream | None, audio: AudioStream | None
) -> tuple[Track | None, Track | None]:
    """Read a file from end to end and count both tracks.

    :raises CannotProcess: when the index of the file names more pictures than are there.
    """
    tracks = {
        stream.index: Track(stream.time_base or Fraction(1, 1000)) for stream in (video, audio) if stream is not None
    }
    for packet in media.demux(*(stream for stream in (video, audio) if stream is not None)):
        # A cut picture is none; a cut piece of sound still sounds.
        if packet.size and not (packet.is_corrupt and packet.stream.type == "video"):
            tracks[packet.stream_index].add(packet)
    for stream in (video, audio):
        if stream is not None and tracks[stream.index].packets < stream.frames:
            message = (
                f"The file is incomplete: it holds {tracks[stream.index].packets} of the "
                f"{stream.frames} pieces that its {stream.type} track should have."
            )
            raise CannotProcess(message)
    return (
        tracks[video.index] if video is not None else None,
        tracks[audio.index] if audio is not None else None,
    )
