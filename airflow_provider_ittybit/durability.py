"""The record that lets a retry pick up what an earlier try of the same task began.

It is kept in Airflow's task state store (3.3 and later). Before 3.3 there is no place that outlives a try, so
each try starts afresh. A record counts only for the same task run and the same wish: clearing the task raises
its ``max_tries``, which makes another generation, so a cleared task starts afresh as well.

Airflow shows a task no other difference between a clear and a retry. So two clears count as retries: that of a running
task whose worker is lost before it ended, which leaves ``max_tries`` as it was; and that of a task whose ``retries`` in
the DAG were lowered before by as many as it had made tries, since the new ``max_tries`` is the sum. Were ``retries`` in
the hash, a retry would send everything again whenever somebody edited them between two tries.

A record is not deleted when a task ends well. Only Airflow knows when the result has been handed over, which is after
the operator returned: a worker killed between the two would have its retry upload again. So it is left to the store's
own retention (or ``[state_store] clear_on_success``); a record of another generation never counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ittybit.uploads.journal import OTHER_BYTES, Alone, NoJournal, Noted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ittybit.uploads.journal import Journal

KEY = "ittybit_upload"
TASK_KEY = "ittybit_task"
WAITING_KEY = "ittybit_waiting"
DELETED_KEY = "ittybit_deleted"

_ONE_AT_A_TIME = threading.Lock()
"""Held while a store is asked: in ``dag.test()``, Airflow's own takes no two questions at once."""


class Store(Protocol):
    """The part of Airflow's task state store that is used."""

    def get(self, key: str) -> Any:
        """Return the JSON value that is kept under a key, ``None`` if there is none."""

    def set(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key."""


@dataclass(slots=True)
class StoredJournal(Alone):
    """The notes of one upload of one task run.

    :param store: where they are.
    :param key: under which name.
    :param generation: tells this run of the task from a cleared one.
    """

    store: Store
    key: str
    generation: str
    lasting: bool = field(default=True, init=False)
    accepted: float | None = field(default=None, init=False)
    _fingerprint: str = field(default="", init=False)

    def read(self, fingerprint: str) -> Noted:
        """Return what earlier tries of the very same upload noted, and begin anew for any other."""
        self._fingerprint = fingerprint
        noted, upload = self._record()
        if upload == [self.generation, fingerprint]:
            if noted.resource_id is not None and noted.resource_id in _deleted(self.store):
                return Noted()
            self.accepted = noted.accepted
            return noted
        return Noted(litter=_litter(noted, same_bytes=upload[-1:] == [fingerprint]))

    def last(self) -> Noted:
        """Return what was noted last in this run of the task, of whichever bytes."""
        noted, upload = self._record()
        return noted if upload[:1] == [self.generation] else Noted(litter=_litter(noted, same_bytes=False))

    def name(self) -> str:
        """Return a hash of the task run, of which upload of it this is, and of the wish."""
        return hash_of([self.generation, self.key, self._fingerprint])

    def write(self, noted: Noted) -> None:
        """Note how far the upload is: a few hundred bytes, and one bit for each chunk."""
        self.accepted = noted.accepted
        record = {
            "upload": [self.generation, self._fingerprint],
            "since": noted.since,
            "id": noted.resource_id,
            "accepted": noted.accepted,
            "labelled": noted.labelled,
            "layout": _as_list(noted.layout),
            "arrived": _to_hex(noted.arrived),
            "litter": _as_list(noted.litter),
            "size": noted.size,
            "astray": noted.astray,
        }
        with _ONE_AT_A_TIME:
            self.store.set(self.key, record)

    def _record(self) -> tuple[Noted, list[Any]]:
        """Return what is noted, and of which run of the task and which upload; nothing if it cannot be read."""
        with _ONE_AT_A_TIME:
            record = self.store.get(self.key)
        try:
            return _read(record), list(record["upload"])
        except (TypeError, ValueError, KeyError, AttributeError):
            return Noted(), []  # of another version of this provider


def journal_of(context: Any, *, durable: bool, name: str = "") -> Journal:
    """Make the journal of an upload.

    :param context: Airflow's task context.
    :param durable: false forgets everything.
    :param name: tells several uploads of one task apart.
    """
    store = context.get("task_state_store") if durable else None
    if store is None:
        return NoJournal()
    key = f"{KEY}_{hash_of(name)}" if name else KEY
    return StoredJournal(store, key, generation_of(context["ti"]))


def generation_of(ti: Any) -> str:
    """Make a hash that all tries of a task run share; a task that was cleared has another, but for two rare cases.

    They stand at the top of this module.
    """
    return hash_of([ti.dag_id, ti.run_id, ti.task_id, ti.map_index, getattr(ti, "max_tries", None)])


@dataclass(frozen=True, slots=True)
class Wish:
    """What tries of a task noted of the one thing they ask ittybit to make.

    :param number: how many were asked for before and are no longer of use, since they failed or are gone.
    :param since: Unix seconds, by ittybit's clock where it is known, before it was asked for; ``None`` if it was not.
    :param resource_id: the id that ittybit gave, ``None`` if no answer was seen.
    """

    number: int = 0
    since: float | None = None
    resource_id: str | None = None


@dataclass(frozen=True, slots=True)
class WishRecord:
    """The note of a task's one wish, for its retries.

    :param generation: tells this run of the task from a cleared one.
    :param fingerprint: tells the wish from any other.
    :param store: where the note is; ``None`` keeps none.
    """

    generation: str
    fingerprint: str
    store: Store | None

    @property
    def lasting(self) -> bool:
        """Whether the note outlives the try."""
        return self.store is not None

    def read(self) -> Wish:
        """Return what earlier tries of the same run noted of the very same wish."""
        if self.store is None:
            return Wish()
        with _ONE_AT_A_TIME:
            record = self.store.get(TASK_KEY)
        try:
            if record["task"] != [self.generation, self.fingerprint]:
                return Wish()
            number, since, resource_id = int(record["number"]), record["since"], record["id"]
            since = None if since is None else float(since)
        except (TypeError, ValueError, KeyError, AttributeError):
            return Wish()  # of another version of this provider
        return Wish(number, since, resource_id if isinstance(resource_id, str) else None)

    def write(self, wish: Wish) -> None:
        """Note how far it is: only hashes, a time and the id."""
        if self.store is None:
            return
        record = {"task": [self.generation, self.fingerprint], "number": wish.number}
        with _ONE_AT_A_TIME:
            self.store.set(TASK_KEY, {**record, "since": wish.since, "id": wish.resource_id})

    def name(self, wish: Wish) -> str:
        """Return a name for a wish: each try of this run gets the same, and no other wish does."""
        return hash_of([self.generation, self.fingerprint, wish.number])


def wish_record_of(context: Any, fingerprint: str, *, durable: bool) -> WishRecord:
    """Make the record of what a task asks ittybit to make.

    :param context: Airflow's task context.
    :param fingerprint: tells the wish from any other.
    :param durable: false forgets everything: each try asks for something new, under a name of its own.
    """
    if not durable:
        return WishRecord(uuid.uuid4().hex, fingerprint, None)
    return WishRecord(generation_of(context["ti"]), fingerprint, context.get("task_state_store"))


def first_moment(context: Any, about: Any = None) -> float:
    """Tell when the first try of this run came here: from then on time limits count.

    :param context: Airflow's task context.
    :param about: what is waited for, as JSON; for something else the count begins anew.
    :return: Unix seconds; now, if this is the first try, or if there is no store that outlives a try.
    """
    now = time.time()
    store = context.get("task_state_store")
    if store is None:
        return now
    wish = [generation_of(context["ti"]), hash_of(about)]
    with _ONE_AT_A_TIME:
        record = store.get(WAITING_KEY)
    try:
        if record["wish"] == wish:
            return min(now, float(record["since"]))
    except (TypeError, ValueError, KeyError, AttributeError):
        pass  # there is none, or it is of another version of this provider
    with _ONE_AT_A_TIME:
        store.set(WAITING_KEY, {"wish": wish, "since": now})
    return now


def note_deleted(context: Any, ids: Sequence[str]) -> None:
    """Note what a killed task deleted, as far as Airflow still listens: a retry uploads it afresh.

    The media generation still shows media that was deleted, so a retry could not see it (ittybit's documentation).

    :param context: Airflow's task context.
    :param ids: of what was deleted.
    """
    store = context.get("task_state_store")
    if store is None or not ids:
        return
    with contextlib.suppress(Exception):  # the task ends with the error of its kill, whatever else fails
        known = _deleted(store)
        with _ONE_AT_A_TIME:
            store.set(DELETED_KEY, [*known, *ids])


def _deleted(store: Store) -> list[str]:
    """Return the ids that a killed try of this task run deleted."""
    with _ONE_AT_A_TIME:
        kept = store.get(DELETED_KEY)
    return [one for one in kept if isinstance(one, str)] if isinstance(kept, list) else []


def hash_of(value: Any) -> str:
    """Make a short hash of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:20]


def _read(record: dict[str, Any]) -> Noted:
    since, resource_id, accepted, size = record["since"], record["id"], record.get("accepted"), record.get("size")
    return Noted(
        since=None if since is None else float(since),
        resource_id=resource_id if isinstance(resource_id, str) else None,
        labelled=bool(record["labelled"]),
        layout=_pair(record["layout"]),
        arrived=_from_hex(record["arrived"]),
        litter=_pair(record["litter"]),
        accepted=None if accepted is None else float(accepted),
        size=None if size is None else int(size),
        astray=bool(record.get("astray")),
    )


def _litter(noted: Noted, *, same_bytes: bool) -> tuple[int, int] | None:
    """Tell which chunks of an earlier upload may still lie at ittybit: none, if it came to its end."""
    if noted.resource_id is not None or (noted.layout is None and noted.litter is None):
        return None
    return noted.layout if same_bytes and noted.litter in (None, noted.layout) else OTHER_BYTES


def _pair(value: Any) -> tuple[int, int] | None:
    return None if value is None else (int(value[0]), int(value[1]))


def _as_list(pair: tuple[int, int] | None) -> list[int] | None:
    return None if pair is None else list(pair)  # Airflow's store takes what JSON has, and refuses a tuple


def _to_hex(indices: frozenset[int]) -> str:
    return f"{sum(1 << index for index in indices):x}"


def _from_hex(text: str) -> frozenset[int]:
    bits = int(text or "0", 16)
    return frozenset(index for index in range(bits.bit_length()) if bits >> index & 1)
