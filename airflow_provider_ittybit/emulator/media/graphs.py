"""Filter graphs: chains of named filters that pictures or sound are pushed into and pulled out of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av.error
import av.filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.audio.frame import AudioFrame
    from av.filter.context import FilterContext
    from av.video.frame import VideoFrame

Filter = tuple[str, str]
"""A filter's name and its arguments, such as ``("scale", "w=320:h=180")``."""

# No dates, random ids or library versions in what is written, and scaling that is the same on every processor.
REPEATABLE = {"fflags": "+bitexact"}
SCALING = "flags=bicubic+accurate_rnd+bitexact"


def link(graph: av.filter.Graph, node: FilterContext, filters: Sequence[Filter]) -> FilterContext:
    """Put filters behind a node, in their order, and return the last."""
    for name, arguments in filters:
        following = graph.add(name, arguments or None)
        node.link_to(following)
        node = following
    return node


def flatten(graph: av.filter.Graph, node: FilterContext, colour: str) -> FilterContext:
    """Put pictures with transparency on a ground of one colour, and return the last node.

    :param colour: as ``0xRRGGBB``.
    """
    fork = link(graph, node, [("format", "rgba"), ("split", "")])
    ground = graph.add("drawbox", f"c={colour}@1:t=fill:replace=1")
    fork.link_to(ground, 0, 0)
    both = graph.add("overlay", "format=gbrp")
    ground.link_to(both, 0, 0)
    fork.link_to(both, 1, 1)
    return both


def to_palette(graph: av.filter.Graph, node: FilterContext, colours: int) -> FilterContext:
    """Reduce each picture to its own best few colours, and return the last node.

    One palette for each picture: one for all would keep every picture in memory until the last is seen.

    :param colours: 4 to 256.
    """
    fork = link(graph, node, [("split", "")])
    palette = graph.add("palettegen", f"stats_mode=single:max_colors={colours}")
    fork.link_to(palette, 0, 0)
    both = graph.add("paletteuse", "new=1")
    fork.link_to(both, 1, 0)
    palette.link_to(both, 0, 1)
    return both


def end_in(graph: av.filter.Graph, node: FilterContext, sink: str) -> av.filter.Graph:
    """Close a graph and make it ready.

    :param sink: ``buffersink`` for pictures, ``abuffersink`` for sound.
    """
    node.link_to(graph.add(sink))
    graph.configure()
    return graph


def pictures(graph: av.filter.Graph) -> Iterator[VideoFrame]:
    """Yield the pictures that are ready, until the graph wants more input or is at its end."""
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def sound(graph: av.filter.Graph) -> Iterator[AudioFrame]:
    """Yield the pieces of sound that are ready, until the graph wants more input or is at its end."""
    while True:
        try:
            yield graph.pull()  # type: ignore[misc]  # a graph with an abuffersink gives sound only
        except (av.error.BlockingIOError, av.error.EOFError):
            return
