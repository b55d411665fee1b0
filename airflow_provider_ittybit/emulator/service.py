"""One emulator: its parts, its addresses and who it belongs to."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator import pipelines
from airflow_provider_ittybit.emulator.blobs import Blobs
from airflow_provider_ittybit.emulator.faults import Faults
from airflow_provider_ittybit.emulator.ledger import Ledger
from airflow_provider_ittybit.emulator.limits import RateGate
from airflow_provider_ittybit.emulator.processing import process
from airflow_provider_ittybit.emulator.records import Chunked, File, Task, Work, new_id
from airflow_provider_ittybit.emulator.store import Query, Store
from airflow_provider_ittybit.emulator.work import Workers

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ittybit.emulator.settings import Settings


@dataclass(frozen=True, slots=True)
class Addresses:
    """The three origins, without a slash at the end, such as ``http://127.0.0.1:8800``."""

    api: str
    uploads: str
    delivery: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The made-up organisation to which everything belongs."""

    org_id: str = field(default_factory=lambda: new_id("org"))
    project_id: str = field(default_factory=lambda: new_id("prj"))
    key_id: str = field(default_factory=lambda: new_id("key"))


class Service:
    """The parts of one emulator, put together.

    :param state: the folder that keeps everything; made if it is missing.
    :param addresses: where it can be reached.
    :param api_key: the key that every request must carry. It is held in memory only.
    :param settings: see :class:`Settings`.
    :param threads: how many workers; default 2.
    """

    def __init__(
        self, state: Path, addresses: Addresses, api_key: str, settings: Settings, *, threads: int = 2
    ) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.addresses = addresses
        self.settings = settings
        self.owner = _owner(state / "owner.json")
        self.store = Store(state / "state.sqlite3")
        self.blobs = Blobs(state)
        self.faults = Faults()
        self.ledger = Ledger()
        self.gate = RateGate()
        self.forgotten = asyncio.Event()
        self.workers = Workers(lambda name: process(self, name), lambda: self.settings.held, threads)
        self._api_key = api_key

    def start(self) -> None:
        """Start the workers and take up what an earlier process left unfinished."""
        self.blobs.sweep({upload.id for upload in self.store.select(Chunked, Query())})
        unfinished: list[Work] = []
        for record_type in (File, Task):
            query = Query({"status": ["waiting", "processing"]}, descending=False)
            unfinished += self.store.select(record_type, query)
        for record in unfinished:
            self.enqueue(self.store.change(record, status="waiting"))
        pipelines.finish_all(self)
        self.workers.start()

    def stop(self) -> None:
        """Stop the workers and close the store; a worker that does not end in time keeps it open."""
        if self.workers.stop():
            self.store.close()

    def has_key(self, key: str) -> bool:
        """Tell whether this is the API key."""
        return secrets.compare_digest(key.encode(), self._api_key.encode())

    @property
    def signing_key(self) -> str:
        """The secret behind signed URLs: the API key itself, as ittybit's documentation says."""
        return self._api_key

    def enqueue(self, record: Work) -> None:
        """Have a file or task worked on, unless it waits for another one first."""
        if isinstance(record, File):
            self.workers.put(record.id, record.media_id)
        elif isinstance(record, Task) and not self._waits_for_another(record):
            self.workers.put(record.id, record.run_id, record.job_id)

    def enqueue_dependents(self, file: File) -> None:
        """Have the tasks worked on that waited for a file."""
        for task in self.store.select(Task, Query({"file_id": file.id, "status": "waiting"}, descending=False)):
            self.enqueue(task)

    def reset(self) -> None:
        """Forget every resource, every fault and every request; the settings stay.

        Requests that are under way are another matter; see :meth:`forget_what_is_under_way`.
        """
        self.workers.clear()
        self.workers.settle(timeout=30)
        self.store.clear()
        self.blobs.clear()
        self.faults.clear()
        self.ledger.clear()
        self.gate.clear()

    def forget_what_is_under_way(self) -> None:
        """Have each request dropped that came so far and is not carried out; called in the event loop alone.

        Otherwise one that a fault holds for minutes would add its file to what comes after a reset.
        """
        self.forgotten.set()
        self.forgotten = asyncio.Event()

    def _waits_for_another(self, task: Task) -> bool:
        source = self.store.find(File, task.file_id) if task.file_id else None
        parent = self.store.find(Task, task.parent_id) if task.parent_id else None
        return any(other is not None and not other.is_finished and not other.deleted for other in (source, parent))


def _owner(path: Path) -> Owner:
    if path.exists():
        return Owner(**json.loads(path.read_text()))
    owner = Owner()
    path.write_text(json.dumps({"org_id": owner.org_id, "project_id": owner.project_id, "key_id": owner.key_id}))
    return owner
