"""Answers of every generation, read by their shape: envelope or bare object, any of the error bodies."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.failures import answer_error, unreadable
from airflow_provider_ittybit.api.links import read_links

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.messages import Request, Response

_CONTAINERS = frozenset({dict, list})  # what the JSON library makes, so exact types will do
_ENVELOPE_COMPANIONS = ("meta", "links", "error", "pagination")

DEEPEST = 100
"""Objects and lists within each other; samples have up to 7. What reads an answer, or keeps it, may go down by
recursion, so what is deeper is not taken for an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body taken apart.

    :param data: the resource, the list of resources, or ``None``; hidden from ``repr``: a signed URL may be in it.
    :param meta: the envelope's ``meta`` (or ``pagination``), empty for a flat answer.
    :param links: related URLs by name, from the body, the ``Link`` or the ``Links`` header.
    :param error: ittybit's error message, ``None`` if the answer is none.
    :param kind: ittybit's error kind.
    :param enveloped: whether the body was an envelope.
    """

    data: Any = field(default=None, repr=False)
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False)
    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    error: str | None = field(default=None, repr=False)
    kind: str | None = None
    enveloped: bool = False

    @property
    def request_id(self) -> str | None:
        """The request's id: ``meta.request_id``, or ``meta.id`` in envelopes before 2025."""
        for name in ("request_id", "id"):
            value = self.meta.get(name)
            if isinstance(value, str) and value:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    :param items: its resources, as received.
    :param links: URLs of other pages by name: ``next``, ``prev``, ``first``, ``last``.
    :param page: number of this page, where the answer says it.
    :param pages: number of pages, where the answer says it.
    :param total: number of resources in all, where the answer says it.
    :param has_more: the ``Has-More`` header, ``None`` without one.
    """

    items: tuple[dict[str, Any], ...]
    links: Mapping[str, str] = field(default_factory=dict)
    page: int | None = None
    pages: int | None = None
    total: int | None = None
    has_more: bool | None = None


def read_resource(request: Request, response: Response) -> dict[str, Any]:
    """Read an answer that should hold one resource.

    :return: the resource, without envelope.
    :raises IttybitError: the answer is an error, whatever its status, or no resource.
    """
    answer = open_answer(request, response)
    if not isinstance(answer.data, dict) or not answer.data:
        raise unreadable(request, response, "one resource (a JSON object) was expected", request_id=answer.request_id)
    if set(answer.data) <= {"message", "kind"}:
        words, kind = _text(answer.data.get("message")), _text(answer.data.get("kind"))
        raise answer_error(request, response, detail=words, kind=kind, request_id=answer.request_id)
    return answer.data


def read_page(request: Request, response: Response) -> Page:
    """Read an answer that should hold a list.

    :raises IttybitError: the answer is an error, whatever its status, or no list of objects.
    """
    answer = open_answer(request, response)
    if not isinstance(answer.data, list):
        raise unreadable(request, response, "a list (a JSON array) was expected", request_id=answer.request_id)
    if not all(isinstance(item, dict) for item in answer.data):
        raise unreadable(request, response, "a list of JSON objects was expected", request_id=answer.request_id)
    more = response.headers.get("has-more", "").strip().lower()
    return Page(
        items=tuple(answer.data),
        links=answer.links,
        page=_count(answer.meta.get("page")),
        pages=_count(answer.meta.get("pages")),
        total=_count(answer.meta.get("total")),
        has_more={"true": True, "false": False}.get(more),
    )


def read_confirmation(request: Request, response: Response) -> str | None:
    """Read the answer to a deletion.

    :return: ittybit's words, such as ``file_… deleted``; ``None`` if it sent none.
    :raises IttybitError: the answer is an error.
    """
    if 200 <= response.status < 300 and not response.content.strip():
        return None
    data = open_answer(request, response).data
    words = data.get("message") if isinstance(data, dict) else None
    return words if isinstance(words, str) else None


def read_anything(request: Request, response: Response) -> Any:
    """Read an answer of unknown content: the JSON without envelope, or ``None`` for an empty body."""
    if 200 <= response.status < 300 and not response.content.strip():
        return None
    return open_answer(request, response).data


def open_answer(request: Request, response: Response) -> Answer:
    """Take an answer apart and raise if it is an error.

    A success status does not make an error body a success: an envelope with a non-null ``error``, an
    ``{error: …}`` without a resource around it and a bare ``{kind, message}`` are errors at any status.

    :raises IttybitError: the class fits the status (see ``failures``).
    """
    ok = 200 <= response.status < 300
    answer, flaw = _parse(response)
    if answer is None:
        raise unreadable(request, response, flaw) if ok else answer_error(request, response)
    if not ok or answer.error is not None:
        raise answer_error(
            request,
            response,
            detail=answer.error,
            kind=answer.kind,
            request_id=answer.request_id,
            meta=answer.meta,
        )
    return answer


def _parse(response: Response) -> tuple[Answer | None, str]:
    """Read the JSON of an answer; without one, say as half a sentence why.

    No error is raised from in here: one of the JSON library would hold the whole answer.
    """
    content = response.content
    try:
        text = content.decode(json.detect_encoding(content), "surrogatepass")  # as the JSON library does it
        body = json.loads(text, parse_float=_finite, parse_constant=_nothing)
    except RecursionError:
        return None, "its JSON is nested too deep"
    except ValueError:
        return None, "it is not JSON" if content.strip() else "it is empty"
    if _is_too_deep(body):
        return None, "its JSON is nested too deep"
    if "\\ud" in text or "\\uD" in text or not _is_unicode(text):
        body = _as_unicode(body)
    return _take_apart(body, response), ""


def _finite(digits: str) -> float | None:
    """Read a number; one that is too large for a float is unknown, since no JSON could be made of it again."""
    number = float(digits)
    return number if math.isfinite(number) else None


def _nothing(_: str) -> None:
    """Take ``NaN`` and ``Infinity``, which no JSON has but some servers write, for unknown."""


def _as_unicode(body: Any) -> Any:
    """Put a question mark for each half of a surrogate pair: no log, database or other JSON could hold it."""
    text = json.dumps(body, ensure_ascii=False)
    return body if _is_unicode(text) else json.loads(text.encode("utf-8", "replace"))


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_too_deep(body: Any) -> bool:
    level = [body] if type(body) in _CONTAINERS else []
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return False
    return True


def _take_apart(body: Any, response: Response) -> Answer:
    links = read_links(response.headers)
    if not isinstance(body, dict):
        return Answer(data=body, links=links)
    if not _is_envelope(body):
        error, kind = _flat_error(body, failed=response.status >= 400)
        return Answer(data=body, links=links, error=error, kind=kind)
    meta = _mapping(body.get("meta")) or _mapping(body.get("pagination"))
    named = {k: v for k, v in _mapping(body.get("links")).items() if isinstance(v, str) and v}
    error, kind = _words(body.get("error"))
    if error is None and (meta.get("type") == "error" or response.status >= 400):
        error = "no message"
    return Answer(data=body.get("data"), meta=meta, links={**links, **named}, error=error, kind=kind, enveloped=True)


def _is_envelope(body: Mapping[str, Any]) -> bool:
    if "id" in body or "object" in body:
        return False
    if "data" in body and any(name in body for name in _ENVELOPE_COMPANIONS):
        return True
    if "error" in body and isinstance(body.get("meta"), Mapping):
        return True
    return set(body) == {"data"}


def _flat_error(body: Mapping[str, Any], *, failed: bool) -> tuple[str | None, str | None]:
    """Find the error in a body without envelope; a resource may have an `error` of its own."""
    if "id" in body or "object" in body:
        return (_words(body)[0] or "no message", None) if failed else (None, None)
    if "error" in body:
        error, kind = _words(body["error"])
        if error is not None:
            return error, kind or _text(body.get("kind"))
    message, kind = _text(body.get("message")), _text(body.get("kind"))
    if failed or (message is not None and kind is not None):
        return message, kind
    return None, None


def _words(error: object) -> tuple[str | None, str | None]:
    if isinstance(error, str) and error.strip():
        return error.strip(), None
    if isinstance(error, Mapping) and error:
        message = _text(error.get("message")) or json.dumps(error, default=str)[:300]
        return message, _text(error.get("kind"))
    return (json.dumps(error, default=str)[:300], None) if error and not isinstance(error, str) else (None, None)


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15:
        return value
    return None
