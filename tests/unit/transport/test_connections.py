"""A worker's connections: a whole answer has its time, and a killed task does not wait for one."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import BlockingCarrier, Carriers, call, settings_for
from unit.transport.scripted_server import Mishap, Reply, Tunnel

from airflow_provider_ittybit.exceptions import IttybitStoppedError, IttybitTransportError
from airflow_provider_ittybit.transport.connections import Sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

Serve = Any
HOST = "api.ittybit.test"


@pytest.fixture
def blocking() -> Iterator[Any]:
    """Make a blocking transport."""
    made: list[BlockingCarrier] = []

    def make(url: str, **extra: Any) -> BlockingCarrier:
        made.append(BlockingCarrier(settings_for(url, timeout=60, **extra), lambda: None))
        return made[-1]

    yield make
    for carrier in made:
        carrier.close()


def cut_as_soon_as(server: Any, carrier: BlockingCarrier) -> threading.Thread:
    """Have another thread end the request that a server has read."""

    def cut() -> None:
        server.heard.wait(30)
        carrier.transport._sockets.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    return thread


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_waits_for_its_answer_can_be_ended(
    serve: Serve, blocking: Any, authority: Any, *, method: str, tls: bool
) -> None:
    server = serve(Mishap.SILENCE, tls=authority.server_for("127.0.0.1") if tls else None)
    carrier = blocking(server.url, ca_bundle=str(authority.ca_file))
    thread = cut_as_soon_as(server, carrier)
    with pytest.raises(IttybitStoppedError, match="while it waited for an answer") as caught:
        carrier.send(call(method, traces="something"))
    thread.join()
    assert server.methods == [method]
    assert carrier.slept == []
    assert ("look for something" in str(caught.value)) == (method == "POST")


def test_a_request_behind_a_proxy_can_be_ended_too(serve: Serve, blocking: Any, authority: Any) -> None:
    server = serve(Mishap.SILENCE, tls=authority.server_for(HOST))
    proxy = serve(Tunnel(server.port))
    carrier = blocking(f"https://{HOST}", ca_bundle=str(authority.ca_file), proxies={"https": proxy.url})
    thread = cut_as_soon_as(server, carrier)
    with pytest.raises(IttybitStoppedError):
        carrier.send(call())
    thread.join()


def test_after_that_nothing_is_sent_any_more(serve: Serve, blocking: Any) -> None:
    server = serve(Reply())
    carrier = blocking(server.url)
    carrier.send(call())
    carrier.transport._sockets.cut()
    with pytest.raises(IttybitStoppedError, match="was not sent"):
        carrier.send(call())
    assert len(server.arrived) == 1


def test_a_connection_that_comes_about_while_all_are_cut_is_refused() -> None:
    sockets = Sockets()
    sockets.cut()
    with socket.socket() as late, pytest.raises(ConnectionAbortedError):
        sockets.add(late)


def test_connections_that_nobody_uses_are_forgotten() -> None:
    sockets = Sockets()
    for _ in range(20):
        with socket.socket() as one:
            sockets.add(one)
    del one
    with socket.socket() as last:
        sockets.add(last)
        assert len(sockets._open) == 1


def test_the_whole_answer_has_five_times_the_timeout(serve: Serve, carry: Carriers) -> None:
    server = serve(Mishap.DRIP)
    with pytest.raises(IttybitTransportError, match=r"(?i)timeout") as caught:
        carry(settings_for(server.url, timeout=0.3)).send(call("POST"))
    assert caught.value.may_have_arrived
    assert server.methods == ["POST"]
