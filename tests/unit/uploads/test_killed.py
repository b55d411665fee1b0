"""An upload whose task is killed: nothing else begins, and nobody waits for a source that has stalled."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import MIB, SMALL, arrived, file_with, put_rows, some_bytes
from file_serving import Shelf, serving
from task_killing import killed
from task_running import sent, task_context

from airflow_provider_ittybit.exceptions import IttybitError, IttybitStoppedError
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.uploads import progress
from airflow_provider_ittybit.uploads.sources import as_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    PutBy = Callable[..., IttybitHook]

SIZE = 16_001
SOON = 5.0
"""Seconds from the kill to the end that Airflow brings about."""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving(Shelf(some_bytes(SIZE))) as shelf:
        yield shelf


@pytest.mark.parametrize("after", ["the request", "the headers", "some bytes"])
@pytest.mark.parametrize(
    ("request_number", "chunking", "size"),
    [(1, None, SIZE), (2, None, SIZE), (3, None, SIZE), (3, None, 3 * MIB), (5, SMALL, SIZE)],
    ids=["size", "first-bytes", "small", "large", "chunks"],
)
def test_a_source_that_falls_silent_holds_no_killed_task(  # noqa: PLR0917 - passed by name
    put_by: PutBy,
    emulator: RunningEmulator,
    shelf: Shelf,
    request_number: int,
    chunking: Any,
    size: int,
    after: str,
) -> None:
    if request_number == 1 and after != "the request":
        pytest.skip("the headers are all that is read of the first answer")
    hook, stopped = put_by("files-flat"), []

    def kill() -> None:
        stopped.append(time.monotonic())
        hook.pause.stop()

    shelf.content = some_bytes(size)
    shelf.hangs_at, shelf.hangs_after, shelf.on_hang = request_number, after, kill
    with pytest.raises(IttybitStoppedError, match="killed"):
        hook.upload_media(shelf.url, fetch=True, chunking=chunking)
    assert time.monotonic() - stopped[0] < SOON
    assert arrived(emulator) == []


class SilentStore:
    """An object of a store that does not answer before it is told to."""

    name, path, protocol = "clip.mp4", "bucket/clip.mp4", "s3"

    def __init__(self) -> None:
        self.over, self.asked = threading.Event(), threading.Event()

    @property
    def fs(self) -> SilentStore:
        return self

    def invalidate_cache(self, _: str) -> None:
        """Forget nothing."""

    def stat(self) -> dict[str, int]:
        self.asked.set()
        self.over.wait(30)
        return {"size": 9}

    def open(self, mode: str) -> Any:
        raise AssertionError(mode)


def test_a_store_that_does_not_answer_holds_no_killed_task() -> None:
    store = SilentStore()
    try:
        with pytest.raises(IttybitStoppedError):
            as_source(store, is_stopped=store.asked.is_set)
        assert not store.over.is_set()
    finally:
        store.over.set()


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.usefixtures("no_pause_between_calls")
def test_no_chunk_begins_after_a_kill(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path, *, parallel: int
) -> None:
    hook = put_by("files-flat")

    def kill(*_: int) -> None:
        hook.pause.stop()

    chunking = {**SMALL, "parallel": parallel}
    with pytest.raises(IttybitStoppedError, match=r"before PUT .* was not sent"):
        hook.upload_media(file_with(tmp_path, some_bytes(SIZE)), chunking=chunking, on_progress=kill)
    assert 1 <= len(put_rows(emulator)) <= parallel


@pytest.fixture
def no_pause_between_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "CALL_SECONDS", 0.0)


def test_no_file_of_several_begins_after_a_kill(
    connect: Callable[..., RunningEmulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": "PUT"}, times=0, answer_delay=1.5)  # the kill comes meanwhile
    looked_at: list[str] = []
    monkeypatch.setattr("airflow_provider_ittybit.uploads.sources._look_at", _noting(looked_at))
    sources = [str(file_with(tmp_path, some_bytes(2000), f"{number}.mp4")) for number in range(5)]
    task = UploadMediaOperator(task_id="task", source=sources, parallel_uploads=1)
    with killed(task, lambda: sent(emulator, "PUT")) as kill, pytest.raises(IttybitError, match="killed"):
        task.execute(task_context())
    assert kill.ended_soon()
    assert sent(emulator, "PUT") == ["PUT /0.mp4"]
    assert looked_at == sources[:1]


def _noting(looked_at: list[str]) -> Callable[..., tuple[int, str, bytes]]:
    from airflow_provider_ittybit.uploads.sources import _look_at

    def look(path: Any, shown: str) -> tuple[int, str, bytes]:
        looked_at.append(shown)
        return _look_at(path, shown)

    return look


def test_what_was_uploaded_when_the_kill_came_is_labelled_all_the_same(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path
) -> None:
    hook = put_by("files-flat")
    emulator.control.fault(match={"method": "PUT"}, answer_delay=1.5)  # the kill comes meanwhile
    killer = threading.Thread(target=lambda: (_until(lambda: sent(emulator, "PUT")), hook.pause.stop()))
    killer.start()
    file = hook.upload_media(file_with(tmp_path, b"x"), title="Gänse")
    killer.join()
    assert hook.pause.is_stopped
    assert sent(emulator, "PATCH") == [f"PATCH /media/{file['media_id']}"]


def _until(seen: Callable[[], object]) -> None:
    waiting = threading.Event()
    while not seen():
        waiting.wait(0.02)
