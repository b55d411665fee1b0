"""How a generation wraps what it answers: envelopes, errors, and the headers of lists."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator.describing.schemas import (
    BYTES,
    TEXT,
    WHOLE,
    Schema,
    many,
    named,
    or_null,
    record,
    words,
)

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.profiles import Generation

_META = {"request_id": TEXT, "org_id": TEXT, "project_id": TEXT, "version": TEXT}
_NUMBERS = {"limit": WHOLE, "total": WHOLE, "page": WHOLE, "pages": WHOLE}
_LINK = or_null(TEXT)
_REQUEST_ID = {"X-Request-Id": {"required": True, "schema": TEXT}}
_PLAIN = {"text/plain": {"schema": TEXT}}

PAGES = ("self", "first", "prev", "next", "last")


def error(generation: Generation) -> Schema:
    """Return the schema of every error of a generation."""
    told = {"message": TEXT}
    if generation.shape == "kinded":
        return record({"kind": TEXT, **told})
    if generation.shape == "flat":
        return record(told)
    body = {"meta": _meta("error"), "error": record(told)}
    if generation.shape == "enveloped":
        body |= {"data": {"type": "null"}, "links": record({"self": TEXT, "parent": _LINK})}
    return record(body)


def answer(generation: Generation, status: int, name: str) -> Schema:
    """Return the description of an answer: what comes with it, and its headers.

    :param name: of a resource, of a list of one as ``File[]``, of one of two as ``File | Received``; ``Bytes`` for the
        content of a file, ``Error`` for an error.
    """
    described: Schema = {"description": _phrase(status), "headers": dict(_REQUEST_ID)}
    if name == "Bytes":
        return {**described, "content": _PLAIN if status == 416 else {"*/*": {"schema": BYTES}}}
    if name == "Error":
        return {**described, "content": {"application/json": {"schema": named("Error")}}}
    if name.endswith("[]"):
        described["headers"] |= _list_headers(generation)
    schemas = [_body(generation, part) for part in name.split(" | ")]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {**described, "content": {"application/json": {"schema": schema}}}


def is_enveloped(generation: Generation) -> bool:
    """Tell whether a generation wraps its answers."""
    return generation.shape in ("early", "enveloped")


def _body(generation: Generation, name: str) -> Schema:
    is_list = name.endswith("[]")
    schema = named(name.removesuffix("[]"))
    if not is_enveloped(generation) or name in ("Received", "Bare File"):
        return many(schema) if is_list else named(name.removeprefix("Bare "))
    body = {"meta": _meta("list", **_NUMBERS) if is_list else _meta("object")}
    body["data"] = many(schema) if is_list else schema
    if generation.shape == "enveloped":
        body["error"] = {"type": "null"}
    names = PAGES if is_list else ("parent",) if name == "Message" else ("self", "parent")
    return record({**body, "links": record(dict.fromkeys(names, _LINK))})


def _meta(kind: str, **numbers: Schema) -> Schema:
    return record({**_META, "type": words(kind), **numbers})


def _list_headers(generation: Generation) -> Schema:
    if generation.shape == "flat":
        return {"Links": {"required": True, "schema": TEXT}}
    if generation.shape == "kinded":
        return {
            "Limit": {"required": True, "schema": WHOLE},
            "Has-More": {"required": True, "schema": words("true", "false")},
            "Link": {"schema": TEXT},
        }
    return {}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
