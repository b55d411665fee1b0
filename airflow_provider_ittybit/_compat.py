"""What ``airflow.providers.common.compat.sdk`` leaves to us in smoothing the differences between Airflow versions."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_AIRFLOW_2 = "Trigger/execution timeout"
"""What Airflow 2.11, which has no error of its own for it, says when the timeout of a deferral passed."""

_Ended: tuple[type[Exception], ...]
try:
    from airflow.sdk.exceptions import TaskDeferralTimeout

    _Ended = (TaskDeferralTimeout,)
except ImportError:  # before Airflow 3.2
    from airflow import exceptions as _exceptions

    _Ended = (getattr(_exceptions, "TaskDeferralTimeout", None) or _exceptions.TaskDeferralError,)


@contextlib.contextmanager
def suppressed_deferral_timeout() -> Iterator[None]:
    """Go on after the block when Airflow resumed a task because the timeout of its deferral passed."""
    try:
        yield
    except _Ended as error:
        if type(error).__name__ == "TaskDeferralError" and str(error) != _IN_AIRFLOW_2:
            raise
