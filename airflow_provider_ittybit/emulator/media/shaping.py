"""Bring decoded pictures upright, to size, to a rate and into the pixel format of an encoder."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av.filter

from airflow_provider_ittybit.emulator.media.graphs import SCALING, end_in, flatten, link, pictures, to_palette
from airflow_provider_ittybit.emulator.media.transparency import has_alpha
from airflow_provider_ittybit.emulator.media.turning import turn_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from airflow_provider_ittybit.emulator.media.geometry import Box
    from airflow_provider_ittybit.emulator.media.graphs import Filter


@dataclass(frozen=True, slots=True)
class Shape:
    """What pictures are to become.

    :param box: their size.
    :param pixels: pixel format without transparency.
    :param transparent: pixel format with it; None where the encoder has none, and the box's background shows.
    :param even: whether sides must be even.
    :param fps: their rate; None to leave their times as they are.
    :param colours: of the palette, where the encoder takes one; 0 where not.
    :param tiles: columns and rows of the one sheet they are put on; None for single pictures.
    """

    box: Box
    pixels: str
    transparent: str | None = None
    even: bool = False
    fps: Fraction | None = None
    colours: int = 0
    tiles: tuple[int, int] | None = None


class Shaper:
    """Shape the pictures of one track; the first picture tells what has to be done.

    :param shape: the wish.
    :param stream: the track, for the shape of its pixels.
    :param path: of its file, for the way it is turned.
    """

    def __init__(self, shape: Shape, stream: VideoStream, path: Path) -> None:
        self._shape = shape
        self._pixel_ratio = stream.sample_aspect_ratio or Fraction(1)
        self._path = path
        self._graph: av.filter.Graph | None = None

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Take in a picture and yield those that are ready."""
        if self._graph is None:
            self._graph = self._built_for(frame)
        self._graph.vpush(frame)
        yield from pictures(self._graph)

    def finish(self) -> Iterator[VideoFrame]:
        """Yield the pictures that were held back."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from pictures(self._graph)

    def _built_for(self, frame: VideoFrame) -> av.filter.Graph:
        shape = self._shape
        graph = av.filter.Graph()
        graph.threads = 1
        node = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base,
        )
        see_through = has_alpha(frame.format) or frame.format.has_palette
        if see_through and not shape.transparent:
            node = flatten(graph, node, shape.box.background)
        working = "rgba" if see_through and shape.transparent else "rgb24"
        turn = turn_of(frame, self._path)
        width, height = max(1, round(frame.width * self._pixel_ratio)), frame.height
        if turn.swaps_sides:
            width, height = height, width
        steps: list[Filter] = [
            ("sidedata", "mode=delete"),  # else an encoder writes the turn, which is done here, a second time
            *turn.filters,
            *([] if shape.even else [("format", working)]),  # halved colour could not be cut at odd places
            *shape.box.filters(width, height, even=shape.even),
            ("setsar", "1"),
        ]
        if shape.fps:
            steps.append(("fps", f"fps={shape.fps}:start_time=0"))
        if shape.tiles:
            steps.append(("tile", "layout={}x{}".format(*shape.tiles)))
        node = link(graph, node, steps)
        if shape.colours:
            node = to_palette(graph, node, shape.colours)
        else:
            pixels = shape.transparent if see_through and shape.transparent else shape.pixels
            full = "full" if pixels.startswith("yuvj") else "auto"
            node = link(graph, node, [("scale", f"{SCALING}:out_range={full}"), ("format", pixels)])
        return end_in(graph, node, "buffersink")
