"""An upload that ``execution_timeout`` or Ctrl-C interrupts: Airflow tells nobody to stop before the task has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout
from bytes_to_send import SMALL, arrived, file_with, put_rows, ranges, sha256, some_bytes
from task_killing import interrupted
from task_running import Store, sent, task_context

from airflow_provider_ittybit.durability import journal_of
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.transport import blocking
from airflow_provider_ittybit.uploads import progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    PutBy = Callable[..., IttybitHook]

SIZE = 16_001
CHUNKS = 9
GRACE = 0.3


@pytest.mark.parametrize("ends_wait", [True, False], ids=["waiting", "about-to-wait"])
@pytest.mark.parametrize("what", ["list", "pattern", "chunks"])
@pytest.mark.parametrize("fault", [{"answer_delay": 30}, {"status": 429, "retry_after": 60}], ids=["answer", "pause"])
def test_a_task_whose_time_is_up_ends_soon_whatever_other_threads_wait_for(
    connect: Callable[..., RunningEmulator],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    fault: dict[str, Any],
    what: str,
    ends_wait: bool,
) -> None:
    monkeypatch.setattr(blocking, "GRACE", GRACE)
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": "PUT"}, times=0, **fault)
    paths = [str(file_with(tmp_path, some_bytes(SIZE), f"{number}.mp4")) for number in range(4)]
    source = {"list": paths, "pattern": f"{tmp_path}/*.mp4", "chunks": paths[0]}[what]
    chunking = SMALL if what == "chunks" else None
    task = UploadMediaOperator(task_id="task", source=source, parallel_uploads=2, chunking=chunking)
    with (
        interrupted(lambda: sent(emulator, "PUT"), AirflowTaskTimeout, ends_wait=ends_wait) as end,
        pytest.raises(AirflowTaskTimeout),
    ):
        task.execute(task_context())
    assert end.ended_soon()
    task.on_kill()  # as Airflow's worker does then
    assert len(sent(emulator, "PUT")) <= 2


@pytest.mark.parametrize("by", [AirflowTaskTimeout, KeyboardInterrupt])
def test_chunks_that_arrive_until_the_end_are_noted_and_the_same_hook_sends_the_others(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path, by: type[BaseException]
) -> None:
    hook, store = put_by("files-flat"), Store()
    clip = file_with(tmp_path, some_bytes(SIZE))

    def upload() -> None:
        hook.upload_media(clip, chunking=SMALL, journal=journal_of(task_context(store=store), durable=True))

    emulator.control.fault(match={"role": "delivery"}, times=0, answer_delay=1.5)  # shorter than the usual GRACE
    with interrupted(lambda: len(put_rows(emulator)) >= 2, by), pytest.raises(by):
        upload()
    assert len(put_rows(emulator)) == 2
    emulator.control.clear_faults()
    upload()
    assert len(set(ranges(put_rows(emulator)))) == len(put_rows(emulator)) == CHUNKS
    assert arrived(emulator) == [sha256(clip.read_bytes())]


def test_a_hook_that_was_killed_stays_so_when_something_interrupts_it_besides(
    put_by: PutBy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "CALL_SECONDS", 0.0)
    hook, one = put_by("files-flat"), {**SMALL, "parallel": 1}  # else the kill may end another chunk before

    def kill_and_interrupt(*_: int) -> None:
        hook.pause.stop()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hook.upload_media(file_with(tmp_path, some_bytes(SIZE)), chunking=one, on_progress=kill_and_interrupt)
    assert hook.pause.is_stopped
