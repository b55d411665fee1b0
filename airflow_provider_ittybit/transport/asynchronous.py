"""Calls carried by ``aiohttp``: what the triggerer uses. It sends no streamed bodies."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from airflow_provider_ittybit.api.messages import Headers
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitError, IttybitRateLimitError
from airflow_provider_ittybit.transport.environment import proxy_for, tls_context
from airflow_provider_ittybit.transport.failures import no_answer, without_key
from airflow_provider_ittybit.transport.policy import retry_arguments
from airflow_provider_ittybit.transport.receiving import BLOCK, ENCODINGS, PATIENCE, Receiver
from airflow_provider_ittybit.transport.shared_line import LOCK_PAUSE, LOCK_TRIES, LineHeldError, SharedLine, Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    import aiohttp

    from airflow_provider_ittybit.api.messages import Call, Request, Response
    from airflow_provider_ittybit.api.settings import Settings

T = TypeVar("T")

KEEP_ALIVE = 120.0
"""Seconds an idle connection is kept: longer than usual poll intervals, which spares a handshake per poll."""
CONNECTIONS = 32
LONG_PAUSE = 5.0
"""Seconds: where others learned that nobody may send for longer than that, the gate is told instead of waiting here."""


class Gate(Protocol):
    """Says when nothing may be sent, because ittybit asked to slow down."""

    def admit(self) -> None:
        """Raise ``IttybitRateLimitError`` if nothing may be sent now."""


class AsyncTransport:
    """Sends requests over kept-alive connections of one event loop; use it as ``async with``.

    :param settings: the checked connection.
    :param sleep: waits between attempts, ``asyncio.sleep`` by default.
    :param gate: is asked before each attempt, and again and again while that waits for its turn; 429 is then left to
        it, and nothing is sent again because of one.
    :param in_line: whether requests wait for their turn where others share the rate limit; not for one in a hurry.
    :param clock: tells Unix seconds, for that turn.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        gate: Gate | None = None,
        in_line: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._sleep = sleep
        self._line = SharedLine(settings, in_line=in_line, clock=clock, lock_tries=1)
        self._gate = gate
        self._unused: list[int] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AsyncTransport:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def send(self, call: Call[T], on_departure: Callable[[], None] | None = None) -> T:
        """Send a call's request, again where that is safe, and return what the call reads from the answer.

        The place in line of a request that ends without being sent, or that was refused, goes to the next one.

        :param on_departure: is called whenever the request has waited for its turn and goes out now.
        :raises IttybitError: no answer, or one that means "no".
        """
        from tenacity import AsyncRetrying

        arguments = retry_arguments(call.request, self.settings, rate_limits=self._gate is None)
        turn = self._line.turn(heappop(self._unused) if self._unused else None)

        async def pause(seconds: float) -> None:
            turn.sleeps(seconds)
            await self._sleep(seconds)

        async def attempt() -> Response:
            self._admit()
            while wait := await _unlocked(turn.pause, 0.0):
                if self._gate is not None and turn.shut_for > LONG_PAUSE:
                    raise _shut(turn.shut_for)
                await pause(wait)
                self._admit()
            if on_departure is not None:
                on_departure()
            return await self._attempt(call.request, turn)

        try:
            response: Response = await AsyncRetrying(sleep=pause, **arguments)(attempt)
            return call.read(call.request, response)
        except IttybitError as error:
            without_key(error, self.settings.api_key)
            raise
        finally:
            if turn.ticket is not None:
                heappush(self._unused, turn.ticket)

    async def close(self) -> None:
        """Close all connections; a later ``send`` opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _admit(self) -> None:
        if self._gate is not None:
            self._gate.admit()

    async def _attempt(self, request: Request, turn: Turn) -> Response:
        import aiohttp
        from yarl import URL

        wire = prepare(request, self.settings, sender="triggerer")
        if wire.body is not None and wire.content is None:
            message = f"{request!r} has a body to stream, which only the blocking transport can send."
            raise TypeError(message)
        session = await self._open_session()
        try:
            async with session.request(
                wire.method,
                URL(wire.url, encoded=True),
                headers=dict(wire.headers),
                data=wire.content,
                allow_redirects=False,
                proxy=proxy_for(wire.url, self.settings),
            ) as answer:
                receiver = await _received(answer, self.settings)
            await _unlocked(partial(turn.answered, answer.status, receiver.headers), None)
            return receiver.response(request)
        except (_NotConnectedError, aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = no_answer(request, error, may_have_arrived=not isinstance(error, _NotConnectedError))
        raise failure  # out here it has no context: aiohttp's errors hold the request's headers, and so the key

    async def _open_session(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            settings = self.settings
            # loading certificates takes some 20 ms, which the triggerer's loop must not stand still for
            encrypted = urlsplit(settings.host).scheme == "https"
            context = await asyncio.to_thread(tls_context, settings) if encrypted else True
            if self._session is None:
                self._session = aiohttp.ClientSession(
                    connector=_new_connector(ssl=context, limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE),
                    cookie_jar=aiohttp.DummyCookieJar(),  # a request depends on the connection only
                    timeout=aiohttp.ClientTimeout(
                        total=PATIENCE * settings.timeout, sock_connect=settings.timeout, sock_read=settings.timeout
                    ),
                    headers={"Accept-Encoding": ENCODINGS},
                    auto_decompress=False,
                )
                # else aiohttp sends once more on its own, a PUT too, past the policy and max_retries
                self._session._retry_connection = False  # noqa: SLF001 - there is no public way to say so
        return self._session


class _NotConnectedError(Exception):
    """No connection came about, so nothing of a request was sent; it wraps the library's error."""


def _new_connector(**options: Any) -> aiohttp.TCPConnector:
    import aiohttp

    class Connector(aiohttp.TCPConnector):
        async def connect(self, *arguments: Any, **more: Any) -> Any:
            try:
                return await super().connect(*arguments, **more)
            except (aiohttp.ClientError, OSError) as error:  # a proxy that breaks off looks like ittybit's server
                raise _NotConnectedError(error) from error

    return Connector(**options)


async def _unlocked(step: Callable[[], T], otherwise: T) -> T:
    """Do something with the shared line; while somebody else has its file, the event loop goes on.

    :param otherwise: the result if somebody keeps it.
    """
    for _ in range(LOCK_TRIES):
        try:
            return step()
        except LineHeldError:
            await asyncio.sleep(LOCK_PAUSE)
    return otherwise


async def _received(answer: aiohttp.ClientResponse, settings: Settings) -> Receiver:
    """Read the body of an answer as far as it is wanted; what is left of it goes away with its connection."""
    receiver = Receiver(answer.status, Headers(answer.headers.items()), settings)
    if receiver.wants_more:
        async for block in answer.content.iter_chunked(BLOCK):
            if not receiver.take(block):
                answer.close()
                break
    else:
        answer.close()
    return receiver


def _shut(seconds: float) -> IttybitRateLimitError:
    message = f"Nothing was sent: ittybit asked others who use this key to slow down for {seconds:.0f} s."
    return IttybitRateLimitError(message, retry_after=seconds)
