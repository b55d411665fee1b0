"""Calls carried by ``requests``: what a worker uses."""

from __future__ import annotations

import ssl
import threading
import time
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from airflow_provider_ittybit.api.messages import Headers, Response
from airflow_provider_ittybit.api.retrying import retry_after
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.transport.environment import ca_file, check_own_ca, proxy_for
from airflow_provider_ittybit.transport.failures import innermost, no_answer, without_key
from airflow_provider_ittybit.transport.policy import retry_arguments
from airflow_provider_ittybit.transport.shared_line import SharedLine, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from airflow_provider_ittybit.api.messages import Body, Call, Request
    from airflow_provider_ittybit.api.settings import Settings

T = TypeVar("T")

BLOCK = 256 * 1024
"""Bytes handed to the socket at once: with the library's own 16 KiB, 1 GiB takes several times as long; with much
more they leave the processor's cache between being read and being encrypted, which costs a tenth."""
CONNECTIONS = 16


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

        response: Response = Retrying(sleep=pause, **arguments)(attempt)
        try:
            return call.read(call.request, response)
        except IttybitError as error:
            without_key(error, self.settings.api_key)
            raise

    def close(self) -> None:
        """Close all connections; a later ``send`` opens new ones."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _attempt(self, request: Request, turn: Turn) -> Response:
        import requests

        settings = self.settings
        wire = prepare(request, settings)
        proxy = proxy_for(wire.url, settings)
        stream = _Stream(wire.body) if wire.body is not None else None
        try:
            answer = self._open_session().request(
                wire.method,
                wire.url,
                headers=dict(wire.headers),
                data=stream if stream is not None else wire.content,
                timeout=settings.timeout,
                allow_redirects=False,
                verify=ca_file(settings) if settings.verify else False,
                proxies={"http": proxy, "https": proxy} if proxy else {},
            )
        except requests.RequestException as error:
            failure = no_answer(request, error, may_have_arrived=_may_have_arrived(error))
        else:
            headers = Headers(answer.headers.items())
            if answer.status_code == 429:
                turn.refused(retry_after(headers.get("retry-after"), now=datetime.now(UTC)))
            return Response(answer.status_code, headers, answer.content)
        finally:
            if stream is not None:
                stream.close()
        raise failure  # out here it has no context: the texts of the library's errors hold signed URLs

    def _open_session(self) -> requests.Session:
        import requests
        from requests.adapters import HTTPAdapter

        with self._lock:
            if self._session is None:
                check_own_ca(self.settings)
                session = requests.Session()
                session.trust_env = False  # else a netrc entry would replace the key
                session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # depend on the connection only
                adapter = HTTPAdapter(pool_maxsize=CONNECTIONS)
                adapter.init_poolmanager(CONNECTIONS, CONNECTIONS, blocksize=BLOCK)
                session.mount("https://", adapter)
                session.mount("http://", adapter)
                self._session = session
            return self._session


class _Stream:
    """A body as the file-like object with a length that ``requests`` streams."""

    def __init__(self, body: Body) -> None:
        self._length = body.length
        self._reader: BinaryIO = body.open()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block

    def read(self, size: int = -1) -> bytes:
        return self._reader.read(size)

    def close(self) -> None:
        self._reader.close()


def _may_have_arrived(error: Any) -> bool:
    """Tell whether the request may have reached the server: surely not, if no connection came about."""
    import requests
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return False
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.exceptions.SSLError):
        # of all TLS errors only this one can come before the request and never after it
        return not isinstance(innermost(error), ssl.SSLCertVerificationError)
    return not isinstance(reason, NewConnectionError)
