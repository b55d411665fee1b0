"""ittybit says no, in every API generation: the right error, its words, its kind, its request id, and no key."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_ittybit import exceptions as errors
from airflow_provider_ittybit.api.messages import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
KINDED = ("tasks", "jobs")
STATUSES = [
    (400, errors.IttybitInvalidRequestError, True),
    (401, errors.IttybitAuthenticationError, True),
    (402, errors.IttybitPaymentError, True),
    (403, errors.IttybitPermissionError, True),
    (404, errors.IttybitNotFoundError, True),
    (405, errors.IttybitInvalidRequestError, True),
    (413, errors.IttybitInvalidRequestError, True),
    (422, errors.IttybitInvalidRequestError, True),
    (429, errors.IttybitRateLimitError, False),
    (500, errors.IttybitServerError, False),
    (502, errors.IttybitServerError, False),
    (503, errors.IttybitServerError, False),
]
PUBLISHED_KINDS = {401: "token_invalid", 400: "request_invalid", 402: "payment_required", 500: "internal_error"}
WORDS = "Gänse are not allowed on Tuesdays."
HookFor = Any


USES: dict[str, Callable[[IttybitHook, str, str], Any]] = {
    "list": lambda hook, *_: list(hook.list_media()),
    "get": lambda hook, _, prefix: hook.get_media(f"{prefix}_1"),
    "upload": lambda hook, *_: hook.upload_media("https://cdn.example/a.mp4"),
    "call": lambda hook, main, prefix: hook.call(Request("PATCH", f"/{main}/{prefix}_1", json={})),
}


def refused(hook: IttybitHook, use: str) -> errors.IttybitError:
    """Return the error that a use of the hook ends with."""
    main = hook.settings.generation.main
    prefix = {"media": "med", "files": "file", "runs": "run", "jobs": "job"}[main]
    with pytest.raises(errors.IttybitError) as caught:
        USES[use](hook, main, prefix)
    return caught.value


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize(("status", "kind_of_error", "lasting"), STATUSES, ids=[str(status) for status, *_ in STATUSES])
@pytest.mark.parametrize("use", USES)
def test_each_status_is_its_own_error_with_ittybits_words(
    hook_for: HookFor,
    emulator: Any,
    *,
    version: str,
    status: int,
    kind_of_error: type[errors.IttybitError],
    lasting: bool,
    use: str,
) -> None:
    emulator.control.fault(status=status, message=WORDS, times=0)
    error = refused(hook_for(version, max_retries=0), use)
    assert type(error) is kind_of_error
    assert isinstance(error, AirflowFailException) is lasting
    [request] = emulator.control.requests()
    assert (error.status, error.detail) == (status, WORDS)
    assert (error.method, error.path) == (request["method"], request["path"])
    assert error.request_id == request["request_id"]
    assert (error.kind is not None) is (version in KINDED)
    if version in KINDED and status in PUBLISHED_KINDS:
        assert error.kind == PUBLISHED_KINDS[status]
    text = str(error)
    assert WORDS in text
    assert f"{request['method']} {request['path']}" in text
    assert str(status) in text
    assert request["request_id"] in text


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("status", [status for status, *_ in STATUSES])
def test_no_error_holds_the_key_and_each_crosses_a_process_whole(
    hook_for: HookFor, emulator: Any, version: str, status: int
) -> None:
    emulator.control.fault(status=status, message=WORDS, times=0)
    error = refused(hook_for(version, max_retries=0), "get")
    packed = pickle.dumps(error)
    assert emulator.api_key not in f"{error}{error!r}{vars(error)}{packed.decode('latin-1')}"
    copy = pickle.loads(packed)  # noqa: S301 - our own bytes
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize("version", GENERATIONS)
def test_a_wrong_key_is_refused_by_ittybit_once(hook_for: HookFor, emulator: Any, version: str) -> None:
    hook = hook_for(version)
    settings = hook.settings
    object.__setattr__(settings, "api_key", "ittybit_wrong")
    with pytest.raises(errors.IttybitAuthenticationError, match=r"is not valid.*password of the Airflow connection"):
        list(hook.list_media())
    assert [request["status"] for request in emulator.control.requests()] == [401]


@pytest.mark.parametrize("version", GENERATIONS)
def test_the_wait_that_a_429_asks_for_is_in_the_error(hook_for: HookFor, emulator: Any, version: str) -> None:
    emulator.control.fault(status=429, retry_after=17, times=0)
    error = refused(hook_for(version, max_retries=0), "list")
    assert isinstance(error, errors.IttybitRateLimitError)
    assert error.retry_after == 17


@pytest.mark.parametrize("version", GENERATIONS)
def test_what_passes_is_not_even_noticed(hook_for: HookFor, emulator: Any, version: str) -> None:
    emulator.control.fault(match={"method": "GET"}, status=503, retry_after=0, times=2)
    assert list(hook_for(version).list_media()) == []
    assert [request["status"] for request in emulator.control.requests()] == [503, 503, 200]


@pytest.mark.parametrize("version", GENERATIONS)
def test_a_real_rate_limit_is_kept_to(hook_for: HookFor, emulator: Any, version: str) -> None:
    emulator.control.settings(rate_limit={"requests": 1, "per_seconds": 0.3})
    hook = hook_for(version)
    assert list(hook.list_media()) == []
    emulator.control.settings(rate_limit=None)
    emulator.control.fault(status=429, retry_after=0)
    assert list(hook.list_media()) == []
    assert [request["status"] for request in emulator.control.requests()] == [200, 429, 200]


INSIDE = {
    "media": '{"meta": {"request_id": "req_7", "status": 403}, "error": {"message": "%s"}}',
    "files-enveloped": '{"meta": {"request_id": "req_7", "type": "error"}, "data": null, "error": {"message": "%s"}}',
    "files-flat": '{"message": "%s"}',
    "tasks": '{"kind": "payment_required", "message": "%s"}',
    "jobs": '{"kind": "token_invalid", "message": "%s"}',
}
INSIDE_ERRORS = {
    "media": errors.IttybitPermissionError,
    "files-enveloped": errors.IttybitError,
    "files-flat": errors.IttybitError,
    "tasks": errors.IttybitPaymentError,
    "jobs": errors.IttybitAuthenticationError,
}


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("use", ["get", "upload"])
def test_an_error_inside_an_answer_that_says_success_is_an_error(
    hook_for: HookFor, emulator: Any, *, version: str, status: int, use: str
) -> None:
    emulator.control.fault(status=status, body=INSIDE[version] % WORDS, times=0)
    error = refused(hook_for(version), use)
    assert type(error) is INSIDE_ERRORS[version]
    assert (error.status, error.detail) == (status, WORDS)
    assert "an error inside" in str(error)
    assert len(emulator.control.requests()) == 1


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("body", ['{"error": "%s"}', '{"error": {"message": "%s"}}'])
def test_any_error_body_is_read_in_any_generation(hook_for: HookFor, emulator: Any, version: str, body: str) -> None:
    emulator.control.fault(status=404, body=body % WORDS, times=0)
    error = refused(hook_for(version), "list")
    assert isinstance(error, errors.IttybitNotFoundError)
    assert error.detail == WORDS


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize("body", ["<html><h1>502 Bad Gateway</h1></html>", "", "null", "[]", '"no"', "{}"])
def test_an_error_of_something_before_ittybit_keeps_its_status(
    hook_for: HookFor, emulator: Any, version: str, body: str
) -> None:
    emulator.control.fault(status=502, body=body, times=0)
    error = refused(hook_for(version, max_retries=0), "get")
    assert type(error) is errors.IttybitServerError
    assert error.status == 502


@pytest.mark.parametrize("version", GENERATIONS)
@pytest.mark.parametrize(
    ("use", "body"),
    [
        *((use, body) for use in ("get", "list") for body in ("<html>Welcome</html>", "", "7", "{}", "[1]")),
        ("list", '{"items": []}'),
    ],
)
def test_an_answer_that_no_generation_sends_is_unreadable(
    hook_for: HookFor, emulator: Any, *, version: str, body: str, use: str
) -> None:
    emulator.control.fault(status=200, body=body, times=0)
    error = refused(hook_for(version), use)
    assert type(error) is errors.IttybitUnreadableAnswerError
    assert "api_version" in str(error)


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("version", GENERATIONS)
def test_a_broken_connection_is_a_transport_error_that_says_if_it_may_have_arrived(
    hook_for: HookFor, emulator: Any, version: str, drop: str
) -> None:
    emulator.control.fault(match={"method": "POST"}, drop=drop, times=0)
    emulator.control.settings(processing="held")
    error = refused(hook_for(version, max_retries=1), "upload")
    assert isinstance(error, errors.IttybitTransportError)
    assert error.may_have_arrived
    asked = emulator.control.requests()
    assert len(asked) == (2 if version == "jobs" else 1)  # there a key makes a repetition harmless
    assert len({row["idempotency_key"] for row in asked}) == 1
