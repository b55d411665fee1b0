"""How waiting for processing ends: one policy for hook, operators, sensors and triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.processing import ProcessingState
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitProcessingFailedError,
    IttybitProcessingTimeoutError,
)

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_provider_ittybit.api.processing import ProcessingStatus

DEFAULT_POLL_INTERVAL = 10.0
"""Seconds between two looks at the same resource."""


FAILED_LOOKS = 5
"""Looks in a row that may fail before the waiting is given up; each is itself tried several times."""


class Patience:
    """Forgives failing looks: up to four in a row, and none that no repetition can heal.

    :param failed: how many of the last looks failed already.
    """

    def __init__(self, failed: int = 0) -> None:
        self.failed = failed

    def forgives(self, error: IttybitError) -> bool:
        """Count a look that failed, and tell whether to look again."""
        self.failed += 1
        return not error.is_final and self.failed < FAILED_LOOKS

    def look_worked(self) -> None:
        """Begin to count anew."""
        self.failed = 0


def succeeded(status: ProcessingStatus) -> bool:
    """Tell whether processing ended well.

    :return: true if it did, false while it goes on.
    :raises IttybitProcessingFailedError: it failed or was cancelled, in ittybit's own words.
    """
    if status.state is ProcessingState.SUCCEEDED:
        return True
    if not status.state.is_final:
        return False
    what = "was cancelled" if status.state is ProcessingState.CANCELLED else "failed"
    words = status.error or "ittybit gave no reason"
    message = (
        f"The processing of {status.id} {what} at ittybit{_word(status)}: {words}. Look at the media it was "
        "made from; a retry of this task would find the same result."
    )
    raise IttybitProcessingFailedError(message, detail=status.error, resource_id=status.id, last_status=status.status)


def timed_out(resource_id: str, last_status: str | None, seconds: float | None = None) -> IttybitProcessingTimeoutError:
    """Make the error for processing that did not end in time.

    :param resource_id: what was waited for.
    :param last_status: ittybit's last word on it, ``None`` if it has none or was never seen.
    :param seconds: how long was waited, if known.
    """
    waited = f" within {seconds:g} s" if seconds is not None else " in time"
    message = (
        f"The processing of {resource_id} did not end{waited}; its last known status is "
        f"{last_status or 'unknown'}. It may still go on at ittybit. Raise timeout, or look again later with a "
        f"MediaProcessingSensor on {resource_id}; uploading again would make a second copy."
    )
    return IttybitProcessingTimeoutError(message, resource_id=resource_id, last_status=last_status)


def as_seconds(value: float | timedelta | None, name: str) -> float | None:
    """Read a duration that a user gave.

    :param value: seconds or a ``timedelta``; ``None`` for no limit.
    :param name: the parameter's name, for the error.
    :raises IttybitInputError: it is no positive duration.
    """
    if value is None:
        return None
    total = getattr(value, "total_seconds", None)
    try:
        seconds = float(total() if total else value)  # type: ignore[arg-type] # a wrong type is what except is for
    except (TypeError, ValueError, OverflowError):
        seconds = -1.0
    if not 0 < seconds < 1e10:
        message = f"{name}={value!r} is no duration: give a positive number of seconds or a timedelta."
        raise IttybitInputError(message)
    return seconds


def _word(status: ProcessingStatus) -> str:
    return f" (status {status.status})" if status.status else ""
