"""Large files in chunks: side by side, each again by itself, the last one alone, and what goes wrong on the way."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import MIB, SMALL, arrived, file_with, put_rows, ranges, sha256, some_bytes

from airflow_provider_ittybit.emulator import delivery as emulator_delivery
from airflow_provider_ittybit.emulator.generations import files
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInvalidRequestError,
    IttybitPermissionError,
    IttybitServerError,
    IttybitTransportError,
)
from airflow_provider_ittybit.uploads import progress
from airflow_provider_ittybit.uploads.chunked import send_chunks
from airflow_provider_ittybit.uploads.chunks import Chunk, Chunking, cut
from airflow_provider_ittybit.uploads.progress import Progress
from airflow_provider_ittybit.uploads.sources import FileSource, as_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook
    from airflow_provider_ittybit.uploads.streaming import FileBody

    PutBy = Callable[..., IttybitHook]

PLACES = [("files-enveloped", False), ("files-enveloped", True), ("files-flat", False), ("files-flat", True)]
SPACED = {**SMALL, "content_range": "bytes {start}-{end}/{total}"}
SIZE = 16_001
OTHERS = len(cut(SIZE, Chunking(**SMALL))) - 1  # type: ignore[arg-type] # numbers all


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return file_with(tmp_path, some_bytes(SIZE))


def send_all(source: FileSource, chunks: list[Chunk], **more: Any) -> Any:
    return send_chunks(source, chunks, progress=Progress("a", SIZE), stop=lambda: pytest.fail("stopped"), **more)


@pytest.mark.parametrize(("version", "direct"), PLACES)
def test_a_file_from_the_threshold_on_goes_in_chunks(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, *, version: str, direct: bool
) -> None:
    file = put_by(version, direct=direct).upload_media(clip, chunking=SMALL)
    rows = put_rows(emulator)
    assert len(rows) == OTHERS + 1
    assert [row["status"] for row in rows] == [202] * OTHERS + [201]
    assert arrived(emulator) == [sha256(clip.read_bytes())]
    assert file["filesize"] == SIZE


@pytest.mark.parametrize(("size", "chunked"), [(4999, False), (5000, True), (5001, True)])
def test_the_threshold_is_the_first_size_that_is_cut(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path, *, size: int, chunked: bool
) -> None:
    put_by("files-flat").upload_media(file_with(tmp_path, some_bytes(size)), chunking={**SMALL, "threshold": 5000})
    assert all(bool(row["content_range"]) is chunked for row in put_rows(emulator))
    assert (len(put_rows(emulator)) > 1) is chunked


def test_by_default_the_reference_says_from_when_on(put_by: PutBy, emulator: RunningEmulator, tmp_path: Path) -> None:
    put_by("files-flat").upload_media(file_with(tmp_path, some_bytes(5 * MIB)))
    assert ranges(put_rows(emulator)) == [None]


@pytest.mark.parametrize(("chunking", "form"), [(SMALL, "equals"), (SPACED, "space"), (SMALL, "any"), (SPACED, "any")])
def test_the_form_of_the_range_can_be_set(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, chunking: Any, form: str
) -> None:
    emulator.control.settings(content_range_form=form)
    put_by("files-flat").upload_media(clip, chunking=chunking)
    assert arrived(emulator) == [sha256(clip.read_bytes())]
    assert all(row["content_range"][:6] == chunking.get("content_range", "bytes=")[:6] for row in put_rows(emulator))


@pytest.mark.parametrize("parallel", [1, 3])
def test_chunks_can_have_exactly_the_size_that_is_set(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, parallel: int
) -> None:
    put_by("files-flat").upload_media(clip, chunking={**SMALL, "exact": True, "parallel": parallel})
    rows = put_rows(emulator)
    assert sorted(row["bytes"] for row in rows) == [1] + [1000] * 16
    assert rows[-1]["status"] == 201
    assert arrived(emulator) == [sha256(clip.read_bytes())]


def test_chunks_one_at_a_time_go_in_their_order(put_by: PutBy, emulator: RunningEmulator, clip: Path) -> None:
    put_by("files-flat").upload_media(clip, chunking={**SMALL, "parallel": 1})
    starts = [int(text.partition("=")[2].partition("-")[0]) for text in ranges(put_rows(emulator))]
    assert starts == sorted(starts)


def test_a_file_above_the_limit_is_refused_by_its_first_chunks(
    put_by: PutBy, emulator: RunningEmulator, clip: Path
) -> None:
    emulator.control.settings(max_upload_bytes=SIZE - 1)
    with pytest.raises(IttybitInvalidRequestError, match=r"larger than the account's limit; make it smaller") as caught:
        put_by("files-flat").upload_media(clip, chunking=SMALL)
    assert caught.value.status == 413
    assert len(put_rows(emulator)) <= 2
    assert arrived(emulator) == []


@pytest.mark.parametrize(("size", "asked"), [(SIZE, {"resumable": True}), (500, {})], ids=["chunks", "whole"])
def test_more_can_be_said_when_a_url_for_chunks_is_asked_for(
    put_by: PutBy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, asked: dict[str, Any]
) -> None:
    from airflow_provider_ittybit.api import delivery

    sign, said = delivery.sign, []
    monkeypatch.setattr(delivery, "sign", lambda *a, **more: said.append(more["more"] or {}) or sign(*a, **more))
    chunking = {**SMALL, "threshold": 1000, "signature": {"resumable": True}}
    put_by("files-flat").upload_media(file_with(tmp_path, some_bytes(size)), chunking=chunking)
    assert said == [asked]


@pytest.mark.parametrize("which", [3, OTHERS])
def test_where_chunks_must_not_come_twice_none_goes_again(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, which: int
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=which, drop="before")
    with pytest.raises(IttybitTransportError):
        put_by("files-flat").upload_media(clip, chunking={**SMALL, "parallel": 1, "resend": False})
    sent = ranges(put_rows(emulator))
    assert len(sent) == len(set(sent)) == which + 1


@pytest.mark.parametrize("status", [200, 308])
def test_the_status_that_awaits_more_chunks_can_be_another(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, status: int
) -> None:
    more = {"status": status, "body": '{"message": "More, please."}'}
    one_by_one = {**SMALL, "parallel": 1}
    emulator.control.fault(match={"role": "delivery"}, **more)
    with pytest.raises(IttybitError, match=r"More, please\."):
        put_by("files-flat").upload_media(clip, chunking=one_by_one)
    emulator.control.forget_requests()
    emulator.control.fault(match={"role": "delivery"}, times=OTHERS, **more)
    with pytest.raises(IttybitError, match="Received bytes"):  # the emulator has the last chunk alone, and says 202
        put_by("files-flat").upload_media(clip, chunking={**one_by_one, "accepted": status})
    assert [row["status"] for row in put_rows(emulator)] == [status] * OTHERS + [202]


@pytest.mark.parametrize(("chunking", "form"), [(SMALL, "space"), (SPACED, "equals")])
def test_a_form_that_ittybit_does_not_take_is_its_own_error(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, chunking: Any, form: str
) -> None:
    emulator.control.settings(content_range_form=form)
    with pytest.raises(IttybitInvalidRequestError, match="Content-Range"):
        put_by("files-flat").upload_media(clip, chunking=chunking)
    assert arrived(emulator) == []


@pytest.mark.parametrize("parallel", [1, 4])
def test_chunks_go_over_as_many_connections_as_are_set(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, parallel: int
) -> None:
    if parallel > 1:  # so that the first ones overlap
        emulator.control.fault(match={"role": "delivery"}, times=parallel, delay=2)
    put_by("files-flat").upload_media(clip, chunking={**SMALL, "parallel": parallel})
    assert len({row["connection"] for row in put_rows(emulator)}) == parallel
    assert arrived(emulator) == [sha256(clip.read_bytes())]


@pytest.mark.parametrize("parallel", [1, 3])
def test_never_more_chunks_than_set_are_under_way_and_the_last_is_alone(clip: Path, parallel: int) -> None:
    source = as_source(clip)
    assert isinstance(source, FileSource)
    chunking = Chunking(threshold=1, size=500, parallel=parallel)
    chunks = cut(source.size, chunking)
    together = threading.Barrier(parallel)
    lock, under_way, most = threading.Lock(), [0], [0]

    def send(body: FileBody, _: str) -> dict[str, Any] | None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        if body.start != chunks[-1].start:
            together.wait(10)  # goes on only with as many as are set
        else:
            assert under_way == [1]
        with lock:
            under_way[0] -= 1
        return {"id": "file_1"} if body.start == chunks[-1].start else None

    acknowledged: list[Chunk] = []
    found = send_all(source, chunks, chunking=chunking, send=send, acknowledged=acknowledged.append)
    assert found == {"id": "file_1"}
    assert most == [parallel]
    assert sorted(acknowledged, key=lambda chunk: chunk.index) == chunks


def test_what_arrives_after_another_chunk_failed_is_noted_too(clip: Path) -> None:
    source = as_source(clip)
    assert isinstance(source, FileSource)
    chunking = Chunking(threshold=1, size=1000, parallel=2)
    chunks = cut(source.size, chunking)
    begun, failed = threading.Event(), threading.Event()
    sent: list[int] = []

    def send(body: FileBody, _: str) -> None:
        sent.append(body.start)
        if body.start == 0:
            begun.wait(10)
            failed.set()
            message = "no"
            raise IttybitServerError(message)
        begun.set()
        failed.wait(10)

    acknowledged: list[Chunk] = []
    with pytest.raises(IttybitServerError, match="no"):
        send_all(source, chunks, chunking=chunking, send=send, acknowledged=acknowledged.append)
    assert chunks[1] in acknowledged
    assert sorted(sent)[:2] == [chunks[0].start, chunks[1].start]
    assert len(sent) < len(chunks)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "retry_after": 0}, {"drop": "before"}])
@pytest.mark.parametrize("which", [0, 3, 7])
def test_a_chunk_that_failed_goes_again_and_no_other(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, fault: dict[str, Any], which: int
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=which, **fault)
    put_by("files-flat").upload_media(clip, chunking=SMALL)
    sent = ranges(put_rows(emulator))
    assert (len(sent), len(set(sent))) == (OTHERS + 2, OTHERS + 1)
    assert arrived(emulator) == [sha256(clip.read_bytes())]


def test_a_chunk_whose_answer_was_lost_goes_again_and_arrives_once(
    put_by: PutBy, emulator: RunningEmulator, clip: Path
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=3, drop="after")
    put_by("files-flat").upload_media(clip, chunking=SMALL)
    sent = ranges(put_rows(emulator))
    assert (len(sent), len(set(sent))) == (OTHERS + 2, OTHERS + 1)
    assert arrived(emulator) == [sha256(clip.read_bytes())]


@pytest.mark.parametrize("dated", [True, False], ids=["dated", "undated"])
@pytest.mark.parametrize(("version", "direct"), PLACES)
def test_after_a_lost_answer_to_the_last_chunk_the_file_is_found_and_nothing_sent(
    put_by: PutBy,
    emulator: RunningEmulator,
    clip: Path,
    request: pytest.FixtureRequest,
    *,
    version: str,
    direct: bool,
    dated: bool,
) -> None:
    if not dated:
        request.getfixturevalue("no_dates")
    hook = put_by(version, direct=direct)
    emulator.control.fault(match={"role": "delivery"}, after=OTHERS, drop="after")
    file = hook.upload_media(clip, folder="talks", chunking=SMALL)
    [kept] = emulator.control.files()
    assert (file["id"], kept["sha256"]) == (kept["id"], sha256(clip.read_bytes()))
    assert len(put_rows(emulator)) == OTHERS + 1


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"}])
def test_a_last_chunk_that_did_not_arrive_goes_again_after_a_look(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, fault: dict[str, Any]
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=OTHERS, **fault)
    put_by("files-flat").upload_media(clip, chunking=SMALL)
    rows = [row for row in emulator.control.requests() if row["path"] != "/signatures"]
    assert [row["method"] for row in rows[OTHERS:]] == ["PUT", "GET", "PUT"]
    assert rows[OTHERS]["content_range"] == rows[-1]["content_range"]
    assert arrived(emulator) == [sha256(clip.read_bytes())]


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("version", ["tasks", "jobs"])
def test_where_nobody_can_look_for_the_file_the_last_chunk_goes_once(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, version: str, drop: str
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=OTHERS, drop=drop)
    with pytest.raises(IttybitTransportError, match=r"before sending it again, look for the file 'clip\.mp4'"):
        put_by(version, direct=True).upload_media(clip, chunking=SMALL)
    assert len(put_rows(emulator)) == OTHERS + 1


def test_a_last_chunk_that_never_arrives_ends_the_upload(put_by: PutBy, emulator: RunningEmulator, clip: Path) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=OTHERS, times=0, drop="before")
    with pytest.raises(IttybitTransportError, match="gave no answer"):
        put_by("files-flat").upload_media(clip, chunking=SMALL)
    assert len(put_rows(emulator)) == OTHERS + 3
    assert arrived(emulator) == []


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_chunk_stops_all_others(
    put_by: PutBy, emulator: RunningEmulator, tmp_path: Path, status: int
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=2, status=status, message="Not this one.")
    clip = file_with(tmp_path, some_bytes(200_000))
    with pytest.raises(IttybitError, match=r"Not this one\."):
        put_by("files-flat").upload_media(clip, chunking=SMALL)
    chunks = cut(200_000, Chunking(**SMALL))  # type: ignore[arg-type] # numbers all
    sent = ranges(put_rows(emulator))
    assert len(sent) < len(chunks)
    assert chunks[-1].content_range(Chunking().content_range, 200_000) not in sent
    assert len(sent) == len(set(sent))


def test_a_refused_signature_is_renewed_and_the_chunk_goes_again(
    put_by: PutBy, emulator: RunningEmulator, clip: Path
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=3, status=403, message="This URL has expired.")
    put_by("files-flat").upload_media(clip, chunking={**SMALL, "parallel": 1})
    assert len(emulator.control.requests(path="/signatures")) == 2
    sent = ranges(put_rows(emulator))
    assert (len(sent), len(set(sent))) == (OTHERS + 2, OTHERS + 1)
    assert arrived(emulator) == [sha256(clip.read_bytes())]


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("version", ["files-enveloped", "files-flat"])
def test_a_signature_that_ends_between_two_chunks_is_renewed_and_no_chunk_is_lost(  # noqa: PLR0917 - passed by name
    put_by: PutBy,
    emulator: RunningEmulator,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    parallel: int,
) -> None:
    monkeypatch.setattr(progress, "CALL_SECONDS", 0.0)
    ahead = [0]
    clock = SimpleNamespace(time=lambda: time.time() + ahead[0])
    for signs_or_checks in (files, emulator_delivery):
        monkeypatch.setattr(signs_or_checks, "time", clock)

    def let_it_end(sent: int, _: int) -> None:
        ahead[0] = 7200 if sent > SIZE // 2 else ahead[0]  # the emulator signs for an hour

    chunking = {**SMALL, "exact": True, "parallel": parallel}
    put_by(version).upload_media(clip, chunking=chunking, on_progress=let_it_end)
    rows = put_rows(emulator)
    assert 1 <= [row["status"] for row in rows].count(403) <= parallel
    assert len(emulator.control.requests(path="/signatures")) == 2
    accepted = [row["content_range"] for row in rows if row["status"] != 403]
    assert len(accepted) == len(set(accepted)) == 17
    assert arrived(emulator) == [sha256(clip.read_bytes())]


def test_a_project_without_permission_is_told_so_and_not_asked_for_ever(
    put_by: PutBy, emulator: RunningEmulator, clip: Path
) -> None:
    emulator.control.fault(match={"role": "delivery"}, times=0, status=403, message="Not yours.")
    with pytest.raises(IttybitPermissionError, match=r"Not yours\."):
        put_by("files-flat").upload_media(clip, chunking={**SMALL, "parallel": 1})
    assert len(put_rows(emulator)) == 2


def test_chunks_that_all_arrived_without_a_file_say_where_to_look(
    put_by: PutBy, emulator: RunningEmulator, clip: Path
) -> None:
    emulator.control.fault(match={"role": "delivery"}, after=OTHERS, status=202, body='{"message": "Received."}')
    with pytest.raises(IttybitError, match=r"acknowledged all 9 chunks .* but named no file.*clip\.mp4"):
        put_by("files-flat").upload_media(clip, chunking=SMALL)


def test_a_file_that_grew_since_it_was_measured_is_not_completed(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_ittybit.uploads import sources

    found = as_source(clip)
    with clip.open("ab") as file:
        file.write(b"more")
    monkeypatch.setattr(sources, "as_source", lambda *_, **__: found)
    with pytest.raises(IttybitError, match="changed its size"):
        put_by("files-flat").upload_media(clip, chunking=SMALL)
    assert arrived(emulator) == []
