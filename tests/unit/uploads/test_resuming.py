"""A retry finds what an earlier try of the same task sent, sends only what is missing, and never joins two files."""

from __future__ import annotations

import io
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import MIB, SMALL, arrived, byte_requests, file_with, put_rows, ranges, sha256, some_bytes
from task_running import Run, Store, task_context

from airflow_provider_ittybit.durability import KEY, journal_of
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInvalidRequestError,
    IttybitServerError,
    IttybitSourceNotFoundError,
    IttybitTransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook
    from airflow_provider_ittybit.uploads.journal import Noted

    PutBy = Callable[..., IttybitHook]

WAYS = [("media", False), *[(v, d) for v in ("files-enveloped", "files-flat") for d in (False, True)]]
PLACES = WAYS[1:]
NAMES = ["clip.mp4", 'he said "hi".mp4', "line\nbreak.mp4", "Gänse 🪿 東京.mp4"]
SIZE = 16_001
CHUNKS = 9


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return file_with(tmp_path, some_bytes(SIZE))


class Try:
    """One try of a task after another, with one store."""

    def __init__(self, hook: IttybitHook, path: Any) -> None:
        self.hook, self.path, self.store = hook, path, Store()

    def __call__(self, *, max_tries: int = 0, **fields: Any) -> dict[str, Any]:
        journal = journal_of(task_context(Run(max_tries=max_tries), store=self.store), durable=True)
        return self.hook.upload_media(self.path, journal=journal, **fields)


def fail_after(emulator: RunningEmulator, chunks: int) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=chunks, status=400, message="Not now.")


@pytest.mark.parametrize(("version", "direct"), WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_try_killed_between_the_last_byte_and_the_answer_is_found_by_the_next(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, *, version: str, direct: bool, name: str
) -> None:
    again = Try(put_by(version, direct=direct), clip)
    for role in ("uploads", "delivery"):
        emulator.control.fault(match={"role": role}, drop="after")
    with pytest.raises(IttybitTransportError):
        again(filename=name)
    resource = again(filename=name)
    [kept] = emulator.control.files()
    assert resource["id"] in (kept["id"], kept["media_id"])
    assert kept["sha256"] == sha256(clip.read_bytes())
    assert len(byte_requests(emulator)) == 1
    assert again(filename=name)["id"] == resource["id"]


@pytest.mark.parametrize(("version", "direct"), PLACES)
def test_a_try_killed_after_the_last_chunk_is_found_by_the_next(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, *, version: str, direct: bool
) -> None:
    again = Try(put_by(version, direct=direct, max_retries=0), clip)
    emulator.control.fault(match={"role": "delivery"}, after=CHUNKS - 1, drop="after")
    emulator.control.fault(match={"path": "^/files$"}, after=int(direct), status=503)  # the look after the lost answer
    with pytest.raises(IttybitServerError):
        again(chunking=SMALL)
    file = again(chunking=SMALL)
    [kept] = emulator.control.files()
    assert (file["id"], kept["sha256"]) == (kept["id"], sha256(clip.read_bytes()))
    assert len(put_rows(emulator)) == CHUNKS


@pytest.mark.parametrize(("version", "direct"), WAYS)
@pytest.mark.parametrize("chunking", [None, SMALL], ids=["whole", "chunks"])
def test_a_try_killed_after_the_answer_is_found_by_the_next(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, *, version: str, direct: bool, chunking: Any
) -> None:
    again = Try(put_by(version, direct=direct), clip)
    first = again(chunking=chunking)
    before = len(byte_requests(emulator))
    assert again(chunking=chunking)["id"] == first["id"]
    assert len(byte_requests(emulator)) == before
    assert len(arrived(emulator)) == 1


@pytest.mark.parametrize(("version", "direct"), PLACES)
def test_a_retry_sends_only_the_chunks_that_were_not_acknowledged(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, *, version: str, direct: bool
) -> None:
    again = Try(put_by(version, direct=direct), clip)
    fail_after(emulator, 5)
    with pytest.raises(IttybitInvalidRequestError):
        again(chunking=SMALL)
    acknowledged = {row["content_range"] for row in put_rows(emulator) if row["status"] == 202}
    assert 5 <= len(acknowledged) < CHUNKS
    emulator.control.forget_requests()
    again(chunking=SMALL)
    sent = ranges(put_rows(emulator))
    assert len(sent) == CHUNKS - len(acknowledged)
    assert not acknowledged & set(sent)
    assert arrived(emulator) == [sha256(clip.read_bytes())]


def test_many_tries_get_there_together(put_by: PutBy, emulator: RunningEmulator, clip: Path) -> None:
    again = Try(put_by("files-flat"), clip)
    for _ in range(3):
        fail_after(emulator, 2)
        with pytest.raises(IttybitInvalidRequestError):
            again(chunking={**SMALL, "parallel": 1})
    again(chunking={**SMALL, "parallel": 1})
    accepted = [row["content_range"] for row in put_rows(emulator) if row["status"] != 400]
    assert len(accepted) == len(set(accepted))
    assert arrived(emulator) == [sha256(clip.read_bytes())]


def test_what_an_earlier_try_sent_is_told_and_counts_as_progress(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, logged: Callable[[], list[str]]
) -> None:
    again = Try(put_by("files-flat"), clip)
    fail_after(emulator, 5)
    with pytest.raises(IttybitInvalidRequestError):
        again(chunking=SMALL)
    told: list[tuple[int, int]] = []
    again(chunking=SMALL, on_progress=lambda *numbers: told.append(numbers))
    assert told[0][0] > 5000
    assert told[-1] == (SIZE, SIZE)
    assert [line for line in logged() if "arrived in an earlier try and are not sent again" in line]


@pytest.mark.parametrize("change", ["bytes", "size", "time"])
def test_a_source_that_changed_is_sent_afresh_and_joined_with_nothing(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, logged: Callable[[], list[str]], change: str
) -> None:
    again = Try(put_by("files-flat"), clip)
    fail_after(emulator, 5)
    with pytest.raises(IttybitInvalidRequestError):
        again(chunking=SMALL)
    if change != "time":
        clip.write_bytes(some_bytes(SIZE + (change == "size"), seed=1))
    os.utime(clip, ns=(1, 1))
    emulator.control.forget_requests()
    again(chunking=SMALL)
    assert ranges(put_rows(emulator)) == [None]
    assert arrived(emulator) == [sha256(clip.read_bytes())]
    assert [line for line in logged() if "Chunks of another upload may still lie" in line]


def test_chunks_of_another_size_are_joined_with_nothing_either(
    put_by: PutBy, emulator: RunningEmulator, clip: Path
) -> None:
    again = Try(put_by("files-flat"), clip)
    fail_after(emulator, 5)
    with pytest.raises(IttybitInvalidRequestError):
        again(chunking=SMALL)
    emulator.control.fault(match={"role": "delivery"}, status=400)
    with pytest.raises(IttybitInvalidRequestError):
        again(chunking={**SMALL, "size": 700})
    again(chunking={**SMALL, "size": 700})
    assert ranges(put_rows(emulator))[-2:] == [None, None]
    assert arrived(emulator) == [sha256(clip.read_bytes())]


def test_an_upload_that_was_done_leaves_nothing_in_the_way_of_the_next(
    put_by: PutBy, emulator: RunningEmulator, clip: Path
) -> None:
    again = Try(put_by("files-flat"), clip)
    again(chunking=SMALL)
    clip.write_bytes(some_bytes(SIZE, seed=1))
    os.utime(clip, ns=(1, 1))
    again(chunking=SMALL)
    assert len(put_rows(emulator)) == 2 * CHUNKS
    assert len(set(arrived(emulator))) == 2


def test_a_cleared_task_sends_every_chunk_again(put_by: PutBy, emulator: RunningEmulator, clip: Path) -> None:
    again = Try(put_by("files-flat"), clip)
    fail_after(emulator, 5)
    with pytest.raises(IttybitInvalidRequestError):
        again(chunking=SMALL)
    emulator.control.forget_requests()
    again(chunking=SMALL, max_tries=1)
    assert len(set(ranges(put_rows(emulator)))) == CHUNKS
    assert arrived(emulator) == [sha256(clip.read_bytes())]
    again(chunking=SMALL, max_tries=2)
    assert len(arrived(emulator)) == 2


def test_chunks_that_ittybit_forgot_go_again(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, logged: Callable[[], list[str]]
) -> None:
    again = Try(put_by("files-flat"), clip)
    fail_after(emulator, 5)
    with pytest.raises(IttybitInvalidRequestError):
        again(chunking=SMALL)
    emulator.control.reset()
    told: list[tuple[int, int]] = []
    again(chunking=SMALL, on_progress=lambda *numbers: told.append(numbers))
    assert arrived(emulator) == [sha256(clip.read_bytes())]
    assert all(sent <= total for sent, total in told)
    assert [line for line in logged() if "does not have the chunks" in line]


@pytest.mark.parametrize(("version", "direct"), WAYS)
def test_a_try_that_surely_sent_nothing_costs_the_next_no_look_and_no_warning(
    put_by: PutBy,
    emulator: RunningEmulator,
    clip: Path,
    logged: Callable[[], list[str]],
    *,
    version: str,
    direct: bool,
) -> None:
    again = Try(put_by(version, direct=direct, max_retries=0), clip)
    for role in ("uploads", "delivery"):
        emulator.control.fault(match={"role": role}, status=429, retry_after=0)
    with pytest.raises(IttybitError):
        again()
    assert again.store.get(KEY)["since"] is None
    again()
    assert not [line for line in logged() if "earlier try" in line]
    assert len(arrived(emulator)) == 1


class Removed:
    """An object of a store that is removed while it is read, and is there again later."""

    protocol, name, path = "gs", "clip.mp4", "bucket/clip.mp4"
    content = some_bytes(3 * MIB)
    is_there = False

    @property
    def fs(self) -> SimpleNamespace:
        return SimpleNamespace(invalidate_cache=lambda _: None, cat_file=lambda *_, **__: self.content[:64])

    def stat(self) -> dict[str, object]:
        return {"size": len(self.content), "etag": "a"}

    def open(self, mode: str, **_: object) -> Any:
        assert mode == "rb"
        return io.BytesIO(self.content) if self.is_there else BreaksOff(self.content)

    def __str__(self) -> str:
        return "gs://bucket/clip.mp4"


class BreaksOff(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= MIB:
            raise FileNotFoundError(2, "No such object: bucket/clip.mp4")
        return super().read(size)


@pytest.mark.parametrize(("version", "direct"), WAYS)
def test_an_object_removed_during_a_try_is_named_and_the_next_looks_for_nothing(
    put_by: PutBy, emulator: RunningEmulator, logged: Callable[[], list[str]], *, version: str, direct: bool
) -> None:
    again = Try(put_by(version, direct=direct), Removed())
    with pytest.raises(IttybitSourceNotFoundError, match=r"gs://bucket/clip\.mp4 is gone since the upload began"):
        again()
    assert again.store.get(KEY)["since"] is None
    again.path.is_there = True
    again()
    assert not [line for line in logged() if "earlier try" in line]
    assert arrived(emulator) == [sha256(Removed.content)]


def test_a_file_that_appears_after_two_tries_is_found_by_the_third(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_ittybit.uploads import sending

    again = Try(put_by("files-flat"), clip)
    emulator.control.fault(match={"role": "delivery"}, drop="after")
    with pytest.raises(IttybitTransportError):
        again()
    with monkeypatch.context() as late:  # ittybit lists it only later
        late.setattr(sending, "find_arrived", lambda *_: None)
        emulator.control.fault(match={"role": "delivery"}, status=429, times=0, retry_after=0)
        with pytest.raises(IttybitError):
            again()
    emulator.control.clear_faults()
    assert again()["id"] == emulator.control.files()[0]["id"]
    assert len(arrived(emulator)) == 1


@pytest.mark.parametrize("method", ["PATCH", "GET"])
def test_what_could_not_be_labelled_is_labelled_by_the_retry_without_another_upload(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, method: str
) -> None:
    again = Try(put_by("files-flat", max_retries=0), clip)
    emulator.control.fault(match={"method": "PATCH", "path": "/media/"}, status=500)
    with pytest.raises(IttybitServerError, match="is uploaded, but title"):
        again(title="Gänse", chunking=SMALL)
    if method == "GET":
        emulator.control.fault(match={"method": "GET"}, status=503)
        with pytest.raises(IttybitServerError):
            again(title="Gänse", chunking=SMALL)
    file = again(title="Gänse", chunking=SMALL)
    assert again.hook.get_media(file["media_id"])["title"] == "Gänse"
    assert len(put_rows(emulator)) == CHUNKS


class Deaf:
    """A journal that is killed at its n-th note."""

    lasting = True

    def __init__(self, inner: Any, until: int) -> None:
        self.inner, self.left = inner, until

    def read(self, fingerprint: str) -> Noted:
        noted: Noted = self.inner.read(fingerprint)
        return noted

    def name(self) -> str:
        return str(self.inner.name())

    def write(self, noted: Noted) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.inner.write(noted)

    def last(self) -> Noted:
        noted: Noted = self.inner.last()
        return noted

    def taken(self) -> frozenset[str]:
        return frozenset()

    def is_alone(self, size: int | None) -> bool:
        return size is not None


@pytest.mark.parametrize("until", range(CHUNKS + 3))
def test_wherever_a_try_is_killed_the_next_one_ends_with_one_whole_file(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, until: int
) -> None:
    hook, store = put_by("files-flat"), Store()
    journal = journal_of(task_context(store=store), durable=True)
    with pytest.raises(KeyboardInterrupt):
        hook.upload_media(clip, ref="main", chunking=SMALL, journal=Deaf(journal, until))
    file = hook.upload_media(clip, ref="main", chunking=SMALL, journal=journal)
    assert file["ref"] == "main"
    assert arrived(emulator) == [sha256(clip.read_bytes())]
