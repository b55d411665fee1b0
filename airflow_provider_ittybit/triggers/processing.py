"""Waits in the triggerer until ittybit has processed something."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ittybit.exceptions import IttybitError, IttybitTriggerEventError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_ittybit.api.processing import ProcessingStatus

FINAL, TIMEOUT, ERROR = "final", "timeout", "error"


class ProcessingTrigger(BaseTrigger):
    """Looks at a resource again and again and fires once its processing is over, for better or worse.

    The event is only a hint: the worker that resumes the task reads the resource itself. Neither the key nor
    anything of the connection but its id is in what Airflow stores of this trigger.

    :param resource_id: id of a file, media, task, run or job.
    :param ittybit_conn_id: id of the Airflow connection.
    :param resource: name of the collection, for an id without a known prefix.
    :param poll_interval: seconds between two looks; each varies by a tenth, so that many tasks spread out.
    :param deadline: Unix seconds at which a last look is taken. As an absolute time it holds when the trigger
        moves to another triggerer. ``None`` waits without end.
    :param failed_looks: how many looks in a row had failed before; after five the waiting is given up.
    """

    def __init__(
        self,
        resource_id: str,
        ittybit_conn_id: str = "ittybit_default",
        *,
        resource: str | None = None,
        poll_interval: float = 10.0,
        deadline: float | None = None,
        failed_looks: int = 0,
        **_: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it without annotations
        self.resource_id = resource_id
        self.ittybit_conn_id = ittybit_conn_id
        self.resource = resource
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.failed_looks = failed_looks

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the import path and the arguments that make this trigger again: plain JSON."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "resource_id": self.resource_id,
                "ittybit_conn_id": self.ittybit_conn_id,
                "resource": self.resource,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "failed_looks": self.failed_looks,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield exactly one event."""
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        hook = IttybitHook(self.ittybit_conn_id)
        try:
            yield TriggerEvent(await self._wait(hook))
        finally:
            await hook.aclose()

    async def _wait(self, hook: Any) -> dict[str, Any]:
        from airflow_provider_ittybit.api.waiting import Patience

        patience = Patience(self.failed_looks)
        status: ProcessingStatus | None = None
        while True:
            last_look = self.deadline is not None and time.time() >= self.deadline
            try:
                status = await hook.aget_processing(self.resource_id, resource=self.resource)
                patience.look_worked()
            except IttybitError as error:
                if not patience.forgives(error):
                    return self._event(ERROR, status, error=error.to_json())
                self.log.warning("Look %d at %s in a row failed: %s", patience.failed, self.resource_id, error)
            if status is not None and status.state.is_final:
                return self._event(FINAL, status)
            if last_look:
                return self._event(TIMEOUT, status)
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        pause = self.poll_interval * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
        return pause if self.deadline is None else max(0.0, min(pause, self.deadline - time.time()))

    def _event(
        self, outcome: str, status: ProcessingStatus | None, *, error: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return {
            "outcome": outcome,
            "id": self.resource_id,
            "status": status.status if status else None,
            "message": error["message"] if error else None,
            "error": error,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
        }


def read_event(event: object, *resource_ids: str) -> dict[str, Any]:
    """Check that an event is one of this trigger, for one of these resources.

    :return: ``{"outcome": "final" | "timeout" | "error", "id", "status", "message", "error", "poll_interval",
        "deadline"}``; the last four may be missing in an event of another version.
    :raises IttybitTriggerEventError: it is not.
    """
    known = isinstance(event, dict) and event.get("outcome") in (FINAL, TIMEOUT, ERROR)
    if known and isinstance(event, dict) and event.get("id") in resource_ids:
        return event
    shown = ", ".join(resource_ids) or "nothing"
    message = (
        f"The task that waits for {shown} was resumed with {event!r}, which ProcessingTrigger did not send. "
        "Were triggerer and worker upgraded to different versions? Clear the task to wait again."
    )
    raise IttybitTriggerEventError(message, resource_id=resource_ids[0] if resource_ids else None)


def error_of(told: dict[str, Any]) -> IttybitError:
    """Make again, from an event that says ``error``, the error for which the triggerer gave up."""
    if told.get("error"):
        return IttybitError.from_json(told["error"])
    why = told.get("message") or "it did not say why"
    return IttybitError(f"Waiting for {told.get('id')} was given up in the triggerer: {why}")


def safety_net(deadline: float | None, pause: float) -> timedelta | None:
    """Give the time after which Airflow itself ends a deferral: later than the trigger's own deadline.

    :param deadline: Unix seconds at which the trigger takes its last look.
    :param pause: seconds between two looks.
    """
    if deadline is None:
        return None
    return timedelta(seconds=max(0.0, deadline - time.time()) + max(2 * pause, 60.0))
