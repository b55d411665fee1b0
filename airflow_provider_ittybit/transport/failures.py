"""The error for a request that got no answer, in words that hold neither key nor signed URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.failures import advice_in_doubt
from airflow_provider_ittybit.exceptions import IttybitStoppedError, IttybitTransportError

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.messages import Request
    from airflow_provider_ittybit.exceptions import IttybitError

HIDDEN = "…"
"""What stands in the place of an API key."""


def no_answer(request: Request, error: BaseException, *, may_have_arrived: bool) -> IttybitTransportError:
    """Make the error for a request without an answer.

    :param error: what the HTTP library raised. Of it only the innermost reason is told, since the outer
        texts of HTTP libraries hold whole URLs.
    :param may_have_arrived: whether ittybit may have acted on the request.
    """
    reason = _in_words(innermost(error))
    if "certificate" in reason.lower() and not may_have_arrived:
        advice = (
            "So nothing was sent. If the certificate is of your own authority, set ca_bundle in the extra of the "
            "connection; if not, something else answers in the name of this host."
        )
    elif may_have_arrived:
        advice = advice_in_doubt(request)
    else:
        advice = "It never arrived, so a retry does no harm. Check host of the connection, DNS, proxy and firewall."
    message = f"ittybit gave no answer to {request.method} {request.public_path}: {reason}. {advice}"
    return IttybitTransportError(
        message,
        method=request.method,
        path=request.public_path,
        resource_id=request.resource_id,
        may_have_arrived=may_have_arrived,
    )


def interrupted(request: Request, *, is_under_way: bool) -> IttybitStoppedError:
    """Make the error for a request that ended because the task was killed.

    :param is_under_way: whether ittybit may have acted on it.
    """
    what = f"{request.method} {request.public_path}"
    message = f"The task was killed before {what}, which was not sent."
    if is_under_way:
        message = f"The task was killed while it waited for an answer to {what}. {advice_in_doubt(request)}"
    return IttybitStoppedError(
        message, method=request.method, path=request.public_path, resource_id=request.resource_id
    )


def without_key(error: IttybitError, api_key: str) -> None:
    """Take the API key out of an error, should ittybit have repeated it in its own words."""
    for name, value in vars(error).items():
        if isinstance(value, str):
            setattr(error, name, value.replace(api_key, HIDDEN))
    error.args = (error.message,)


def innermost(error: BaseException) -> BaseException:
    """Find the reason below what the layers of an HTTP library wrapped around it."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [getattr(error, "reason", None), getattr(error, "os_error", None), *reversed(error.args)]
        for candidate in (*inner, error.__cause__):
            if isinstance(candidate, Exception):  # a timeout's CancelledError says less than the timeout
                error = candidate
                break
    return error


def _in_words(error: BaseException) -> str:
    text = str(error).split(": ", 1)[-1] if "Connection(host=" in str(error) else str(error)
    text = "".join(c for c in " ".join(text.split()) if c.isprintable()).rstrip(".")
    if "://" in text or "?" in text:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
