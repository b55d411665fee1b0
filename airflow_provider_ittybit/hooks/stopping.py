"""What a killed task does: it stops waiting, and deletes what is half made if it was asked to."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.exceptions import IttybitError, IttybitNotFoundError, IttybitStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.api.settings import Settings
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

SLICE = 0.5
"""Seconds that a sleep lasts at most before it is seen that the task was killed."""
SHORT = 2.0
"""Seconds for a connection, and again for an answer, while a task is being killed: Airflow gives it 5 s in all."""
TOGETHER = 4.0
"""Seconds after which a killed task begins no further deletion."""


class Pause:
    """Sleeps, and ends with an error soon after it was told to stop.

    A signal handler may tell it: to set a flag takes no lock. ``time.sleep`` goes on after a signal, so it sleeps in
    slices; so does a request that waits for its answer, which has to be interrupted.
    """

    def __init__(self) -> None:
        self.is_stopped = False
        self.interrupt: Callable[[], None] | None = None
        """Soon ends the request that is under way between two pauses; it takes no lock either."""

    def stop(self) -> None:
        """End this pause or the request that is under way, and refuse any other."""
        self.is_stopped = True
        if self.interrupt is not None:
            self.interrupt()

    def check(self) -> None:
        """Tell whether it may go on.

        :raises IttybitStoppedError: it was told to stop.
        """
        if self.is_stopped:
            message = (
                "The task was killed and waits no longer. What it began goes on at ittybit, which publishes no way to "
                "cancel; a retry picks it up on Airflow 3.3."
            )
            raise IttybitStoppedError(message)

    def __call__(self, seconds: float) -> None:
        """Sleep so many seconds.

        :raises IttybitStoppedError: it was told to stop.
        """
        self.check()
        while seconds > 0:
            time.sleep(min(seconds, SLICE))
            self.check()
            seconds -= SLICE


def hurried(settings: Settings, *, seconds: float, repetitions: int = 0) -> Settings:
    """Copy the settings of a connection for one who has no time.

    :param seconds: for a connection, and again for an answer, at most.
    :param repetitions: how often a request is sent again, at most.
    """
    return replace(settings, timeout=min(settings.timeout, seconds), max_retries=min(settings.max_retries, repetitions))


def delete_quietly(hook: IttybitHook, ids: Sequence[str], log: Any) -> list[str]:
    """Delete what a killed task leaves half made: one short attempt each, and never an error.

    Each is looked at before, since it may have ended while nobody looked: what has ended stays, for better or worse.
    What cannot be looked at is deleted. It asks nothing of Airflow, so a signal handler may call it.

    :param hook: one that has read its connection already; without that, nothing is deleted.
    :param ids: of what is deleted.
    :param log: is told what was deleted, and what is left.
    :return: the ids of what is deleted now.
    """
    deleted: list[str] = []
    end, left = time.monotonic() + TOGETHER, list(ids)
    try:
        with hook.hurried(SHORT) as quick:
            while left and time.monotonic() < end:
                if _has_ended(quick, left[0], log):
                    left.pop(0)
                elif time.monotonic() < end:
                    resource_id = left.pop(0)
                    try:
                        quick.delete_media(resource_id)
                    except IttybitError as error:
                        log.warning("%s could not be deleted and is left at ittybit: %s", resource_id, error)
                    else:
                        log.info("Deleted %s at ittybit, as delete_on_kill asks", resource_id)
                        deleted.append(resource_id)
    except Exception as error:  # noqa: BLE001 - a task that is killed has nobody to raise to
        log.warning("Deleting what the killed task made ended early: %s", type(error).__name__)
    if left:
        log.warning("Not deleted and left at ittybit: %s", ", ".join(left))
    return deleted


async def adelete_quietly(settings: Settings, ids: Sequence[str], log: Any, *, resource: str | None = None) -> None:
    """Do what ``delete_quietly`` does, all at once and without blocking the triggerer's event loop.

    :param settings: of the connection.
    :param ids: of what is deleted.
    :param log: is told what was deleted, and what is left.
    :param resource: name of the collection, for ids without a known prefix.
    """
    from airflow_provider_ittybit.api.calls import delete_resource, get_resource
    from airflow_provider_ittybit.api.processing import read_processing
    from airflow_provider_ittybit.transport.asynchronous import AsyncTransport

    async def has_ended(resource_id: str) -> bool:
        try:
            async with asyncio.timeout(TOGETHER):
                found = await transport.send(get_resource(settings.generation, resource_id, resource))
        except (IttybitError, TimeoutError) as error:
            return _not_seen(resource_id, error, log)
        return _is_over(read_processing(found), resource_id, log)

    async def delete(resource_id: str) -> None:
        if await has_ended(resource_id):
            return
        try:
            await transport.send(delete_resource(settings.generation, resource_id, resource))
        except IttybitNotFoundError:
            log.info("%s was gone at ittybit already", resource_id)
        except IttybitError as error:
            log.warning("%s could not be deleted and is left at ittybit: %s", resource_id, error)
        else:
            log.info("Deleted %s at ittybit, as delete_on_kill asks", resource_id)

    async with AsyncTransport(hurried(settings, seconds=SHORT), in_line=False) as transport:
        await asyncio.gather(*map(delete, ids))


def _has_ended(hook: IttybitHook, resource_id: str, log: Any) -> bool:
    try:
        return _is_over(hook.get_processing(resource_id), resource_id, log)
    except IttybitError as error:
        return _not_seen(resource_id, error, log)


def _is_over(status: ProcessingStatus, resource_id: str, log: Any) -> bool:
    if status.state.is_final:
        log.info(
            "%s stays at ittybit: its processing is over (status %s)", resource_id, status.status or "not reported"
        )
    return status.state.is_final


def _not_seen(resource_id: str, error: Exception, log: Any) -> bool:
    what = type(error).__name__
    log.warning("Whether %s was processed meanwhile could not be seen (%s): deleting it", resource_id, what)
    return False
