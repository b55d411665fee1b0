"""The retry policy of ``api.retrying`` as arguments for tenacity, the same for both transports."""

from __future__ import annotations

import logging
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.messages import Response
from airflow_provider_ittybit.api.retrying import Outcome, may_send_again, wait_before
from airflow_provider_ittybit.exceptions import IttybitTransportError

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from airflow_provider_ittybit.api.messages import Request
    from airflow_provider_ittybit.api.settings import Settings

log = logging.getLogger(__name__)


def retry_arguments(request: Request, settings: Settings, *, rate_limits: bool = True) -> dict[str, Any]:
    """Give the arguments of ``tenacity.Retrying`` and ``tenacity.AsyncRetrying`` for one request.

    The last answer or error comes back as it is, so that the caller reads the one that counts.

    :param rate_limits: whether to send again after 429; not where a gate makes all requests wait together.
    """

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number > settings.max_retries

    def again(state: RetryCallState) -> bool:
        outcome = _outcome(state)
        if outcome is None or (outcome.status == 429 and not rate_limits):
            return False
        return may_send_again(request, outcome)

    def wait(state: RetryCallState) -> float:
        return pause_before(state.attempt_number, _outcome(state) or Outcome())

    def tell(state: RetryCallState) -> None:
        outcome = _outcome(state) or Outcome()
        log.warning(
            "ittybit: %s %s: %s; attempt %d of %d follows in %.1f s",
            request.method,
            request.public_path,
            outcome.status or "no answer",
            state.attempt_number + 1,
            settings.max_retries + 1,
            state.upcoming_sleep,
        )

    def last(state: RetryCallState) -> Any:
        return state.outcome.result() if state.outcome else None

    return {"stop": stop, "retry": again, "wait": wait, "before_sleep": tell, "retry_error_callback": last}


def pause_before(attempt: int, outcome: Outcome) -> float:
    """Tell how many seconds to wait now before the next attempt; see ``wait_before``."""
    chance = random.random()  # noqa: S311 - spreads load, guards nothing
    return wait_before(attempt, outcome, now=datetime.now(UTC), chance=chance)


def _outcome(state: RetryCallState) -> Outcome | None:
    """Describe the last attempt; ``None`` if it failed in a way that is not about the network."""
    if state.outcome is None:
        return None
    error = state.outcome.exception()
    if error is not None:
        if isinstance(error, IttybitTransportError):
            return Outcome(may_have_arrived=error.may_have_arrived)
        return None
    answer = state.outcome.result()
    if not isinstance(answer, Response):
        return None
    return Outcome(status=answer.status, retry_after=answer.headers.get("retry-after"))
