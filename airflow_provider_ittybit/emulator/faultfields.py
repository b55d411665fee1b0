"""What each field of a fault takes: one row for each, the same as in the documentation of the emulator."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROLES = ("api", "uploads", "delivery")
DROPS = ("before", "after")
EFFECTS = ("status", "delay", "answer_delay", "drop", "fail_processing")
DETAILS = ("retry_after", "message", "body", "headers")
"""What only an answer has, so that it goes with ``status`` only."""

LONGEST_DELAY = 3600.0
"""Seconds: more is a mistake, and would keep the server from stopping."""
BODILESS = frozenset([204, 304])

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_FRAMING = frozenset(["content-length", "transfer-encoding"])
"""Headers that the server writes itself; another value would break the connection, which is what ``drop`` is for."""


class InvalidFaultError(ValueError):
    """A fault that cannot be."""


@dataclass(frozen=True, slots=True)
class FaultField:
    """One field.

    :param takes: what it takes, as the end of a sentence.
    :param fits: whether a value is that.
    """

    takes: str
    fits: Callable[[Any], bool]


def checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a fault; null counts as absent.

    :raises InvalidFaultError: it cannot be; the message names the field, what that takes and what it was given.
    """
    given = _fields_of(document)
    if "match" in given:
        given["match"] = _fields_of(given["match"], "match")
    effects = [name for name in EFFECTS if name in given]
    if len(effects) != 1:
        message = f"A fault has one of {', '.join(EFFECTS)}, not {' and '.join(effects) or 'none'}."
        raise InvalidFaultError(message)
    details = [name for name in DETAILS if name in given]
    if details and "status" not in given:
        message = f"The fault field {details[0]!r} goes with status only, not with {effects[0]}."
        raise InvalidFaultError(message)
    if given.get("status") in BODILESS and (given.get("body") or given.get("message")):
        message = f"An answer with status {given['status']} has no body, so neither body nor message goes with it."
        raise InvalidFaultError(message)
    return given


def _fields_of(document: Mapping[str, Any], parent: str = "") -> dict[str, Any]:
    known = {name.rpartition(".")[2]: field for name, field in FIELDS.items() if name.rpartition(".")[0] == parent}
    for name, value in document.items():
        shown = f"{parent}.{name}" if parent else name
        if name not in known:
            message = f"There is no fault field {shown!r}. The fields are: {', '.join(known)}."
            raise InvalidFaultError(message)
        if value is not None and not known[name].fits(value):
            message = f"The fault field {shown!r} takes {known[name].takes}, not {repr(value)[:100]}."
            raise InvalidFaultError(message)
    return {name: value for name, value in document.items() if value is not None}


def _whole(lowest: int, highest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= LONGEST_DELAY


def _is_text(value: Any) -> bool:
    """Tell whether something is text that can be sent: JSON may hold half a character."""
    return isinstance(value, str) and value == value.encode("utf-8", "replace").decode()


def _is_words(value: Any) -> bool:
    return _is_text(value) and bool(value.strip())


def _is_header_value(value: Any) -> bool:
    return isinstance(value, str) and _HEADER_VALUE.fullmatch(value) is not None


def _is_retry_after(value: Any) -> bool:
    return 0 <= value < 1e10 if _is_number(value) else _is_header_value(value)


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _TOKEN.fullmatch(name) is not None and name.lower() not in _FRAMING and _is_header_value(text)
        for name, text in value.items()
    )


def _is_body(value: Any) -> bool:
    if isinstance(value, str):
        return _is_text(value)
    try:
        return isinstance(value, dict | list) and bool(json.dumps(value, allow_nan=False))
    except ValueError:
        return False


def _is_expression(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except (re.error, RecursionError, OverflowError):
        return False


FIELDS: Mapping[str, FaultField] = {
    "match": FaultField("an object with any of role, method and path", lambda value: isinstance(value, dict)),
    "match.role": FaultField("api, uploads or delivery", lambda value: value in ROLES),
    "match.method": FaultField("an HTTP method, in any case", lambda value: _is_words(value) and value.isalpha()),
    "match.path": FaultField("a regular expression, found anywhere in the path", _is_expression),
    "times": FaultField("a whole number from 1, or 0 for until it is removed", _whole(0, 10**9)),
    "after": FaultField("a whole number from 0", _whole(0, 10**9)),
    "status": FaultField("a whole number from 200 to 599", _whole(200, 599)),
    "retry_after": FaultField("seconds from 0, or the text of the header", _is_retry_after),
    "message": FaultField("text", _is_text),
    "body": FaultField("text, or an object or array to send as JSON", _is_body),
    "headers": FaultField("an object of texts by name, without Content-Length and Transfer-Encoding", _are_headers),
    "delay": FaultField("seconds from 0 to 3600", _is_seconds),
    "answer_delay": FaultField("seconds from 0 to 3600", _is_seconds),
    "drop": FaultField("before or after", lambda value: value in DROPS),
    "fail_processing": FaultField("text that is not blank", _is_words),
}
