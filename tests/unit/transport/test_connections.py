"""A worker's connections: a whole answer has its time, and a killed task does not wait for one."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import BlockingCarrier, Carriers, call, settings_for
from unit.transport.scripted_server import Mishap, Reply, Tunnel

from airflow_provider_ittybit.exceptions import IttybitStoppedError, IttybitTransportError
from airflow_provider_ittybit.transport.connections import Sockets, _TimedReader
from airflow_provider_ittybit.transport.receiving import PATIENCE

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
    with pytest.raises(IttybitStoppedError, match="while it waited for an answer"):
        carrier.send(call("POST"))
    thread.join()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that takes connections, but of which nobody says a word."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(8)
        yield one


@pytest.fixture
def full_listener() -> Iterator[socket.socket]:
    """A port at which so many wait already that no other connection comes about."""
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(socket.socket())
        one.bind(("127.0.0.1", 0))
        one.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(one.getsockname())
        yield one


COMING_ABOUT = {
    "TCP": ("full_listener", "http://{}", {}, 1, "was not sent"),
    "TLS": ("listener", "https://{}", {}, 2, "The task was killed"),
    "a proxy": ("listener", f"https://{HOST}", {"proxies": {"https": "http://{}"}}, 2, "was not sent"),
    "an encrypted proxy": ("listener", f"https://{HOST}", {"proxies": {"https": "https://{}"}}, 2, "was not sent"),
}


@pytest.mark.parametrize("stage", COMING_ABOUT)
def test_a_connection_that_is_only_coming_about_can_be_ended(
    stage: str, blocking: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, url, extra, steps, words = COMING_ABOUT[stage]
    host, port = request.getfixturevalue(name).getsockname()
    proxies = {scheme: text.format(f"{host}:{port}") for scheme, text in extra.get("proxies", {}).items()}
    carrier = blocking(url.format(f"{host}:{port}"), proxies=proxies)
    under_way, added = threading.Event(), []
    add = Sockets.add

    def noted(sockets: Sockets, connected: socket.socket) -> None:
        add(sockets, connected)
        added.append(id(connected))
        if len(added) == steps:
            under_way.set()

    monkeypatch.setattr(Sockets, "add", noted)

    def cut() -> None:
        under_way.wait(30)
        carrier.transport._sockets.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    with pytest.raises(IttybitStoppedError, match=words):
        carrier.send(call("POST", traces="something"))
    thread.join()
    assert len(added) == steps
    assert carrier.slept == []


def test_the_next_address_of_a_host_is_tried_if_one_refuses(
    serve: Serve, blocking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(Reply())
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        ports = [refusing.getsockname()[1], server.port]
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        assert blocking("http://localhost:80").send(call())["id"] == "file_1"


def test_a_connection_that_does_not_come_about_in_time_never_arrived(
    full_listener: socket.socket, carry: Carriers, patience: float
) -> None:
    host, port = full_listener.getsockname()
    with pytest.raises(IttybitTransportError, match="never arrived") as caught:
        carry(settings_for(f"http://{host}:{port}", timeout=0.1 * patience, max_retries=0)).send(call("POST"))
    assert not caught.value.may_have_arrived


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", f"{'a' * 70}.example"])
def test_a_host_that_has_no_address_never_arrived(host: str, blocking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(IttybitTransportError, match="never arrived"):
        blocking(f"https://{host}", max_retries=0).send(call("POST"))


def test_after_that_nothing_is_sent_any_more(serve: Serve, blocking: Any) -> None:
    server = serve(Reply())
    carrier = blocking(server.url)
    carrier.send(call())
    carrier.transport._sockets.cut()
    with pytest.raises(IttybitStoppedError, match="was not sent"):
        carrier.send(call())
    assert len(server.arrived) == 1


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_once_the_task_is_killed_nothing_begins_that_would_make_something(
    serve: Serve, blocking: Any, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("airflow_provider_ittybit.transport.blocking.GRACE", 600.0)
    server = serve(Reply())
    carrier = blocking(server.url)
    carrier.transport.interrupt()
    with pytest.raises(IttybitStoppedError, match="was not sent"):
        carrier.send(call(method))
    assert server.methods == []
    for harmless in ("GET", "PATCH", "DELETE"):
        carrier.send(call(harmless))
    assert server.methods == ["GET", "PATCH", "DELETE"]


def test_what_is_sent_after_a_slow_answer_has_all_its_time_again() -> None:
    server, client = socket.socketpair()
    with server, client:
        client.settimeout(60)
        reader = _TimedReader(client)
        reader._begun -= 60 * PATIENCE - 1  # most of its time is over
        server.sendall(b"x")
        assert reader.readinto(bytearray(1)) == 1
        assert (client.gettimeout() or 0) <= 1
        reader.close()
        assert client.gettimeout() == 60
        client.settimeout(30)
        reader.close()
        assert client.gettimeout() == 30, "the next answer is nothing to a reader that is closed"


def test_a_reader_can_be_closed_after_its_connection() -> None:
    server, client = socket.socketpair()
    with server, client:
        reader = _TimedReader(client)
        client.close()
        reader.close()
    assert reader.closed


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


def test_the_whole_answer_has_five_times_the_timeout(serve: Serve, carry: Carriers, patience: float) -> None:
    server = serve(Mishap.DRIP)
    with pytest.raises(IttybitTransportError, match=r"(?i)timeout") as caught:
        carry(settings_for(server.url, timeout=0.3 * patience)).send(call("POST"))
    assert caught.value.may_have_arrived
    assert server.methods == ["POST"]
