"""Every status vocabulary of the API, and what "done" means for each kind of resource."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ittybit.api.failures import MOST_NAME, readable_words


class ProcessingState(enum.StrEnum):
    """Where the processing of a resource stands."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self is not ProcessingState.PROCESSING


_P, _S, _F, _C = (
    ProcessingState.PROCESSING,
    ProcessingState.SUCCEEDED,
    ProcessingState.FAILED,
    ProcessingState.CANCELLED,
)

STATUSES: Mapping[str, ProcessingState] = {
    # still going on, 2021 to today
    "uploading": _P,
    "pending": _P,
    "waiting": _P,
    "validating": _P,
    "queued": _P,
    "processing": _P,
    "finishing": _P,
    # done: the changelog of 2025-09-15 maps both `completed` and `ready` to `succeeded`
    "complete": _S,
    "completed": _S,
    "ready": _S,
    "succeeded": _S,
    # given up
    "error": _F,
    "failed": _F,
    "cancelled": _C,
}
"""One table serves all generations, since no word changes its meaning between them (ittybit's documentation)."""


@dataclass(frozen=True, slots=True)
class ProcessingStatus:
    """What ittybit said about the processing of one resource.

    :param id: id of the resource, empty if the answer had none.
    :param state: what it means.
    :param status: ittybit's own word, ``None`` for resources without a status.
    :param known: false if that word is in no vocabulary; it then counts as still processing.
    :param progress: percent from 0 to 100, ``None`` where it is not reported.
    :param error: ittybit's own words on why it failed.
    :param resource: the resource as it was received.
    """

    id: str
    state: ProcessingState
    status: str | None = None
    known: bool = True
    progress: float | None = None
    error: str | None = None
    resource: Mapping[str, Any] = field(default_factory=dict)


def read_processing(resource: Mapping[str, Any]) -> ProcessingStatus:
    """Judge a resource by its shape.

    - With a ``status``: by the vocabulary; an unknown word is "still processing", never success.
    - Media without one (files generations): by its ``files``: failed if one failed, done when there is at
      least one and all are done, else still processing.
    - Media of the first generation: done as soon as it has ``sources``. No way to say "failed" is
      published for it, so an ``error`` on it is taken as one.
    - Files of early 2025, which have no status: done once they have a ``url``. Anything else without a status is
      still processing.

    :param resource: a file, media, task, run or job as received.
    """
    state, word, known = _state_of(resource)
    if word is None and (strange := _strange_word(resource)) is not None:
        word, known = strange, False
    identifier = resource.get("id")
    return ProcessingStatus(
        id=identifier if isinstance(identifier, str) else "",
        state=state,
        status=word,
        known=known,
        progress=_number(resource.get("progress")),
        error=_reason(resource) if state in (_F, _C) else None,
        resource=resource,
    )


def _reason(resource: Mapping[str, Any]) -> str | None:
    words = error_text(resource)
    return readable_words(words) if words else None


def error_text(resource: Mapping[str, Any]) -> str | None:
    """Find the reason that a failed resource gives, in itself or in its files and tasks."""
    reason = resource.get("error")
    if isinstance(reason, str):
        reason = reason.strip()
        if reason:
            return reason
    if reason:  # of the tasks and jobs generations it is not known whether this is text
        words = reason.get("message") if isinstance(reason, Mapping) else None
        return words.strip() if isinstance(words, str) and words.strip() else json.dumps(reason, default=str)[:300]
    for name in ("files", "tasks", "workflow"):
        for part in _objects(resource.get(name)):
            words = error_text(part)
            if words:
                return f"{part.get('id', name)}: {words}"
    return None


def _state_of(resource: Mapping[str, Any]) -> tuple[ProcessingState, str | None, bool]:
    return _state_by_word(resource) or (_state_without_status(resource), None, True)


def _state_by_word(resource: Mapping[str, Any]) -> tuple[ProcessingState, str | None, bool] | None:
    word = resource.get("status")
    if word is None or word == "":
        return None
    if type(word) is str and word in STATUSES:  # nearly always, and thousands are judged in a sweep
        return STATUSES[word], word, True
    text = readable_words(str(word).strip(), MOST_NAME)
    state = STATUSES.get(text.lower())
    return state or _P, text, state is not None


def _state_without_status(resource: Mapping[str, Any]) -> ProcessingState:
    if resource.get("error"):
        return _F
    for name, judge in (("files", _file_state), ("sources", _source_state)):
        parts = resource.get(name)
        if isinstance(parts, list):
            return _all_of([judge(part) for part in _objects(parts)], parts)
    return _state_by_url(resource)


def _state_by_url(resource: Mapping[str, Any]) -> ProcessingState:
    if resource.get("error"):
        return _F
    if "status" not in resource and isinstance(resource.get("url"), str) and resource["url"] and _is_file(resource):
        return _S
    return _P


def _strange_word(resource: Mapping[str, Any]) -> str | None:
    """Find a status that is in no vocabulary among the parts of a resource."""
    for name in ("files", "sources"):
        for part in _objects(resource.get(name)):
            judged = _state_by_word(part)
            if judged is not None and not judged[2]:
                return judged[1]
    return None


def _is_file(resource: Mapping[str, Any]) -> bool:
    return (
        str(resource.get("id", "")).startswith("file_")
        or "media_id" in resource
        or resource.get("object") in ("source", "track", "intelligence")
    )


def _file_state(file: Mapping[str, Any]) -> ProcessingState:
    judged = _state_by_word(file)
    return judged[0] if judged else _state_by_url({"media_id": None, **file})


def _source_state(source: Mapping[str, Any]) -> ProcessingState:
    """Judge a source: listed means playable, unless a status of its own says otherwise."""
    judged = _state_by_word(source)
    return judged[0] if judged else _S


def _all_of(states: list[ProcessingState], parts: Sequence[Any]) -> ProcessingState:
    for state in (_F, _C):
        if state in states:
            return state
    done = bool(states) and len(states) == len(parts) and all(state is _S for state in states)
    return _S if done else _P


def _objects(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def _number(value: object) -> float | None:
    """Read a percentage; anything that is none, such as NaN, says nothing."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
        return float(value)
    return None
