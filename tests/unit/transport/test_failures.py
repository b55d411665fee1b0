"""Errors of requests that got no answer, or one that is none: what they say, and what they must never show."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import KEY, Carriers, call, everything_about, settings_for
from unit.transport.scripted_server import Mishap, Reply, no

from airflow_provider_ittybit.api.messages import Origin, Request
from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitError,
    IttybitInputError,
    IttybitTransportError,
    IttybitUnreadableAnswerError,
)
from airflow_provider_ittybit.transport.failures import no_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unit.transport.certificates import Authority

Serve = Any
SIGNATURE = "c2lnbmF0dXJl"
STEPS = [
    *(pytest.param(mishap, id=mishap.name) for mishap in Mishap),
    *(pytest.param(no(status), id=str(status)) for status in (401, 404, 500)),
    pytest.param(Reply(302), id="302"),
    pytest.param(Reply(200, b"<html>"), id="a web page"),
    pytest.param(Reply(200, b"\xff\xfe"), id="no text"),
]


def signed(server: Any) -> Any:
    """Make a call by a signed URL."""
    url = f"{server.url}/talks/a.mp4?expiry=1999999999&method=put&signature={SIGNATURE}"
    return call("PUT", url, origin=Origin.SIGNED)


@pytest.mark.parametrize("step", STEPS)
def test_no_error_and_no_log_shows_the_key(
    serve: Serve, carry: Carriers, step: Any, caplog: pytest.LogCaptureFixture, patience: float
) -> None:
    server = serve(step)
    with caplog.at_level(logging.DEBUG), pytest.raises(IttybitError) as caught:
        carry(settings_for(server.url, timeout=0.2 * patience, max_retries=1)).send(call(query=(("limit", "1"),)))
    assert server.arrived[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in everything_about(caught.value)
    assert KEY not in caplog.text


@pytest.mark.parametrize("step", STEPS)
def test_no_error_and_no_log_shows_a_signature(
    serve: Serve, carry: Carriers, step: Any, caplog: pytest.LogCaptureFixture, patience: float
) -> None:
    server = serve(step)
    with caplog.at_level(logging.INFO), pytest.raises(IttybitError) as caught:
        carry(settings_for(server.url, timeout=0.2 * patience)).send(signed(server))
    assert SIGNATURE in server.arrived[0].target
    assert SIGNATURE not in everything_about(caught.value)
    assert SIGNATURE not in caplog.text
    assert caught.value.path == "/talks/a.mp4"


@pytest.mark.parametrize("mishap", Mishap)
def test_the_error_of_the_http_library_does_not_hang_on_ours(
    serve: Serve, carry: Carriers, mishap: Mishap, patience: float
) -> None:
    server = serve(mishap)
    with pytest.raises(IttybitTransportError) as caught:
        carry(settings_for(server.url, timeout=0.2 * patience, max_retries=0)).send(call())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("mishap", Mishap)
def test_the_error_says_in_one_line_what_happened_to_what(
    serve: Serve, carry: Carriers, mishap: Mishap, patience: float
) -> None:
    server = serve(mishap)
    with pytest.raises(IttybitTransportError) as caught:
        carry(settings_for(server.url, timeout=0.2 * patience)).send(call("POST", "/tasks"))
    error = caught.value
    assert str(error).startswith("ittybit gave no answer to POST /tasks: ")
    assert str(error).isprintable()
    assert "before sending it again" in str(error)
    assert (error.method, error.path, error.status) == ("POST", "/tasks", None)


@pytest.mark.parametrize("mishap", Mishap)
def test_a_read_without_an_answer_may_be_tried_again(
    serve: Serve, carry: Carriers, mishap: Mishap, patience: float
) -> None:
    server = serve(mishap)
    with pytest.raises(IttybitTransportError, match="A retry does no harm"):
        carry(settings_for(server.url, timeout=0.2 * patience, max_retries=0)).send(call())


def test_a_silent_server_is_given_up_after_the_timeout(serve: Serve, carry: Carriers, patience: float) -> None:
    server = serve(Mishap.SILENCE)
    with pytest.raises(IttybitTransportError, match=r"(?i)time") as caught:
        carry(settings_for(server.url, timeout=0.15 * patience)).send(call("POST"))
    assert caught.value.may_have_arrived
    assert server.methods == ["POST"]


def test_a_silent_server_is_asked_again_for_a_read(serve: Serve, carry: Carriers, patience: float) -> None:
    server = serve(Mishap.SILENCE, Reply())
    assert carry(settings_for(server.url, timeout=0.15 * patience)).send(call())["id"] == "file_1"
    assert server.methods == ["GET", "GET"]


@pytest.fixture
def full_queue() -> Iterator[str]:
    """A port whose queue of new connections is full, so that no further one comes about."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for other in (first, second):
            other.settimeout(0)
            other.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_connection_that_does_not_come_about_in_time_surely_delivered_nothing(
    full_queue: str, carry: Carriers, patience: float
) -> None:
    carrier = carry(settings_for(full_queue, timeout=0.15 * patience, max_retries=1))
    with pytest.raises(IttybitTransportError, match="never arrived") as caught:
        carrier.send(call("POST"))
    assert not caught.value.may_have_arrived
    assert len(carrier.slept) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    serve: Serve, carry: Carriers, method: str, status: int
) -> None:
    elsewhere = serve()
    server = serve(Reply(status, b"", {"Location": f"{elsewhere.url}/files"}))
    with pytest.raises(IttybitUnreadableAnswerError, match="redirect was not followed") as caught:
        carry(settings_for(server.url)).send(call(method))
    assert caught.value.status == status
    assert server.methods == [method]
    assert elsewhere.connections == 0


def test_a_redirect_to_the_same_server_is_not_followed_either(serve: Serve, carry: Carriers) -> None:
    server = serve(Reply(302, b"", {"Location": "/files/file_2"}), Reply())
    with pytest.raises(IttybitUnreadableAnswerError):
        carry(settings_for(server.url)).send(call())
    assert len(server.arrived) == 1


def test_a_redirect_from_https_to_http_is_not_followed(serve: Serve, carry: Carriers, authority: Authority) -> None:
    plain = serve()
    server = serve(Reply(308, b"", {"Location": f"{plain.url}/files"}), tls=authority.server_for("127.0.0.1"))
    with pytest.raises(IttybitUnreadableAnswerError, match="redirect was not followed"):
        carry(settings_for(server.url, ca_bundle=str(authority.ca_file))).send(call())
    assert len(server.arrived) == 1
    assert plain.connections == 0


def test_the_key_and_the_version_stay_away_from_a_signed_url(serve: Serve, carry: Carriers) -> None:
    server = serve()
    carry(settings_for(server.url)).send(signed(server))
    [request] = server.arrived
    assert "authorization" not in request.headers
    assert "accept-version" not in request.headers
    assert KEY not in str(request)


def test_a_signed_url_without_encryption_is_refused_before_anything_is_sent(serve: Serve, carry: Carriers) -> None:
    server = serve()
    with pytest.raises(IttybitInputError, match="not https") as caught:
        carry(settings_for(server.url)).send(
            call("PUT", f"http://files.example/a.mp4?signature={SIGNATURE}", origin=Origin.SIGNED)
        )
    assert SIGNATURE not in everything_about(caught.value)
    assert server.connections == 0


def test_ittybits_words_and_request_id_are_in_the_error(serve: Serve, carry: Carriers) -> None:
    body = b'{"kind": "token_invalid", "message": "This key was revoked on Tuesday."}'
    server = serve(Reply(401, body, {"X-Request-Id": "req_77"}))
    with pytest.raises(IttybitAuthenticationError) as caught:
        carry(settings_for(server.url)).send(call())
    error = caught.value
    assert (error.status, error.kind, error.request_id) == (401, "token_invalid", "req_77")
    assert error.detail == "This key was revoked on Tuesday."


def test_words_of_a_library_that_hold_a_url_are_left_out() -> None:
    error = no_answer(
        Request("GET", "/files"), OSError("no way to https://x.example/?signature=1"), may_have_arrived=True
    )
    assert "https://" not in str(error)
    assert "OSError" in str(error)


def test_errors_that_refer_to_each_other_end_the_search_for_the_reason() -> None:
    outer, inner = OSError("outer"), OSError("inner")
    outer.__cause__, inner.__cause__ = inner, outer
    assert "OSError" in str(no_answer(Request("GET", "/files"), outer, may_have_arrived=True))


def test_an_error_without_an_answer_names_the_resource_that_the_request_was_about() -> None:
    request = Request("DELETE", "/files/file_1", resource_id="file_1")
    assert no_answer(request, TimeoutError(), may_have_arrived=True).resource_id == "file_1"
    assert no_answer(Request("GET", "/files"), TimeoutError(), may_have_arrived=True).resource_id is None
