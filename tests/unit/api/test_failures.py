"""Answers that mean "no": the error class, ittybit's words, its kind, the request id and what to do next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_ittybit import exceptions as errors
from airflow_provider_ittybit.api.calls import delete_resource, get_resource, update_resource
from airflow_provider_ittybit.api.decoding import open_answer, read_page, read_resource
from airflow_provider_ittybit.api.failures import KIND_STATUS, MOST_WORDS, SNIPPET, answer_error, readable_words
from airflow_provider_ittybit.api.generations import GENERATIONS
from airflow_provider_ittybit.api.messages import Call, Headers, Origin, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

ABOUT_ONE: dict[str, Callable[..., Call[Any]]] = {
    "get": lambda row, name, _: get_resource(row, "x_1", name),
    "update": lambda row, name, fields: update_resource(row, "x_1", dict.fromkeys(fields, "new"), name),
    "delete": lambda row, name, _: delete_resource(row, "x_1", name),
}
GET = Request("GET", "/files/file_abcdefgh1234")
NOT_FOUND = (
    "The requested file was not found. Please check the URL, that the ID is correct, and that you have used a "
    "valid API Key for the relevant project."
)


def answer(body: Any, status: int = 200) -> Response:
    return Response(status, content=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("errors/2021_image_error_text", errors.IttybitNotFoundError, ("Image not found", None, None)),
        ("errors/2021_video_error_message", errors.IttybitInvalidRequestError, ("No video given", None, None)),
        ("errors/media_generation_meta_and_error", errors.IttybitAuthenticationError, ("Invalid API key", None, None)),
        ("errors/media_generation_entity_too_large", errors.IttybitInvalidRequestError, (None, None, None)),
        ("errors/2024_03_21_error", errors.IttybitNotFoundError, ("Media not found", None, "req_2024")),
        ("errors/2024_08_21_error", errors.IttybitInvalidRequestError, ("url is required", None, "req_2024_08")),
        (
            "errors/early_2025_error_text",
            errors.IttybitPermissionError,
            ("You may not see this project", None, "req_early"),
        ),
        (
            "errors/2025_01_01_file_not_found",
            errors.IttybitNotFoundError,
            (NOT_FOUND, None, "req_abcdefghij1234567890"),
        ),
        (
            "errors/2025_08_20_message",
            errors.IttybitNotFoundError,
            ("The requested resource does not exist.", None, None),
        ),
        ("errors/2025_08_20_rate_limited", errors.IttybitRateLimitError, ("Too many requests", None, None)),
        (
            "errors/rate_limited_until_a_date",
            errors.IttybitRateLimitError,
            ("Slow down", "rate_limited", "req_from_header"),
        ),
        ("errors/kind_without_message", errors.IttybitNotFoundError, (None, "run_not_found", None)),
        ("errors/method_not_allowed", errors.IttybitInvalidRequestError, ("Method not allowed", None, None)),
        ("errors/request_timeout", errors.IttybitServerError, ("Request timeout", None, None)),
        ("errors/unprocessable", errors.IttybitInvalidRequestError, ("metadata must be an object", None, None)),
        ("errors/bad_gateway_html", errors.IttybitServerError, (None, None, None)),
        ("errors/service_unavailable_empty", errors.IttybitServerError, (None, None, None)),
        ("errors/redirect_to_another_host", errors.IttybitUnreadableAnswerError, (None, None, None)),
    ],
)
def test_an_error_answer_is_raised_in_ittybits_own_words(
    recorded: Callable[[str], Response],
    name: str,
    error: type[errors.IttybitError],
    words: tuple[str | None, str | None, str | None],
) -> None:
    with pytest.raises(errors.IttybitError) as raised:
        read_resource(GET, recorded(name))
    got = raised.value
    assert type(got) is error
    assert (got.detail, got.kind, got.request_id) == words
    assert (got.method, got.path) == ("GET", "/files/file_abcdefgh1234")
    assert "GET /files/file_abcdefgh1234" in str(got)
    assert all(one in str(got) for one in words if one)


KINDS = [
    ("errors/kind_token_missing", errors.IttybitAuthenticationError, 401),
    ("errors/kind_token_invalid", errors.IttybitAuthenticationError, 401),
    ("errors/kind_project_required", errors.IttybitPermissionError, 403),
    ("errors/kind_request_invalid", errors.IttybitInvalidRequestError, 400),
    ("errors/kind_url_required", errors.IttybitInvalidRequestError, 400),
    ("errors/kind_format_unsupported", errors.IttybitInvalidRequestError, 400),
    ("errors/kind_invalid_input", errors.IttybitInvalidRequestError, 400),
    ("errors/kind_task_not_found", errors.IttybitNotFoundError, 404),
    ("errors/kind_run_not_found", errors.IttybitNotFoundError, 404),
    ("errors/kind_job_not_found", errors.IttybitNotFoundError, 404),
    ("errors/kind_automation_not_found", errors.IttybitNotFoundError, 404),
    ("errors/kind_payment_required", errors.IttybitPaymentError, 402),
    ("errors/kind_internal_error", errors.IttybitServerError, 500),
]


@pytest.mark.parametrize(("name", "error", "status"), KINDS)
def test_every_published_kind_becomes_its_error(
    recorded: Callable[[str], Response], name: str, error: type[errors.IttybitError], status: int
) -> None:
    with pytest.raises(errors.IttybitError) as raised:
        read_page(GET, recorded(name))
    kind = name.removeprefix("errors/kind_")
    assert (type(raised.value), raised.value.kind, raised.value.status) == (error, kind, status)


@pytest.mark.parametrize(("name", "error", "status"), KINDS)
def test_a_kind_means_the_same_inside_a_success(name: str, error: type[errors.IttybitError], status: int) -> None:
    kind = name.removeprefix("errors/kind_")
    assert KIND_STATUS[kind] == status
    with pytest.raises(errors.IttybitError, match="200 OK and an error inside") as raised:
        read_resource(GET, answer({"kind": kind, "message": "m"}))
    assert type(raised.value) is error


def test_every_published_kind_has_a_recorded_answer() -> None:
    assert {f"errors/kind_{kind}" for kind in KIND_STATUS} == {name for name, _, _ in KINDS}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("errors/2025_01_01_error_with_success_status", errors.IttybitError),
        ("errors/2025_01_01_error_type_without_message", errors.IttybitError),
        ("errors/2021_image_error_text", errors.IttybitNotFoundError),
        ("errors/kind_with_success_status", errors.IttybitNotFoundError),
    ],
)
def test_a_success_status_does_not_make_an_error_a_success(
    recorded: Callable[[str], Response], name: str, error: type[errors.IttybitError]
) -> None:
    for read in (read_resource, read_page, open_answer):
        with pytest.raises(errors.IttybitError) as raised:
            read(GET, recorded(name))
        assert type(raised.value) is error
        assert raised.value.status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"error": "text"},
        {"error": {"message": "text"}},
        {"error": {"message": "text"}, "message": "other"},
        {"data": {"id": "file_1"}, "meta": {}, "error": "text"},
        {"message": "text", "kind": "odd"},
        {"message": "text"},
    ],
)
def test_an_error_body_is_an_error_at_any_status(body: dict[str, Any]) -> None:
    for status in (200, 201, 400, 503):
        with pytest.raises(errors.IttybitError) as raised:
            read_resource(GET, answer(body, status))
        assert raised.value.detail == "text"


@pytest.mark.parametrize("error", [["a", "b"], {"reason": "odd"}, 17, True])
def test_an_error_of_another_form_is_shown_as_it_is(error: object) -> None:
    with pytest.raises(errors.IttybitError) as raised:
        read_resource(GET, answer({"data": None, "meta": {}, "error": error}))
    assert raised.value.detail == json.dumps(error)


@pytest.mark.parametrize("kind", [["odd"], {"a": 1}, 5, None, ""])
def test_a_kind_that_is_no_text_is_no_kind(kind: object) -> None:
    with pytest.raises(errors.IttybitError) as raised:
        read_resource(GET, answer({"kind": kind}))
    assert raised.value.kind is None
    assert "None" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (300, errors.IttybitUnreadableAnswerError),
        (307, errors.IttybitUnreadableAnswerError),
        (400, errors.IttybitInvalidRequestError),
        (401, errors.IttybitAuthenticationError),
        (402, errors.IttybitPaymentError),
        (403, errors.IttybitPermissionError),
        (404, errors.IttybitNotFoundError),
        (405, errors.IttybitInvalidRequestError),
        (408, errors.IttybitServerError),
        (409, errors.IttybitInvalidRequestError),
        (413, errors.IttybitInvalidRequestError),
        (418, errors.IttybitInvalidRequestError),
        (422, errors.IttybitInvalidRequestError),
        (429, errors.IttybitRateLimitError),
        (500, errors.IttybitServerError),
        (502, errors.IttybitServerError),
        (503, errors.IttybitServerError),
        (599, errors.IttybitServerError),
        (999, errors.IttybitServerError),
        (200, errors.IttybitError),
        (101, errors.IttybitError),
    ],
)
def test_each_status_has_its_error(status: int, error: type[errors.IttybitError]) -> None:
    got = answer_error(GET, Response(status))
    assert type(got) is error
    assert got.status == status


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 599, 302])
def test_what_a_retry_may_heal_lets_airflow_retry(status: int) -> None:
    assert not isinstance(answer_error(GET, Response(status)), AirflowFailException)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 418, 422])
def test_what_no_retry_heals_fails_the_task_at_once(status: int) -> None:
    assert isinstance(answer_error(GET, Response(status)), AirflowFailException)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "password of the Airflow connection"),
        (402, "Settle the bill"),
        (404, "key belongs to the same project"),
        (405, "api_version"),
        (413, "account's limit"),
        (429, "pool"),
        (302, "not followed"),
    ],
)
def test_an_error_says_what_to_do_next(status: int, advice: str) -> None:
    assert advice in str(answer_error(GET, Response(status)))


def test_the_inner_status_counts_only_where_the_http_status_says_success() -> None:
    meta = {"status": 404}
    assert type(answer_error(GET, Response(200), meta=meta)) is errors.IttybitNotFoundError
    assert type(answer_error(GET, Response(500), meta=meta)) is errors.IttybitServerError
    for odd in (True, "404", 200, 900, None):
        assert type(answer_error(GET, Response(200), meta={"status": odd})) is errors.IttybitError


def test_a_rate_limit_says_how_long_to_wait(recorded: Callable[[str], Response]) -> None:
    with pytest.raises(errors.IttybitRateLimitError) as raised:
        read_page(GET, recorded("errors/2025_08_20_rate_limited"))
    assert raised.value.retry_after == 7.0


@pytest.mark.parametrize(("date", "seconds"), [("Fri, 22 Aug 2025 10:00:18 GMT", 12.0), ("noon", None), (None, None)])
def test_a_rate_limit_until_a_date_is_counted_by_ittybits_own_clock(date: str | None, seconds: float | None) -> None:
    headers = [("Retry-After", "Fri, 22 Aug 2025 10:00:30 GMT"), *([("Date", date)] if date else [])]
    error = answer_error(GET, Response(429, Headers(headers)))
    assert isinstance(error, errors.IttybitRateLimitError)
    assert error.retry_after == seconds


def test_a_rate_limit_without_a_time_says_none() -> None:
    error = answer_error(GET, Response(429))
    assert isinstance(error, errors.IttybitRateLimitError)
    assert error.retry_after is None


def test_the_request_id_of_the_body_wins_over_the_header() -> None:
    response = Response(500, Headers([("X-Request-Id", "from_header")]))
    assert answer_error(GET, response, request_id="from_body").request_id == "from_body"
    assert answer_error(GET, response).request_id == "from_header"


def test_an_unreadable_body_is_shown_in_part(recorded: Callable[[str], Response]) -> None:
    with pytest.raises(errors.IttybitServerError) as raised:
        read_resource(GET, recorded("errors/bad_gateway_html"))
    assert "text/html" in str(raised.value)
    assert "502 Bad Gateway</title>" in str(raised.value)
    long = answer_error(GET, Response(500, content=b"x" * 5000))
    assert "x" * SNIPPET in str(long)
    assert "x" * (SNIPPET + 1) not in str(long)


def test_no_error_shows_a_signed_query_or_a_secret(recorded: Callable[[str], Response]) -> None:
    with pytest.raises(errors.IttybitUnreadableAnswerError) as raised:
        read_page(GET, recorded("errors/signed_url_in_an_unreadable_answer"))
    assert "you.ittybit.net" in str(raised.value)
    assert "c2lnbmVk" not in str(raised.value)
    secret = answer_error(GET, Response(500, content=b'[{"secret_access_key": "hush", "url": "https://a/b?sig=hush"}]'))
    assert "hush" not in str(secret)


def test_a_signed_url_whose_ampersands_are_escaped_is_left_out_whole() -> None:
    body = rb'{"oops": "https:\/\/you.ittybit.net\/a.mp4?expiry=1\u0026signature=hush"'
    assert "hush" not in str(answer_error(GET, Response(500, content=body)))


@pytest.mark.parametrize(
    "url", ["https://us3r:p4ssw0rd@bucket.example/a", r"https:\/\/us3r:p4ss@w0rd@bucket.example\/a"]
)
def test_no_piece_of_a_password_is_left_where_words_are_cut(url: str) -> None:
    for most in (SNIPPET, 4 * SNIPPET, MOST_WORDS):
        for padding in range(most - len(url) - 10, most + 1):
            for words in ("." * padding + url, f"{' ' * padding}{url} {' ' * most}"):
                response = Response(502, Headers([("Content-Type", words)]), words.encode())
                told = answer_error(GET, response, detail=words, kind=words, request_id=words)
                for error in (told, answer_error(GET, response)):
                    shown = str(error) + repr(vars(error))
                    assert "us3r" not in shown
                    assert "p4ss" not in shown
                    assert "w0rd" not in shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("two\r\nlines\tand\x0bmore", "two  lines and more"),
        (
            "\x1b[31mred\x7f \u202eevil \u200bhidden \ud800 \0",
            "\ufffd[31mred\ufffd \ufffdevil \ufffdhidden \ufffd \ufffd",
        ),
        ("at https://you.ittybit.net/a?signature=hush now", "at https://you.ittybit.net/a?… now"),
        ("at https://user:hush@you.ittybit.net/a now", "at https://…@you.ittybit.net/a now"),
        ("Gänse 🪿 東京 (1/2)?", "Gänse 🪿 東京 (1/2)?"),
    ],
)
def test_words_of_ittybit_can_neither_forge_a_log_nor_open_a_url(words: str, shown: str) -> None:
    assert readable_words(words) == shown
    error = answer_error(GET, Response(400), detail=words, kind=words, request_id=words)
    assert (error.detail, error.kind, error.request_id) == (shown, shown, shown)


def test_words_without_end_are_cut() -> None:
    error = answer_error(GET, Response(400), detail="x" * 10**7, kind="k" * 10**7, request_id="r" * 10**7)
    assert len(str(error)) < 3_000
    assert (error.detail or "").startswith("x" * MOST_WORDS)


def test_the_query_of_a_signed_url_stays_out_of_the_error() -> None:
    request = Request("PUT", "https://you.ittybit.net/a.mp4?signature=hush", Origin.SIGNED)
    error = answer_error(request, Response(403))
    assert error.path == "/a.mp4"
    assert "hush" not in str(error) + repr(error)


@pytest.mark.parametrize(
    ("request_", "advice"),
    [
        (GET, "A retry does no harm."),
        (Request("POST", "/jobs", idempotency_key="k"), "a retry by the same key makes nothing twice"),
        (Request("DELETE", "/files/file_1"), "to do it again does no harm"),
        (Request("PUT", "/a.mp4", traces="the file 'a.mp4'"), "before sending it again, look for the file 'a.mp4' at"),
    ],
    ids=lambda value: getattr(value, "method", None),
)
def test_an_error_of_no_known_kind_inside_a_success_says_what_to_do_in_doubt(request_: Request, advice: str) -> None:
    told = str(answer_error(request_, answer({"error": {"message": "Not today."}}), detail="Not today."))
    assert "Not today. Whether anything was done is not certain. " in told
    assert advice in told


def test_a_message_without_a_period_gets_one_before_the_advice() -> None:
    error = answer_error(GET, Response(404), detail="Gone", kind="task_not_found", request_id="req_1")
    assert ": Gone (kind task_not_found, request id req_1). Check the id" in str(error)
    assert ": Gone. Check the id" in str(answer_error(GET, Response(404), detail="Gone."))


@pytest.mark.parametrize("row", GENERATIONS, ids=lambda row: row.name)
@pytest.mark.parametrize(
    "response",
    [Response(404, content=b'{"message": "Gone."}'), Response(502, content=b"<html>"), answer([1]), Response(200)],
    ids=["refused", "broken", "no resource", "empty"],
)
@pytest.mark.parametrize("verb", ["get", "update", "delete"])
def test_an_error_names_the_resource_that_the_request_was_about(row: Any, response: Response, verb: str) -> None:
    for name, resource in row.resources.items():
        if verb in resource.verbs and not (verb == "delete" and response.status == 200):
            call = ABOUT_ONE[verb](row, name, resource.fields[:1] or ("name",))
            with pytest.raises(errors.IttybitError) as raised:
                call.read(call.request, response)
            assert raised.value.resource_id == "x_1"


def test_an_error_of_a_list_or_an_addition_names_no_resource() -> None:
    for request in (Request("GET", "/files"), Request("POST", "/files", json={})):
        assert answer_error(request, Response(500)).resource_id is None
