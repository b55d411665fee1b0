"""One request while it is answered, and the error that any step may raise to end it."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_ittybit.emulator.json_bodies import UnreadableBodyError, object_in

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_ittybit.emulator.profiles import Generation
    from airflow_provider_ittybit.emulator.service import Service

#: A body of JSON, or a form without a file, may have so many bytes. The real limit is not published.
MAX_JSON_BYTES = 10 * 1024 * 1024

#: No number in a query may be higher: it has to fit into the positions that SQLite counts.
HIGHEST = 10**12


class ApiError(Exception):
    """An answer that says no.

    :param status: the HTTP status code.
    :param message: a sentence for a person.
    :param kind: the error kind of the generations that have one; without it, the status decides.
    """

    def __init__(
        self, status: int, message: str, kind: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = int(status)
        self.message = message
        self.kind = kind
        self.headers = dict(headers or {})


def bad_request(message: str, kind: str | None = None) -> ApiError:
    """Return the error for a request that cannot be understood."""
    return ApiError(HTTPStatus.BAD_REQUEST, message, kind)


def not_found(what: str, kind: str | None = None) -> ApiError:
    """Return the error for a resource that is not there; the words are those of the API reference pages."""
    message = (
        f"The requested {what} was not found. Please check the URL, that the ID is correct, "
        "and that you have used a valid API Key for the relevant project."
    )
    return ApiError(HTTPStatus.NOT_FOUND, message, kind)


@dataclass(slots=True)
class Exchange:
    """One request and what is known about it.

    :param role: the port it came in on: ``api``, ``uploads`` or ``delivery``.
    :param version: the version for envelopes; ``named`` tells whether a version header was sent.
    :param forgotten: set when the emulator was reset since: what is still under way then is not carried out.
    :param params: what stands in the places of the route's path, such as ``id``.
    """

    request: Request
    service: Service
    role: str
    generation: Generation
    version: str
    request_id: str
    forgotten: asyncio.Event
    named: bool = False
    params: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The origin that this request came to."""
        return str(getattr(self.service.addresses, self.role))

    @property
    def path(self) -> str:
        """The path of the request, decoded."""
        return str(self.request.scope["path"])

    def url(self, **query: str | int | None) -> str:
        """Return the absolute URL of this path with its query changed; None removes a parameter."""
        merged: dict[str, str | int | None] = {**self.request.query_params, **query}
        kept = {name: value for name, value in merged.items() if value is not None}
        return f"{self.base}{self.path}" + (f"?{urlencode(kept)}" if kept else "")

    def doom(self) -> str | None:
        """Return the message with which what this request makes shall fail, if a fault says so."""
        return self.service.faults.take_processing(self.role, self.request.method, self.path)

    async def small_body(self) -> bytes:
        """Read a whole body that is no file; raise ApiError for one of more than :data:`MAX_JSON_BYTES`."""
        pieces, size = [], 0
        async for piece in self.request.stream():
            size += len(piece)
            if size > MAX_JSON_BYTES:
                raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
            pieces.append(piece)
        return b"".join(pieces)

    async def document(self) -> dict[str, Any]:
        """Read the JSON object in the body; an empty body is an empty object."""
        body = await self.small_body()
        try:
            return object_in(body)
        except UnreadableBodyError as error:
            raise bad_request(str(error)) from error

    def integer(self, name: str, default: int, lowest: int, highest: int = HIGHEST) -> int:
        """Return a query parameter that is a number within bounds."""
        text = self.request.query_params.get(name)
        if text is None:
            return default
        is_number = text.isdecimal() and text.isascii() and len(text) <= len(str(HIGHEST))
        value = int(text) if is_number else lowest - 1
        if not lowest <= value <= highest:
            upper = "" if highest == HIGHEST else f" and at most {highest}"
            message = f"The query parameter {name} must be a whole number, at least {lowest}{upper}."
            raise bad_request(message)
        return value

    def choice(self, name: str, options: Collection[str], default: str | None = None) -> str | None:
        """Return a query parameter that is one of some words."""
        value = self.request.query_params.get(name)
        if value is None:
            return default
        if value not in options:
            message = f"The query parameter {name} must be one of: {', '.join(options)}."
            raise bad_request(message)
        return value


def text_in(document: Mapping[str, Any], name: str, *, required: bool = False) -> str | None:
    """Return a field that must be text; null counts as absent."""
    value = document.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or (required and not value):
        message = f"The field {name} must be {'a non-empty' if required else 'a'} string."
        raise bad_request(message)
    return value


def mapping_in(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a field that must be an object; absent and null are an empty one."""
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        message = f"The field {name} must be an object."
        raise bad_request(message)
    return value


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route takes and answers, as the OpenAPI document tells it.

    :param answers: the name of what comes with each status that is a success, or that this route alone has; ``File[]``
        is a list of ``File``. The names are those of ``describing.resources``.
    :param query: names of the query parameters, those of ``describing.parameters``.
    :param body: name of the body, one of ``describing.bodies``.
    :param headers: names of the request headers that change what it does.
    """

    answers: Mapping[int, str]
    query: tuple[str, ...] = ()
    body: str | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """What answers one method on one path of one port; ``{name}`` stands for one segment."""

    method: str
    path: str
    handler: Callable[[Exchange], Awaitable[Response]]
    about: Operation
    role: str = "api"

    def match(self, role: str, path: str) -> dict[str, str] | None:
        """Return what stands in the places of the path, or None if it is another path."""
        if role != self.role:
            return None
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        found: dict[str, str] = {}
        for pattern, segment in zip(wanted, given, strict=True):
            if pattern.startswith("{") and segment:
                found[pattern.strip("{}")] = segment
            elif pattern != segment:
                return None
        return found
