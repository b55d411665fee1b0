"""What can be set on a running emulator, and what each value may be."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES = 2**53
MOST_REQUESTS = 10**9
LONGEST = 86_400.0
"""Seconds: more is a mistake, and some timers of the system cannot hold it."""
CONTENT_RANGE_FORMS = ("any", "equals", "space")
AFTER_READS = re.compile(r"after_reads:([0-9]{1,9})")


class InvalidSettingError(ValueError):
    """A setting that does not exist, or a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``requests`` in any ``per_seconds``; what is over it is answered 429 with ``Retry-After``."""

    requests: int
    per_seconds: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one emulator; a change makes a new value.

    :param default_version: the date or word used for a request without a version header; default ``2025-08-20``.
    :param processing: ``auto`` (work starts at once; the default), ``held`` (nothing is processed before it is
        released) or ``after_reads:N`` (work is done at once, but a resource shows its end only after N reads).
    :param max_upload_bytes: bytes; more is answered 413, and a URL that delivers more fails. Default 10 GiB.
        The limit of the real service depends on the plan and is not published.
    :param rate_limit: see :class:`RateLimit`; default none. No numbers are published for the real service.
    :param discard_bytes: count and hash uploaded bytes, but store and probe none of them: for measuring uploads.
    :param content_range_form: which form of ``Content-Range`` a chunk may have: ``equals`` (``bytes=0-1/2``, as
        the documentation writes it), ``space`` (``bytes 0-1/2``, the HTTP standard) or ``any`` (the default).
    :param public_delivery: whether the delivery port serves a file without a signature; default yes.
    :param answer_wait: seconds that the answer to a create or an upload waits for the processing to end, so that
        it can already say ``ready`` (201); default 0, which answers 202 at once.
    :param fetch_timeout: seconds without a byte after which fetching a URL is given up; default 30.
    """

    default_version: str = "2025-08-20"
    processing: str = "auto"
    max_upload_bytes: int = 10 * 1024**3
    rate_limit: RateLimit | None = None
    discard_bytes: bool = False
    content_range_form: str = "any"
    public_delivery: bool = True
    answer_wait: float = 0.0
    fetch_timeout: float = 30.0

    @property
    def held(self) -> bool:
        """Whether work waits for its release."""
        return self.processing == "held"

    @property
    def reads_needed(self) -> int:
        """How many reads must show a resource unfinished; 0 except under ``after_reads:N``."""
        match = AFTER_READS.fullmatch(self.processing)
        return int(match[1]) if match else 0

    def changed(self, changes: Mapping[str, object]) -> Settings:
        """Return these settings with ``changes``; raise InvalidSettingError for one that cannot be."""
        checked: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in CHECKS:
                message = f"There is no setting {name!r}. The settings are: {', '.join(CHECKS)}."
                raise InvalidSettingError(message)
            try:
                checked[name] = CHECKS[name](value)
            except (TypeError, ValueError, KeyError, OverflowError) as error:
                message = f"{value!r} cannot be the setting {name!r}: {error}."
                raise InvalidSettingError(message) from error
        return replace(self, **checked)


def _version(value: Any) -> str:
    from airflow_provider_ittybit.emulator.profiles import resolve

    if not isinstance(value, str) or value in ("", "latest"):
        message = "it must be a version date or the name of a generation"
        raise ValueError(message)
    resolve(value, value)
    return value


def _processing(value: Any) -> str:
    if value in ("auto", "held") or AFTER_READS.fullmatch(str(value)):
        return str(value)
    message = "it must be auto, held or after_reads:N"
    raise ValueError(message)


def _rate_limit(value: Any) -> RateLimit | None:
    if value is None or isinstance(value, RateLimit):
        return value
    limit = RateLimit(int(value["requests"]), float(value["per_seconds"]))
    if not (1 <= limit.requests <= MOST_REQUESTS and 0 < limit.per_seconds <= LONGEST):
        message = f"requests must be from 1 to {MOST_REQUESTS}, and per_seconds positive and at most {LONGEST:.0f}"
        raise ValueError(message)
    return limit


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    message = "it must be true or false"
    raise ValueError(message)


def _form(value: Any) -> str:
    if value in CONTENT_RANGE_FORMS:
        return str(value)
    message = f"it must be one of {', '.join(CONTENT_RANGE_FORMS)}"
    raise ValueError(message)


def _not_negative(number: type[int] | type[float], most: float) -> Callable[[Any], int | float]:
    def check(value: Any) -> int | float:
        if isinstance(value, bool) or not 0 <= number(value) <= most:
            message = f"it must be a number from 0 to {most:.0f}"
            raise ValueError(message)
        return number(value)

    return check


CHECKS: dict[str, Callable[[Any], object]] = {
    "default_version": _version,
    "processing": _processing,
    "max_upload_bytes": _not_negative(int, MOST_BYTES),
    "rate_limit": _rate_limit,
    "discard_bytes": _boolean,
    "content_range_form": _form,
    "public_delivery": _boolean,
    "answer_wait": _not_negative(float, LONGEST),
    "fetch_timeout": _not_negative(float, LONGEST),
}

if set(CHECKS) != {field.name for field in fields(Settings)}:  # a setting without a check could never be set
    raise AssertionError(CHECKS.keys())
