"""An operator that may wait for processing: in its worker, or deferred to the triggerer."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_ittybit._compat import TaskDeferralTimeout
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.operators.base import IttybitOperator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

ID_KEY = "ittybit_id"
"""XCom key under which the id stands as soon as ittybit gave one, also if the task fails later."""


class WaitingOperator(IttybitOperator):
    """Base of the operators that start processing and may wait for its end.

    :param wait_for_processing: whether the task ends only when processing did; otherwise it ends as soon as
        ittybit accepted the media.
    :param deferrable: wait in the triggerer, without a worker slot; by default ``[operators] default_deferrable``.
    :param poll_interval: seconds (or a ``timedelta``) between two looks, 10 by default.
    :param timeout: seconds (or a ``timedelta``) that processing may take; by default without end. A shorter
        ``execution_timeout`` counts while deferred as well.
    """

    def __init__(
        self,
        *,
        wait_for_processing: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_processing = wait_for_processing
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout

    def check_durations(self) -> None:
        """Refuse a ``poll_interval`` or ``timeout`` that is no duration, before anything is sent."""
        self._pause()
        self._allowed_seconds()

    def finish(self, hook: IttybitHook, resource: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Go on from ittybit's answer to the result of the task.

        :param resource: what ittybit answered.
        :return: the resource; the processed one if the task waits.
        """
        resource_id = str(resource["id"])
        self.log.info("ittybit accepted %s (status %s)", resource_id, resource.get("status", "not reported"))
        context["ti"].xcom_push(key=ID_KEY, value=resource_id)
        if not self.wait_for_processing:
            return dict(resource)
        pause = self._pause()
        allowed = self._allowed_seconds()
        deadline = time.time() + allowed if allowed is not None else None
        if not self.deferrable:
            status = hook.wait_for_processing(resource_id, poll_interval=pause, timeout=allowed, deadline=deadline)
            return self._result(status)
        return self._look_then_defer(hook, resource_id, pause, deadline)

    def execute_complete(
        self,
        context: Any,
        event: object = None,
        resource_id: str = "",
        poll_interval: float = 10.0,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """Resume when the trigger fired: read the resource again and end as its state says."""
        from airflow_provider_ittybit.api.waiting import timed_out
        from airflow_provider_ittybit.triggers.processing import ERROR, TIMEOUT, read_event

        del context
        told = read_event(event, resource_id)
        with self.make_hook() as hook:
            if told["outcome"] not in (ERROR, TIMEOUT):
                return self._look_then_defer(hook, resource_id, poll_interval, deadline)
            status = hook.get_processing(resource_id)
            if self._succeeded(status):
                return self._result(status)
        if told["outcome"] == TIMEOUT:
            raise timed_out(resource_id, status.status, self._allowed_seconds())
        message = f"Waiting for {resource_id} was given up in the triggerer: {told.get('message')}"
        raise IttybitError(message, resource_id=resource_id)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume as Airflow does; when its own safety net ended the waiting, as after a timeout of the trigger."""
        from airflow_provider_ittybit.triggers.processing import TIMEOUT

        with contextlib.suppress(TaskDeferralTimeout):
            return super().resume_execution(next_method, next_kwargs, context)
        ti = context["ti"]  # Airflow replaced next_kwargs, so the id is only in XCom
        resource_id = ti.xcom_pull(task_ids=self.task_id, key=ID_KEY, map_indexes=ti.map_index)
        return self.execute_complete(context, {"outcome": TIMEOUT, "id": resource_id}, resource_id)

    def _look_then_defer(
        self, hook: IttybitHook, resource_id: str, pause: float, deadline: float | None
    ) -> dict[str, Any]:
        from airflow_provider_ittybit.triggers.processing import ProcessingTrigger, safety_net

        status = hook.get_processing(resource_id)
        if self._succeeded(status):
            return self._result(status)
        trigger = ProcessingTrigger(resource_id, self.ittybit_conn_id, poll_interval=pause, deadline=deadline)
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"resource_id": resource_id, "poll_interval": pause, "deadline": deadline},
            timeout=safety_net(deadline, pause),
        )
        return None

    def _pause(self) -> float:
        from airflow_provider_ittybit.api.waiting import DEFAULT_POLL_INTERVAL, as_seconds

        return as_seconds(self.poll_interval, "poll_interval") or DEFAULT_POLL_INTERVAL

    def _allowed_seconds(self) -> float | None:
        from airflow_provider_ittybit.api.waiting import as_seconds

        limits = [as_seconds(self.timeout, "timeout"), as_seconds(self.execution_timeout, "execution_timeout")]
        return min((limit for limit in limits if limit is not None), default=None)

    @staticmethod
    def _succeeded(status: ProcessingStatus) -> bool:
        from airflow_provider_ittybit.api.waiting import succeeded

        return succeeded(status)

    def _result(self, status: ProcessingStatus) -> dict[str, Any]:
        self.log.info("ittybit has processed %s (status %s)", status.id, status.status or "not reported")
        return dict(status.resource)
