"""JSON as it comes in: an object that can be kept, and shown again in any answer.

What JSON itself allows but no answer could repeat is refused here, before it is kept: otherwise one such resource would
break every list that it stands in.
"""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 100
"""Levels of nesting. The real limit is not published; far deeper ones cannot be written again."""


class UnreadableBodyError(ValueError):
    """A body that is no JSON object, or one that cannot be kept; the text is a sentence about it."""


def object_in(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; an empty body is an empty object.

    :raises UnreadableBodyError: it is no JSON, no object, nested deeper than :data:`DEEPEST`, or holds a number or a
        character that no answer could show.
    """
    try:
        document = json.loads(raw or b"{}", parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        message = "The request body is not valid JSON."
        raise UnreadableBodyError(message) from error
    if not isinstance(document, dict):
        message = "The request body must be a JSON object."
        raise UnreadableBodyError(message)
    _check_depth(document)
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = "The request body has half a character (a lone surrogate) in it."
        raise UnreadableBodyError(message) from error
    return document


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _check_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        held = [part for node in level for part in (node.values() if isinstance(node, dict) else node)]
        level = [part for part in held if isinstance(part, dict | list)]
        if not level:
            return
    message = f"The request body is nested deeper than {DEEPEST} levels."
    raise UnreadableBodyError(message)
