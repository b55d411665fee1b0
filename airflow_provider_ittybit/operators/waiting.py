"""An operator that may wait for processing: in its worker, or deferred to the triggerer."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_ittybit._compat import TaskDeferralTimeout
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.links.ittybit import IttybitMediaLink
from airflow_provider_ittybit.operators.base import IttybitOperator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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

    operator_extra_links = (IttybitMediaLink(),)

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

    def finish(
        self, hook: IttybitHook, resources: Sequence[Mapping[str, Any]], context: Any, *, many: bool
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Go on from ittybit's answers to the result of the task.

        :param resources: what ittybit answered.
        :param many: whether the result is a list, even of one.
        :return: the resource or resources; the processed ones if the task waits.
        """
        ids = [str(resource["id"]) for resource in resources]
        for resource in resources:
            self.log.info("ittybit accepted %s (status %s)", resource["id"], resource.get("status", "not reported"))
        context["ti"].xcom_push(key=ID_KEY, value=ids if many else ids[0])
        if not self.wait_for_processing:
            accepted = [self.for_xcom(resource) for resource in resources]
            return accepted if many else accepted[0]
        allowed = self._allowed_seconds()
        deadline = time.time() + allowed if allowed is not None else None
        if self.deferrable:
            return self._look_then_defer(hook, _Waiting(ids, many, self._pause(), deadline))
        found = [
            hook.wait_for_processing(resource_id, poll_interval=self._pause(), timeout=allowed, deadline=deadline)
            for resource_id in ids
        ]
        return self._result(found, many=many)

    def for_xcom(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of a resource may be kept in XCom: all of it, unless an operator says otherwise."""
        return dict(resource)

    def execute_complete(
        self,
        context: Any,
        event: object = None,
        *,
        resource_ids: Sequence[str] = (),
        many: bool = False,
        poll_interval: float | None = None,
        deadline: float | None = None,
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Resume when the trigger fired: read the resources again and end as their states say.

        What is missing of the arguments is taken from XCom and from the event: ``dag.test()`` hands over nothing but
        the event, and Airflow's safety net not even that.
        """
        from airflow_provider_ittybit.api.waiting import timed_out
        from airflow_provider_ittybit.triggers.processing import ERROR, TIMEOUT, error_of, read_event

        ids = list(resource_ids)
        if not ids:
            ids, many = self._pushed(context)
        told = read_event(event, *ids)
        pause = poll_interval or told.get("poll_interval") or self._pause()
        waiting = _Waiting(ids, many, pause, deadline or told.get("deadline"))
        with self.make_hook() as hook:
            if told["outcome"] not in (ERROR, TIMEOUT):
                return self._look_then_defer(hook, waiting)
            try:
                statuses = [hook.get_processing(resource_id) for resource_id in ids]
            except IttybitError:
                if told["outcome"] == ERROR:
                    raise error_of(told) from None
                raise
        unfinished = [status for status in statuses if not self._succeeded(status)]
        if not unfinished:
            return self._result(statuses, many=many)
        if told["outcome"] == TIMEOUT:
            raise timed_out(unfinished[0].id, unfinished[0].status, self._allowed_seconds())
        raise error_of(told)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume as Airflow does; when its own safety net ended the waiting, as after a timeout of the trigger."""
        from airflow_provider_ittybit.triggers.processing import TIMEOUT

        with contextlib.suppress(TaskDeferralTimeout):
            return super().resume_execution(next_method, next_kwargs, context)
        ids, _ = self._pushed(context)
        return self.execute_complete(context, {"outcome": TIMEOUT, "id": ids[0]})

    def _pushed(self, context: Any) -> tuple[list[str], bool]:
        """Find what this very task waits for in XCom, and whether it is a list."""
        ti = context["ti"]
        pushed = ti.xcom_pull(task_ids=self.task_id, key=ID_KEY, map_indexes=ti.map_index)
        return (list(pushed), True) if isinstance(pushed, list | tuple) else ([str(pushed)], False)

    def _look_then_defer(self, hook: IttybitHook, waiting: _Waiting) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the result if all are done; else defer until the first that is not may be."""
        from airflow_provider_ittybit.api.waiting import Patience
        from airflow_provider_ittybit.triggers.processing import ProcessingTrigger, safety_net

        statuses = []
        for resource_id in waiting.ids:
            patience = Patience()
            try:
                status = hook.get_processing(resource_id)
            except IttybitError as error:
                if not patience.forgives(error):
                    raise
                self.log.warning("The first look at %s failed: %s", resource_id, error)
            else:
                statuses.append(status)
                if self._succeeded(status):
                    continue
            pause, deadline = waiting.pause, waiting.deadline
            self.defer(
                trigger=ProcessingTrigger(
                    resource_id,
                    self.ittybit_conn_id,
                    poll_interval=pause,
                    deadline=deadline,
                    failed_looks=patience.failed,
                ),
                method_name="execute_complete",
                kwargs={
                    "resource_ids": waiting.ids,
                    "many": waiting.many,
                    "poll_interval": pause,
                    "deadline": deadline,
                },
                timeout=safety_net(deadline, pause),
            )
        return self._result(statuses, many=waiting.many)

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

    def _result(self, statuses: Sequence[ProcessingStatus], *, many: bool) -> dict[str, Any] | list[dict[str, Any]]:
        for status in statuses:
            self.log.info("ittybit has processed %s (status %s)", status.id, status.status or "not reported")
        found = [self.for_xcom(status.resource) for status in statuses]
        return found if many else found[0]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What is waited for, and how long."""

    ids: list[str]
    many: bool
    pause: float
    deadline: float | None
