"""The sockets and the HTTP server: three ports on 127.0.0.1, one application behind them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from airflow_provider_ittybit.emulator.service import Addresses

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_ittybit.emulator.app import Emulator

HOST = "127.0.0.1"
ROLES = ("api", "uploads", "delivery")
BACKLOG = 2048


class Sockets:
    """Three listening sockets, bound at once so that their ports are known before anything else.

    :param ports: the ports of api, uploads and delivery; 0 is a free one.
    :raises OSError: when a port is taken.
    """

    def __init__(self, ports: Sequence[int] = (0, 0, 0)) -> None:
        self.all: list[socket.socket] = []
        try:
            for port in ports:
                self.all.append(_listening(port))
        except OSError:
            self.close()
            raise

    @property
    def roles(self) -> Mapping[int, str]:
        """The role of each port."""
        return {sock.getsockname()[1]: role for sock, role in zip(self.all, ROLES, strict=True)}

    @property
    def addresses(self) -> Addresses:
        """The three origins."""
        return Addresses(*(f"http://{HOST}:{port}" for port in self.roles))

    def close(self) -> None:
        """Close all of them."""
        for sock in self.all:
            sock.close()


class Server(uvicorn.Server):
    """A server that tells when it accepts, and that leaves the signals to its owner."""

    def __init__(self, app: Emulator, on_started: Callable[[], None], log_level: str = "warning") -> None:
        config = uvicorn.Config(
            app,
            http=_connection_class(),
            lifespan="off",
            ws="none",
            log_level=log_level,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # it is computed once a second: a clock that a test sets back would still show in it
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept, then tell."""
        await super().startup(sockets)
        self._on_started()


def _listening(port: int) -> socket.socket:
    # asyncio sends small pieces at once (TCP_NODELAY) only if the protocol is named; else each answer takes 40 ms
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _connection_class() -> type[asyncio.Protocol]:
    base: Any = AutoHTTPProtocol

    class Connection(base):  # type: ignore[misc]  # which class it extends depends on what is installed
        """One connection; it hands its transport to the application, which may have to drop it."""

        app_state: dict[str, Any]

        def connection_made(self, transport: asyncio.Transport) -> None:
            self.app_state = {**self.app_state, "transport": transport}
            super().connection_made(transport)

    return Connection
