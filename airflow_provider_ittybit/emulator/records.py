"""What the emulator knows of each resource, apart from how a generation shows it.

Every generation renders these same records: a file uploaded by one is a media of another. Statuses are those of
the newest vocabulary; each generation translates them into its own words.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import Any

WAITING = "waiting"
PROCESSING = "processing"
SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELLED = "cancelled"
TERMINAL = frozenset([SUCCEEDED, FAILED, CANCELLED])

_ALPHABET = string.ascii_lowercase + string.digits


def new_id(prefix: str) -> str:
    """Return a new random id such as ``file_4k2j…``; 20 characters after the prefix."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(20))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What all resources have: times are Unix seconds, ``updated`` is 0 until the store has set it."""

    id: str
    created: float = 0.0
    updated: float = 0.0
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(Record):
    """A group of files; what it is (kind, size, duration) is read from its first file."""

    title: str | None = None
    alt: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Record):
    """A resource that is worked on.

    :param doomed: the message with which its processing is to fail, set by a fault.
    :param finished_at_birth: whether it was already finished when it was made, so that readers see it so at once.
    """

    status: str = WAITING
    error: str | None = None
    doomed: str | None = None
    finished_at_birth: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether no more will happen to it."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Work):
    """One file. ``facts`` is what probing found; before that, ``kind`` and ``type`` are guesses from the name.

    :param origin_url: where the bytes are fetched from, for a file made from a URL.
    :param sidecars: names of further files that belong to it, such as the sprite of thumbnails.
    :param discarded: whether its bytes were only counted and hashed.
    """

    media_id: str
    object: str = "source"
    kind: str | None = None
    type: str | None = None
    filename: str | None = None
    folder: str | None = None
    ref: str | None = None
    origin_url: str | None = None
    filesize: int = 0
    sha256: str | None = None
    facts: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    sidecars: list[str] = field(default_factory=list)
    discarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Work):
    """One piece of work; ``run_id`` or ``job_id`` say what it is part of, ``parent_id`` what it waits for.

    :param url: the input, or ``file_id``; neither for a task that takes what its parent made.
    :param destination: an ``s3://`` URL for the output.
    :param outputs: ids of the files it made.
    :param found: the facts of its input, for a probe.
    """

    kind: str
    url: str | None = None
    file_id: str | None = None
    destination: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    filename: str | None = None
    folder: str | None = None
    ref: str | None = None
    webhook_url: str | None = None
    outputs: list[str] = field(default_factory=list)
    found: dict[str, Any] | None = None
    run_id: str | None = None
    job_id: str | None = None
    parent_id: str | None = None
    created_by: str | None = None
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Work):
    """Tasks that were asked for together."""

    metadata: dict[str, Any] | None = None
    created_by: str | None = None
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Work):
    """A pipeline of tasks: probe, import, encode, export."""

    kind: str
    input: str
    options: dict[str, Any] = field(default_factory=dict)
    destination: str | None = None
    metadata: dict[str, Any] | None = None
    webhook_url: str | None = None
    output_file: str | None = None
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Record):
    """Something that happened to a task or a run; ``subject_id`` is that resource."""

    kind: str
    subject_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked(Record):
    """An upload in chunks that is not complete: ``chunks`` are ``[first byte, last byte, sha256]``."""

    path: str
    total: int
    chunks: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Record):
    """The first answer to a request with an idempotency key; the id is made from path and key."""

    body: dict[str, Any]
