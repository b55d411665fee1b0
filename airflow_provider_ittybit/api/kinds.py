"""What each generation can make: its kinds, their documented options, and the fields of a task.

The tables serve advice, not refusal: the reference pages were read in part only, so what they do not name may exist
all the same. An unknown kind or option is sent as it is, with a warning. A field that a generation has under no name is
refused, as it is for uploads, since ittybit might leave it out in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ittybit.api.generations import Generation


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that a generation can make.

    :param options: the options that are documented for it, in the order of the reference.
    :param complete: whether the reference lists them all.
    :param where: the collections to which it is sent.
    """

    options: tuple[str, ...] = ()
    complete: bool = False
    where: tuple[str, ...] = ("tasks",)


def _options(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_VIDEO = Kind(_options("width height fit position background fps format quality start end layers"))
_IMAGE = Kind(_options("width format ref start"))
_TRACK = Kind(_options("language format"))
_LATER_FILES = {
    "ingest": Kind(),
    "video": _VIDEO,
    "image": _IMAGE,
    "audio": Kind(),
    "chapters": Kind(),
    "subtitles": _TRACK,
    "thumbnails": Kind(),
    "nsfw": Kind(),
    "speech": Kind(),
    "description": Kind(),
    "outline": Kind(),
    "prompt": Kind(),
    "workflow": Kind(_options("workflow")),
    "conditions": Kind(_options("conditions next")),
    "http": Kind(),
}
_EARLY_FILES = {"summary": Kind(), "describe": Kind(), "store": Kind(), "tags": Kind()}
_IN_RUNS = ("runs",)
_IN_BOTH = ("jobs", "tasks")
_STEPS = ("tasks",)

KINDS: Mapping[str, Mapping[str, Kind]] = MappingProxyType(
    {
        "media": {},
        # the kinds of early and of later 2025: no page says on which date each came or went
        "files-enveloped": _LATER_FILES | _EARLY_FILES,
        "files-flat": _LATER_FILES,
        "tasks": {
            **{name: kind for name, kind in _LATER_FILES.items() if name not in ("description", "prompt")},
            "chapters": Kind(_options("format")),
            "summary": Kind(),
            "adaptive_video": Kind(),
            "ingest": Kind(_options("url"), where=_IN_RUNS),
            "upload": Kind(where=_IN_RUNS),
            "conditions": Kind(_options("conditions"), where=_IN_RUNS),
        },
        "jobs": {
            "video": Kind(
                _options("format codec quality width height fit position background fps bitrate start end"),
                complete=True,
                where=_IN_BOTH,
            ),
            "audio": Kind(_options("format quality bitrate start end"), complete=True, where=_IN_BOTH),
            "image": Kind(
                _options("format quality width height fit position background start"), complete=True, where=_IN_BOTH
            ),
            "animation": Kind(_options("format quality width height fit position background"), where=_IN_BOTH),
            "adaptive_video": Kind(_options("format size fit quality start end"), where=_IN_BOTH),
            "probe": Kind(where=_STEPS),
            "import": Kind(where=_STEPS),
            "export": Kind(_options("url connection_id"), where=_STEPS),
        },
    }
)
"""By generation and kind."""

JOB_KINDS = frozenset(name for name, kind in KINDS["jobs"].items() if "jobs" in kind.where)
"""Kinds that ``POST /jobs`` documents; any other kind of the jobs generation goes to ``POST /tasks``."""

_FILE_TASK = {name: name for name in ("filename", "folder", "ref", "webhook_url", "workflow")}

FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "media": {},
        "files-enveloped": _FILE_TASK,
        "files-flat": _FILE_TASK,
        # webhook_url ended on 2025-12-01, within the dates of this generation
        "tasks": {name: name for name in ("connection_id", "destination", "webhook_url")},
        "jobs": {"destination": "output", "metadata": "metadata", "webhook_url": "webhook_url"},
    }
)
"""By generation: what can be said about a task beside its kind, input and options, and ittybit's name for it."""


def doubt_about(generation: Generation, kind: str, options: Mapping[str, Any] | None = None) -> str | None:
    """Tell what is odd about a wish, for a warning.

    :param generation: the pinned generation.
    :param kind: what to make.
    :param options: options of the kind.
    :return: a sentence; ``None`` if the reference knows the kind and the options, or may know them.
    """
    known = KINDS[generation.name]
    found = known.get(kind)
    if found is None:
        others = [name for name, kinds in KINDS.items() if kind in kinds]
        elsewhere = f"; it is one of the generation {' and '.join(map(repr, others))}" if others else ""
        return (
            f"The ittybit API generation {generation.name!r} documents no kind {kind!r}{elsewhere}. It is sent as it "
            f"is. Documented are: {', '.join(known)}."
        )
    if found.where == _IN_RUNS:
        return (
            f"The ittybit API generation {generation.name!r} documents the kind {kind!r} inside runs only. It is sent "
            'as it is; IttybitHook.call(Request("POST", "/runs", json={"tasks": […]})) makes a run.'
        )
    unknown = sorted(set(options or {}) - set(found.options))
    if found.complete and unknown:
        return (
            f"The ittybit API generation {generation.name!r} documents for the kind {kind!r} no option "
            f"{', '.join(unknown)}. It is sent as it is. Documented are: {', '.join(found.options)}."
        )
    return None


def task_fields(generation: Generation, given: Mapping[str, Any]) -> dict[str, Any]:
    """Write what is said about a task in the words of a generation.

    :param generation: the pinned generation.
    :param given: values by our name; ``None`` is left out.
    :return: values by ittybit's name.
    :raises IttybitUnsupportedError: the generation has no place for one of them; the message names those that do.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    names = FIELDS[generation.name]
    refused = sorted(set(wanted) - set(names))
    if refused and generation.task_shape is not None:
        lack = f"has no place for {', '.join(refused)} in a task"
        raise generation.lacks(lack, [name for name, fields in FIELDS.items() if set(refused) <= set(fields)])
    return {names.get(name, name): value for name, value in wanted.items()}
