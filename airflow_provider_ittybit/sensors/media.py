"""Wait until ittybit has processed media."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseOperator,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_ittybit._compat import TaskDeferralTimeout
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.links.ittybit import IttybitMediaLink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

FAILED_LOOKS_KEY = "ittybit_failed_looks"


class ProcessingSensor(BaseSensorOperator):
    """Base of the sensors that wait for the processing of one resource; ``awaited`` says which.

    :param resource: name of the collection, for an id without a known prefix.
    :param ittybit_conn_id: id of the Airflow connection.
    :param deferrable: wait in the triggerer, without a worker slot; by default ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = ("resource", "ittybit_conn_id")
    ui_color = "#ffe9b8"
    operator_extra_links = (IttybitMediaLink(),)

    def __init__(
        self,
        *,
        resource: str | None = None,
        ittybit_conn_id: str = "ittybit_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.ittybit_conn_id = ittybit_conn_id
        self.deferrable = deferrable
        self._last_status: str | None = None
        self._patience: Any = None

    def awaited(self) -> object:
        """Return what the user named: an id, or a resource with one."""
        raise NotImplementedError

    def read(self, hook: IttybitHook) -> ProcessingStatus:
        """Read where it stands."""
        return hook.get_processing(self._id(), resource=self.resource or None)

    def execute(self, context: Any) -> Any:
        """Wait in the chosen mode."""
        with self._same_end_in_all_modes():
            if self.deferrable:
                return self._look_then_defer(context, time.time() + self._seconds(self.timeout))
            try:
                return super().execute(context)
            except IttybitError:
                raise
            except AirflowSensorTimeout:
                raise self._timed_out() from None

    def poke(self, context: Any) -> PokeReturnValue | bool:
        """Take one look."""
        resource = self._look(context)
        return PokeReturnValue(is_done=True, xcom_value=resource) if resource is not None else False

    def execute_complete(self, context: Any, event: object = None, deadline: float | None = None) -> Any:
        """Resume when the trigger fired: look again and end as the state says."""
        from airflow_provider_ittybit.triggers.processing import ERROR, TIMEOUT, error_of, read_event

        told = read_event(event, self._id())
        until = deadline or told.get("deadline") or time.time() + self._seconds(self.timeout)
        if told["outcome"] == ERROR and not self.silent_fail:
            return self._after_giving_up(error_of(told))
        if told["outcome"] != TIMEOUT:
            return self._look_then_defer(context, until)
        resource = self._look(context)
        if resource is not None:
            return resource
        raise self._timed_out()

    def _after_giving_up(self, error: IttybitError) -> Any:
        """Look once more after the triggerer gave up; only an end of the processing counts more than its error."""
        from airflow_provider_ittybit.api.waiting import succeeded

        with self._make_hook() as hook:
            try:
                status = self.read(hook)
            except IttybitError:
                raise error from None
        if succeeded(status):
            return dict(status.resource)
        raise error

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume with the same outcomes as in poke mode; Airflow's own would skip on any error.

        When Airflow's safety net ended the waiting, go on as after a timeout of the trigger.
        """
        from airflow_provider_ittybit.triggers.processing import TIMEOUT

        with self._same_end_in_all_modes():
            with contextlib.suppress(TaskDeferralTimeout):
                return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
            return self.execute_complete(context, {"outcome": TIMEOUT, "id": self._id()})

    def _look_then_defer(self, context: Any, deadline: float) -> Any:
        from airflow_provider_ittybit.triggers.processing import ProcessingTrigger, safety_net

        resource = self._look(context)
        if resource is not None:
            return resource
        pause = self._seconds(self.poke_interval)
        trigger = ProcessingTrigger(
            self._id(),
            self.ittybit_conn_id,
            resource=self.resource or None,
            poll_interval=pause,
            deadline=deadline,
            failed_looks=self._patience.failed,
        )
        return self.defer(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"deadline": deadline},
            timeout=safety_net(deadline, pause),
        )

    def _look(self, context: Any) -> dict[str, Any] | None:
        """Return the resource if its processing ended well, ``None`` while it goes on.

        Up to four looks in a row may fail, in every mode. In reschedule mode each look is a process of its own,
        so their number is kept in Airflow's task state store (3.3 and later); before it, the first failure counts.
        """
        from airflow_provider_ittybit.api.waiting import FAILED_LOOKS, Patience, succeeded

        alone = self.reschedule and not self.deferrable
        store = context.get("task_state_store") if alone else None
        if store is not None:
            self._patience = Patience(int(store.get(FAILED_LOOKS_KEY) or 0))
        elif alone or self._patience is None:
            self._patience = Patience(FAILED_LOOKS - 1 if alone else 0)
        try:
            with self._make_hook() as hook:
                status = self.read(hook)
        except IttybitError as error:
            forgiven = self._patience.forgives(error)
            if store is not None:
                store.set(FAILED_LOOKS_KEY, self._patience.failed)
            if not forgiven and (error.is_final or not self.silent_fail):
                raise
            self.log.warning("Look %d at %s in a row failed: %s", self._patience.failed, self._id(), error)
            return None
        if store is not None and self._patience.failed:
            store.delete(FAILED_LOOKS_KEY)
        self._patience.look_worked()
        if status.status != self._last_status:
            self.log.info("%s: status %s", status.id, status.status)
        self._last_status = status.status
        return dict(status.resource) if succeeded(status) else None

    def _make_hook(self) -> IttybitHook:
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        return IttybitHook(self.ittybit_conn_id)

    def _id(self) -> str:
        from airflow_provider_ittybit.api.identifiers import id_of

        return id_of(self.awaited())

    def _timed_out(self) -> IttybitError:
        from airflow_provider_ittybit.api.waiting import timed_out

        return timed_out(self._id(), self._last_status, self._seconds(self.timeout))

    @staticmethod
    def _seconds(value: Any) -> float:
        return float(value.total_seconds()) if hasattr(value, "total_seconds") else float(value)

    @contextlib.contextmanager
    def _same_end_in_all_modes(self) -> Iterator[None]:
        try:
            yield
        except AirflowSkipException:
            raise
        except (AirflowSensorTimeout, AirflowTaskTimeout, AirflowFailException) as error:
            for wanted, name in ((self.soft_fail, "soft_fail"), (self.never_fail, "never_fail")):
                if wanted:
                    message = f"Skipped because of {name}: {error}"
                    raise AirflowSkipException(message) from error
            raise
        except Exception as error:
            if self.never_fail:
                message = f"Skipped because of never_fail: {error}"
                raise AirflowSkipException(message) from error
            raise


class MediaProcessingSensor(ProcessingSensor):
    """Wait until the processing of a resource ended well.

    It gives the same result and raises the same errors in poke, reschedule and deferred mode. What is done
    already never defers.

    :param media_id: id of a file, media, task, run or job, or a resource that holds it, such as the result of
        ``UploadMediaOperator``. (templated)
    :param resource: name of the collection, for an id without a known prefix. (templated)
    :param deferrable: wait in the triggerer, without a worker slot; by default ``[operators] default_deferrable``.
    :param poke_interval: seconds (or a ``timedelta``) between two looks, 60 by default.
    :param timeout: seconds (or a ``timedelta``) to wait at most, 7 days by default.
    :param ittybit_conn_id: id of the Airflow connection. (templated)
    :return: the processed resource as ittybit sent it (XCom).
    :raises IttybitProcessingFailedError: processing failed or was cancelled, in ittybit's own words.
    :raises IttybitProcessingTimeoutError: time ran out (an ``AirflowSensorTimeout``; ``soft_fail`` applies).
    :raises IttybitNotFoundError: there is nothing with this id.
    """

    template_fields: Sequence[str] = ("media_id", "resource", "ittybit_conn_id")

    def __init__(self, *, media_id: object, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.media_id = media_id

    def awaited(self) -> object:
        """Return what the user named."""
        return self.media_id
