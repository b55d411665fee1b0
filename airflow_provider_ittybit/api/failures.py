"""From an answer that means "no" to the error that a task fails with, in ittybit's own words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit import exceptions as errors
from airflow_provider_ittybit.api.retrying import retry_after
from airflow_provider_ittybit.api.timestamps import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ittybit.api.messages import Request, Response

SNIPPET = 200
"""Characters of an unreadable body that an error shows."""

MOST_WORDS = 2_000
"""Characters of ittybit's words that an error keeps: it goes into logs, and through the database to the worker."""
MOST_NAME = 200
"""Characters of a kind, a request id or a status that are kept."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control and format characters, surrogates, separators of lines and paragraphs."""

_SECRETS = re.compile(
    r"""(\?)[^\s"'<>]+|("(?:signature|[a-z_]*secret[a-z_]*|api_?key|token)"\s*:\s*")[^"]*""", re.IGNORECASE
)
"""The query of a URL (a signed one lets its bearer in), with the backslashes by which JSON may write its ``&``; and the
values of fields named like a secret."""

QUERY_OF_URL = re.compile(r"""(://[^\s?"'<>]{0,2000})\?[^\s"'<>]+""")
"""A URL in words, from its scheme on; what is behind its group may be a signature."""
USER_OF_URL = re.compile(r"""(:\\?/\\?/)[^\s/?"'<>]{1,2000}@""")
"""User and password of a URL, whose slashes JSON may write with a backslash before each."""
_PERHAPS_USER = re.compile(r"""(:\\?/\\?/)[^\s/?"'<>]*\Z""")
"""What a cut may have left of them: the ``@`` behind them, by which they are known, went away with the rest."""
_PLACE, _HIDDEN_USER = r"\1", r"\1…@"


def readable_words(text: str, most: int = MOST_WORDS) -> str:
    """Make ittybit's words fit for logs, databases and error messages.

    :param most: characters to keep.
    :return: the words, cut where they are too long, without the users and the queries of all URLs (a signed one lets
        its bearer in), also of one that the cut goes through; and with a space or U+FFFD for what could forge a line of
        a log, hide a part of it, or be no text for a database: line breaks, control characters, marks of writing
        direction, lone surrogates.
    """
    cut = text if len(text) <= most else f"{_PERHAPS_USER.sub(_PLACE, text[:most])}…"
    shown = cut if cut.isprintable() else "".join(map(_shown, cut))
    return QUERY_OF_URL.sub(r"\1?…", USER_OF_URL.sub(_HIDDEN_USER, shown))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return " " if character.isspace() else "\ufffd"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a status means: the error to raise and what its reader should do next."""

    error: type[errors.IttybitError]
    advice: str


_REFUSALS: Mapping[int, Refusal] = {
    400: Refusal(errors.IttybitInvalidRequestError, "Correct the values; a retry would fail the same way."),
    401: Refusal(
        errors.IttybitAuthenticationError,
        "Put a valid API key of the right project into the password of the Airflow connection; keys are "
        "made and seen in the ittybit app.",
    ),
    402: Refusal(
        errors.IttybitPaymentError,
        "Settle the bill or raise the quota of the ittybit account, then clear the task.",
    ),
    403: Refusal(
        errors.IttybitPermissionError,
        "Use a key that may do this, of the project that owns the resource.",
    ),
    404: Refusal(
        errors.IttybitNotFoundError,
        "Check the id, and that the key belongs to the same project; it may have been deleted.",
    ),
    405: Refusal(
        errors.IttybitInvalidRequestError,
        "This API version does not have this method here; check api_version of the connection.",
    ),
    408: Refusal(errors.IttybitServerError, "The request took too long to arrive; a retry may help."),
    413: Refusal(
        errors.IttybitInvalidRequestError,
        "The file is larger than the account's limit; make it smaller or ask ittybit's support to raise it.",
    ),
    422: Refusal(errors.IttybitInvalidRequestError, "Correct the values; a retry would fail the same way."),
    429: Refusal(
        errors.IttybitRateLimitError,
        "Run fewer tasks at once (an Airflow pool), or ask ittybit's support for a higher limit.",
    ),
    503: Refusal(errors.IttybitServerError, "ittybit is not available now; let a retry try again later."),
}
_OTHER_CLIENT = Refusal(errors.IttybitInvalidRequestError, "Check the request; a retry would fail the same way.")
_OTHER_SERVER = Refusal(errors.IttybitServerError, "A retry may help; if not, give ittybit's support the request id.")
_OTHER = Refusal(errors.IttybitError, "Whether anything was done is not certain.")
_REDIRECT = Refusal(
    errors.IttybitUnreadableAnswerError,
    "The redirect was not followed, so that the API key stays with its host. Check host of the connection.",
)

KIND_STATUS: Mapping[str, int] = {
    "token_missing": 401,
    "token_invalid": 401,
    "project_required": 403,
    "request_invalid": 400,
    "url_required": 400,
    "format_unsupported": 400,
    "invalid_input": 400,
    "task_not_found": 404,
    "run_not_found": 404,
    "job_not_found": 404,
    "automation_not_found": 404,
    "payment_required": 402,
    "internal_error": 500,
}
"""The status each published error kind stands for: it decides where an error comes with a success status."""


def advice_in_doubt(request: Request) -> str:
    """Say what to do about a request that ittybit may have carried out although nobody knows with what result."""
    if request.method in ("GET", "HEAD"):
        return "A retry does no harm."
    if request.idempotency_key:
        return "It may have been done all the same; a retry by the same key makes nothing twice within 24 hours."
    if request.repeatable or request.method in ("DELETE", "PATCH"):
        return "It may have been done all the same; to do it again does no harm."
    traces = request.traces or "what it should do"
    return f"It may have been done all the same: before sending it again, look for {traces} at ittybit."


def answer_error(
    request: Request,
    response: Response,
    *,
    detail: str | None = None,
    kind: str | None = None,
    request_id: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> errors.IttybitError:
    """Make the error for an answer.

    :param detail: ittybit's message; without one, the status in words and the start of the body.
    :param kind: ittybit's error kind, if it sent one.
    :param request_id: ittybit's id of the request; without one the ``X-Request-Id`` header is used if there.
    :param meta: the envelope's ``meta``, whose ``status`` counts where the HTTP status says success.
    """
    status = response.status
    meaning = status if status >= 300 else _inner_status(kind, meta or {})
    refusal = _refusal(meaning)
    request_id = _request_id(response, request_id)
    detail = readable_words(detail) if detail else None
    kind = readable_words(kind, MOST_NAME) if kind else None
    words = detail or _describe(response)
    notes = [note for note in (kind and f"kind {kind}", request_id and f"request id {request_id}") if note]
    lead = f"ittybit answered {request.method} {request.public_path} with {status}{_phrase(status)}"
    if status < 300:
        lead += " and an error inside"
    sentence = f"{words} ({', '.join(notes)})" if notes else words
    message = f"{lead}: {sentence}{'' if sentence.endswith('.') else '.'} {refusal.advice}"
    if refusal is _OTHER or (refusal.error is errors.IttybitServerError and request.method not in ("GET", "HEAD")):
        message += f" {advice_in_doubt(request)}"
    error = refusal.error(
        message,
        status=status,
        detail=detail,
        kind=kind,
        request_id=request_id,
        method=request.method,
        path=request.public_path,
        resource_id=request.resource_id,
    )
    if isinstance(error, errors.IttybitRateLimitError):
        headers = response.headers
        error.retry_after = retry_after(headers.get("retry-after"), now=http_date(headers.get("date")))
    return error


def unreadable(
    request: Request, response: Response, reason: str, *, request_id: str | None = None
) -> errors.IttybitUnreadableAnswerError:
    """Make the error for an answer with a success status that cannot be understood.

    :param reason: what is wrong with it, as half a sentence.
    :param request_id: ittybit's id of the request; without one the ``X-Request-Id`` header is used if there.
    """
    message = (
        f"ittybit answered {request.method} {request.public_path} with {response.status}"
        f"{_phrase(response.status)}, but the answer cannot be read: {reason}. {_describe(response)} Check "
        "that host of the connection is the ittybit API and that api_version fits it."
    )
    if request.method not in ("GET", "HEAD"):
        message += f" {advice_in_doubt(request)}"
    return errors.IttybitUnreadableAnswerError(
        message,
        status=response.status,
        request_id=_request_id(response, request_id),
        method=request.method,
        path=request.public_path,
        resource_id=request.resource_id,
    )


def _request_id(response: Response, told: str | None) -> str | None:
    found = told or response.headers.get("x-request-id")
    return readable_words(found, MOST_NAME) if found else None


def _refusal(status: int) -> Refusal:
    if status in _REFUSALS:
        return _REFUSALS[status]
    if 300 <= status < 400:
        return _REDIRECT
    if 400 <= status < 500:
        return _OTHER_CLIENT
    return _OTHER_SERVER if status >= 500 else _OTHER


def _inner_status(kind: str | None, meta: Mapping[str, Any]) -> int:
    inner = meta.get("status")
    if isinstance(inner, int) and not isinstance(inner, bool) and 400 <= inner < 600:
        return inner
    return KIND_STATUS.get(kind or "", 200)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _describe(response: Response) -> str:
    if not response.content.strip():
        return "The body is empty."
    content_type = readable_words(response.headers.get("content-type", "no content type").split(";")[0], MOST_NAME)
    text = response.content[: 4 * SNIPPET].decode("utf-8", "replace")
    if len(response.content) > 4 * SNIPPET:
        text = _PERHAPS_USER.sub(_PLACE, text)
    text = _SECRETS.sub(r"\1\2…", USER_OF_URL.sub(_HIDDEN_USER, text))
    start = " ".join(text.split())
    return f"The body ({content_type}) begins: {start[:SNIPPET]!r}."
