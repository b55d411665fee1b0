"""Whether one can see through a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame

_OPAQUE = 255


def has_alpha(pixels: VideoFormat) -> bool:
    """Whether a pixel format has an alpha channel."""
    return any(component.is_alpha for component in pixels.components)


def see_through(frame: VideoFrame) -> bool:
    """Whether anything in a picture is less than opaque."""
    if not (has_alpha(frame.format) or frame.format.has_palette):
        return False
    pixels = frame.reformat(format="rgba").planes[0]
    data = memoryview(pixels)
    rows = (data[row * pixels.line_size :][: frame.width * 4] for row in range(frame.height))
    return any(min(row[3::4]) < _OPAQUE for row in rows)
