"""How large a picture becomes, and which filters make it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.graphs import SCALING

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.media.graphs import Filter


@dataclass(frozen=True, slots=True)
class Length:
    """One wished side of a picture.

    :param value: in pixels, or in parts of the source's side.
    :param relative: whether it is in parts.
    """

    value: float
    relative: bool

    def pixels(self, source: int) -> float:
        """Return it in pixels."""
        return self.value * source if self.relative else self.value


@dataclass(frozen=True, slots=True)
class Box:
    """The wished size of a picture.

    With one side the other follows, so that the picture keeps its shape. With both, ``fit`` says how the
    picture goes into exactly that size, in the sense the words have in CSS: ``contain`` shows all of it, with
    bars of ``background``; ``cover`` fills the size and cuts what stands over; ``fill`` stretches. That
    ittybit's words mean the same, and that contain is the default, is an assumption: neither is published.

    :param width: None to follow.
    :param height: None to follow.
    :param fit: contain, cover or fill.
    :param background: as 0xRRGGBB, also the ground of a transparent picture in a format without transparency.
    """

    width: Length | None = None
    height: Length | None = None
    fit: str = "contain"
    background: str = "0x000000"

    def size(self, width: int, height: int, *, even: bool) -> tuple[int, int]:
        """Return the final size in pixels of a source of this size.

        :param even: whether both sides must be even, as halved colour needs; odd ones become the next even one.
        """
        step = 2 if even else 1
        wide = None if self.width is None else _stepped(self.width.pixels(width), step)
        high = None if self.height is None else _stepped(self.height.pixels(height), step)
        if wide is None:
            return _stepped(width if high is None else high * width / height, step), high or _stepped(height, step)
        return wide, high or _stepped(wide * height / width, step)

    def filters(self, width: int, height: int, *, even: bool) -> list[Filter]:
        """Return the filters that bring a source of this size to its final size."""
        final = self.size(width, height, even=even)
        if self.width is None or self.height is None or self.fit == "fill":
            return [_scale(*final)]
        ratios = (final[0] / width, final[1] / height)
        if self.fit == "cover":
            ratio = max(ratios)
            between = (max(final[0], round(width * ratio)), max(final[1], round(height * ratio)))
            return [_scale(*between), ("crop", f"w={final[0]}:h={final[1]}:exact=1")]
        ratio = min(ratios)
        between = (
            min(final[0], _stepped(width * ratio, 2 if even else 1)),
            min(final[1], _stepped(height * ratio, 2 if even else 1)),
        )
        place = f"w={final[0]}:h={final[1]}:x=(ow-iw)/2:y=(oh-ih)/2:color={self.background}"
        return [_scale(*between), ("pad", place)]


def _scale(width: int, height: int) -> Filter:
    return "scale", f"w={width}:h={height}:{SCALING}"


def _stepped(pixels: float, step: int) -> int:
    """Round to a whole number of steps, at least one."""
    return max(step, step * round(pixels / step))
