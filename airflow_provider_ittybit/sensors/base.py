"""What the sensors share: waiting for one resource, with the same end in every mode."""

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

from airflow_provider_ittybit._compat import suppressed_deferral_timeout
from airflow_provider_ittybit.exceptions import IttybitError, IttybitStoppedError
from airflow_provider_ittybit.links.ittybit import IttybitMediaLink, IttybitPreviewLink
from airflow_provider_ittybit.masking import MaskedFields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ittybit.api.processing import ProcessingStatus
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

FAILED_LOOKS_KEY = "ittybit_failed_looks"


class ProcessingSensor(MaskedFields, BaseSensorOperator):
    """Base of the sensors that wait for the processing of one resource; ``awaited`` says which.

    :param resource: name of the collection, for an id without a known prefix.
    :param ittybit_conn_id: id of the Airflow connection.
    :param deferrable: wait in the triggerer, without a worker slot; by default ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = ("resource", "ittybit_conn_id")
    ui_color = "#ffe9b8"
    operator_extra_links = (IttybitMediaLink(), IttybitPreviewLink())

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
        self._stop: Any = None

    def awaited(self) -> object:
        """Return what the user named: an id, or a resource with one."""
        raise NotImplementedError

    def read(self, hook: IttybitHook) -> ProcessingStatus:
        """Read where it stands."""
        return hook.get_processing(self._id(), resource=self.resource or None)

    def execute(self, context: Any) -> Any:
        """Wait in the chosen mode."""
        from airflow_provider_ittybit.hooks.stopping import Pause

        self._stop = Pause()
        if self.deferrable:
            with self._same_end_as_in_poke_mode(context):
                return self._begin_deferred(context)
        try:
            return super().execute(context)
        except IttybitError:
            raise
        except AirflowSensorTimeout:
            raise self._timed_out() from None
        except AirflowSkipException as skipped:
            message = f"{skipped} {skipped.__cause__ or self._timed_out()}"
            raise AirflowSkipException(message) from skipped.__cause__
        except AirflowTaskTimeout as error:
            if self._flag is None:
                raise
            raise self._skipped(error) from error  # between two looks, where Airflow's own loop minds no flag

    def poke(self, context: Any) -> PokeReturnValue | bool:
        """Take one look."""
        resource = self._look(context)
        return PokeReturnValue(is_done=True, xcom_value=resource) if resource is not None else False

    def on_kill(self) -> None:
        """End the waiting, and say what goes on at ittybit: this task did not make it, so it is not touched.

        Airflow calls it in a signal handler, or when ``execution_timeout`` ran out; so it asks nothing of Airflow.
        """
        if self._stop is None or self._stop.is_stopped:
            return
        self._stop.stop()
        self.log.warning("Killed: not waiting for %s any more; its processing goes on at ittybit", self._id())

    def execute_complete(
        self, context: Any, event: object = None, deadline: float | None = None, *, seen: str | None = None, **_: Any
    ) -> Any:
        """Resume when the trigger fired: look again and end as the state says.

        What another version adds to the arguments is passed over.

        :param seen: the status that the last look before deferring saw.
        """
        from airflow_provider_ittybit.triggers.processing import ERROR, TIMEOUT, error_of, read_event

        told = read_event(event, self._id())
        self._last_status = seen
        until = deadline or told.get("deadline") or time.time() + self._seconds(self.timeout)
        if told["outcome"] == TIMEOUT:
            return self._look_at_the_end(told.get("status") or seen)
        if told["outcome"] == ERROR and not self.silent_fail:
            return self._after_giving_up(error_of(told))
        return self._look_then_defer(context, until)

    def _look_at_the_end(self, seen: str | None) -> dict[str, Any]:
        from airflow_provider_ittybit.hooks.deadline import last_look

        with self._make_hook() as hook:
            status = last_look(
                hook, self._id(), resource=self.resource or None, seen=seen, seconds=self._seconds(self.timeout)
            )
        return self._result(status)

    def _after_giving_up(self, error: IttybitError) -> Any:
        """Look once more after the triggerer gave up; only an end of the processing counts more than its error."""
        from airflow_provider_ittybit.api.waiting import succeeded

        with self._make_hook() as hook:
            try:
                status = self.read(hook)
            except IttybitStoppedError:
                raise
            except IttybitError:
                raise error from None
        if succeeded(status):
            return self._result(status)
        raise error

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume with the same outcomes as in poke mode; Airflow's own would skip on any error.

        When Airflow's safety net ended the waiting, go on as after a timeout of the trigger.
        """
        from airflow_provider_ittybit.hooks.stopping import Pause
        from airflow_provider_ittybit.triggers.processing import TIMEOUT

        self._stop = Pause()
        with self._same_end_as_in_poke_mode(context):
            with suppressed_deferral_timeout():
                return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
            return self.execute_complete(context, {"outcome": TIMEOUT, "id": self._id()})

    def _begin_deferred(self, context: Any) -> Any:
        from airflow_provider_ittybit.api.waiting import as_seconds
        from airflow_provider_ittybit.durability import first_moment

        as_seconds(self.poke_interval, "poke_interval")
        self._id()
        began, limit = time.time(), self._limit_of_a_try()
        deadline = first_moment(context) + self._seconds(self.timeout)
        return self._look_then_defer(context, deadline if limit is None else min(deadline, began + limit))

    def _look_then_defer(self, context: Any, deadline: float) -> Any:
        from airflow_provider_ittybit.triggers.processing import ProcessingTrigger, safety_net, until_when

        resource = self._look(context)
        if resource is not None:
            return resource
        if time.time() >= deadline:
            raise self._timed_out()
        pause = self._seconds(self.poke_interval)
        trigger = ProcessingTrigger(
            self._id(),
            self.ittybit_conn_id,
            resource=self.resource or None,
            poll_interval=pause,
            deadline=deadline,
            failed_looks=self._patience.failed,
            longest_pause=self._longest_pause(),
        )
        self.log.info("Waiting in the triggerer for %s, %s", self._id(), until_when(deadline))
        return self.defer(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"deadline": deadline, "seen": self._last_status},
            timeout=safety_net(deadline, pause),
        )

    def _longest_pause(self) -> float | None:
        if not self.exponential_backoff:
            return None
        return self._seconds(self.timeout if self.max_wait is None else self.max_wait)

    def _get_next_poke_interval(self, *args: Any, **kwargs: Any) -> float:
        """Wait for the next look here, since Airflow's own sleep would go on after the task is killed."""
        seconds = float(super()._get_next_poke_interval(*args, **kwargs))
        if self.reschedule or self._stop is None:
            return seconds
        self._stop(seconds)
        return 0.0

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
        except IttybitStoppedError:
            return None  # whoever waits for the next look notices, and Airflow's loop would call it a failure
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
        return self._result(status) if succeeded(status) else None

    @staticmethod
    def _result(status: ProcessingStatus) -> dict[str, Any]:
        """Return what of the resource may be kept in XCom."""
        from airflow_provider_ittybit.uploads.signatures import without_signed_inputs

        return dict(without_signed_inputs(dict(status.resource)))

    def _make_hook(self) -> IttybitHook:
        from airflow_provider_ittybit.hooks.ittybit import IttybitHook

        hook = IttybitHook(self.ittybit_conn_id)
        if self._stop is not None:
            hook.pause = self._stop
        return hook

    def _id(self) -> str:
        from airflow_provider_ittybit.api.identifiers import id_of

        return id_of(self.awaited())

    def _timed_out(self) -> IttybitError:
        from airflow_provider_ittybit.api.waiting import timed_out

        return timed_out(self._id(), self._last_status, self._seconds(self.timeout))

    @staticmethod
    def _seconds(value: Any) -> float:
        return float(value.total_seconds()) if hasattr(value, "total_seconds") else float(value)

    def _limit_of_a_try(self) -> float | None:
        return None if self.execution_timeout is None else self._seconds(self.execution_timeout)

    @property
    def _flag(self) -> str | None:
        return "soft_fail" if self.soft_fail else "never_fail" if self.never_fail else None

    def _skipped(self, error: BaseException) -> AirflowSkipException:
        return AirflowSkipException(f"Skipped because of {self._flag}: {str(error) or type(error).__name__}")

    @contextlib.contextmanager
    def _same_end_as_in_poke_mode(self, context: Any) -> Iterator[None]:
        """Skip where Airflow's own loop of looks would, and end a try at ``execution_timeout`` as Airflow would."""
        try:
            yield
        except (AirflowSkipException, IttybitStoppedError):
            raise
        except AirflowTaskTimeout as error:
            if self._flag is None:
                raise
            raise self._skipped(error) from error
        except AirflowSensorTimeout as error:
            ran_out = self._end_of_only_this_try(error, context)
            if ran_out is not None:
                raise (ran_out if self._flag is None else self._skipped(ran_out)) from error
            if self.soft_fail:
                raise self._skipped(error) from error
            raise
        except Exception as error:
            hopeless = isinstance(error, AirflowFailException)
            if self.never_fail or (self.soft_fail and hopeless):
                raise self._skipped(error) from error
            raise

    def _end_of_only_this_try(self, error: Exception, context: Any) -> AirflowTaskTimeout | None:
        """Make the error for ``execution_timeout``, if that is what ended the time: a retry has some left."""
        from airflow_provider_ittybit.durability import first_moment

        limit, allowed = self._limit_of_a_try(), self._seconds(self.timeout)
        if limit is None or limit >= allowed or time.time() >= first_moment(context) + allowed:
            return None
        message = (
            f"execution_timeout ended this try: the processing of {self._id()} did not end within {limit:g} s; its "
            f"last known status is {getattr(error, 'last_status', None) or 'unknown'}. It may still go on at ittybit."
        )
        return AirflowTaskTimeout(message)
