"""The second table: how the next try of a durable task finds what was done without an answer that anybody saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
TAKE_BYTES = GENERATIONS[:3]
"""Those that take bytes without a delivery domain, and list them."""
WISHES = {"bytes": "upload of bytes", "URL": "upload by URL", "task": "task"}


@dataclass(frozen=True, slots=True)
class Next:
    """What the next try does.

    :param words: how it finds what is there, as the documentation has it.
    :param looks_in: the collection that it lists; empty if it lists none.
    :param sent: how many requests for the same thing went out in both tries.
    :param made: how many of it are there afterwards.
    :param by_key: whether an idempotency key goes along, so that a repetition is harmless.
    """

    words: str
    looks_in: str = ""
    sent: int = 1
    made: int = 1
    by_key: bool = False


def listed(by: str, collection: str) -> Next:
    return Next(f"{by} in the list of {collection}", collection)


IN_FILES = listed("by name, folder, size and time", "files")
BY_MARK = listed("by a mark in `metadata`,", "files")
IN_TASKS = listed("by kind, input and time", "tasks")
NO_FILES = Next("not to be found: the generation lists no files", sent=2, made=2)

CASES: dict[tuple[str, str], Next] = {
    ("bytes", "media"): listed("by name, size and time", "media"),
    ("URL", "media"): Next("not to be found: the list names no source", sent=2, made=2),
    ("bytes", "files-enveloped"): IN_FILES,
    ("URL", "files-enveloped"): BY_MARK,
    ("task", "files-enveloped"): IN_TASKS,
    ("bytes", "files-flat"): IN_FILES,
    ("URL", "files-flat"): BY_MARK,
    ("task", "files-flat"): IN_TASKS,
    ("bytes", "tasks"): NO_FILES,
    ("URL", "tasks"): listed("by its URL,", "runs"),
    ("task", "tasks"): IN_TASKS,
    ("bytes", "jobs"): NO_FILES,
    ("URL", "jobs"): Next("by a mark in `metadata`, in the list of jobs; else by the same key", "jobs", by_key=True),
    ("task", "jobs"): Next(
        "by the same key; after 24 hours by kind, input and time in the list of jobs", sent=2, by_key=True
    ),
}
"""By what is wished for, and the generation."""


def lines() -> Iterator[str]:
    """Write the lines of the table: generation by generation, one for those that are alike."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for generation in GENERATIONS:
        cases = [CASES.get((wish, generation)) for wish in WISHES]
        alike.setdefault(tuple(case.words if case else "–" for case in cases), []).append(f"`{generation}`")  # noqa: RUF001 - a dash
    for words, generations in alike.items():
        yield f"| {' | '.join([', '.join(generations), *words])} |"
