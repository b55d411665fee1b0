"""What the triggerer's transport does besides: many calls at once over few connections, and clean ends."""

from __future__ import annotations

import asyncio
import io
from typing import Any, BinaryIO

import pytest
from unit.transport.carriers import KEY, call, settings_for
from unit.transport.scripted_server import Mishap, Reply, no

from airflow_provider_ittybit.api.forms import form_text
from airflow_provider_ittybit.exceptions import IttybitRateLimitError, IttybitTransportError
from airflow_provider_ittybit.transport.asynchronous import LONG_PAUSE, AsyncTransport
from airflow_provider_ittybit.transport.shared_line import SharedLine

Serve = Any
NOW = 1_760_000_000.0


async def no_pause(_: float) -> None:
    """Do not wait between attempts."""


async def test_many_calls_at_once_all_get_their_answer(serve: Serve) -> None:
    server = serve()
    async with AsyncTransport(settings_for(server.url)) as transport:
        answers = await asyncio.gather(*(transport.send(call(path=f"/files/file_{n}")) for n in range(40)))
    assert len(answers) == 40
    assert {request.target for request in server.arrived} == {f"/files/file_{n}" for n in range(40)}
    assert server.connections <= 32
    assert {request.headers["authorization"] for request in server.arrived} == {f"Bearer {KEY}"}


async def test_first_calls_at_once_over_tls_open_one_session(serve: Serve, authority: Any) -> None:
    server = serve(tls=authority.server_for("127.0.0.1"))
    settings = settings_for(server.url, ca_bundle=str(authority.ca_file))
    async with AsyncTransport(settings) as transport:
        await asyncio.gather(*(transport.send(call()) for _ in range(5)))
        before = server.connections
        await asyncio.gather(*(transport.send(call()) for _ in range(before)))
        assert server.connections == before


async def test_connections_are_kept_for_the_next_call(serve: Serve) -> None:
    server = serve()
    async with AsyncTransport(settings_for(server.url)) as transport:
        for _ in range(5):
            await transport.send(call())
    assert server.connections == 1


async def test_a_later_call_after_closing_opens_a_new_connection(serve: Serve) -> None:
    server = serve()
    transport = AsyncTransport(settings_for(server.url))
    await transport.close()
    await transport.send(call())
    await transport.close()
    await transport.send(call())
    await transport.close()
    await transport.close()
    assert server.connections == 2


async def test_leaving_the_block_closes_the_connections_after_an_error_too(serve: Serve) -> None:
    server = serve(Mishap.RESET)
    transport = AsyncTransport(settings_for(server.url, max_retries=0))
    with pytest.raises(IttybitTransportError):
        async with transport:
            await transport.send(call())
    assert transport._session is None


async def test_a_body_to_stream_is_refused_before_anything_is_sent(serve: Serve) -> None:
    class Streamed:
        length = 3
        content_type = "video/mp4"

        def open(self) -> BinaryIO:
            return io.BytesIO(b"abc")

    server = serve()
    async with AsyncTransport(settings_for(server.url)) as transport:
        with pytest.raises(TypeError, match="only the blocking transport"):
            await transport.send(call("PUT", body=Streamed()))
        with pytest.raises(TypeError, match="only the blocking transport"):
            await transport.send(call("POST", body=form_text({"url": "https://a.example/a.mp4"})))
    assert server.connections == 0


async def test_a_call_that_is_cancelled_ends_and_is_not_sent_again(serve: Serve) -> None:
    server = serve(Mishap.SILENCE)
    async with AsyncTransport(settings_for(server.url), sleep=no_pause) as transport:
        waiting = asyncio.ensure_future(transport.send(call()))
        await asyncio.to_thread(server.heard.wait, 10)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert len(server.arrived) == 1


async def test_a_pause_of_one_call_does_not_hold_up_another(serve: Serve) -> None:
    server = serve(no(503), Reply())
    in_pause, may_go_on = asyncio.Event(), asyncio.Event()

    async def pause(_: float) -> None:
        in_pause.set()
        await may_go_on.wait()

    async with AsyncTransport(settings_for(server.url), sleep=pause) as transport:
        held_up = asyncio.ensure_future(transport.send(call(path="/files/file_1")))
        await in_pause.wait()
        assert (await transport.send(call(path="/files/file_2")))["id"] == "file_1"
        assert not held_up.done()
        may_go_on.set()
        assert (await held_up)["id"] == "file_1"


async def test_cancelling_during_a_pause_sends_nothing_more(serve: Serve) -> None:
    server = serve(no(503), Reply())
    in_pause = asyncio.Event()

    async def pause(_: float) -> None:
        in_pause.set()
        await asyncio.Event().wait()

    async with AsyncTransport(settings_for(server.url), sleep=pause) as transport:
        waiting = asyncio.ensure_future(transport.send(call()))
        await in_pause.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert len(server.arrived) == 1


class Turnstile:
    """A gate that closes after so many."""

    def __init__(self, most: int) -> None:
        self.left = most

    def admit(self) -> None:
        if not self.left:
            message = "Closed."
            raise IttybitRateLimitError(message)
        self.left -= 1


async def test_behind_a_gate_a_429_is_not_sent_again(serve: Serve) -> None:
    server = serve(no(429, Retry_After="3"), Reply())
    async with AsyncTransport(settings_for(server.url), sleep=no_pause, gate=Turnstile(9)) as transport:
        with pytest.raises(IttybitRateLimitError) as caught:
            await transport.send(call())
    assert (caught.value.status, caught.value.retry_after) == (429, 3.0)
    assert len(server.arrived) == 1


async def test_a_gate_is_asked_before_each_attempt_and_nothing_is_sent_once_it_is_closed(serve: Serve) -> None:
    server = serve(no(503))
    async with AsyncTransport(settings_for(server.url), sleep=no_pause, gate=Turnstile(2)) as transport:
        with pytest.raises(IttybitRateLimitError, match="Closed"):
            await transport.send(call())
    assert len(server.arrived) == 2


async def test_it_tells_when_a_request_has_waited_for_its_turn_and_goes_out(serve: Serve) -> None:
    settings = settings_for(serve().url)
    seen: list[object] = []

    async def pause(seconds: float) -> None:
        seen.append(seconds)

    SharedLine(settings, clock=lambda: NOW).turn().refused(2)
    async with AsyncTransport(settings, sleep=pause, clock=lambda: NOW) as transport:
        await transport.send(call(), lambda: seen.append("goes"))
    assert seen == [1.0, 1.0, "goes"]


@pytest.mark.parametrize(
    ("pause", "admitted", "reason", "shut_for"),
    [(2, 1, "Closed", 2), (2, 9, "Slow down", 4), (LONG_PAUSE + 1, 9, "asked others", LONG_PAUSE + 1)],
    ids=["the gate closed while it waited", "refused by ittybit", "a long pause that others learned of"],
)
async def test_what_a_gate_holds_back_leaves_its_place_to_the_next_request(
    serve: Serve, pause: float, admitted: int, reason: str, shut_for: float
) -> None:
    server = serve(*[no(429, "Slow down.", Retry_After="2")] * (reason == "Slow down"), Reply())
    settings, now, slept = settings_for(server.url), [NOW], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    line = SharedLine(settings, clock=lambda: now[0])
    line.turn().refused(pause)
    gate = Turnstile(admitted)
    async with AsyncTransport(settings, sleep=sleep, gate=gate, clock=lambda: now[0]) as transport:
        with pytest.raises(IttybitRateLimitError, match=reason):
            await transport.send(call())
        worker = line.turn()
        assert worker.pause() > 0
        now[0] += shut_for
        gate.left = 9
        assert worker.pause() > 0
        slept.clear()
        await transport.send(call())
    assert slept == []
