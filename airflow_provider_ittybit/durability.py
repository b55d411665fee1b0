"""The record that lets a retry pick up what an earlier try of the same task began.

It is kept in Airflow's task state store (3.3 and later). Before 3.3 there is no place that outlives a try, so
each try starts afresh. A record counts only for the same task run and the same wish: clearing the task raises
its ``max_tries``, which makes another generation, so a cleared task starts afresh as well.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_ittybit.exceptions import (
    IttybitNotFoundError,
    IttybitRateLimitError,
    IttybitSourceNotFoundError,
    IttybitTransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ittybit.exceptions import IttybitError

log = logging.getLogger(__name__)

KEY = "ittybit_submission"


class Store(Protocol):
    """The part of Airflow's task state store that is used."""

    def get(self, key: str) -> Any: ...  # noqa: D102 - as in Airflow
    def set(self, key: str, value: Any) -> None: ...  # noqa: D102 - as in Airflow
    def delete(self, key: str) -> None: ...  # noqa: D102 - as in Airflow


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission of one task run.

    :param store: where its record is; ``None`` where none can be kept.
    :param generation: tells this run of the task from a cleared one.
    :param fingerprint: tells this wish from another one.
    """

    store: Store | None
    generation: str
    fingerprint: str

    def found(self, read: Callable[[str], dict[str, Any]]) -> dict[str, Any] | None:
        """Read what an earlier try submitted.

        :param read: reads a resource by its id.
        :return: the resource as it is now; ``None`` if there is none, or it is gone.
        """
        record = self._record()
        if record is None:
            return None
        resource_id = record.get("id")
        if not isinstance(resource_id, str):
            log.warning(
                "An earlier try began to submit to ittybit and did not record how that ended. This try submits "
                "again; if the earlier one arrived, ittybit holds a second copy."
            )
            return None
        try:
            resource = read(resource_id)
        except IttybitNotFoundError:
            log.warning("An earlier try submitted %s, which is gone at ittybit: submitting again.", resource_id)
            return None
        log.info("An earlier try submitted %s: going on from there, nothing is sent again.", resource_id)
        return resource

    def begin(self) -> None:
        """Record that a submission is about to be sent."""
        self._write({})

    def remember(self, resource_id: str, *, complete: bool = True) -> None:
        """Record the id that ittybit gave.

        :param complete: false if something is still to be set on the resource.
        """
        self._write({"id": resource_id, "complete": complete})

    def is_complete(self) -> bool:
        """Tell whether nothing is still to be set on what an earlier try submitted."""
        record = self._record() or {}
        return bool(record.get("complete", True))

    def forget(self) -> None:
        """Remove the record, where it turned out that nothing was submitted."""
        if self.store is not None:
            self.store.delete(KEY)

    def _record(self) -> Mapping[str, Any] | None:
        record = self.store.get(KEY) if self.store is not None else None
        if not isinstance(record, dict):
            return None
        same = record.get("generation") == self.generation and record.get("fingerprint") == self.fingerprint
        return record if same else None

    def _write(self, outcome: Mapping[str, Any]) -> None:
        if self.store is not None:
            self.store.set(KEY, {"generation": self.generation, "fingerprint": self.fingerprint, **outcome})


def surely_not_submitted(error: IttybitError) -> bool:
    """Tell whether an error means that ittybit did not act on the submission, so that a retry makes no second copy."""
    if isinstance(error, IttybitSourceNotFoundError | IttybitRateLimitError | AirflowFailException):
        return True
    return isinstance(error, IttybitTransportError) and not error.may_have_arrived


def submission_of(context: Any, wish: Mapping[str, Any], *, durable: bool) -> Submission:
    """Make the submission of a task run.

    :param context: Airflow's task context.
    :param wish: what is asked for; only its hash is kept.
    :param durable: false keeps no record.
    """
    ti = context["ti"]
    run = [ti.dag_id, ti.run_id, ti.task_id, ti.map_index, getattr(ti, "max_tries", None)]
    store = context.get("task_state_store") if durable else None
    return Submission(store, _hash(run), _hash(wish))


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:20]
