"""Wait until ittybit has processed media."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.sensors.base import ProcessingSensor

if TYPE_CHECKING:
    from collections.abc import Sequence


class MediaProcessingSensor(ProcessingSensor):
    """Wait until the processing of a resource ended well.

    It gives the same result and raises the same errors in poke, reschedule and deferred mode. What is done
    already never defers.

    :param media_id: id of a file, media, task, run or job, or a resource that holds it, such as the result of
        ``UploadMediaOperator``. (templated)
    :param resource: name of the collection, for an id without a known prefix. (templated)
    :param deferrable: wait in the triggerer, without a worker slot; by default ``[operators] default_deferrable``.
    :param poke_interval: seconds (or a ``timedelta``) between two looks, 60 by default. In deferred mode 0 is refused,
        and the pause grows with the time waited, as
        :class:`~airflow_provider_ittybit.triggers.processing.ProcessingTrigger` says.
    :param exponential_backoff: let the pause grow faster. In deferred mode it is then as long as the time waited so
        far, between ``poke_interval`` and ``max_wait``.
    :param max_wait: seconds (or a ``timedelta``) that a pause may grow to with ``exponential_backoff``; by default
        without limit.
    :param timeout: seconds (or a ``timedelta``) to wait at most, 7 days by default. In reschedule mode they count from
        the first try, and so they do in deferred mode on Airflow 3.3; in poke mode, and in deferred mode before
        Airflow 3.3, from the start of each try.
    :param execution_timeout: a ``timedelta`` that one try may take; in deferred mode with its time in the triggerer, in
        reschedule mode for each look, as Airflow does it. At its end comes Airflow's ``AirflowTaskTimeout``, and a
        retry may follow; with ``soft_fail`` or ``never_fail`` the task is skipped.
    :param soft_fail: skip the task where time ran out, and where an error occurs that no retry can heal.
    :param never_fail: skip the task at any error; but not where ``timeout`` ran out, as in Airflow's own sensors.
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: the processed resource as ittybit sent it (XCom), without what opens the URLs that it was made from.
    :raises IttybitProcessingFailedError: processing failed or was cancelled, in ittybit's own words.
    :raises IttybitProcessingTimeoutError: time ran out (an ``AirflowSensorTimeout``; ``soft_fail`` applies).
    :raises IttybitNotFoundError: there is nothing with this id.
    :raises IttybitStoppedError: the task was killed while it waited.
    """

    template_fields: Sequence[str] = ("media_id", "resource", "ittybit_conn_id")

    def __init__(self, *, media_id: object, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id

    def awaited(self) -> object:
        """Return what the user named."""
        return self.media_id
