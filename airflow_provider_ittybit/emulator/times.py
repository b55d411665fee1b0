"""Times as the generations write them, from Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Return ISO 8601 in UTC with milliseconds, as the generations up to files-flat write it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_seconds(seconds: float | None) -> int | None:
    """Return Unix seconds, as the generation tasks writes them."""
    return None if seconds is None else int(seconds)


def milliseconds(seconds: float | None) -> int | None:
    """Return Unix milliseconds, as the generation jobs writes them."""
    return None if seconds is None else int(seconds * 1000)
