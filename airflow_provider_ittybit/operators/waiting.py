"""An operator that may wait for processing: in its worker, or deferred to the triggerer."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, conf

from airflow_provider_ittybit._compat import suppressed_deferral_timeout
from airflow_provider_ittybit.exceptions import IttybitError, IttybitStoppedError, IttybitUnsupportedError
from airflow_provider_ittybit.links.ittybit import IttybitMediaLink, IttybitPreviewLink
from airflow_provider_ittybit.operators.base import IttybitOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
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
    :param timeout: seconds (or a ``timedelta``) that processing may take, from the moment ittybit accepted it; by
        default without end. A shorter ``execution_timeout`` counts instead. On Airflow 3.3 all tries of the same run
        share them; before it, each try counts on its own.
    :param delete_on_kill: whether what is not processed yet is deleted at ittybit when the waiting task is killed;
        by default it goes on there, since ittybit publishes no way to cancel. Each is looked at once more before:
        what has ended stays. What no look can see is deleted.
    """

    operator_extra_links = (IttybitMediaLink(), IttybitPreviewLink())
    made_from = ""
    """Name of the attribute that holds what the result is made of."""
    deleted: Sequence[str] = ()
    """What ``on_kill`` deleted."""
    _underway: _Underway | None = None

    def __init__(
        self,
        *,
        wait_for_processing: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float | timedelta = 10.0,
        timeout: float | timedelta | None = None,
        delete_on_kill: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_processing = wait_for_processing
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.delete_on_kill = delete_on_kill

    def check_durations(self) -> None:
        """Refuse a ``poll_interval`` or ``timeout`` that is no duration, before anything is sent."""
        self._pause()
        self._allowed_seconds()

    def refuse_to_delete_in_vain(self, hook: IttybitHook, resource: str | None = None) -> None:
        """Refuse ``delete_on_kill`` where the pinned generation cannot delete, before anything is sent.

        :param resource: the collection of what this task makes; by default what an upload adds to.
        :raises IttybitUnsupportedError: it cannot.
        """
        if not (self.delete_on_kill and self.wait_for_processing):
            return
        try:
            generation = hook.settings.generation
            generation.resource(resource or generation.main, "delete")
        except IttybitUnsupportedError as error:
            error.message += " Leave out delete_on_kill: what a killed task began goes on at ittybit."
            raise

    def make_hook(self) -> IttybitHook:
        """Make a hook for this task's connection, whose pauses end when the task is killed."""
        hook = super().make_hook()
        self._underway = _Underway(hook)
        return hook

    def finish(
        self,
        hook: IttybitHook,
        resources: Sequence[Mapping[str, Any]],
        context: Any,
        *,
        many: bool,
        since: float | None = None,
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Go on from ittybit's answers to the result of the task.

        :param resources: what ittybit answered.
        :param many: whether the result is a list, even of one.
        :param since: Unix seconds from which the time limits count. By default the moment at which the first try of
            this run came here with the same ids, where Airflow keeps it (3.3).
        :return: the resource or resources; the processed ones if the task waits.
        """
        from airflow_provider_ittybit.api.failures import MOST_NAME, readable_words

        ids = [str(resource["id"]) for resource in resources]
        for resource in resources:
            status = readable_words(str(resource.get("status", "not reported")), MOST_NAME)
            self.log.info("ittybit accepted %s (status %s)", resource["id"], status)
        context["ti"].xcom_push(key=ID_KEY, value=ids if many else ids[0])
        if not self.wait_for_processing:
            self._underway = None
            self._note(hook, resources)
            accepted = [self.for_xcom(resource) for resource in resources]
            return accepted if many else accepted[0]
        deadline = self._deadline(context, ids, since)
        with self._waiting_for(hook, ids, context):
            if self.deferrable:
                return self._look_then_defer(hook, _Waiting(ids, many, self._pause(), deadline))
            found = []
            for resource_id in ids:
                found.append(self._wait_here(hook, resource_id, deadline))
                self._leave_alone(resource_id)
        return self._result(hook, found, many=many)

    def on_kill(self) -> None:
        """End the waiting, say what goes on at ittybit, and delete it if that was asked for: once and briefly.

        Airflow calls it in a signal handler, or when ``execution_timeout`` ran out; so it asks nothing of Airflow.
        """
        underway, self._underway = self._underway, None
        if underway is None:
            return
        underway.hook.pause.stop()
        if underway.ids is None:
            self.log.warning("Killed before ittybit's answer was seen; what was sent may be there all the same")
        elif underway.ids:
            self._leave_behind(underway.hook, underway.ids)

    def _leave_behind(self, hook: IttybitHook, ids: Sequence[str]) -> None:
        """Say what goes on at ittybit, or delete it if that was asked for."""
        what = ", ".join(ids)
        if not self.delete_on_kill:
            self.log.warning("Killed: nobody waits for %s any more; its processing goes on at ittybit", what)
            return
        self.log.warning("Killed while waiting for %s: deleting at ittybit, as delete_on_kill asks", what)
        from airflow_provider_ittybit.hooks.stopping import delete_quietly

        self.deleted = delete_quietly(hook, ids, self.log)

    def _leave_alone(self, resource_id: str) -> None:
        """Have a kill neither name nor delete this one from now on: it is processed."""
        underway = self._underway
        if underway is not None and underway.ids and resource_id in underway.ids:
            underway.ids.remove(resource_id)

    def execute_complete(
        self,
        context: Any,
        event: object = None,
        *,
        resource_ids: Sequence[str] = (),
        many: bool = False,
        poll_interval: float | None = None,
        deadline: float | None = None,
        seen: str | None = None,
        done: int = 0,
        **_: Any,
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Resume when the trigger fired: read the resources again and end as their states say.

        What is missing of the arguments is taken from XCom and from the event: ``dag.test()`` hands over nothing but
        the event, and Airflow's safety net not even that. What another version adds to them is passed over.

        :param seen: the status that the last look before deferring saw.
        :param done: how many, counted from the first, were seen processed before deferring.
        """
        from airflow_provider_ittybit.triggers.processing import ERROR, TIMEOUT, read_event

        ids = list(resource_ids)
        if not ids:
            ids, many = self._pushed(context)
        told = read_event(event, *ids)
        pause = poll_interval or told.get("poll_interval") or self._pause()
        waiting = _Waiting(ids, many, pause, deadline or told.get("deadline"), seen, done)
        with self.make_hook() as hook, self._waiting_for(hook, ids[done:], context):
            if told["outcome"] == TIMEOUT:
                return self._look_at_the_end(hook, waiting, told)
            if told["outcome"] == ERROR:
                return self._look_after_giving_up(hook, waiting, told)
            return self._look_then_defer(hook, waiting)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume as Airflow does; when its own safety net ended the waiting, as after a timeout of the trigger."""
        from airflow_provider_ittybit.triggers.processing import TIMEOUT

        with suppressed_deferral_timeout():
            return super().resume_execution(next_method, next_kwargs, context)
        ids, _ = self._pushed(context)
        return self.execute_complete(context, {"outcome": TIMEOUT, "id": ids[0]})

    def _pushed(self, context: Any) -> tuple[list[str], bool]:
        """Find what this very task waits for in XCom, and whether it is a list."""
        ti = context["ti"]
        pushed = ti.xcom_pull(task_ids=self.task_id, key=ID_KEY, map_indexes=ti.map_index)
        return (list(pushed), True) if isinstance(pushed, list | tuple) else ([str(pushed)], False)

    @contextlib.contextmanager
    def _waiting_for(self, hook: IttybitHook, ids: Sequence[str], context: Any) -> Iterator[None]:
        """Let ``on_kill`` know what is waited for, and over which connection: it cannot ask Airflow for one."""
        hook.get_conn()
        left = list(ids)
        underway = self._underway = _Underway(hook, left)
        try:
            hook.pause.check()
            yield
        except IttybitStoppedError:
            if self._underway is underway and left:  # the kill came before the ids
                self._leave_behind(hook, left)
            raise
        except AirflowTaskTimeout:
            what = ", ".join(left)
            self.log.warning("execution_timeout ran out; the processing of %s goes on at ittybit", what)
            raise
        finally:
            self._underway = None
            if self.deleted:
                from airflow_provider_ittybit.durability import note_deleted

                note_deleted(context, self.deleted)  # the media generation still shows it: a retry would find it

    def _wait_here(self, hook: IttybitHook, resource_id: str, deadline: float | None) -> ProcessingStatus:
        allowed = self._allowed_seconds()
        return hook.wait_for_processing(resource_id, poll_interval=self._pause(), timeout=allowed, deadline=deadline)

    def _look_at_the_end(
        self, hook: IttybitHook, waiting: _Waiting, told: Mapping[str, Any]
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the result if all are done; else say what is not, and how it stood when it was last seen."""
        from airflow_provider_ittybit.hooks.deadline import last_look

        allowed = self._allowed_seconds()
        found = []
        for resource_id in waiting.ids:
            seen = (told.get("status") or waiting.seen) if resource_id == told["id"] else None
            found.append(last_look(hook, resource_id, seen=seen, seconds=allowed))
            self._leave_alone(resource_id)
        return self._result(hook, found, many=waiting.many)

    def _look_after_giving_up(
        self, hook: IttybitHook, waiting: _Waiting, told: dict[str, Any]
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the result if all are done; else raise why the triggerer gave up."""
        from airflow_provider_ittybit.triggers.processing import error_of

        try:
            statuses = [hook.get_processing(resource_id) for resource_id in waiting.ids]
        except IttybitStoppedError:
            raise
        except IttybitError:
            raise error_of(told) from None
        ended = list(map(self._succeeded, statuses, waiting.ids))
        if not all(ended):
            raise error_of(told)
        return self._result(hook, statuses, many=waiting.many)

    def _look_then_defer(self, hook: IttybitHook, waiting: _Waiting) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the result if all are done; else defer until the first that is not may be, if time is left.

        Those seen processed before an earlier deferral are read again only when all others are, for the result.
        """
        from airflow_provider_ittybit.api.waiting import Patience, timed_out
        from airflow_provider_ittybit.triggers.processing import ProcessingTrigger, safety_net, until_when

        statuses: dict[str, ProcessingStatus] = {}
        ids, pause, deadline = waiting.ids, waiting.pause, waiting.deadline
        for number in (*range(waiting.done, len(ids)), *range(waiting.done)):
            resource_id, patience, seen = ids[number], Patience(), None
            try:
                status = hook.get_processing(resource_id)
            except IttybitStoppedError:
                raise
            except IttybitError as error:
                if not patience.forgives(error):
                    raise
                self.log.warning("The first look at %s failed: %s", resource_id, error)
            else:
                statuses[resource_id] = status
                if self._succeeded(status, resource_id):
                    continue
                seen = status.status
            hook.pause.check()
            if deadline is not None and time.time() >= deadline:
                raise timed_out(resource_id, seen, self._allowed_seconds())
            self.log.info("Waiting in the triggerer for %s, %s", resource_id, until_when(deadline))
            done = number if number >= waiting.done else len(ids)  # this one too was seen processed
            deletes = self.delete_on_kill and done < len(ids)
            self.defer(
                trigger=ProcessingTrigger(
                    resource_id,
                    self.ittybit_conn_id,
                    poll_interval=pause,
                    deadline=deadline,
                    failed_looks=patience.failed,
                    delete_on_kill=deletes,
                    unfinished=ids[done + 1 :] if deletes else None,
                ),
                method_name="execute_complete",
                kwargs={
                    "resource_ids": ids,
                    "many": waiting.many,
                    "poll_interval": pause,
                    "deadline": deadline,
                    "seen": seen,
                    "done": done,
                },
                timeout=safety_net(deadline, pause),
            )
        return self._result(hook, [statuses[resource_id] for resource_id in ids], many=waiting.many)

    def _pause(self) -> float:
        from airflow_provider_ittybit.api.waiting import DEFAULT_POLL_INTERVAL, as_seconds

        return as_seconds(self.poll_interval, "poll_interval") or DEFAULT_POLL_INTERVAL

    def _deadline(self, context: Any, ids: Sequence[str], since: float | None) -> float | None:
        """Tell until when processing may take, in Unix seconds, whichever try this is."""
        allowed = self._allowed_seconds()
        if allowed is None:
            return None
        if since is None:
            from airflow_provider_ittybit.durability import first_moment

            since = first_moment(context, list(ids))
        return since + allowed

    def _allowed_seconds(self) -> float | None:
        from airflow_provider_ittybit.api.waiting import as_seconds

        limits = [as_seconds(self.timeout, "timeout"), as_seconds(self.execution_timeout, "execution_timeout")]
        return min((limit for limit in limits if limit is not None), default=None)

    def _succeeded(self, status: ProcessingStatus, resource_id: str) -> bool:
        from airflow_provider_ittybit.api.waiting import succeeded

        if succeeded(status):
            self._leave_alone(resource_id)
            return True
        return False

    def _note(self, hook: IttybitHook, resources: Sequence[Mapping[str, Any]]) -> None:
        self.note_lineage(hook, resources, "CREATE", source=getattr(self, self.made_from, None))

    def _result(
        self, hook: IttybitHook, statuses: Sequence[ProcessingStatus], *, many: bool
    ) -> dict[str, Any] | list[dict[str, Any]]:
        for status in statuses:
            self.log.info("ittybit has processed %s (status %s)", status.id, status.status or "not reported")
        self._note(hook, [status.resource for status in statuses])
        found = [self.for_xcom(status.resource) for status in statuses]
        return found if many else found[0]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What is waited for, how long, and before deferring: how the first that is not done stood, and how many are."""

    ids: list[str]
    many: bool
    pause: float
    deadline: float | None
    seen: str | None = None
    done: int = 0


@dataclass(slots=True)
class _Underway:
    """What is under way in this process: over which connection, and once they are known, the ids not seen processed."""

    hook: IttybitHook
    ids: list[str] | None = None
