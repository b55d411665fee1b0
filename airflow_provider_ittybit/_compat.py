"""What ``airflow.providers.common.compat.sdk`` leaves to us in smoothing the differences between Airflow versions."""

from __future__ import annotations

try:
    from airflow.sdk.exceptions import TaskDeferralTimeout
except ImportError:  # before Airflow 3.2
    from airflow.exceptions import TaskDeferralTimeout  # type: ignore[no-redef] # moved since

__all__ = ["TaskDeferralTimeout"]
