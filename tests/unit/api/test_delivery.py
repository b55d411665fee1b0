"""Bytes on their way to the project's own domain, as the requests they become and the answers they get."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.api import delivery
from airflow_provider_ittybit.api.forms import form_text
from airflow_provider_ittybit.api.generations import BY_NAME, GENERATIONS
from airflow_provider_ittybit.api.messages import Headers, Origin, Request, Response
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitInvalidRequestError,
    IttybitUnreadableAnswerError,
    IttybitUnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://you.ittybit.net/a.mp4?signature=hush"
MEDIA, ENVELOPED, FLAT, TASKS, JOBS = (
    BY_NAME[name] for name in ("media", "files-enveloped", "files-flat", "tasks", "jobs")
)
SIGN = Request("POST", "/signatures")
DATE = Headers([("Date", "Wed, 01 Jan 2025 00:00:10 GMT")])


def sent(call: Any) -> tuple[str, str, Any]:
    assert call.request.origin is Origin.API
    return call.request.method, call.request.path, call.request.json


@pytest.mark.parametrize("generation", [ENVELOPED, FLAT], ids=lambda row: row.name)
def test_a_signature_asks_for_what_is_given_and_nothing_else(generation: Any) -> None:
    assert sent(delivery.sign(generation, "a.mp4")) == ("POST", "/signatures", {"filename": "a.mp4", "method": "get"})
    assert sent(delivery.sign(generation, "a.mp4", folder="f", method="put", expiry=1735689600)) == (
        "POST",
        "/signatures",
        {"filename": "a.mp4", "folder": "f", "method": "put", "expiry": 1735689600},
    )


def test_a_signature_can_be_asked_for_with_more_than_the_reference_has_but_not_with_other_names() -> None:
    call = delivery.sign(FLAT, "a.mp4", method="put", more={"resumable": True, "filename": "b.mp4"})
    assert sent(call)[2] == {"filename": "a.mp4", "method": "put", "resumable": True}


def test_a_signature_made_here_is_that_of_the_published_code() -> None:
    key, expiry = "ittybit_key", 1_735_689_600
    made = delivery.sign_here("https://you.ittybit.net", key, "/talks/a%20b.mp4", method="put", expiry=expiry)
    digest = hmac.new(key.encode(), b"talks/a b.mp4?expiry=1735689600&method=put", hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    place = "https://you.ittybit.net/talks/a%20b.mp4"
    assert made.url == f"{place}?expiry=1735689600&method=put&signature={signature}"
    assert made.expires == expiry
    assert signature not in repr(made)


@pytest.mark.parametrize("method", ["GET", "post", "delete", "", "x"])
def test_a_signature_for_another_method_is_refused(method: str) -> None:
    with pytest.raises(IttybitInputError, match="it is get or put"):
        delivery.sign(FLAT, "a.mp4", method=method)


def test_a_signature_needs_a_filename() -> None:
    with pytest.raises(IttybitInputError, match="needs a filename"):
        delivery.sign(FLAT, "")


@pytest.mark.parametrize("generation", [MEDIA, TASKS, JOBS], ids=lambda row: row.name)
def test_signatures_are_refused_where_there_are_none(generation: Any) -> None:
    with pytest.raises(IttybitUnsupportedError, match=r"cannot create signatures. These can: files-env"):
        delivery.sign(generation, "a.mp4")


@pytest.mark.parametrize("name", ["signature_2025_01_01", "signature_2025_08_20"])
def test_a_signature_says_where_and_until_when(recorded: Callable[[str], Response], name: str) -> None:
    signature = delivery.read_signature(SIGN, recorded(f"resources/{name}"))
    assert signature.url.startswith("https://")
    assert signature.expires is not None
    assert signature.url not in repr(signature)


@pytest.mark.parametrize(
    ("expiry", "expires"),
    [("1735689600", 1735689600), ('"2025-01-01T00:00:00Z"', 1735689600), ("null", None), ('"soon"', None)],
)
def test_an_expiry_is_read_in_each_form_of_a_time(expiry: str, expires: float | None) -> None:
    body = f'{{"url": "{URL}", "expiry": {expiry}}}'.encode()
    found = delivery.read_signature(SIGN, Response(200, DATE, body))
    assert (found.url, found.expires, found.server_time) == (URL, expires, 1735689610)


@pytest.mark.parametrize("url", ["null", '""', "7", '"/a.mp4"', "[]"])
def test_a_signature_without_a_url_is_unreadable(url: str) -> None:
    with pytest.raises(IttybitUnreadableAnswerError, match="a signature with a url"):
        delivery.read_signature(SIGN, Response(200, Headers(), f'{{"url": {url}, "id": "x"}}'.encode()))


@pytest.mark.parametrize("date", ["", "yesterday", "0", "Wed, 99 Jan 2025 00:00:10 GMT"])
def test_a_clock_that_cannot_be_read_is_none(date: str) -> None:
    assert delivery.read_server_time(SIGN, Response(200, Headers([("Date", date)]))) is None
    assert delivery.read_server_time(SIGN, Response(200)) is None


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda row: row.name)
def test_the_clock_is_asked_for_by_one_small_read(generation: Any) -> None:
    call = delivery.ask_time(generation)
    assert (call.request.method, call.request.body, call.request.origin) == ("GET", None, Origin.API)
    assert call.read(call.request, Response(200, DATE, b"[]")) == 1735689610


def test_bytes_go_to_a_signed_url_as_it_is(recorded: Callable[[str], Response]) -> None:
    call = delivery.put(delivery.to_signed_url(URL, form_text({})))
    assert (call.request.method, call.request.path, call.request.origin) == ("PUT", URL, Origin.SIGNED)
    assert not call.request.repeatable
    for name in ("upload_answer_enveloped", "upload_answer_flat_with_malformed_time"):
        assert call.read(call.request, recorded(f"resources/{name}"))["id"] == "file_up"


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_chunk_says_which_bytes_it_holds(*, repeatable: bool) -> None:
    request = delivery.put_chunk(
        delivery.to_signed_url(URL, form_text({})), "bytes=0-9/100", repeatable=repeatable
    ).request
    assert request.headers == {"Content-Range": "bytes=0-9/100"}
    assert request.repeatable is repeatable
    assert (request.path, request.origin) == (URL, Origin.SIGNED)


def test_only_the_answer_to_the_chunk_that_completes_it_holds_the_file(recorded: Callable[[str], Response]) -> None:
    call = delivery.put_chunk(delivery.to_signed_url(URL, form_text({})), "bytes=0-9/100", repeatable=True)
    assert call.read(call.request, recorded("uploads/chunk_accepted")) is None
    assert call.read(call.request, Response(200)) is None
    file = call.read(call.request, recorded("uploads/last_chunk_with_the_file"))
    assert file is not None
    assert file["id"].startswith("file_")


@pytest.mark.parametrize("status", [200, 204, 308])
def test_the_status_that_awaits_more_chunks_can_be_another(status: int) -> None:
    request = delivery.to_signed_url(URL, form_text({}))
    call = delivery.put_chunk(request, "bytes=0-9/100", repeatable=True, accepted=status)
    assert call.read(call.request, Response(status, Headers(), b'{"message": "Received."}')) is None


def test_a_refused_chunk_is_an_error_in_ittybits_words() -> None:
    call = delivery.put_chunk(delivery.to_signed_url(URL, form_text({})), "bytes=0-9/100", repeatable=True)
    with pytest.raises(IttybitInvalidRequestError, match=r"No such range\.") as caught:
        call.read(call.request, Response(400, Headers(), b'{"message": "No such range."}'))
    assert "hush" not in str(caught.value)
    with pytest.raises(IttybitError):
        call.read(call.request, Response(503))


@pytest.mark.parametrize(
    ("folder", "filename", "path"),
    [
        (None, "a.mp4", "/a.mp4"),
        ("", "a.mp4", "/a.mp4"),
        ("examples/cartoons", "a.mp4", "/examples/cartoons/a.mp4"),
        ("/examples//cartoons/", "a.mp4", "/examples/cartoons/a.mp4"),
        ("ä b", "c?d#e%2f.mp4", "/%C3%A4%20b/c%3Fd%23e%252f.mp4"),
        (None, "a/../b.mp4", "/a%2F..%2Fb.mp4"),
        (None, "a..b", "/a..b"),
        (None, "\0\r\n.mp4", "/%00%0D%0A.mp4"),
    ],
)
def test_folder_and_filename_become_an_encoded_path(folder: str | None, filename: str, path: str) -> None:
    assert delivery.delivery_path(folder, filename) == path
    request = delivery.to_delivery_domain(path, form_text({}))
    assert (request.method, request.path, request.origin) == ("PUT", path, Origin.DELIVERY)


@pytest.mark.parametrize(
    ("folder", "filename"),
    [("..", "a"), ("x/../y", "a"), ("x/.", "a"), (None, ".."), (None, "."), ("x", ""), (None, ""), (None, "a\udcff")],
)
def test_a_path_that_would_lead_elsewhere_is_refused(folder: str | None, filename: str) -> None:
    with pytest.raises(IttybitInputError):
        delivery.delivery_path(folder, filename)
