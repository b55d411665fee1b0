"""Several files of one name in one task: each arrives, however an answer is lost, and no chunks of two are mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import SMALL, arrived, byte_requests, file_with, put_rows, ranges, sha256, some_bytes
from task_running import Store, task_context

from airflow_provider_ittybit.exceptions import IttybitUploadsFailedError, IttybitUploadsRefusedError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import UploadMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

SIZE = 8001
CHUNKS = 5
"""Into so many chunks ``SMALL`` cuts a file of that size."""


@pytest.fixture
def held(connect: Connect) -> Connect:
    """Point the default connection at an emulator that processes nothing."""

    def point(version: str, **extra: Any) -> RunningEmulator:
        emulator = connect(version, **{"max_retries": 0, **extra})
        emulator.control.settings(processing="held")
        return emulator

    return point


class Recordings:
    """Files of one name by several cameras, and the tries of a task that uploads them."""

    def __init__(self, folder: Path, *contents: bytes) -> None:
        self.hashes = sorted(map(sha256, contents))
        self.pattern = f"{folder}/*/rec.wav"
        for number, content in enumerate(contents, start=1):
            file_with(folder / f"cam{number}", content, "rec.wav")

    def upload(self, store: Store | None, source: object = None, **arguments: Any) -> list[str]:
        operator = UploadMediaOperator(task_id="task", source=source or self.pattern, **arguments)
        results = operator.execute(task_context(store=store))
        assert isinstance(results, list)
        return [result["id"] for result in results]


@pytest.fixture
def two(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path, some_bytes(SIZE, 1), some_bytes(SIZE, 2))


def lose(emulator: RunningEmulator, drop: str, *, after: int = 0) -> None:
    """Have one request with bytes fail: lost on its way, or its answer."""
    for role in ("delivery", "uploads"):
        emulator.control.fault(match={"role": role}, after=after, drop=drop)


@pytest.mark.parametrize("version", ["media", "files-enveloped", "files-flat"])
def test_one_that_was_lost_is_not_taken_for_the_other_that_arrived(
    held: Connect, two: Recordings, version: str
) -> None:
    emulator, store = held(version), Store()
    lose(emulator, "before", after=1)
    with pytest.raises(IttybitUploadsFailedError, match="1 of 2 uploads failed"):
        two.upload(store)
    ids = two.upload(store)
    assert sorted(arrived(emulator)) == two.hashes
    assert len(set(ids)) == 2
    assert two.upload(store) == ids


@pytest.mark.parametrize("version", ["media", "files-flat"])
def test_one_that_arrived_without_an_answer_is_still_found(held: Connect, two: Recordings, version: str) -> None:
    emulator, store = held(version), Store()
    lose(emulator, "after")
    with pytest.raises(IttybitUploadsFailedError):
        two.upload(store)
    assert len(set(two.upload(store))) == 2
    assert sorted(arrived(emulator)) == two.hashes
    assert len(byte_requests(emulator)) == 2


@pytest.mark.parametrize("version", ["media", "files-flat"])
@pytest.mark.parametrize("drops", [("before", "after"), ("after", "before"), ("after", "after"), ("before", "before")])
def test_if_no_answer_came_to_either_both_arrive_all_the_same(
    held: Connect, two: Recordings, version: str, drops: tuple[str, str]
) -> None:
    emulator, store = held(version), Store()
    lose(emulator, drops[0])
    lose(emulator, drops[1])
    with pytest.raises(IttybitUploadsFailedError, match="2 of 2 uploads failed"):
        two.upload(store)
    ids = two.upload(store)
    assert sorted(set(arrived(emulator))) == two.hashes
    taken = {file["sha256"] for file in emulator.control.files() if {file["id"], file["media_id"]} & set(ids)}
    assert sorted(taken) == two.hashes


def test_those_of_other_sizes_are_found_without_an_answer_to_any(held: Connect, tmp_path: Path) -> None:
    emulator, store = held("files-flat"), Store()
    several = Recordings(tmp_path, *(some_bytes(SIZE + number) for number in range(3)))
    for _ in several.hashes:
        lose(emulator, "after")
    with pytest.raises(IttybitUploadsFailedError, match="3 of 3 uploads failed"):
        several.upload(store)
    assert len(set(several.upload(store))) == 3
    assert sorted(arrived(emulator)) == several.hashes


def test_the_same_file_listed_twice_is_found_twice(held: Connect, tmp_path: Path, two: Recordings) -> None:
    emulator, store = held("files-flat"), Store()
    twice = [str(tmp_path / "cam1/rec.wav")] * 2
    lose(emulator, "after")
    lose(emulator, "after")
    with pytest.raises(IttybitUploadsFailedError, match="2 of 2 uploads failed"):
        two.upload(store, twice)
    assert sorted(two.upload(store, twice)) == sorted(file["id"] for file in emulator.control.files())
    assert len(byte_requests(emulator)) == 2


@pytest.mark.parametrize("store", [Store(), None], ids=["store", "no store"])
def test_a_lost_last_chunk_is_not_taken_for_the_file_of_the_other(
    held: Connect, two: Recordings, store: Store | None
) -> None:
    emulator = held("files-flat")
    lose(emulator, "before", after=2 * CHUNKS - 1)
    assert len(set(two.upload(store, chunking=SMALL))) == 2
    assert sorted(arrived(emulator)) == two.hashes


@pytest.mark.parametrize("second", [SIZE, SIZE + 900], ids=["one size", "two sizes"])
@pytest.mark.parametrize("direct", [False, True])
def test_two_never_send_chunks_to_one_place_at_the_same_time(
    held: Connect, tmp_path: Path, *, second: int, direct: bool
) -> None:
    emulator = held("files-flat")
    if direct:
        emulator = held("files-flat", delivery_domain=emulator.delivery_url)
    large = Recordings(tmp_path, some_bytes(SIZE, 1), some_bytes(second, 2), some_bytes(SIZE, 3))
    assert len(set(large.upload(None, chunking=SMALL))) == 3
    assert sorted(arrived(emulator)) == large.hashes
    assert None not in ranges(put_rows(emulator))


def test_over_the_chunks_that_one_left_another_goes_whole_and_the_first_goes_on_with_them(
    held: Connect, two: Recordings
) -> None:
    emulator, store = held("files-flat"), Store()
    emulator.control.fault(match={"role": "delivery"}, after=2, status=503)
    with pytest.raises(IttybitUploadsFailedError, match="1 of 2 uploads failed"):
        two.upload(store, chunking={**SMALL, "parallel": 1})
    rows = put_rows(emulator)
    assert [row["status"] for row in rows[:3]] == [202, 202, 503]
    assert ranges(rows)[-1] is None
    emulator.control.forget_requests()
    two.upload(store, chunking={**SMALL, "parallel": 1})
    assert not set(ranges(put_rows(emulator))) & set(ranges(rows[:2]))
    assert sorted(arrived(emulator)) == two.hashes


def test_chunks_that_one_left_are_used_by_it_also_if_the_other_failed_too(held: Connect, two: Recordings) -> None:
    emulator, store = held("files-flat"), Store()
    emulator.control.fault(match={"role": "delivery"}, after=2, times=2, status=503)
    with pytest.raises(IttybitUploadsFailedError, match="2 of 2 uploads failed"):
        two.upload(store, chunking={**SMALL, "parallel": 1})
    before = ranges(put_rows(emulator))
    assert before[-1] is None
    emulator.control.forget_requests()
    two.upload(store, chunking={**SMALL, "parallel": 1})
    after = ranges(put_rows(emulator))
    assert None not in after
    assert before[0] in after  # by the second, in chunks as well, when the first had come to its end
    assert sorted(arrived(emulator)) == two.hashes


def test_one_that_is_gone_goes_whole_if_chunks_of_another_lie_there(held: Connect, two: Recordings) -> None:
    emulator, store = held("files-flat"), Store()
    for chunks in (2, 0):
        emulator.control.fault(match={"role": "delivery"}, after=chunks, status=503)
        with pytest.raises(IttybitUploadsFailedError, match="1 of 2 uploads failed") as caught:
            two.upload(store, chunking={**SMALL, "parallel": 1})
        assert ranges(put_rows(emulator))[-1] is None
        emulator.control.clear_faults()
        with IttybitHook() as hook:
            hook.delete_media(caught.value.uploaded[0])
    two.upload(store, chunking={**SMALL, "parallel": 1})
    assert sorted(set(arrived(emulator))) == two.hashes


def test_one_whose_chunks_are_missing_is_not_taken_for_the_other_that_arrived_without_an_answer(
    held: Connect, two: Recordings
) -> None:
    emulator, store = held("files-flat"), Store()
    emulator.control.fault(match={"role": "delivery"}, after=2, status=503)
    lose(emulator, "after", after=2)  # the next but these
    with pytest.raises(IttybitUploadsFailedError, match="2 of 2 uploads failed"):
        two.upload(store, chunking={**SMALL, "parallel": 1})
    assert ranges(put_rows(emulator))[-1] is None
    assert len(set(two.upload(store, chunking={**SMALL, "parallel": 1}))) == 2
    assert sorted(arrived(emulator)) == two.hashes


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_last_chunk_goes_once_if_its_file_could_not_be_told_from_another(
    held: Connect, two: Recordings, drop: str
) -> None:
    emulator, store = held("files-flat"), Store()
    lose(emulator, "after", after=CHUNKS - 1)
    emulator.control.fault(match={"path": "^/files$"}, status=503)  # the look after the first lost answer
    lose(emulator, "after", after=CHUNKS - 1)
    with pytest.raises(IttybitUploadsFailedError, match="2 of 2 uploads failed"):
        two.upload(store, chunking=SMALL)
    emulator.control.forget_requests()
    lose(emulator, drop, after=2 * CHUNKS - 1)
    with pytest.raises(IttybitUploadsFailedError, match="1 of 2 uploads failed"):
        two.upload(store, chunking=SMALL)
    assert len(put_rows(emulator)) == 2 * CHUNKS
    two.upload(store, chunking=SMALL)
    assert sorted(set(arrived(emulator))) == two.hashes


@pytest.mark.parametrize(
    ("status", "durable", "told"),
    [
        (503, True, "are kept at ittybit, and a retry sends only what failed:"),
        (503, False, "are kept at ittybit, but a retry sends all again, since nothing is noted without"),
        (400, True, "are kept at ittybit. No retry can help, and a cleared task sends all again:"),
        (400, False, "are kept at ittybit. No retry can help, and a cleared task sends all again:"),
    ],
)
def test_the_error_tells_what_a_retry_would_send(
    held: Connect, two: Recordings, status: int, told: str, *, durable: bool
) -> None:
    held("files-flat").control.fault(match={"role": "delivery"}, status=status)
    with pytest.raises(IttybitUploadsFailedError) as caught:
        two.upload(Store(), durable=durable)
    assert told in str(caught.value)
    assert isinstance(caught.value, IttybitUploadsRefusedError) is (status == 400)


def test_without_a_store_the_error_promises_no_notes(held: Connect, two: Recordings) -> None:
    held("files-flat").control.fault(match={"role": "delivery"}, status=503)
    with pytest.raises(IttybitUploadsFailedError, match="but a retry sends all again"):
        two.upload(None)
