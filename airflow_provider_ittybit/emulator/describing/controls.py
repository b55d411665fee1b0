"""The OpenAPI document of the control endpoint, which is the emulator's own and belongs to no generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit import __version__
from airflow_provider_ittybit.emulator.describing.document import VERSION
from airflow_provider_ittybit.emulator.describing.schemas import (
    FILLED,
    FLAG,
    FREE,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    between,
    form,
    many,
    or_null,
    record,
    words,
)
from airflow_provider_ittybit.emulator.faultfields import DROPS, LONGEST_DELAY, ROLES
from airflow_provider_ittybit.emulator.settings import CONTENT_RANGE_FORMS, LONGEST, MOST_BYTES, MOST_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TEXT, _WHOLE = or_null(TEXT), or_null(WHOLE)
_SECONDS: Schema = {"type": "number", "minimum": 0, "maximum": LONGEST}
_DELAY: Schema = {"type": "number", "minimum": 0, "maximum": LONGEST_DELAY}
_LIMIT = record(
    {
        "requests": between(1, MOST_REQUESTS),
        "per_seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST},
    }
)
_SETTINGS = {
    "default_version": words("2023-09-26", "2025-01-01", "2025-08-20", "2025-09-15", "media", "tasks", "jobs"),
    "processing": {"type": "string", "pattern": "^(auto|held|after_reads:[0-9]{1,9})$"},
    "max_upload_bytes": between(0, MOST_BYTES),
    "rate_limit": or_null(_LIMIT),
    "discard_bytes": FLAG,
    "content_range_form": words(*CONTENT_RANGE_FORMS),
    "public_delivery": FLAG,
    "answer_wait": _SECONDS,
    "fetch_timeout": _SECONDS,
}
_ENTRY = record(
    {
        "seq": WHOLE,
        "role": TEXT,
        "method": TEXT,
        "path": TEXT,
        "query": TEXT,
        "version": _TEXT,
        "generation": _TEXT,
        "has_authorization": FLAG,
        "idempotency_key": _TEXT,
        "request_id": TEXT,
        "connection": _WHOLE,
        "at": NUMBER,
        "status": _WHOLE,
        "user_agent": _TEXT,
        "bytes": WHOLE,
        "content_range": _TEXT,
    }
)
_FILE = record(
    {
        **dict.fromkeys(("id", "media_id", "status"), TEXT),
        **dict.fromkeys(("filename", "folder", "sha256", "ref", "kind"), _TEXT),
        "size": WHOLE,
        "deleted": FLAG,
        "width": _WHOLE,
    }
)
_FAULT = {
    "match": form(
        {}, {"role": words(*ROLES), "method": words("GET", "post", "PUT"), "path": words("/media", "^/f", ".")}
    ),
    "times": between(0, 10**9),
    "after": between(0, 10**9),
    "status": between(200, 599),
    "retry_after": NUMBER,
    "message": TEXT,
    "body": TEXT,
    "headers": {"type": "object", "additionalProperties": TEXT},
    "delay": _DELAY,
    "answer_delay": _DELAY,
    "drop": words(*DROPS),
    "fail_processing": FILLED,
}

#: What each action takes in its body, and what it answers with which status.
CONTROLS: Mapping[tuple[str, str], tuple[Schema | None, Mapping[int, Schema]]] = {
    ("GET", "health"): (None, {200: record(dict.fromkeys(("status", "api", "uploads", "delivery"), TEXT))}),
    ("POST", "reset"): (None, {200: record({"reset": FLAG})}),
    ("GET", "settings"): (None, {200: record(_SETTINGS)}),
    ("PATCH", "settings"): ({"type": "object", "properties": _SETTINGS}, {200: record(_SETTINGS)}),
    ("GET", "requests"): (None, {200: many(_ENTRY)}),
    ("DELETE", "requests"): (None, {200: many(_ENTRY)}),
    ("GET", "files"): (None, {200: many(_FILE)}),
    ("POST", "release"): (form({}, {"id": TEXT}), {200: record({"held": WHOLE})}),
    ("POST", "settle"): (
        {"type": "object", "properties": {"timeout": _DELAY}},
        dict.fromkeys((200, 504), record({"settled": FLAG, "held": WHOLE})),
    ),
    ("POST", "faults"): (form({}, _FAULT), {201: many(FREE)}),
    ("GET", "faults"): (None, {200: many(FREE)}),
    ("DELETE", "faults"): (None, {200: many(FREE)}),
}

_ERROR = record({"message": TEXT})


def control_document(server: str, prefix: str, actions: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the document of the control endpoint.

    :param server: the origin of the api port.
    :param prefix: what all paths begin with.
    :param actions: method and name of each action.
    """
    paths: dict[str, dict[str, Any]] = {}
    for method, name in actions:
        paths.setdefault(f"{prefix}{name}", {})[method.lower()] = _operation(method, name)
    return {
        "openapi": VERSION,
        "info": {"title": "ittybit-emulator: control", "version": __version__},
        "servers": [{"url": server}],
        "paths": paths,
    }


def _operation(method: str, name: str) -> dict[str, Any]:
    body, answers = CONTROLS[method, name]
    described: dict[str, Any] = {
        "operationId": f"{method.lower()} {name}",
        "responses": {str(status): _answer(schema) for status, schema in {**answers, 400: _ERROR}.items()},
    }
    if body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": body}}}
    if (method, name) == ("GET", "requests"):
        described["parameters"] = [{"name": part, "in": "query", "schema": TEXT} for part in ("method", "path")]
    return described


def _answer(schema: Schema) -> dict[str, Any]:
    return {
        "description": "See the documentation of the emulator.",
        "content": {"application/json": {"schema": schema}},
    }
