"""Read the options of a task one by one, and refuse what nobody asked for."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.media.geometry import Box, Length
from airflow_provider_ittybit.emulator.media.refusal import CannotProcess

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

QUALITY_WORDS = {"very_low": 10, "low": 30, "medium": 50, "high": 70, "very_high": 90}
"""The words of ittybit's documentation as 0 to 100; ittybit's own numbers for them are not published."""

_FITS = ("contain", "cover", "fill")
_LONGEST_SIDE = 8192


class Wishes:
    """The options of one task.

    Each method takes one option; an option that is None counts as not given. ``refuse_the_rest`` is called
    before any work is done.

    :param kind: of the task, for the sentences of refusal.
    :param options: as they came in.
    """

    def __init__(self, kind: str, options: Mapping[str, object]) -> None:
        self._kind = kind
        self._left = {name: value for name, value in options.items() if value is not None}
        self._known: list[str] = []

    def take(self, name: str) -> object | None:
        """Return the value of an option, or None."""
        self._known.append(name)
        return self._left.pop(name, None)

    def refuse_the_rest(self) -> None:
        """Refuse what was not taken.

        :raises CannotProcess: naming the options.
        """
        if self._left:
            message = (
                f"{self._kind} has no option {', '.join(sorted(self._left))} here; "
                f"it has {', '.join(sorted(self._known))}."
            )
            raise CannotProcess(message)

    def word(self, name: str, allowed: Collection[str], default: str) -> str:
        """Return one of several words."""
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, str) or value.lower() not in allowed:
            wanted = f"one of {', '.join(allowed)}"
            raise self._refusal(wanted, name, value)
        return value.lower()

    def number(self, name: str, low: float, high: float = math.inf) -> float | None:
        """Return a number within bounds, given as a number or as its digits; None when it is not given."""
        value = self.take(name)
        if value is None:
            return None
        wanted = f"a number from {low:g}" + (f" to {high:g}" if high < math.inf else "")
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # any JSON value
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low <= number <= high or math.isinf(number):
            raise self._refusal(wanted, name, value)
        return number

    def rate(self, high: int) -> Fraction | None:
        """Return ``fps``, exact for the usual fractions such as 29.97, or None."""
        value = self.number("fps", 1, high)
        if value is None:
            return None
        film = Fraction(round(value * 1.001) * 1000, 1001)
        return (
            film
            if abs(film - Fraction(value)) < Fraction(1, 200) and value % 1
            else Fraction(value).limit_denominator(1000)
        )

    def quality(self, default: int = QUALITY_WORDS["medium"]) -> int:
        """Return ``quality`` as 0 to 100, given as such or as a word."""
        value = self._left.get("quality")
        if isinstance(value, str) and value.lower() in QUALITY_WORDS:
            self.take("quality")
            return QUALITY_WORDS[value.lower()]
        if isinstance(value, str) and not value.strip().isdigit():
            wanted = f"0 to 100 or one of {', '.join(QUALITY_WORDS)}"
            raise self._refusal(wanted, "quality", value)
        number = self.number("quality", 0, 100)
        return default if number is None else round(number)

    def box(self) -> Box:
        """Return ``width``, ``height``, ``fit`` and ``background``."""
        return Box(
            width=self._length("width"),
            height=self._length("height"),
            fit=self.word("fit", _FITS, "contain"),
            background=self._colour("background"),
        )

    def _length(self, name: str) -> Length | None:
        """Return a side in pixels, or as a part of the source's when it is given in percent."""
        value = self._left.get(name)
        if isinstance(value, str) and value.endswith("%"):
            self._left[name] = value[:-1]
            percent = self.number(name, 1, 1000)
            return None if percent is None else Length(percent / 100, relative=True)
        pixels = self.number(name, 1, _LONGEST_SIDE)
        return None if pixels is None else Length(pixels, relative=False)

    def _colour(self, name: str) -> str:
        """Return a colour as 0xRRGGBB; black when none is given."""
        value = self.take(name)
        if value is None:
            return "0x000000"
        digits = re.fullmatch(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", value) if isinstance(value, str) else None
        if digits is None:
            wanted = "a colour such as #ff8800"
            raise self._refusal(wanted, name, value)
        code = digits[1] if len(digits[1]) > 3 else "".join(digit * 2 for digit in digits[1])
        return f"0x{code.lower()}"

    def _refusal(self, wanted: str, name: str, value: object) -> CannotProcess:
        return CannotProcess(f"{self._kind} cannot be made with {name} {value!r}: it takes {wanted}.")
