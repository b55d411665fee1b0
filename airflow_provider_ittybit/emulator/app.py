"""The ASGI application: from a connection to an answer, through faults, limits, the key and the routes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from airflow_provider_ittybit.emulator import control, delivery, front, profiles
from airflow_provider_ittybit.emulator.answers import refusal
from airflow_provider_ittybit.emulator.authorization import require_key
from airflow_provider_ittybit.emulator.exchange import ApiError, Exchange
from airflow_provider_ittybit.emulator.faultfields import BODILESS
from airflow_provider_ittybit.emulator.ledger import Entry, redacted
from airflow_provider_ittybit.emulator.records import new_id
from airflow_provider_ittybit.emulator.routing import route_for
from airflow_provider_ittybit.emulator.waiting import before_reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive, Scope, Send

    from airflow_provider_ittybit.emulator.faults import Fault
    from airflow_provider_ittybit.emulator.profiles import Generation
    from airflow_provider_ittybit.emulator.service import Service

logger = logging.getLogger(__name__)

#: After a refusal so much of the body is still read, so that a client that is still sending reads the answer.
DRAINED_BYTES = 64 * 1024 * 1024


class DroppedError(Exception):
    """The connection is to be closed without an answer."""


class Emulator:
    """The application of one service.

    :param roles: which role each port has.
    """

    def __init__(self, service: Service, roles: Mapping[int, str]) -> None:
        self._service = service
        self._roles = roles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; see the ASGI specification."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        send = _dated(send)
        role = self._roles[scope["server"][1]]
        response = await self._beside_the_api(request) if role == "api" else None
        if response is not None:
            await response(scope, receive, send)
            return
        await self._serve(request, role, send)

    async def _beside_the_api(self, request: Request) -> Response | None:
        """Answer what is about the emulator itself: without key, limit, faults and ledger."""
        if front.is_page(request):
            return await front.show(self._service, request)
        if request.scope["path"].startswith(control.PREFIX):
            return await control.answer(self._service, request)
        if front.is_document(request):
            return _described(*_exchange(request, self._service, "api"))
        return None

    async def _serve(self, request: Request, role: str, send: Send) -> None:
        exchange, problem = _exchange(request, self._service, role)
        entry = self._service.ledger.add(_entry(exchange, self._service))
        body = _Body(request, entry, exchange.forgotten)
        exchange.request = Request(request.scope, body.read)
        try:
            response = await self._respond(exchange, problem)
        except DroppedError:
            await _drop(request)
            return
        except ClientDisconnect:
            return
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            await body.drain()
        response.headers["X-Request-Id"] = exchange.request_id
        entry.status = response.status_code
        await response(request.scope, body.receive, send)

    async def _respond(self, exchange: Exchange, problem: ApiError | None) -> Response:
        try:
            fault = self._service.faults.take(exchange.role, exchange.request.method, exchange.path)
            if fault is not None:
                response = await _suffer(exchange, fault)
                if response is not None:
                    return response
            response = refusal(exchange, problem) if problem else await self._carry_out(exchange)
        except ApiError as error:
            response = refusal(exchange, error)
        except (ClientDisconnect, DroppedError):
            raise
        except Exception:
            logger.exception("%s %s failed", exchange.request.method, exchange.path)
            message = "Something went wrong in the emulator; its log says more."
            response = refusal(exchange, ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, message))
        if fault is not None and fault.drop == "after":
            raise DroppedError
        if fault is not None and fault.answer_delay is not None:
            await _hold_back(exchange.request, fault.answer_delay)
        return response

    async def _carry_out(self, exchange: Exchange) -> Response:
        wait = self._service.gate.wait_needed(self._service.settings.rate_limit)
        if wait:
            message = "Too many requests. Wait before you send another one."
            headers = {"Retry-After": str(max(1, math.ceil(wait)))}
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, message, headers=headers)
        if exchange.role == "delivery":
            return await delivery.deliver(exchange)
        require_key(exchange)
        route = route_for(exchange)
        if exchange.request.method == "GET":
            await before_reading(self._service)
        return await route.handler(exchange)


def _dated(send: Send) -> Send:
    """Have an answer say when it is sent, unless a fault gives it another date."""

    async def send_dated(message: Message) -> None:
        if message["type"] == "http.response.start" and b"date" not in dict(message["headers"]):
            date = (b"date", formatdate(time.time(), usegmt=True).encode())
            message = {**message, "headers": [date, *message["headers"]]}
        await send(message)

    return send_dated


def _exchange(request: Request, service: Service, role: str) -> tuple[Exchange, ApiError | None]:
    """Return the exchange, and the error of a version that the emulator does not know."""
    default = service.settings.default_version
    value = profiles.version_header(request.headers)
    problem = None
    try:
        generation = profiles.resolve(value, default)
    except profiles.UnknownVersionError as error:
        problem = ApiError(HTTPStatus.BAD_REQUEST, str(error))
        generation, value = profiles.resolve(None, default), None
    if value is None and problem is None:
        generation = _generation_of(role, request.scope["path"]) or generation
    shown = profiles.version_shown(value, default, generation)
    named = value is not None
    exchange = Exchange(request, service, role, generation, shown, new_id("req"), service.forgotten, named)
    if role == "delivery":
        delivery.generation_without_header(exchange)
    return exchange, problem


def _described(exchange: Exchange, problem: ApiError | None) -> Response:
    """Answer with an OpenAPI document."""
    if problem is not None:
        return refusal(exchange, problem)
    try:
        return front.describe(exchange)
    except ApiError as error:
        return refusal(exchange, error)


def _generation_of(role: str, path: str) -> Generation | None:
    """Return the only generation that has this port or path, for a request without a version header."""
    return profiles.MEDIA if role == "uploads" else profiles.owner_of(path)


async def _suffer(exchange: Exchange, fault: Fault) -> Response | None:
    """Do what a fault says; return None when the proper answer follows."""
    if fault.drop == "before":
        raise DroppedError
    if fault.delay is not None:
        await _hold(exchange.forgotten, fault.delay)
    if fault.status is None:
        return None
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.status in BODILESS:
        return Response(None, fault.status, headers=headers)
    if fault.body is not None:
        content, media_type = fault.content()
        return Response(content, fault.status, headers=headers, media_type=media_type)
    message = fault.message or _phrase(fault.status)
    return refusal(exchange, ApiError(fault.status, message, headers=headers))


async def _hold(forgotten: asyncio.Event, seconds: float) -> None:
    """Let time pass before a request is carried out; raise DroppedError when the emulator is reset meanwhile."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await forgotten.wait()
    if forgotten.is_set():
        raise DroppedError


async def _hold_back(request: Request, seconds: float) -> None:
    """Let time pass after a request was carried out; raise ClientDisconnect when nobody waits any more."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
            raise ClientDisconnect


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Failed on demand"


def _entry(exchange: Exchange, service: Service) -> Entry:
    request = exchange.request
    client = request.scope.get("client")
    return Entry(
        seq=service.ledger.next_number(),
        role=exchange.role,
        method=request.method,
        path=exchange.path,
        query=redacted(request.scope["query_string"].decode("latin-1")),
        version=profiles.version_header(request.headers),
        generation=exchange.generation.name,
        has_authorization="authorization" in request.headers,
        idempotency_key=request.headers.get("idempotency-key"),
        user_agent=request.headers.get("user-agent"),
        content_range=request.headers.get("content-range"),
        request_id=exchange.request_id,
        connection=client[1] if client else None,
    )


class _Body:
    """The body of a request as it comes in: counts its bytes, and knows whether all have come."""

    def __init__(self, request: Request, entry: Entry, forgotten: asyncio.Event) -> None:
        self._receive = request.receive
        self._entry = entry
        self._forgotten = forgotten
        self._expects_continue = request.headers.get("expect", "").lower() == "100-continue"
        self._is_complete = False

    async def receive(self) -> Message:
        """Return the next message, as ASGI has it."""
        message = await self._receive()
        self._entry.bytes += len(message.get("body", b""))
        self._is_complete |= not message.get("more_body", False)
        return message

    async def read(self) -> Message:
        """Return the next message for what carries the request out; raise DroppedError after a reset."""
        message = await self.receive()
        if self._forgotten.is_set():
            raise DroppedError
        return message

    async def drain(self) -> None:
        """Read what is left, unless the client waits for ``100 Continue`` or there is very much of it."""
        while not (self._is_complete or self._expects_continue) and self._entry.bytes < DRAINED_BYTES:
            await self.receive()


async def _drop(request: Request) -> None:
    """Close the connection at once; what is in the buffers is lost, as it is when a network fails."""
    request.scope["state"]["transport"].abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
