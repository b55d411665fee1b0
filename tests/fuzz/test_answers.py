"""Whatever comes back, reading it gives a value or one of our errors, nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from fuzz.made_up import GOOD_RESPONSES, JSON, OBJECTS, RESPONSES, TEXT, check_json, is_plain, outcome
from hypothesis import example, given
from hypothesis import strategies as some

from airflow_provider_ittybit.api.decoding import (
    Page,
    read_anything,
    read_confirmation,
    read_page,
    read_resource,
)
from airflow_provider_ittybit.api.delivery import Signature, read_server_time, read_signature
from airflow_provider_ittybit.api.feeding import Thread, is_newest_first, newest_news
from airflow_provider_ittybit.api.generations import GENERATIONS, Generation
from airflow_provider_ittybit.api.messages import Headers, Origin, Request, Response
from airflow_provider_ittybit.api.processing import STATUSES, ProcessingState, read_processing
from airflow_provider_ittybit.api.products import input_of, preview_url, products, public_url
from airflow_provider_ittybit.api.settings import read_settings
from airflow_provider_ittybit.api.sweeping import parts_shown, read_listed
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.operators.uploading import without_signatures
from airflow_provider_ittybit.triggers.processing import error_of, read_event
from airflow_provider_ittybit.uploads.signatures import secrets_in, without_signed_inputs

REQUEST = Request("GET", "/files/file_1", query=(("limit", "2"),))
CONNECTION = read_settings("c", host=None, password="ittybit_key", extra={})
DEEPLY_WRONG = Response(400, content=b'{"error":' * 100 + b"1" + b"}" * 100)
"""An error so deep that it could be read, but not be written into the error's message."""
HALF_A_PAIR = Response(400, content=rb'{"message": "no \ud800 such \u0000 thing\r\n"}')
ODD_ENCODINGS = [
    Response(200, content='{"\ud800\u0100": "\udfff"}'.encode(name, "surrogatepass"))
    for name in ("utf-8", "utf-16", "utf-32-be")
]
"""Halves of surrogate pairs that no escape announces."""
NO_FLOAT = Response(200, content=b'{"id": "file_1", "duration": 1e999, "width": NaN, "note": "\\ud800"}')


@given(RESPONSES)
@example(DEEPLY_WRONG)
@example(HALF_A_PAIR)
@example(ODD_ENCODINGS[0])
@example(ODD_ENCODINGS[1])
@example(ODD_ENCODINGS[2])
@example(NO_FLOAT)
def test_any_answer_is_a_resource_or_our_error(response: Response) -> None:
    resource = outcome(lambda: read_resource(REQUEST, response))
    if not isinstance(resource, IttybitError):
        assert isinstance(resource, dict)
        assert resource
        assert 200 <= response.status < 300
        check_json(resource)


@given(RESPONSES)
@example(DEEPLY_WRONG)
@example(HALF_A_PAIR)
def test_any_answer_is_a_page_or_our_error(response: Response) -> None:
    page = outcome(lambda: read_page(REQUEST, response))
    if not isinstance(page, IttybitError):
        assert isinstance(page, Page)
        assert all(isinstance(item, dict) for item in page.items)
        assert all(isinstance(link, str) for link in page.links.values())
        assert 200 <= response.status < 300
        check_json(page.items)


@given(RESPONSES)
def test_any_answer_to_a_deletion_is_words_or_nothing_or_our_error(response: Response) -> None:
    words = outcome(lambda: read_confirmation(REQUEST, response))
    if not isinstance(words, IttybitError):
        assert words is None or isinstance(words, str)
        assert 200 <= response.status < 300


@given(RESPONSES)
def test_any_answer_to_a_wish_to_sign_is_a_url_or_our_error(response: Response) -> None:
    signature = outcome(lambda: read_signature(REQUEST, response))
    if not isinstance(signature, IttybitError):
        assert isinstance(signature, Signature)
        assert "://" in signature.url
        sent = outcome(lambda: prepare(Request("PUT", signature.url, Origin.SIGNED), CONNECTION))
        assert isinstance(sent, IttybitError) or "Authorization" not in sent.headers


@given(RESPONSES)
def test_any_answer_is_a_time_of_the_server_or_nothing(response: Response) -> None:
    seconds = outcome(lambda: read_server_time(REQUEST, response))
    assert seconds is None or isinstance(seconds, float)


@given(RESPONSES)
def test_an_error_status_is_never_a_value(response: Response) -> None:
    if 200 <= response.status < 300:
        return
    for read in (read_resource, read_page, read_confirmation, read_anything):
        error = outcome(lambda read=read: read(REQUEST, response))
        assert isinstance(error, IttybitError)
        assert error.status == response.status


@given(GOOD_RESPONSES, some.sampled_from(GENERATIONS), TEXT)
@example(NO_FLOAT, GENERATIONS[0], "")
def test_whatever_an_answer_holds_all_that_looks_into_it_comes_to_an_end(
    response: Response, generation: Generation, source: str
) -> None:
    body = outcome(lambda: read_anything(REQUEST, response))
    for value in body if isinstance(body, list) else [body]:
        if isinstance(value, dict):
            look_into(value, generation, source)


@given(OBJECTS, some.sampled_from(GENERATIONS), TEXT)
def test_whatever_a_resource_holds_all_that_looks_into_it_comes_to_an_end(
    resource: dict[str, Any], generation: Generation, source: str
) -> None:
    look_into(resource, generation, source)


def look_into(resource: dict[str, Any], generation: Generation, source: str) -> None:
    status = read_processing(resource)
    assert isinstance(status.state, ProcessingState)
    assert status.known or status.state is ProcessingState.PROCESSING
    assert status.progress is None or 0 <= status.progress <= 100
    assert status.error is None or status.state in (ProcessingState.FAILED, ProcessingState.CANCELLED)
    for words in (status.status, status.error):
        assert words is None or (is_plain(words) and len(words) < 3_000)
    assert isinstance(products(resource), list)
    for url in (public_url(resource), preview_url(resource)):
        assert url is None or ("?" not in url and "@" not in url.split("/")[2])
    outcome(lambda: input_of(generation, resource))
    assert read_listed(resource, parts_shown([resource])) in (None, status)
    assert set(without_signed_inputs(resource)) == set(without_signatures(resource, source)) == set(resource)
    assert all(isinstance(secret, str) for secret in secrets_in(resource))


@given(some.lists(OBJECTS, max_size=5))
@example([{}, {"id": ""}])
@example([{"id": 5}, {"id": "5"}])
def test_any_events_are_news_or_none(events: list[dict[str, Any]]) -> None:
    news = newest_news(events)
    assert len({one.resource_id for one in news}) == len(news)
    is_newest_first(events)
    thread = Thread()
    thread.take_up(events)
    newest = events[0].get("id") if events else None
    assert thread.unread(events) == (([], True) if newest and isinstance(newest, str) else (events, False))


@given(TEXT.filter(lambda word: word.strip().lower() not in STATUSES and word))
def test_no_unknown_word_is_success(word: str) -> None:
    status = read_processing({"id": "task_1", "status": word, "url": "https://x", "files": [{"status": "ready"}]})
    assert (status.state, status.known) == (ProcessingState.PROCESSING, False)


@given(JSON)
@example({"class": "IttybitNotFoundError", "message": 5, "self": 1, "args": "x", "__class__": "y", "to_json": "z"})
@example({"class": "Any", "message": None})
def test_anything_in_the_place_of_an_error_makes_an_error(fields: Any) -> None:
    error = IttybitError.from_json(fields)
    assert isinstance(str(error), str)
    assert isinstance(IttybitError.from_json(error.to_json()), type(error))


@given(
    JSON
    | some.fixed_dictionaries({"outcome": some.sampled_from(["final", "timeout", "error"]), "id": JSON, "error": JSON})
)
def test_any_event_of_a_trigger_is_ours_or_refused(event: Any) -> None:
    told = outcome_of_event(event)
    assert isinstance(told, IttybitError) or told["id"] == "file_1"


def outcome_of_event(event: Any) -> Any:
    try:
        told = read_event(event, "file_1")
    except IttybitError as error:
        return error
    assert isinstance(error_of(told), IttybitError)
    return told


BOMBS = {
    "one long word": b"a" * 5_000_000,
    "one long word in an error": b'{"message": "' + b"a" * 5_000_000 + b'"}',
    "many schemes": b'{"message": "' + b"://" * 500_000 + b'"}',
    "many questions": b'{"message": "' + b"a://b?" * 500_000 + b'"}',
    "many users": b'{"message": "' + b"://a@" * 500_000 + b'"}',
    "deep lists": b"[" * 2_000_000,
    "deep objects": b'{"a":' * 500_000,
    "deep and closed": b"[" * 500_000 + b"]" * 500_000,
    "wide": b"[" + b"[]," * 100_000 + b"[]]",
    "a long number": b'{"id": ' + b"1" * 1_000_000 + b"}",
    "a long fraction": b'{"id": 0.' + b"1" * 1_000_000 + b"e-5}",
    "many names": b"{" + b",".join(b'"a":1' for _ in range(300_000)) + b"}",
    "white space": b" " * 5_000_000,
    "many names of secrets": b'"_token' * 500_000,
    "a long key": b'{"error": {"' + b"x" * 5_000_000 + b'": 1}}',
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_large_hostile_answer_is_read_in_linear_time(content: bytes, status: int) -> None:
    import time

    began = time.thread_time()
    for read in (read_resource, read_page, read_signature):
        outcome(lambda read=read: read(REQUEST, Response(status, Headers(), content)))
    assert time.thread_time() - began < 10, "some step takes time by the square of the size"
