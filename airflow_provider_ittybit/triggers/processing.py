"""Waits in the triggerer until ittybit has processed something."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ittybit.exceptions import (
    IttybitAuthenticationError,
    IttybitError,
    IttybitRateLimitError,
    IttybitTriggerEventError,
)
from airflow_provider_ittybit.triggers.loading import load
from airflow_provider_ittybit.triggers.waiters import ERROR, FINAL, TIMEOUT, Ended
from airflow_provider_ittybit.triggers.watch import GRACE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow_provider_ittybit.api.waiting import Patience
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

__all__ = ["ERROR", "FINAL", "TIMEOUT", "ProcessingTrigger", "error_of", "read_event", "safety_net", "until_when"]

LONGEST_KILL = 10.0
"""Seconds for all that a killed trigger still does; Airflow itself allows 30."""


class ProcessingTrigger(BaseTrigger):
    """Looks at a resource again and again and fires once its processing is over, for better or worse.

    All triggers of one triggerer that use the same connection share one poller, one session and one rate limit: it
    asks for many with one request where it can. The first look comes within ``poll_interval``, with those of others.
    The pause between two looks is ``poll_interval`` at first and grows to a tenth of the time waited so far, in whole
    multiples: at most to four times ``poll_interval``, and above 60 s only if ``poll_interval`` is. While ittybit
    reports ``progress`` that moves, or 90 % and more, it is ``poll_interval`` again. ``[ittybit] shared_poller =
    False`` in Airflow's configuration makes each trigger ask for itself, at ``poll_interval``, with the same events.

    The event is only a hint: the worker that resumes the task reads the resource itself. Neither the key nor
    anything of the connection but its id is in what Airflow stores of this trigger.

    :param resource_id: id of a file, media, task, run or job.
    :param ittybit_conn_id: id of the Airflow connection.
    :param resource: name of the collection, for an id without a known prefix.
    :param poll_interval: seconds between two looks (see above); each is cut short by up to a fifth, so that many
        spread out.
    :param deadline: Unix seconds at which a last look is taken. As an absolute time it holds when the trigger
        moves to another triggerer. A look that has not ended half a minute later is left to the worker. ``None`` waits
        without end.
    :param failed_looks: how many looks in a row had failed before; after five the waiting is given up.
    :param longest_pause: seconds that pauses may grow to where exponential growth is wanted: each is then as long as
        the time waited so far. ``None``, the default, is the usual growth (see above).
    :param delete_on_kill: delete the resource at ittybit when a person marks the task failed or succeeded, or clears
        it (Airflow 3.3 and later tell the trigger), unless a look just before shows that its processing is over.
        Otherwise, and by default, its processing goes on.
    :param unfinished: ids of what else the task waits for, deleted together with it in the same way.
    :param unknown: arguments of a later version of this class; the log names them, and it goes without.
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
        longest_pause: float | None = None,
        delete_on_kill: bool = False,
        unfinished: Sequence[str] | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it without annotations
        if unknown:
            self.log.warning("ProcessingTrigger does not know %s, and goes without", ", ".join(sorted(unknown)))
        self.resource_id = resource_id
        self.ittybit_conn_id = ittybit_conn_id
        self.resource = resource
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.failed_looks = failed_looks
        self.longest_pause = longest_pause
        self.delete_on_kill = delete_on_kill
        self.unfinished = unfinished
        self._is_killed = False

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
                "longest_pause": self.longest_pause,
                "delete_on_kill": self.delete_on_kill,
                "unfinished": self.unfinished,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield exactly one event."""
        await load()
        shared = conf.getboolean("ittybit", "shared_poller", fallback=True)
        try:
            ended = await (self._wait_with_others() if shared else self._wait_alone())
        except IttybitError as error:
            ended = Ended(ERROR, error=error.to_json())
        yield TriggerEvent(self._event(ended))

    async def on_kill(self) -> None:
        """Say what goes on at ittybit, or delete it if that was asked for: once, briefly, and never with an error.

        Airflow (3.3 and later) calls it when a person marks the deferred task failed or succeeded, or clears it; not at
        a timeout, nor when a triggerer stops. ``cleanup`` leaves alone what is at ittybit.
        """
        if self._is_killed:
            return
        self._is_killed = True
        ids = [self.resource_id, *(self.unfinished or ())]
        what = ", ".join(ids)
        if not self.delete_on_kill:
            self.log.warning("Killed: nobody waits for %s any more; its processing goes on at ittybit", what)
            return
        self.log.warning("Killed while waiting for %s: deleting at ittybit, as delete_on_kill asks", what)
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook
        from airflow_provider_ittybit.hooks.stopping import adelete_quietly

        try:
            async with asyncio.timeout(LONGEST_KILL):
                settings = await IttybitHook(self.ittybit_conn_id).aget_settings()
                await adelete_quietly(settings, ids, self.log, resource=self.resource)
        except Exception as error:  # noqa: BLE001 - a person who looks for what is left needs the ids, whatever it is
            self.log.warning("%s may be left at ittybit: deleting ended with %s", what, type(error).__name__)

    async def _wait_with_others(self) -> Ended:
        from airflow_provider_ittybit.triggers.registry import POLLERS, settings_now

        waiter = POLLERS.subscribe(
            self.ittybit_conn_id,
            await settings_now(self.ittybit_conn_id),
            self.resource_id,
            resource=self.resource,
            poll_interval=self.poll_interval,
            deadline=self.deadline,
            failed=self.failed_looks,
            longest_pause=self.longest_pause,
            concurrency=conf.getint("ittybit", "poller_concurrency", fallback=16),
        )
        try:
            return await waiter.future
        finally:
            await waiter.leave()

    async def _wait_alone(self) -> Ended:
        from airflow_provider_ittybit.api.waiting import Patience
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        hook, status = IttybitHook(self.ittybit_conn_id), None
        patience, began = Patience(self.failed_looks), time.monotonic()
        try:
            while True:
                last_look = self.deadline is not None and time.time() >= self.deadline
                try:
                    async with asyncio.timeout(self._longest_look()) as limit:
                        seen = await hook.aget_processing(self.resource_id, resource=self.resource)
                    patience.look_worked()
                    status = seen.status
                    if seen.state.is_final:
                        return Ended(FINAL, status)
                except TimeoutError:
                    if not limit.expired():
                        raise
                    last_look = True
                except IttybitError as error:
                    if other := await self._renewed(hook, error):
                        hook = other
                        continue
                    if not self._forgives(error, patience):
                        return Ended(ERROR, status, error.to_json())
                if last_look:
                    return Ended(TIMEOUT, status)
                await asyncio.sleep(self._pause(time.monotonic() - began))
        finally:
            await hook.aclose()

    async def _renewed(self, hook: IttybitHook, error: IttybitError) -> IttybitHook | None:
        """After a 401 read the connection again, and return a hook for it in place of this one if it is another."""
        if not isinstance(error, IttybitAuthenticationError):
            return None
        other = type(hook)(self.ittybit_conn_id)
        try:
            settings = await other.aget_settings()
        except Exception as trouble:  # noqa: BLE001 - whatever it is, the refusal that led here says more
            self.log.warning("The connection cannot be read again: %s", type(trouble).__name__)
            return None
        if settings.fingerprint == (await hook.aget_settings()).fingerprint:
            return None
        await hook.aclose()
        return other

    def _forgives(self, error: IttybitError, patience: Patience) -> bool:
        """Count a look that failed, and tell whether to look again. A 429 is none, as with the shared poller."""
        if isinstance(error, IttybitRateLimitError):
            self.log.warning("The look at %s is put off: %s", self.resource_id, error)
            return True
        forgiven = patience.forgives(error)
        if forgiven:
            self.log.warning("Look %d at %s in a row failed: %s", patience.failed, self.resource_id, error)
        return forgiven

    def _longest_look(self) -> float | None:
        """Tell for how many seconds a look may be under way, so that none goes on for long after the deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.time()) + GRACE

    def _pause(self, age: float = 0.0) -> float:
        from airflow_provider_ittybit.api.pacing import next_pause

        usual = self.poll_interval
        if self.longest_pause is not None:
            usual = next_pause(self.poll_interval, age, longest=self.longest_pause)
        pause = usual * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
        return pause if self.deadline is None else max(0.0, min(pause, self.deadline - time.time()))

    def _event(self, ended: Ended) -> dict[str, Any]:
        return {
            "outcome": ended.outcome,
            "id": self.resource_id,
            "status": ended.status,
            "message": ended.error["message"] if ended.error else None,
            "error": ended.error,
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


def until_when(deadline: float | None) -> str:
    """Say in words until when is waited.

    :param deadline: Unix seconds.
    """
    return (
        "without end"
        if deadline is None
        else f"until {datetime.fromtimestamp(deadline, UTC).isoformat()} at the latest"
    )


def safety_net(deadline: float | None, pause: float) -> timedelta | None:
    """Give the time after which Airflow itself ends a deferral: later than the trigger's own deadline.

    :param deadline: Unix seconds at which the trigger takes its last look.
    :param pause: seconds between two looks.
    """
    if deadline is None:
        return None
    return timedelta(seconds=max(0.0, deadline - time.time()) + max(2 * pause, 60.0))
