"""A deferred operator that waits for several files: what it costs, and what it knows when it resumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from task_killing import killed
from task_running import Run, deferral_of, resume, sent, task_context

from airflow_provider_ittybit.exceptions import IttybitNotFoundError, IttybitStoppedError
from airflow_provider_ittybit.operators.media import UploadMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

NUMBER = 6


@pytest.fixture
def folder(tmp_path: Path, image: Path) -> str:
    """A pattern of a few files."""
    for number in range(NUMBER):
        (tmp_path / f"{number}.png").write_bytes(image.read_bytes())
    return f"{tmp_path}/*.png"


def upload(source: str, **arguments: Any) -> UploadMediaOperator:
    return UploadMediaOperator(
        task_id="task", source=source, wait_for_processing=True, deferrable=True, poll_interval=0.01, **arguments
    )


class Waiting:
    """A task that waits for several files, and the emulator that processes one when it is told to."""

    def __init__(self, emulator: RunningEmulator, source: str, **arguments: Any) -> None:
        emulator.control.settings(processing="held")
        self.emulator, self.run = emulator, Run()
        self.context = task_context(self.run)
        self.make = lambda: upload(source, **arguments)
        self.deferred = deferral_of(self.make(), self.context)
        self.ids: list[str] = self.run.pushed("ittybit_id")
        emulator.control.forget_requests()

    def process(self, *resource_ids: str) -> None:
        for resource_id in resource_ids:
            self.emulator.control.release(resource_id)
        self.emulator.control.settle()

    def resume(self, task: UploadMediaOperator | None = None) -> Any:
        """Resume because what is waited for ended; return the result, or nothing if the task defers once more."""
        event = {"outcome": "final", "id": self.deferred.trigger.resource_id, "status": "ready"}
        try:
            return resume(task or self.make(), self.deferred, event, self.context)
        except TaskDeferred as deferred:
            self.deferred = deferred
            return None

    def wait_for_all(self) -> Any:
        """Go on until the last is processed, one after the other, and resume with it."""
        for resource_id in self.ids[:-1]:
            self.process(resource_id)
            assert self.resume() is None
        self.process(self.ids[-1])
        return self.resume()

    def looks(self) -> list[str]:
        return [line for line in sent(self.emulator, "GET") if line.rpartition("/")[2] in self.ids]


@pytest.mark.parametrize("generation", ["media", "files-flat"])
def test_several_that_end_one_after_the_other_cost_three_looks_each_at_most(
    generation: str, connect: Connect, folder: str
) -> None:
    waiting = Waiting(connect(generation), folder)
    result = waiting.wait_for_all()
    assert [one["id"] for one in result] == waiting.ids
    assert all(one["width"] == 320 for one in result)  # as they are at the end, the first ones too
    assert NUMBER <= len(waiting.looks()) <= 3 * NUMBER - 1  # and one before the first deferral


def test_a_task_that_an_earlier_version_deferred_resumes(connect: Connect, folder: str) -> None:
    waiting = Waiting(connect("files-flat"), folder)
    waiting.process(*waiting.ids)
    del waiting.deferred.kwargs["done"]
    assert [one["id"] for one in waiting.resume()] == waiting.ids


def test_a_file_that_is_gone_when_the_others_are_processed_fails_the_task(
    connect: Connect, folder: str, hook_for: Callable[..., Any]
) -> None:
    waiting = Waiting(connect("files-flat"), folder)
    waiting.process(waiting.ids[0])
    assert waiting.resume() is None
    hook_for("files-flat").delete_media(waiting.ids[0])
    waiting.process(*waiting.ids[1:])
    with pytest.raises(IttybitNotFoundError, match=waiting.ids[0]):
        waiting.resume()


def test_a_failing_look_at_one_that_was_seen_processed_is_repeated_and_no_kill_deletes_it(
    connect: Connect, folder: str
) -> None:
    waiting = Waiting(connect("files-flat", max_retries=0), folder, delete_on_kill=True)
    waiting.process(waiting.ids[0])
    assert waiting.resume() is None
    waiting.emulator.control.fault(match={"method": "GET", "path": waiting.ids[0]}, status=503)
    waiting.process(*waiting.ids[1:])
    assert waiting.resume() is None
    trigger = waiting.deferred.trigger
    assert (trigger.resource_id, trigger.failed_looks) == (waiting.ids[0], 1)
    assert not trigger.delete_on_kill
    assert [one["id"] for one in waiting.resume()] == waiting.ids


def test_a_kill_after_the_task_resumed_leaves_alone_what_it_saw_processed_before(connect: Connect, folder: str) -> None:
    waiting = Waiting(connect("files-flat"), folder, delete_on_kill=True)
    waiting.process(*waiting.ids[:-1])
    assert waiting.resume() is None
    waiting.emulator.control.forget_requests()
    waiting.emulator.control.fault(match={"method": "GET"}, times=0, status=503, retry_after=100)
    task = waiting.make()
    with killed(task, waiting.looks) as kill, pytest.raises(IttybitStoppedError):
        waiting.resume(task)
    assert kill.took is not None
    assert sent(waiting.emulator, "DELETE") == [f"DELETE /files/{waiting.ids[-1]}"]
