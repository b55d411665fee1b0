"""Calls carried by ``requests``: what a worker uses."""

from __future__ import annotations

import _thread
import ssl
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from airflow_provider_ittybit.api.messages import Headers
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.transport.connections import Sockets, pool_classes
from airflow_provider_ittybit.transport.environment import ca_file, check_own_ca, proxy_for
from airflow_provider_ittybit.transport.failures import innermost, interrupted, no_answer, without_key
from airflow_provider_ittybit.transport.policy import retry_arguments
from airflow_provider_ittybit.transport.receiving import BLOCK as SMALL_BLOCK
from airflow_provider_ittybit.transport.receiving import ENCODINGS, Receiver
from airflow_provider_ittybit.transport.redaction import queries_hidden
from airflow_provider_ittybit.transport.shared_line import SharedLine, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from airflow_provider_ittybit.api.messages import Body, Call, Request, Response
    from airflow_provider_ittybit.api.settings import Settings

T = TypeVar("T")

BLOCK = 256 * 1024
"""Bytes handed to the socket at once: with the library's own 16 KiB, 1 GiB takes several times as long; with much
more they leave the processor's cache between being read and being encrypted, which costs a tenth."""
CONNECTIONS = 16
GRACE = 2.5
"""Seconds that a request may still take when its task is killed: after 5, Airflow ends the process."""
MAKING = frozenset({"POST", "PUT"})
"""Methods that may make something new, which a killed task does not begin."""


class BlockingTransport:
    """Sends requests over kept-alive connections; may be used by several threads.

    :param settings: the checked connection.
    :param sleep: waits between attempts, ``time.sleep`` by default.
    :param in_line: whether requests wait for their turn where others share the rate limit; not for one in a hurry.
    """

    def __init__(
        self, settings: Settings, *, sleep: Callable[[float], None] = time.sleep, in_line: bool = True
    ) -> None:
        self.settings = settings
        self._sleep = sleep
        self._line = SharedLine(settings, in_line=in_line)
        self._session: requests.Session | None = None
        self._lock = threading.Lock()
        self._sockets = Sockets()
        self._is_ending = False

    def send(self, call: Call[T]) -> T:
        """Send a call's request, again where that is safe, and return what the call reads from the answer.

        :raises IttybitError: no answer, or one that means "no".
        """
        from tenacity import Retrying

        arguments = retry_arguments(call.request, self.settings)
        turn = self._line.turn()

        def pause(seconds: float) -> None:
            turn.sleeps(seconds)
            self._sleep(seconds)

        def attempt() -> Response:
            while wait := turn.pause():
                pause(wait)
            return self._attempt(call.request, turn)

        try:
            response: Response = Retrying(sleep=pause, **arguments)(attempt)
            return call.read(call.request, response)
        except IttybitError as error:
            without_key(error, self.settings.api_key)
            raise

    def pause(self, seconds: float) -> None:
        """Wait as between two attempts.

        :raises IttybitStoppedError: the task is killed meanwhile.
        """
        self._sleep(seconds)

    def close(self) -> None:
        """Close all connections; a later ``send`` opens new ones."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def interrupt(self) -> None:
        """Let nothing begin any more that would make something, and end what is under way after a little time.

        An answer may name the id of what ittybit just made, and for as long as that counts it can be read or labelled.
        A signal handler may call this: a thread of this kind is begun without a lock.
        """
        self._is_ending = True
        _thread.start_new_thread(self._sockets.cut, (GRACE,))

    def _attempt(self, request: Request, turn: Turn) -> Response:
        import requests
        from urllib3.exceptions import HTTPError

        if self._sockets.are_cut or (self._is_ending and request.method in MAKING):
            raise interrupted(request, is_under_way=False)
        settings = self.settings
        wire = prepare(request, settings)
        stream = _Stream(wire.body) if wire.body is not None else None
        try:
            with (
                queries_hidden(),
                self._open_session().request(
                    wire.method,
                    wire.url,
                    headers=dict(wire.headers),
                    data=stream if stream is not None else wire.content,
                    timeout=settings.timeout,
                    allow_redirects=False,
                    verify=ca_file(settings) if settings.verify else False,
                    proxies=_proxies(wire.url, settings),
                    stream=True,
                ) as answer,
            ):
                receiver = _received(answer, settings)
        except (requests.RequestException, HTTPError) as error:
            failure: IttybitError
            arrived = _may_have_arrived(error)
            failure = no_answer(request, error, may_have_arrived=arrived)
            if self._sockets.are_cut:
                failure = interrupted(request, is_under_way=arrived)
            if stream is not None and stream.failure is not None:
                failure = stream.failure.with_traceback(None)  # the frames in it hold the key and signed URLs
        else:
            turn.answered(receiver.status, receiver.headers)
            return receiver.response(request)
        finally:
            if stream is not None:
                stream.close()
        raise failure  # out here it has no context: the texts of the library's errors hold signed URLs

    def _open_session(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                check_own_ca(self.settings)
                session = _new_session(self._sockets)
                session.trust_env = False  # else a netrc entry would replace the key
                session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # depend on the connection only
                self._session = session
            return self._session


def _new_session(sockets: Sockets) -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter

    pools = pool_classes(sockets)

    class Session(requests.Session):
        def get_redirect_target(self, _: requests.Response) -> None:
            """Name none: the library would read the whole answer to prepare a request that is not sent."""

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **{"blocksize": BLOCK, **options})
            manager.pool_classes_by_scheme = pools
            return manager

    session = Session()
    session.headers["Accept-Encoding"] = ENCODINGS
    adapter = Adapter(pool_maxsize=CONNECTIONS)
    adapter.init_poolmanager(CONNECTIONS, CONNECTIONS, blocksize=BLOCK)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _proxies(url: str, settings: Settings) -> dict[str, str]:
    """Name the proxy as the library wants it. It may have a password, so no frame holds it when a request fails."""
    proxy = proxy_for(url, settings)
    return {"http": proxy, "https": proxy} if proxy else {}


def _received(answer: requests.Response, settings: Settings) -> Receiver:
    """Read the body of an answer as far as it is wanted; what is left of it goes away with its connection."""
    receiver = Receiver(answer.status_code, Headers(answer.headers.items()), settings)
    if not receiver.wants_more:
        return receiver
    for block in answer.raw.stream(SMALL_BLOCK, decode_content=False):
        if not receiver.take(block):
            return receiver
    answer.raw.release_conn()
    return receiver


class _Stream:
    """A body as the file-like object with a length that ``requests`` streams."""

    def __init__(self, body: Body) -> None:
        self._length = body.length
        self._reader: BinaryIO = body.open()
        self.failure: IttybitError | None = None
        """What reading it failed with. If that is an ``OSError`` too, the library takes it for one of the network."""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block

    def read(self, size: int = -1) -> bytes:
        try:
            return self._reader.read(size)
        except IttybitError as error:
            self.failure = error
            raise

    def close(self) -> None:
        self._reader.close()


def _may_have_arrived(error: Any) -> bool:
    """Tell whether the request may have reached the server: surely not, if no connection came about."""
    import requests
    from requests import exceptions as of_requests
    from urllib3.exceptions import LocationParseError, NewConnectionError

    unusable = of_requests.InvalidURL | of_requests.InvalidSchema | LocationParseError  # of the host or its proxy
    if isinstance(error, requests.ConnectTimeout | of_requests.ProxyError | unusable):
        return False
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, of_requests.SSLError):
        # of all TLS errors only this one can come before the request and never after it
        return not isinstance(innermost(error), ssl.SSLCertVerificationError)
    return not isinstance(reason, NewConnectionError)
