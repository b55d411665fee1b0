"""What would hold up an event loop is found, wherever the package calls it; what does not is let pass."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine

from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.hooks.stopping import Pause
from airflow_provider_ittybit.triggers.reading import Readings

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE = "AIRFLOW_CONN_ITTYBIT_DEFAULT"


def sleep() -> None:
    time.sleep(0)


def connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def send_and_receive() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.sendall(b"a word")
        assert far.recv(6) == b"a word"


def receive_into() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.send(b"a line\n")
        assert far.makefile("rb").readline() == b"a line\n"


def request() -> None:
    import requests

    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:9", timeout=5)


def look_up() -> None:
    assert IttybitHook.get_connection("ittybit_default").password == "key"


def ask_the_database() -> None:
    create_engine("sqlite://").connect().close()


CALLS = {
    sleep: {"time.sleep"},
    connect: {"socket.getaddrinfo", "socket.connect"},
    send_and_receive: {"socket.sendall", "socket.recv"},
    receive_into: {"socket.send", "socket.recv_into"},
    request: {"Session.send", "socket.connect"},
    look_up: {"BaseHook.get_connection"},
    ask_the_database: {"Engine.connect"},
}


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ittybit://:key@")


async def in_the_package(call: Callable[[], Any]) -> None:
    """Call something where the package reads a connection, in a task of the running loop."""

    async def read(_: str) -> Any:
        call()

    await Readings(read).settings("ittybit_default")


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_that_waits_is_found_on_an_event_loop(call: Callable[[], None], held_up: list[str]) -> None:
    await in_the_package(call)
    found, held_up[:] = list(held_up), []
    assert CALLS[call] <= {line.partition(" ")[0] for line in found}
    assert all("called by airflow_provider_ittybit.triggers.reading, line " in line for line in found)


def test_it_is_found_on_the_loop_of_another_thread_and_without_a_task_of_the_test(held_up: list[str]) -> None:
    async def elsewhere() -> None:
        await asyncio.to_thread(asyncio.run, in_the_package(sleep))

    asyncio.run(elsewhere())
    found, held_up[:] = list(held_up), []
    assert len(found) == 1


async def test_it_is_found_in_what_a_coroutine_of_the_package_calls(held_up: list[str]) -> None:
    await in_the_package(lambda: IttybitHook().settings)
    found, held_up[:] = list(held_up), []
    assert len(found) == 1


async def test_it_is_found_in_a_callback_of_the_loop(held_up: list[str]) -> None:
    asyncio.get_running_loop().call_soon(Pause(), 0.001)
    await asyncio.sleep(0)
    found, held_up[:] = list(held_up), []
    assert ["called by airflow_provider_ittybit.hooks.stopping" in line for line in found] == [True]


@pytest.mark.parametrize("call", CALLS)
async def test_beside_the_loop_it_may_wait(call: Callable[[], None], held_up: list[str]) -> None:
    async def read(_: str) -> Any:
        await asyncio.to_thread(call)

    await Readings(read).settings("ittybit_default")
    assert held_up == []


@pytest.mark.parametrize("call", CALLS)
async def test_a_test_may_wait_itself(call: Callable[[], None], held_up: list[str]) -> None:
    call()
    assert IttybitHook().settings.api_key == "key"
    assert held_up == []


async def test_a_socket_that_does_not_wait_may_be_used(held_up: list[str]) -> None:
    def use() -> None:
        near, far = socket.socketpair()
        with near, far:
            near.settimeout(0)
            far.settimeout(0)
            near.sendall(b"a word")
            assert far.recv(6) == b"a word"

    await in_the_package(use)
    assert held_up == []


def test_without_a_loop_the_package_may_wait(held_up: list[str]) -> None:
    assert IttybitHook().settings.api_key == "key"
    assert held_up == []
