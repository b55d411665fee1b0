"""Times as ittybit writes them: ISO 8601, Unix seconds, Unix milliseconds, and in headers as HTTP has it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pendulum

from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MILLISECONDS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds: as seconds they would lie after the year 5138."""

_LATEST_SECOND = 253_402_300_799
_NUMBER = re.compile(r"^(?!\d{8}$)\d{1,16}(\.\d{1,9})?$", re.ASCII)
"""Eight digits alone are a date (Airflow's ``ds_nodash``), not a second of the year 1970."""


def read_time(value: object) -> pendulum.DateTime | None:
    """Read a time that ittybit sent.

    :param value: an ISO 8601 string (2024 up to the ``2025-08-20`` API), Unix seconds (the tasks
        generation) or Unix milliseconds (the jobs generation), also as a string; the malformed
        ``2024-01-01Z10:10:10`` of one resumable-upload sample is understood (ittybit's documentation).
    :return: the time in UTC, or ``None`` for anything that is no time.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_number(value)
    if isinstance(value, str):
        return _from_text(value.strip())
    return None


def created_at(resource: Mapping[str, Any]) -> pendulum.DateTime | None:
    """Read when a resource was created, from ``created_at`` or the older ``created``."""
    stamp = resource.get("created_at")
    return read_time(resource.get("created") if stamp is None else stamp)


def as_time(value: object, name: str) -> pendulum.DateTime | None:
    """Read a time that a user gave.

    :param value: a ``datetime`` (without zone: UTC), an ISO 8601 string or Unix seconds; ``None`` means no limit. An
        empty string does not: a template that rendered to nothing must not widen what is listed, and maybe deleted.
    :param name: the parameter's name, for the error.
    :raises IttybitInputError: it is none of these.
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        return pendulum.instance(value, tz="UTC")
    parsed = read_time(value)
    if parsed is None:
        message = (
            f"{name}={value!r} is not a time: give a datetime, an ISO 8601 string, Unix seconds, or None for no limit."
        )
        raise IttybitInputError(message)
    return parsed


def http_date(value: str | None) -> datetime | None:
    """Read the date in a header; ``None`` if there is none that can be read."""
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _from_number(number: float) -> pendulum.DateTime | None:
    if not 0 <= number <= _LATEST_SECOND * 1000:
        return None
    return pendulum.from_timestamp(number / 1000 if number >= MILLISECONDS_FROM else number)


def _from_text(text: str) -> pendulum.DateTime | None:
    if _NUMBER.match(text):
        return _from_number(float(text))
    try:
        parsed = datetime.fromisoformat(text)  # takes any separator between date and time, so a Z as well
    except ValueError:
        return None
    try:
        return pendulum.instance(parsed, tz="UTC").in_timezone("UTC")
    except (OverflowError, ValueError):
        return None
