"""What only newer versions of Airflow have for triggers; apart, as ``airflow.triggers.base`` costs a DAG file 80 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger
    from airflow.triggers.shared_stream import SharedStreamProducer
else:
    try:
        from airflow.triggers.base import BaseEventTrigger
    except ImportError:  # before Airflow 3.0, which has no event-driven scheduling
        from airflow.triggers.base import BaseTrigger as BaseEventTrigger
    try:
        from airflow.triggers.shared_stream import SharedStreamProducer
    except ImportError:  # before Airflow 3.3
        SharedStreamProducer = object

HAS_ASSET_WATCHERS = BaseEventTrigger.__name__ == "BaseEventTrigger"
TELLS_WHAT_IS_STORED = hasattr(BaseEventTrigger, "create_shared_stream_producer")
"""Whether Airflow says when the events of a trigger are in its database."""

__all__ = ["HAS_ASSET_WATCHERS", "TELLS_WHAT_IS_STORED", "BaseEventTrigger", "SharedStreamProducer"]
