"""What is sent again, how often and after how long: the server counts, both transports are asked."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from unit.transport.carriers import KEY, Carriers, call, settings_for
from unit.transport.scripted_server import Mishap, Reply, ScriptedServer, no

from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitNotFoundError,
    IttybitRateLimitError,
    IttybitServerError,
    IttybitTransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Serve = Any
PASSING = [408, 429, 500, 502, 503, 504]
LASTING = [400, 401, 402, 403, 404, 405, 413, 422]
CUT = [Mishap.RESET, Mishap.HANG_UP, Mishap.HALF_AN_ANSWER, Mishap.NOISE]
BACKOFF = [(0.25, 0.5), (0.5, 1.0), (1.0, 2.0)]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("status", PASSING)
def test_a_read_or_deletion_goes_again_after_an_error_that_passes(
    serve: Serve, carry: Carriers, method: str, status: int
) -> None:
    server = serve(no(status), no(status), Reply())
    carrier = carry(settings_for(server.url))
    assert carrier.send(call(method))["id"] == "file_1"
    assert server.methods == [method] * 3
    assert len(carrier.slept) == 2


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("mishap", CUT)
def test_a_read_or_deletion_goes_again_when_the_connection_breaks(
    serve: Serve, carry: Carriers, method: str, mishap: Mishap
) -> None:
    server = serve(mishap, Reply())
    assert carry(settings_for(server.url)).send(call(method))["id"] == "file_1"
    assert server.methods == [method] * 2


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT", "PATCH"])
@pytest.mark.parametrize("status", LASTING)
def test_nothing_goes_again_after_an_error_that_lasts(serve: Serve, carry: Carriers, method: str, status: int) -> None:
    server = serve(no(status), Reply())
    carrier = carry(settings_for(server.url))
    with pytest.raises(IttybitError) as caught:
        carrier.send(call(method))
    assert caught.value.status == status
    assert server.methods == [method]
    assert carrier.slept == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_changes_something_does_not_go_again_after_a_server_error(
    serve: Serve, carry: Carriers, method: str, status: int
) -> None:
    server = serve(no(status), Reply())
    with pytest.raises(IttybitServerError):
        carry(settings_for(server.url)).send(call(method, json={"a": 1}))
    assert server.methods == [method]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("mishap", CUT)
def test_what_changes_something_does_not_go_again_when_the_connection_breaks(
    serve: Serve, carry: Carriers, method: str, mishap: Mishap
) -> None:
    server = serve(mishap, Reply())
    with pytest.raises(IttybitTransportError) as caught:
        carry(settings_for(server.url)).send(call(method, json={"a": 1}))
    assert caught.value.may_have_arrived
    assert server.methods == [method]


@pytest.mark.parametrize("mishap", CUT)
def test_a_post_does_not_go_again_when_an_encrypted_connection_breaks(
    serve: Serve, carry: Carriers, authority: Any, mishap: Mishap
) -> None:
    server = serve(mishap, Reply(), tls=authority.server_for("127.0.0.1"))
    settings = settings_for(server.url, ca_bundle=str(authority.ca_file))
    with pytest.raises(IttybitTransportError) as caught:
        carry(settings).send(call("POST", json={"a": 1}))
    assert caught.value.may_have_arrived
    assert server.methods == ["POST"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_429_means_that_nothing_was_done_so_everything_goes_again(serve: Serve, carry: Carriers, method: str) -> None:
    server = serve(no(429), no(429), Reply())
    assert carry(settings_for(server.url)).send(call(method, json={"name": "ä"}))["id"] == "file_1"
    assert server.methods == [method] * 3
    assert {request.body for request in server.arrived} == {'{"name": "ä"}'.encode()}


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT", "PATCH"])
def test_everything_goes_again_while_connections_are_refused(serve: Serve, carry: Carriers, method: str) -> None:
    server = serve(Reply(), listening=False)
    pauses: list[int] = []

    def open_the_door() -> None:
        pauses.append(1)
        if len(pauses) == 2:
            server.listen()

    carrier = carry(settings_for(server.url), open_the_door)
    assert carrier.send(call(method))["id"] == "file_1"
    assert server.methods == [method]
    assert len(carrier.slept) == 2


def test_a_refused_connection_surely_did_not_deliver_the_request(serve: Serve, carry: Carriers) -> None:
    server = serve(listening=False)
    carrier = carry(settings_for(server.url))
    with pytest.raises(IttybitTransportError, match="never arrived") as caught:
        carrier.send(call("POST"))
    assert not caught.value.may_have_arrived
    assert len(carrier.slept) == 3


@pytest.mark.parametrize(
    "step",
    [
        *(pytest.param(mishap, id=mishap.name) for mishap in CUT),
        *(pytest.param(no(status), id=str(status)) for status in PASSING),
    ],
)
def test_an_idempotency_key_makes_a_post_go_again_with_the_same_key(serve: Serve, carry: Carriers, step: Any) -> None:
    server = serve(step, step, Reply())
    sent = call("POST", "/jobs", json={"a": 1}, idempotency_key="once-only-7")
    assert carry(settings_for(server.url)).send(sent)["id"] == "file_1"
    assert server.methods == ["POST"] * 3
    assert [request.headers["idempotency-key"] for request in server.arrived] == ["once-only-7"] * 3


@pytest.mark.parametrize("status", LASTING)
def test_an_idempotency_key_does_not_heal_an_error_that_lasts(serve: Serve, carry: Carriers, status: int) -> None:
    server = serve(no(status), Reply())
    with pytest.raises(IttybitError):
        carry(settings_for(server.url)).send(call("POST", idempotency_key="once-only-7"))
    assert len(server.arrived) == 1


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_it_gives_up_after_max_retries_with_the_last_answer(serve: Serve, carry: Carriers, retries: int) -> None:
    server = serve(*[no(503, f"Attempt {n}.") for n in range(1, retries + 2)])
    carrier = carry(settings_for(server.url, max_retries=retries))
    with pytest.raises(IttybitServerError) as caught:
        carrier.send(call())
    assert caught.value.detail == f"Attempt {retries + 1}."
    assert len(server.arrived) == retries + 1
    assert len(carrier.slept) == retries


def test_it_gives_up_after_max_retries_with_the_last_breakage(serve: Serve, carry: Carriers) -> None:
    server = serve(no(503), no(503), no(503), Mishap.RESET)
    with pytest.raises(IttybitTransportError):
        carry(settings_for(server.url)).send(call())
    assert len(server.arrived) == 4


def test_a_lasting_error_ends_the_attempts(serve: Serve, carry: Carriers) -> None:
    server = serve(no(503), no(404), Reply())
    with pytest.raises(IttybitNotFoundError):
        carry(settings_for(server.url)).send(call())
    assert len(server.arrived) == 2


def test_pauses_double_and_vary(serve: Serve, carry: Carriers) -> None:
    server = serve(no(503))
    carrier = carry(settings_for(server.url))
    with pytest.raises(IttybitServerError):
        carrier.send(call())
    assert len(carrier.slept) == len(BACKOFF)
    for pause, (low, high) in zip(carrier.slept, BACKOFF, strict=True):
        assert low <= pause <= high


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "low", "high"), [("7", 7, 7.25), ("0", 0, 0.25), ("99999", 120, 120.25)])
def test_retry_after_in_seconds_is_obeyed_up_to_two_minutes(
    serve: Serve, carry: Carriers, status: int, *, asked: str, low: float, high: float
) -> None:
    server = serve(no(status, Retry_After=asked), Reply())
    carrier = carry(settings_for(server.url))
    carrier.send(call())
    [pause, *_] = carrier.slept
    assert low <= pause <= high


@pytest.mark.parametrize(("ahead", "low", "high"), [(40, 30, 40.25), (-40, 0, 0.25), (4000, 120, 120.25)])
def test_retry_after_as_a_date_is_obeyed(serve: Serve, carry: Carriers, ahead: float, low: float, high: float) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    server = serve(no(429, Retry_After=date), Reply())
    carrier = carry(settings_for(server.url))
    carrier.send(call())
    [pause, *_] = carrier.slept
    assert low <= pause <= high


@pytest.mark.parametrize("nonsense", ["soon", "-3", "", "NaN"])
def test_a_retry_after_that_says_nothing_leaves_the_usual_pause(serve: Serve, carry: Carriers, nonsense: str) -> None:
    server = serve(no(429, Retry_After=nonsense), Reply())
    carrier = carry(settings_for(server.url))
    carrier.send(call())
    [pause, *_] = carrier.slept
    assert BACKOFF[0][0] <= pause <= BACKOFF[0][1]


def test_the_last_429_tells_how_long_ittybit_asked_to_wait(serve: Serve, carry: Carriers) -> None:
    server = serve(no(429, "Slow down.", Retry_After="11"))
    carrier = carry(settings_for(server.url, max_retries=1))
    with pytest.raises(IttybitRateLimitError) as caught:
        carrier.send(call("POST"))
    assert caught.value.retry_after == 11
    assert len(server.arrived) == 2


def test_each_repetition_is_logged_without_the_key(
    serve: Serve, carry: Carriers, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(no(503), Mishap.RESET, Reply())
    with caplog.at_level(logging.INFO):
        carry(settings_for(server.url)).send(call(path="/files/file_7", query=(("limit", "5"),)))
    first, second = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "GET /files/file_7: 503; attempt 2 of 4" in first
    assert "GET /files/file_7: no answer; attempt 3 of 4" in second
    assert KEY not in caplog.text


def test_each_call_has_its_own_attempts(serve: Serve, carry: Carriers) -> None:
    server: ScriptedServer = serve(no(503), Reply(), no(503), Reply())
    carrier = carry(settings_for(server.url, max_retries=1))
    carrier.send(call(path="/files/file_1"))
    carrier.send(call(path="/files/file_2"))
    assert [request.target for request in server.arrived] == ["/files/file_1"] * 2 + ["/files/file_2"] * 2


def test_an_error_in_an_answer_with_a_success_status_does_not_go_again(serve: Serve, carry: Carriers) -> None:
    server = serve(Reply(200, b'{"error": {"message": "Not today."}}'), Reply())
    with pytest.raises(IttybitError, match="Not today"):
        carry(settings_for(server.url)).send(call())
    assert len(server.arrived) == 1


@pytest.fixture
def interrupting(carry: Carriers) -> Callable[[str], Any]:
    """Make a transport whose pause ends in an interruption, as Airflow's execution timeout does."""

    def make(url: str) -> Any:
        def interrupt() -> None:
            message = "time is up"
            raise TimeoutError(message)

        return carry(settings_for(url), interrupt)

    return make


def test_an_interruption_during_a_pause_ends_the_call(serve: Serve, interrupting: Callable[[str], Any]) -> None:
    server = serve(no(503), Reply())
    with pytest.raises(TimeoutError, match="time is up"):
        interrupting(server.url).send(call())
    assert len(server.arrived) == 1
