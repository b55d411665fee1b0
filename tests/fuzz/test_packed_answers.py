"""Whatever bytes come, packed or not: an answer or one of our errors, the same in whatever pieces they come."""

from __future__ import annotations

import gzip
import itertools
import zlib
from typing import TYPE_CHECKING

import pytest
from fuzz.made_up import TEXT, outcome
from hypothesis import example, given
from hypothesis import strategies as some

from airflow_provider_ittybit.api.messages import Headers, Request, Response
from airflow_provider_ittybit.api.settings import read_settings
from airflow_provider_ittybit.exceptions import IttybitError, IttybitUnreadableAnswerError
from airflow_provider_ittybit.transport import receiving
from airflow_provider_ittybit.transport.failures import HIDDEN
from airflow_provider_ittybit.transport.receiving import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = Request("GET", "/files/file_1")
CONNECTION = read_settings("c", host=None, password="ittybit_live_key", extra={})
LARGEST, LARGEST_REFUSAL = 1_000, 400
"""Bounds that made-up answers can come up to, in place of the real ones."""


def _bare(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


PACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, zlib.compress, _bare]
ENCODINGS = some.sampled_from(["", "identity", "gzip", "x-gzip", "GZip", "deflate", "br", "gzip, gzip"]) | TEXT
CONTENT = some.builds(
    lambda start, again: start * again, some.binary(max_size=60) | some.just(b"ittybit_live_key"), some.integers(1, 40)
)
PIECES = some.lists(some.integers(1, 50), min_size=1, max_size=10)
"""Sizes of what arrives at once, again and again."""


@some.composite
def bodies(draw: some.DrawFn) -> bytes:
    """Pack something; now and then cut it off, change a byte of it, or send more behind it."""
    body = draw(some.sampled_from(PACKERS))(draw(CONTENT))
    match draw(some.sampled_from(["whole", "whole", "cut off", "changed", "more"])):
        case "cut off":
            return body[: draw(some.integers(0, len(body)))]
        case "changed" if body:
            at = draw(some.integers(0, len(body) - 1))
            return body[:at] + draw(some.binary(min_size=1, max_size=1)) + body[at + 1 :]
        case "more":
            return body + draw(some.binary(min_size=1, max_size=4) | some.just(body))
        case _:
            return body


@pytest.fixture(autouse=True)
def _low_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "LARGEST", LARGEST)
    monkeypatch.setattr(receiving, "LARGEST_REFUSAL", LARGEST_REFUSAL)


def received(body: bytes, pieces: list[int], status: int, encoding: str) -> Response | IttybitError:
    """Hand a body over in pieces, for as long as more is wanted."""
    receiver = Receiver(status, Headers([("Content-Encoding", encoding)]), CONNECTION)
    at, sizes = 0, itertools.cycle(pieces)
    while at < len(body) and receiver.wants_more:
        size = next(sizes)
        receiver.take(body[at : at + size])
        at += size
    found: Response | IttybitError = outcome(lambda: receiver.response(REQUEST))
    return found


@given(bodies() | some.binary(max_size=80), ENCODINGS, PIECES)
@example(_bare(b"content"), "deflate", [1])
@example(gzip.compress(b"content") * 2, "gzip", [len(gzip.compress(b"content"))])
@example(zlib.compress(b"a" * LARGEST), "deflate", [1])
@example(zlib.compress(b"a" * (LARGEST + 1)), "deflate", [1])
def test_any_body_in_any_pieces_is_the_same_answer_or_unreadable(body: bytes, encoding: str, pieces: list[int]) -> None:
    whole = received(body, [len(body) or 1], 200, encoding)
    again = received(body, pieces, 200, encoding)
    assert isinstance(whole, Response | IttybitUnreadableAnswerError)
    assert type(again) is type(whole)
    if isinstance(whole, Response) and isinstance(again, Response):
        assert again.content == whole.content
        assert len(whole.content) <= LARGEST
        assert CONNECTION.api_key.encode() not in whole.content


@given(bodies() | some.binary(max_size=80), ENCODINGS, PIECES)
@example(gzip.compress(b"a" * LARGEST), "gzip", [3])
def test_any_body_that_means_no_is_an_answer_that_begins_as_it_should(
    body: bytes, encoding: str, pieces: list[int]
) -> None:
    read = received(body, [len(body) or 1], 200, encoding)
    refusal = received(body, pieces, 503, encoding)
    assert isinstance(refusal, Response)
    assert len(refusal.content) <= LARGEST_REFUSAL + 1
    if isinstance(read, Response) and HIDDEN.encode() not in read.content:  # the cut may go through a key
        assert refusal.content == read.content[: LARGEST_REFUSAL + 1]
