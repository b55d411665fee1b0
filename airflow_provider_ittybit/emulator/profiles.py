"""The generations of the ittybit API that the emulator speaks: one row each, and how a request picks one.

Rows and dates are those of ittybit's documentation. Which versions the real service still answers, and what
it does with an unknown one, is not published (section 8); the emulator refuses what it does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LATER_FILE_KINDS = frozenset(
    [
        *("ingest", "video", "image", "audio", "chapters", "subtitles", "thumbnails", "nsfw", "speech"),
        *("description", "outline", "prompt", "workflow", "conditions", "http"),
    ]
)
EARLY_FILE_KINDS = LATER_FILE_KINDS | frozenset(["summary", "describe", "store", "tags"])
TASK_KINDS = (LATER_FILE_KINDS | frozenset(["summary", "adaptive_video", "upload"])) - frozenset(
    ["description", "prompt"]
)
JOB_KINDS = frozenset(["video", "audio", "image", "animation", "adaptive_video"])
STEP_KINDS = JOB_KINDS | frozenset(["probe", "import", "export"])


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of the API.

    :param name: the word by which it can also be asked for.
    :param first: the first version date that means it; empty for a generation without a published date.
    :param shape: how errors and bodies look: ``early`` and ``enveloped`` wrap them, ``flat`` has ``{message}``,
        ``kinded`` has ``{kind, message}``.
    :param task_kinds: the kinds of task it has.
    """

    name: str
    first: str
    shape: str
    task_kinds: frozenset[str] = frozenset()


MEDIA = Generation("media", "0001-01-01", "early")
FILES_ENVELOPED = Generation("files-enveloped", "2025-01-01", "enveloped", EARLY_FILE_KINDS)
FILES_FLAT = Generation("files-flat", "2025-08-20", "flat", LATER_FILE_KINDS)
TASKS = Generation("tasks", "2025-09-15", "kinded", TASK_KINDS)
JOBS = Generation("jobs", "", "kinded", STEP_KINDS)

GENERATIONS = {row.name: row for row in (MEDIA, FILES_ENVELOPED, FILES_FLAT, TASKS, JOBS)}

#: The dates between these two belong to a generation that the emulator does not speak.
UNSPOKEN = ("2024-03-21", "2025-01-01")

#: Paths that only one generation has: they name it when no version header does.
OWNERS = (("jobs", JOBS), ("runs", TASKS), ("events", TASKS))

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class UnknownVersionError(ValueError):
    """A version value that the emulator cannot serve; the text names it."""


def resolve(value: str | None, default_version: str) -> Generation:
    """Return the generation that a version value means.

    :param value: a date, the name of a generation, ``latest``, or nothing.
    :param default_version: what ``latest`` and nothing stand for.
    :raises UnknownVersionError: for anything else, and for the dates of :data:`UNSPOKEN`.
    """
    wanted = default_version if value in (None, "", "latest") else str(value)
    if wanted in GENERATIONS:
        return GENERATIONS[wanted]
    if not _is_date(wanted):
        message = f"The API version {wanted!r} is not known. Send a date such as 2025-08-20."
        raise UnknownVersionError(message)
    if UNSPOKEN[0] <= wanted < UNSPOKEN[1]:
        message = f"The emulator does not speak the API version {wanted!r} (2024-03-21 up to 2024-12-31)."
        raise UnknownVersionError(message)
    return max((row for row in GENERATIONS.values() if row.first and row.first <= wanted), key=lambda row: row.first)


def version_header(headers: Mapping[str, str]) -> str | None:
    """Return the version that the headers ask for, or None.

    ``Accept-Version`` comes before ``Ittybit-Version``. ``ACCEPT_VERSION`` with underscores, which the official
    SDKs send for their ``version`` argument, counts only alone: whether the real service honours it, and which
    header wins, is not published.
    """
    for name in ("accept-version", "ittybit-version", "accept_version"):
        if headers.get(name):
            return headers[name]
    return None


def owner_of(path: str) -> Generation | None:
    """Return the only generation that has ``path``, or None where several have it."""
    first = path.strip("/").split("/", 1)[0]
    return dict(OWNERS).get(first)


def version_shown(value: str | None, default_version: str, generation: Generation) -> str:
    """Return the version for an envelope: the date asked for, else the first that means this generation.

    The first date of the generation ``media`` is that of the oldest entry in the changelog.
    """
    for candidate in (value, default_version):
        if candidate and _is_date(candidate) and resolve(candidate, candidate) is generation:
            return candidate
    return "2023-09-26" if generation is MEDIA else generation.first


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
