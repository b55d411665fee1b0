"""Uploads whose process is killed by SIGKILL under a real scheduler, judged by what reaches the emulator afterwards.

Airflow's LocalExecutor keeps worker processes; each runs the supervisor of one task at a time, and the supervisor
forks the process that runs the operator. The tests kill that process, and for the loss of a machine the worker too.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import TASK_STATE_STORE
from system.scheduled_airflow import ScheduledAirflow, TaskRun, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

pytestmark = TASK_STATE_STORE.needed

MIB = 1024 * 1024
SMALL, LARGE = MIB // 2, 8 * MIB
CHUNKS = 9
"""Chunks of the large file: eight of 7/8 MiB, two under way at a time, and the last of 1 MiB alone."""
BYTES = "^/clip.mp4$|^/media$"
"""Paths to which the bytes of a file go."""
HELD = 600
"""Seconds for which the emulator holds a request: longer than any test, so the kill falls into them for certain."""


@pytest.fixture(scope="module")
def scheduled(
    tmp_path_factory: pytest.TempPathFactory, running_emulator: RunningEmulator
) -> Iterator[ScheduledAirflow]:
    home = tmp_path_factory.mktemp("scheduled")
    (home / "dags").mkdir()
    shutil.copy(Path(__file__).with_name("uploading_dags.py"), home / "dags")
    connections = {
        f"AIRFLOW_CONN_{name.upper()}": running_emulator.airflow_connection(version, timeout=HELD)
        for name, version in {"ittybit_default": "2025-08-20", "ittybit_media": "media"}.items()
    }
    with ScheduledAirflow(home, connections) as airflow:
        yield airflow


def bytes_of(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - bytes to upload, no secret


def file_of(folder: Path, size: int, name: str = "clip.mp4") -> Path:
    path = folder / name
    path.write_bytes(bytes_of(size))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256s(emulator: RunningEmulator) -> list[str]:
    return [file["sha256"] for file in emulator.control.files()]


def puts(emulator: RunningEmulator, *, answered: bool | None = None) -> list[dict[str, Any]]:
    rows = emulator.control.requests(method="PUT")
    return [row for row in rows if answered is None or (row["status"] is not None) is answered]


def ranges(rows: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return first and last byte of each chunk."""
    spans = [row["content_range"].removeprefix("bytes=").split("/")[0].split("-") for row in rows]
    return sorted((int(first), int(last)) for first, last in spans)


def noted_chunks(run: TaskRun) -> int:
    """Count the chunks that Airflow's state store knows to have arrived."""
    return int(run.notes().get("ittybit_upload", {}).get("arrived") or "0", 16).bit_count()


def upload_until_two_chunks_hang(scheduled: ScheduledAirflow, emulator: RunningEmulator, source: Path) -> TaskRun:
    """Upload the large file until four chunks are noted, one waits for its answer and one is on its way."""
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": "PUT"}, after=4, answer_delay=HELD)
    emulator.control.fault(match={"method": "PUT"}, after=4, delay=HELD)
    run = scheduled.trigger("upload_one", source=str(source))
    until(lambda: noted_chunks(run) == 4 and len(puts(emulator)) == 6, "four chunks noted, two under way")
    return run


def assert_only_the_rest_was_sent(emulator: RunningEmulator, source: Path, before: list[dict[str, Any]]) -> None:
    acknowledged = [row for row in before if row["status"] is not None]
    again = [row for row in puts(emulator) if row["seq"] > before[-1]["seq"]]
    assert len(acknowledged) == 4
    assert len(again) == CHUNKS - 4
    covered = ranges(acknowledged + again)
    assert [first for first, _ in covered] == [0, *(last + 1 for _, last in covered[:-1])]
    assert covered[-1][1] == LARGE - 1
    assert sum(row["bytes"] for row in again) == LARGE - sum(row["bytes"] for row in acknowledged)
    assert sha256s(emulator) == [sha256(source)]


def test_after_a_kill_between_two_chunks_the_retry_sends_only_what_was_not_acknowledged(
    scheduled, emulator, tmp_path
) -> None:
    source = file_of(tmp_path, LARGE)
    run = upload_until_two_chunks_hang(scheduled, emulator, source)
    killed, before = run.facts(), puts(emulator)
    run.kill_task()
    ended = run.until_it("success", try_number=2)
    assert_only_the_rest_was_sent(emulator, source, before)
    assert ended["pid"] != killed["pid"]
    assert ended["max_tries"] == killed["max_tries"] == 3


@pytest.mark.parametrize("with_task", [True, False], ids=["and-the-task", "but-not-the-task"])
def test_after_a_kill_of_the_worker_the_retry_sends_only_what_was_not_acknowledged(
    scheduled, emulator, tmp_path, with_task
) -> None:
    source = file_of(tmp_path, LARGE)
    run = upload_until_two_chunks_hang(scheduled, emulator, source)
    before = puts(emulator)
    with run.killed_worker(with_task=with_task):
        ended = run.until_it("success", try_number=2)
        assert_only_the_rest_was_sent(emulator, source, before)
    assert ended["max_tries"] == 3


@dataclass(frozen=True)
class Way:
    """A way to upload a file: the connection, the method, the size, and how many requests carry its bytes."""

    connection: str
    method: str
    size: int
    parts: int


WAYS = {
    "as-a-form": Way("ittybit_media", "POST", LARGE, 1),
    "whole": Way("ittybit_default", "PUT", SMALL, 1),
    "in-chunks": Way("ittybit_default", "PUT", LARGE, CHUNKS),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_after_a_kill_between_the_last_byte_and_its_answer_the_retry_finds_the_file(
    scheduled, emulator, tmp_path, way
) -> None:
    source = file_of(tmp_path, way.size)
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": way.method, "path": BYTES}, after=way.parts - 1, answer_delay=HELD)
    run = scheduled.trigger("upload_one", source=str(source), connection=way.connection)
    until(lambda: sha256s(emulator), "the file at the emulator")
    run.kill_task()
    run.until_it("success", try_number=2)
    assert sha256s(emulator) == [sha256(source)]
    sent = [row["bytes"] for row in emulator.control.requests() if row["bytes"] >= SMALL]
    assert len(sent) == way.parts
    assert way.size <= sum(sent) < way.size + 1024  # a form has a few bytes more than the file


def test_after_a_kill_between_a_url_that_ittybit_took_and_its_answer_the_retry_finds_it(
    scheduled, emulator, web
) -> None:
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": "POST", "path": "^/files$"}, answer_delay=HELD)
    run = scheduled.trigger("upload_one", source=f"{web}/clip.mp4?X-Amz-Signature=1")
    until(emulator.control.files, "the file at the emulator")
    run.kill_task()
    run.until_it("success", try_number=2)
    assert len(emulator.control.files()) == 1
    assert len(emulator.control.requests(method="POST")) == 1


def killed_before_the_title_is_set(scheduled: ScheduledAirflow, emulator: RunningEmulator, source: Path) -> TaskRun:
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": "PATCH"}, delay=HELD)
    run = scheduled.trigger("upload_one", source=str(source), title="A title")
    until(lambda: emulator.control.requests(method="PATCH"), "the title on its way")
    run.kill_task()
    return run


def test_after_a_kill_between_the_answer_and_the_title_the_retry_sets_the_title_only(
    scheduled, emulator, tmp_path, hook_for
) -> None:
    source = file_of(tmp_path, SMALL)
    run = killed_before_the_title_is_set(scheduled, emulator, source)
    run.until_it("success", try_number=2)
    assert sha256s(emulator) == [sha256(source)]
    assert len(puts(emulator)) == 1
    (file,) = emulator.control.files()
    assert hook_for("files-flat").get_media(file["media_id"])["title"] == "A title"


def test_after_a_kill_while_the_task_waits_for_processing_the_retry_waits_for_the_same_file(
    scheduled, emulator, video
) -> None:
    emulator.control.settings(processing="after_reads:1000000")
    run = scheduled.trigger("upload_and_wait", source=str(video))
    until(lambda: len(looks_at_the_file(emulator)) > 1, "the task that waits")
    killed = run.kill_task()
    before = until(lambda: not killed.is_running() and looks_at_the_file(emulator), "the end of the killed process")
    until(lambda: len(looks_at_the_file(emulator)) > len(before) + 1, "the retry that waits")
    emulator.control.settings(processing="after_reads:1")
    run.until_it("success", try_number=2)
    assert sha256s(emulator) == [sha256(video)]
    assert len(puts(emulator)) == 1


def looks_at_the_file(emulator: RunningEmulator) -> list[dict[str, Any]]:
    return [row for row in emulator.control.requests(method="GET") if row["path"].startswith("/files/")]


def test_of_several_files_the_retry_after_a_kill_sends_only_those_without_an_answer(
    scheduled, emulator, tmp_path
) -> None:
    sources = [file_of(tmp_path, SMALL + number, f"{number}.mp4") for number in range(3)]
    emulator.control.settings(processing="held")
    emulator.control.fault(match={"method": "PUT", "path": "/1.mp4$"}, delay=HELD)
    run = scheduled.trigger("upload_many", source=str(tmp_path))
    until(
        lambda: len([note for note in run.notes().values() if note["labelled"]]) == 2 and len(puts(emulator)) == 3,
        "two files uploaded, the third under way",
    )
    run.kill_task()
    run.until_it("success", try_number=2)
    assert sorted(row["path"] for row in puts(emulator)) == ["/0.mp4", "/1.mp4", "/1.mp4", "/2.mp4"]
    assert sorted(sha256s(emulator)) == sorted(sha256(source) for source in sources)


def test_a_cleared_task_uploads_afresh(scheduled, emulator, tmp_path) -> None:
    source = file_of(tmp_path, SMALL)
    emulator.control.settings(processing="held")
    run = scheduled.trigger("upload_one", source=str(source))
    first = run.until_it("success", try_number=1)
    run.clear()
    second = run.until_it("success", try_number=2)
    assert second["max_tries"] > first["max_tries"]
    assert sha256s(emulator) == [sha256(source)] * 2
    assert len(puts(emulator)) == 2


def test_a_source_that_changed_between_two_chunks_is_uploaded_afresh(scheduled, emulator, tmp_path) -> None:
    source = file_of(tmp_path, LARGE)
    run = upload_until_two_chunks_hang(scheduled, emulator, source)
    before = puts(emulator)
    source.write_bytes(bytes_of(LARGE + 1, seed=1))
    run.kill_task()
    run.until_it("success", try_number=2)
    again = [row for row in puts(emulator) if row["seq"] > before[-1]["seq"]]
    assert sum(row["bytes"] for row in again) == LARGE + 1
    assert sha256s(emulator) == [sha256(source)]


def test_a_source_that_changed_after_its_bytes_arrived_is_uploaded_afresh(scheduled, emulator, tmp_path) -> None:
    source = file_of(tmp_path, SMALL)
    before = sha256(source)
    run = killed_before_the_title_is_set(scheduled, emulator, source)
    source.write_bytes(bytes_of(SMALL, seed=1))
    os.utime(source, ns=(0, 0))  # the size is the same, so only the time of the change tells
    run.until_it("success", try_number=2)
    assert sha256s(emulator) == [before, sha256(source)]
    assert len(puts(emulator)) == 2
