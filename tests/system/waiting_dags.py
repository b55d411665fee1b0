"""A DAG that waits for everything that the run's configuration names; a test gives it to a scheduled Airflow."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, get_current_context, task

from airflow_provider_ittybit.sensors.media import MediaProcessingSensor


@task(retries=3, retry_delay=1.0)  # what is waited for has no retries: each of its tries would hide a failure
def media_ids() -> list[str]:
    """Name what to wait for."""
    context: Any = get_current_context()
    return list(context["dag_run"].conf["media_ids"])


with DAG("wait_for_many", schedule=None, max_active_tasks=1000):
    MediaProcessingSensor.partial(task_id="wait", deferrable=True, poke_interval=1, timeout=3600).expand(
        media_id=media_ids()
    )
