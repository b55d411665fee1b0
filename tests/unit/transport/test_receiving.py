"""Answers are collected within bounds, and what is packed in them is unpacked within the same."""

from __future__ import annotations

import dataclasses
import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from unit.transport.carriers import KEY, everything_about, settings_for

from airflow_provider_ittybit.api.decoding import read_resource
from airflow_provider_ittybit.api.failures import MOST_WORDS, SNIPPET
from airflow_provider_ittybit.api.messages import Headers, Request
from airflow_provider_ittybit.exceptions import IttybitServerError, IttybitUnreadableAnswerError
from airflow_provider_ittybit.transport.receiving import BLOCK, LARGEST, LARGEST_REFUSAL, SHORTEST_KEY, Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = b'{"id": "file_1", "title": "G\xc3\xa4nse"}' * 50
READ = Request("GET", "/files/file_1")
SETTINGS = settings_for("https://api.ittybit.com")
MAKE = Request("POST", "/files", traces="a file of that URL")


def blocks(content: bytes, size: int = BLOCK) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def receive(content: bytes, *, status: int = 200, size: int = BLOCK, **headers: str) -> Receiver:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    receiver = Receiver(status, Headers(named.items()), SETTINGS)
    for block in blocks(content, size):
        if not receiver.take(block):
            break
    return receiver


def bare(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


PACKED = {"gzip": gzip.compress(CONTENT), "x-gzip": gzip.compress(CONTENT), "deflate": zlib.compress(CONTENT)}


@pytest.mark.parametrize("size", [1, 7, BLOCK])
@pytest.mark.parametrize("encoding", [*PACKED, "GZIP", "identity", ""])
def test_what_was_packed_is_what_comes_out(encoding: str, size: int) -> None:
    content = PACKED.get(encoding.lower(), CONTENT)
    receiver = receive(content, size=size, Content_Encoding=encoding)
    assert receiver.response(READ).content == CONTENT


@pytest.mark.parametrize("size", [1, 2, 7, BLOCK])
def test_deflate_without_its_header_is_understood_too(size: int) -> None:
    assert receive(bare(CONTENT), size=size, Content_Encoding="deflate").response(READ).content == CONTENT


def test_one_byte_of_deflate_is_cut_off() -> None:
    with pytest.raises(IttybitUnreadableAnswerError, match="cut off"):
        receive(bare(CONTENT)[:1], Content_Encoding="deflate").response(READ)


def test_an_empty_answer_is_empty_however_it_says_to_be_packed() -> None:
    assert receive(b"", status=204, Content_Encoding="gzip").response(READ).content == b""


@pytest.mark.parametrize(
    "content",
    [CONTENT, PACKED["gzip"][:-20], PACKED["gzip"] + b"more", PACKED["gzip"] * 2],
    ids=["not packed", "cut off", "more behind it", "twice"],
)
@pytest.mark.parametrize("size", [1, 100, BLOCK])
def test_what_cannot_be_unpacked_is_no_answer(content: bytes, size: int) -> None:
    with pytest.raises(IttybitUnreadableAnswerError, match=r"cannot be unpacked|cut off"):
        receive(content, size=size, Content_Encoding="gzip").response(READ)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "x" * 500])
def test_an_encoding_that_was_not_asked_for_is_refused_unread(encoding: str) -> None:
    receiver = receive(PACKED["gzip"], Content_Encoding=encoding)
    assert not receiver.wants_more
    with pytest.raises(IttybitUnreadableAnswerError, match="not asked for") as caught:
        receiver.response(MAKE)
    assert "look for a file of that URL" in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_the_largest_answer_is_read_and_one_byte_more_is_not() -> None:
    assert len(receive(b" " * LARGEST, size=LARGEST).response(READ).content) == LARGEST
    receiver = receive(b" " * (LARGEST + 1), size=LARGEST)
    assert not receiver.wants_more
    with pytest.raises(IttybitUnreadableAnswerError, match="more than 50 MB"):
        receiver.response(READ)


def test_an_answer_that_says_to_be_too_large_is_not_read() -> None:
    receiver = receive(b" " * 10, Content_Length=str(LARGEST + 1))
    assert not receiver.wants_more
    with pytest.raises(IttybitUnreadableAnswerError, match="more than 50 MB"):
        receiver.response(READ)


@pytest.mark.parametrize("length", ["", "many", "-1", "9" * 400, "²"])
def test_a_length_that_says_nothing_does_not_matter_or_is_too_large(length: str) -> None:
    receiver = receive(CONTENT, Content_Length=length)
    assert receiver.wants_more == (not length.startswith("9"))


def test_what_unpacks_to_too_much_takes_no_more_memory_than_the_largest_answer() -> None:
    bomb = gzip.compress(b" " * (4 * LARGEST), compresslevel=1)
    tracemalloc.start()
    try:
        receiver = receive(bomb, size=len(bomb), Content_Encoding="gzip")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not receiver.wants_more
    assert most < 3 * LARGEST


@pytest.mark.parametrize("encoding", ["", "gzip", "br"])
def test_of_an_answer_that_means_no_the_beginning_is_enough(encoding: str) -> None:
    words = b'{"message": "No."}' + b" " * (2 * LARGEST_REFUSAL)
    content = gzip.compress(words) if encoding == "gzip" else words
    receiver = receive(content, status=503, Content_Encoding=encoding, Content_Length=str(10**12))
    assert not receiver.wants_more
    response = receiver.response(READ)
    assert response.status == 503
    assert len(response.content) <= LARGEST_REFUSAL + 1
    assert response.content.startswith(b'{"message": "No."}' if encoding != "br" else b"")


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_an_answer_that_repeats_the_key_is_read_without_it(encoding: str, status: int) -> None:
    content = f'{{"message": "{KEY} is none, not {KEY}"}}'.encode()
    sent = gzip.compress(content) if encoding else content
    response = receive(sent, status=status, size=7, Content_Encoding=encoding, X_Request_Id=f"req {KEY}").response(READ)
    assert response.content.decode() == '{"message": "… is none, not …"}'
    assert response.headers["x-request-id"] == "req …"


def test_a_key_that_may_be_a_word_of_the_answer_is_left_in() -> None:
    content = b'{"ittybit_key": "k", "list": "ittybit_keys"}'
    for key, read in (("ittybit_key", content), ("ittybit_keys", content.replace(b"ittybit_keys", "…".encode()))):
        assert (len(key) >= SHORTEST_KEY) == (read != content)
        receiver = Receiver(200, Headers({"a": key}.items()), dataclasses.replace(SETTINGS, api_key=key))
        receiver.take(content)
        response = receiver.response(READ)
        assert (response.content, response.headers["a"]) == (read, key if read == content else "…")


def test_no_piece_of_a_key_is_left_where_the_words_of_an_answer_are_cut() -> None:
    pieces = {KEY[start : start + 6] for start in range(len("ittybit_"), len(KEY) - 5)}
    for most in (SNIPPET, 4 * SNIPPET, MOST_WORDS):
        for padding in range(most - len(KEY) - 30, most + 1):
            words = "." * padding + KEY
            for content in (words, f'{{"message": "{words}", "kind": "{words}"}}'):
                response = receive(content.encode(), status=500, X_Request_Id=words, Content_Type=words).response(READ)
                with pytest.raises(IttybitServerError) as caught:
                    read_resource(READ, response)
                shown = everything_about(caught.value)
                assert not [piece for piece in pieces if piece in shown]
