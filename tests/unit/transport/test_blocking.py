"""What a worker's transport does besides: it streams, serves several threads, and keeps connections."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from unit.transport.carriers import KEY, BlockingCarrier, Carriers, call, settings_for
from unit.transport.scripted_server import Mishap, Reply, no

from airflow_provider_ittybit.api.calls import list_resources
from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInvalidRequestError,
    IttybitSourceError,
    IttybitSourceNotFoundError,
    surely_not_done,
)
from airflow_provider_ittybit.transport.blocking import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Serve = Any
MIB = 1024 * 1024
SIZES = [1, MIB - 1, MIB, MIB + 1, 5 * MIB + 3]


class Watched(io.BytesIO):
    """A reader that remembers how it was used."""

    def __init__(self, content: bytes, asked: list[int]) -> None:
        super().__init__(content)
        self._asked = asked

    def read(self, size: int | None = -1, /) -> bytes:
        self._asked.append(-1 if size is None else size)
        return super().read(size)


@dataclass
class Body:
    """A body to stream, which remembers each reader."""

    content: bytes
    content_type: str = "video/mp4"
    readers: list[BinaryIO] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    @property
    def length(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        self.readers.append(Watched(self.content, self.asked))
        return self.readers[-1]


@pytest.fixture
def blocking() -> Iterator[Callable[..., BlockingCarrier]]:
    """Make a blocking transport for a URL."""
    made: list[BlockingCarrier] = []

    def make(url: str, on_pause: Callable[[], None] = lambda: None, **extra: Any) -> BlockingCarrier:
        made.append(BlockingCarrier(settings_for(url, **extra), on_pause))
        return made[-1]

    yield make
    for carrier in made:
        carrier.close()


Blocking = Any


def some_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - any bytes will do


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_streamed_body_arrives_byte_for_byte_with_its_length(
    serve: Serve, blocking: Blocking, method: str, size: int
) -> None:
    server, body = serve(), Body(some_bytes(size))
    blocking(server.url).send(call(method, body=body))
    [request] = server.arrived
    assert request.body == body.content
    assert request.headers["content-length"] == str(size)
    assert request.headers["content-type"] == "video/mp4"
    assert "transfer-encoding" not in request.headers


def test_a_streamed_body_is_read_in_blocks_and_never_whole(serve: Serve, blocking: Blocking) -> None:
    server, body = serve(), Body(some_bytes(5 * MIB))
    blocking(server.url).send(call("PUT", body=body))
    assert set(body.asked) == {BLOCK}


def test_the_bytes_begin_anew_when_a_body_is_sent_again(serve: Serve, blocking: Blocking) -> None:
    server, body = serve(no(429), no(429), Reply()), Body(some_bytes(2 * MIB + 1))
    blocking(server.url).send(call("PUT", body=body))
    assert [request.body == body.content for request in server.arrived] == [True] * 3
    assert len(body.readers) == 3


@pytest.mark.parametrize("step", [Reply(), no(413), no(500), Mishap.RESET, Mishap.HANG_UP])
def test_the_reader_of_a_body_is_closed_however_it_ends(serve: Serve, blocking: Blocking, step: Any) -> None:
    server, body = serve(step), Body(some_bytes(1000))
    with contextlib.suppress(IttybitError):
        blocking(server.url).send(call("PUT", body=body))
    assert [reader.closed for reader in body.readers] == [True]


def test_a_refusal_that_comes_before_the_whole_body_is_read(serve: Serve, blocking: Blocking) -> None:
    refusal = Reply(413, b'{"message": "Request Entity Too Large"}', reads_body=False)
    server, body = serve(refusal), Body(some_bytes(3 * MIB))
    with pytest.raises(IttybitInvalidRequestError, match="Request Entity Too Large"):
        blocking(server.url).send(call("PUT", body=body))


@pytest.mark.parametrize("kind", [IttybitSourceError, IttybitSourceNotFoundError], ids=["plain", "an OSError as well"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_error_of_the_source_comes_out_as_it_is_and_leaves_no_whole_request(
    serve: Serve, blocking: Blocking, method: str, kind: type[IttybitError]
) -> None:
    class Failing(Watched):
        def read(self, size: int | None = -1, /) -> bytes:
            if len(self._asked) == 2:
                message = "the file changed"
                raise kind(message)
            return super().read(size)

    class FailingBody(Body):
        def open(self) -> BinaryIO:
            self.readers.append(Failing(self.content, self.asked))
            return self.readers[-1]

    server, body = serve(), FailingBody(some_bytes(4 * MIB))
    carrier = blocking(server.url)
    with pytest.raises(kind, match="the file changed") as caught:
        carrier.send(call(method, body=body))
    assert surely_not_done(caught.value)
    carrier.send(call())
    assert server.methods == ["GET"]
    assert carrier.slept == []


def test_connections_are_kept_for_the_next_call(serve: Serve, blocking: Blocking) -> None:
    server = serve()
    carrier = blocking(server.url)
    for _ in range(5):
        carrier.send(call())
    assert server.connections == 1


def test_closing_twice_does_nothing_and_a_later_call_opens_a_new_connection(serve: Serve, blocking: Blocking) -> None:
    server = serve()
    carrier = blocking(server.url)
    carrier.close()
    carrier.send(call())
    carrier.close()
    carrier.close()
    carrier.send(call())
    assert server.connections == 2


def test_several_threads_may_share_it(serve: Serve, blocking: Blocking) -> None:
    server = serve()
    carrier = blocking(server.url)
    together = threading.Barrier(8, timeout=10)

    def ask(number: int) -> Any:
        together.wait()
        return carrier.send(call(path=f"/files/file_{number}"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert [answer["id"] for answer in answers] == ["file_1"] * 8
    assert {request.target for request in server.arrived} == {f"/files/file_{number}" for number in range(8)}
    assert {request.headers["authorization"] for request in server.arrived} == {f"Bearer {KEY}"}


def test_what_a_server_asks_to_remember_is_no_part_of_the_next_request(serve: Serve, carry: Carriers) -> None:
    server = serve(Reply(headers={"Set-Cookie": "session=abc; Path=/"}))
    carrier = carry(settings_for(server.url.replace("127.0.0.1", "localhost")))
    carrier.send(call())
    carrier.send(call())
    assert all("cookie" not in request.headers for request in server.arrived)


def test_a_compressed_answer_is_read(serve: Serve, carry: Carriers) -> None:
    packed = gzip.compress(b'{"id": "file_9", "object": "source"}')
    server = serve(Reply(200, packed, {"Content-Encoding": "gzip"}))
    assert carry(settings_for(server.url)).send(call())["id"] == "file_9"


def test_headers_that_come_twice_are_joined(serve: Serve, carry: Carriers) -> None:
    links = (("Link", '</files?after=1>; rel="next"'), ("Link", '</files>; rel="first"'), ("Has-More", "true"))
    server = serve(Reply(200, b'[{"id": "file_1"}]', repeated=links))
    page = carry(settings_for(server.url)).send(list_resources(BY_NAME["files-flat"]))
    assert page.links == {"next": "/files?after=1", "first": "/files"}
    assert page.has_more is True


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/files/a%2Fb%20c", (), "/files/a%2Fb%20c"),
        ("/files/%C3%A4", (), "/files/%C3%A4"),
        ("/files", (("after", "x&y=z"), ("kind", "ä b+c")), "/files?after=x%26y%3Dz&kind=%C3%A4%20b%2Bc"),
    ],
)
def test_a_url_arrives_as_it_was_encoded(
    serve: Serve, carry: Carriers, path: str, query: tuple[tuple[str, str], ...], target: str
) -> None:
    server = serve()
    carry(settings_for(f"{server.url}/base")).send(call(path=path, query=query))
    assert server.arrived[0].target == f"/base{target}"


@pytest.mark.parametrize(
    ("version", "name", "value"),
    [
        ("media", "ittybit-version", "2024-01-17"),
        ("2025-01-01", "accept-version", "2025-01-01"),
        ("files-flat", "accept-version", "2025-08-20"),
        ("2025-11-10", "accept-version", "2025-11-10"),
    ],
)
def test_the_version_of_the_pin_goes_along(serve: Serve, carry: Carriers, version: str, name: str, value: str) -> None:
    server = serve()
    carry(settings_for(server.url, api_version=version)).send(call())
    headers = server.arrived[0].headers
    assert headers[name] == value
    assert {"ittybit-version", "accept-version"} & set(headers) == {name}


@pytest.mark.parametrize("version", ["latest", "jobs"])
def test_a_pin_without_a_version_value_sends_no_version(serve: Serve, carry: Carriers, version: str) -> None:
    server = serve()
    carry(settings_for(server.url, api_version=version)).send(call())
    assert not {"ittybit-version", "accept-version"} & set(server.arrived[0].headers)


def test_json_goes_out_as_utf_8_with_its_type_and_length(serve: Serve, carry: Carriers) -> None:
    server = serve()
    carry(settings_for(server.url)).send(call("POST", json={"title": "Gänse 🪿"}))
    [request] = server.arrived
    assert request.body == '{"title": "Gänse 🪿"}'.encode()
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.headers["content-length"] == str(len(request.body))
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("airflow-provider-ittybit/")
