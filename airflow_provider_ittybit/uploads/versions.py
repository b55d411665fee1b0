"""Tells whether a source is still the one that was looked at: parts of two versions are never sent as one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ittybit.exceptions import IttybitSourceError

STAMPS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "mtime", "updated")
"""Names that object stores and file systems give to what changes with the bytes, best first."""


def stamp_of(facts: Any) -> str:
    """Find what changes with the bytes; empty where nothing tells.

    :param facts: what ``stat`` of a path returned.
    """
    named = facts if isinstance(facts, Mapping) else getattr(facts, "_info", None) or {}
    return next((str(named[name]) for name in STAMPS if named.get(name)), str(getattr(facts, "st_mtime_ns", "")))


def is_other(stamp: str, details: object) -> bool:
    """Tell whether an open file is surely another than the one with a stamp.

    :param stamp: of the file that was looked at.
    :param details: what the reader of a store says of what it opened; it may say nothing.
    """
    named = details if isinstance(details, Mapping) else {}
    found = {bare(str(named[name])) for name in STAMPS if named.get(name)}
    return bool(stamp and found) and bare(stamp) not in found


def bare(tag: str) -> str:
    """Take an ETag out of what one answer writes around it and another, for the same bytes, does not."""
    return tag.removeprefix("W/").strip('"')


def written_anew(source: object) -> IttybitSourceError:
    """Make the error for a source that is another one now."""
    message = f"{source} was written anew while it was uploaded: let the task that writes it end first."
    return IttybitSourceError(message)
