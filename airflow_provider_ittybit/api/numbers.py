"""Whole numbers as users and templates give them."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"^\d{1,18}$", re.ASCII)


def whole_number(value: object) -> int | None:
    """Read a whole number that a user gave.

    :param value: an ``int``, or its decimal digits, which is what a template renders to.
    :return: the number, or ``None`` for anything else: a boolean, a fraction, an empty string.
    """
    if isinstance(value, str) and _DIGITS.match(value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
