"""The one look that is left when the time for processing ran out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ittybit.api.waiting import succeeded, timed_out
from airflow_provider_ittybit.exceptions import IttybitError, IttybitStoppedError

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

LAST_LOOK = 10.0
"""Seconds for a connection, and again for an answer: a task whose time ran out must not take much more."""


def last_look(
    hook: IttybitHook,
    resource_id: str,
    *,
    resource: str | None = None,
    seen: str | None = None,
    seconds: float | None = None,
) -> ProcessingStatus:
    """Look whether processing ended in time after all. A request is sent again once at most.

    :param resource_id: what was waited for.
    :param resource: name of the collection, for an id without a known prefix.
    :param seen: ittybit's last word on it so far.
    :param seconds: how long it could take, for the error.
    :return: the status, if it ended well.
    :raises IttybitProcessingTimeoutError: it goes on, or ittybit gives no answer now.
    :raises IttybitStoppedError: the task was killed.
    :raises IttybitError: it failed, or something ended it that no repetition can heal.
    """
    hook.pause.check()
    with hook.hurried(LAST_LOOK, repetitions=1) as quick:
        quick.pause = hook.pause  # a kill ends this look as any other
        try:
            status = quick.get_processing(resource_id, resource=resource)
        except IttybitStoppedError:
            raise
        except IttybitError as error:
            if error.is_final:
                raise
            quick.log.warning("The last look at %s failed: %s", resource_id, error)
            raise timed_out(resource_id, seen, seconds) from error
    if succeeded(status):
        return status
    raise timed_out(resource_id, status.status, seconds)
