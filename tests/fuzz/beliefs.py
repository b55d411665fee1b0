"""An emulator, a client of one generation, and what that client believes to be there."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from free_ports import free_ports

from airflow_provider_ittybit.emulator.records import File, Job, Media, Run, Task
from airflow_provider_ittybit.emulator.running import RunningEmulator
from airflow_provider_ittybit.emulator.store import Query
from airflow_provider_ittybit.exceptions import IttybitError, IttybitServerError, IttybitTransportError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ittybit.emulator.records import Record, Work
    from airflow_provider_ittybit.emulator.service import Service

FILES = ("files-enveloped", "files-flat")
UPLOADED: Mapping[str, type[Record]] = {"media": Media, **dict.fromkeys(FILES, File), "tasks": Run, "jobs": Job}
TASKS: Mapping[str, type[Record]] = {**dict.fromkeys(FILES, Task), "tasks": Run, "jobs": Job}
LISTED_TASKS: Mapping[str, type[Record]] = {**TASKS, "tasks": Task}
"""What the list of tasks holds: the tasks generation lists those of all runs."""
CONNECTION = "AIRFLOW_CONN_ITTYBIT_DEFAULT"


class NoPause:
    """Stands in for the hook's pause: no test waits."""

    def __call__(self, seconds: float) -> None:
        """Let no time pass."""

    def check(self) -> None:
        """Go on."""


@dataclass
class Belief:
    """What the client knows of one resource: from its own doing, and from what it was answered.

    :param sha256: of the bytes it sent; None where ittybit fetches them.
    :param fields: what it set, under the names of the API.
    """

    sha256: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


class World:
    """One emulator that may be restarted, and one client that goes on."""

    def __init__(self, generation: str) -> None:
        self.generation = generation
        self.believed: dict[str, Belief] = {}
        self.tasks: set[str] = set()
        self.gone: set[str] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="ittybit-world-")
        self.sources = Path(self._folder.name) / "sources"
        self.sources.mkdir()
        self._key = "ittybit_key_of_this_world"
        self._ports = tuple(free_ports(3))
        self._before = os.environ.get(CONNECTION)
        self.emulator = self._started()
        self.hook = IttybitHook()
        self.hook.pause = NoPause()  # type: ignore[assignment]  # so that no repetition takes time
        os.environ[CONNECTION] = self.emulator.airflow_connection(generation)
        assert self.hook.settings.generation
        del os.environ[CONNECTION]
        if self._before is not None:
            os.environ[CONNECTION] = self._before

    @property
    def service(self) -> Service:
        """The emulator's own parts: what is true."""
        assert self.emulator._service is not None
        return self.emulator._service

    def close(self) -> None:
        """Stop the emulator and forget everything."""
        self.hook.close()
        self.emulator.stop()
        self._folder.cleanup()

    def restart(self) -> None:
        """End the emulator, and start another one on its folder and its ports."""
        self.emulator.stop()
        self.emulator = self._started()

    def process(self) -> None:
        """Let all work be done that waits."""
        self.emulator.control.settings(processing="auto")
        self.emulator.control.settle()
        self.emulator.control.settings(processing="held")

    def there(self, record_type: type[Record]) -> list[str]:
        """Return the ids of what the emulator holds and has not deleted, oldest first."""
        return [record.id for record in self.service.store.select(record_type, Query(descending=False))]

    def try_out(self, fault: Mapping[str, Any] | None, do: Callable[[], Any]) -> tuple[Any, IttybitError | None]:
        """Do something under a fault; return its result or its error."""
        if fault is not None:
            self.emulator.control.fault(**fault)
        try:
            return do(), None
        except IttybitError as error:
            return None, error
        finally:
            self.emulator.control.clear_faults()

    def make(
        self, kinds: Mapping[str, type[Record]], fault: Mapping[str, Any] | None, do: Callable[[], Any]
    ) -> tuple[Any, str | None]:
        """Have the client make something: one thing, or none, and it knows which unless it says that it does not.

        :return: what the client was answered, ``None`` after an error; and the id of what the emulator made.
        """
        record_type = kinds[self.generation]
        before = set(self.there(record_type))
        made, error = self.try_out(fault, do)
        new = set(self.there(record_type)) - before
        if error is None:
            assert len(new) == 1, f"the client believes in {made}, the emulator made {new}"
        elif new:
            assert len(new) == 1, f"{error} left {new}"
            assert error.resource_id in new or _admits_doubt(error), f"{error} says nothing of {new}"
        return made, next(iter(new), None)

    def upload(self, fault: Mapping[str, Any] | None, do: Callable[[], Any], belief: Belief) -> None:
        """Have the client upload something, and take down what it believes of it."""
        made, name = self.make(UPLOADED, fault, do)
        assert made is None or made["id"] == name, f"the client believes in {made}, the emulator made {name}"
        if name is not None:
            self.believed[name] = belief if made else Belief(belief.sha256)

    def create_task(self, fault: Mapping[str, Any] | None, do: Callable[[], Any]) -> None:
        """Have the client ask for a task; where it is a run or a job, it stands in the list of uploads."""
        made, name = self.make(TASKS, fault, do)
        if made is not None:  # the answer to a task of the tasks generation names that task, not its run
            told = self.hook.get_task(made["id"])
            assert (told["run_id"] if self.generation == "tasks" else told["id"]) == name
        if name is not None and self.generation in FILES:
            self.tasks.add(name)
        elif name is not None:
            self.believed[name] = Belief()

    def change(self, name: str, fault: Mapping[str, Any] | None, fields: dict[str, Any]) -> None:
        """Have the client change something; after an error it looks what came of it."""
        _, error = self.try_out(fault, lambda: self.hook.update_media(name, **fields))
        belief = self.believed[name]
        if error is not None:
            seen = self.hook.get_media(name)
            taken = {field: seen[field] for field in fields} == fields
            assert not taken or _admits_doubt(error), error
            if not taken:
                return
        belief.fields = {**belief.fields, **fields}

    def delete(self, name: str, fault: Mapping[str, Any] | None) -> None:
        """Have the client delete something; what it does not know it looks up."""
        _, error = self.try_out(fault, lambda: self.hook.delete_media(name))
        is_gone = name not in self.there(UPLOADED[self.generation])
        if error is None:
            assert is_gone
        if is_gone:
            assert error is None or _admits_doubt(error), error
            del self.believed[name]
            self.gone.add(name)

    def check(self) -> None:
        """Compare what the client sees and believes with what the emulator holds."""
        record_type = UPLOADED[self.generation]
        listed = [str(item["id"]) for item in self.hook.list_media(limit=2)]
        assert listed == self.there(record_type)[::-1]
        assert {name for name in self.believed if self.service.store.find(record_type, name)} == set(listed)
        for name, belief in self.believed.items():
            seen = self.hook.get_media(name)
            assert seen["id"] == name
            assert {field: seen[field] for field in belief.fields} == belief.fields
            self._check_bytes(name, belief)
            self._check_state(name)
        for name in self.gone:
            assert self.hook.delete_media(name)["missing"]
        self._check_tasks()
        assert self.emulator.control.health()["status"] == "ok"

    def _check_tasks(self) -> None:
        if self.generation not in LISTED_TASKS:
            return
        listed = [str(item["id"]) for item in self.hook.list_tasks(limit=2)]
        assert listed == self.there(LISTED_TASKS[self.generation])[::-1]
        assert self.tasks == (set(listed) if self.generation in FILES else set())

    def _check_bytes(self, name: str, belief: Belief) -> None:
        if belief.sha256 is None or self.generation not in ("media", *FILES):
            return
        where = {"media_id": name} if self.generation == "media" else {"id": name}
        [file] = self.service.store.select(File, Query(where))
        content = self.service.blobs.content(file.id).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256 == belief.sha256
        assert file.filesize == len(content)

    def _check_state(self, name: str) -> None:
        store = self.service.store
        record: Work | None = next(
            (found for kind in (File, Task, Run, Job) if (found := store.find(kind, name))), None
        )
        if record is None:  # a media, whose file decides
            record = store.select(File, Query({"media_id": name}))[0]
        state = self.hook.get_processing(name).state.value
        expected = record.status if record.is_finished else "processing"
        assert state == expected, f"{name} is {record.status}, the client believes {state}"

    def _started(self) -> RunningEmulator:
        return RunningEmulator(
            Path(self._folder.name) / "state",
            api_key=self._key,
            ports=self._ports,
            processing="held",
            default_version="jobs" if self.generation == "jobs" else "2025-08-20",
        ).start()


def source_of(world: World, content: bytes, name: str) -> tuple[Path, str]:
    """Write a file to upload; return it with its SHA-256."""
    path = world.sources / name
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def _admits_doubt(error: IttybitError) -> bool:
    """Tell whether an error leaves open, in words, that ittybit acted on the request."""
    return isinstance(error, IttybitTransportError | IttybitServerError) and "may have been done" in str(error)
