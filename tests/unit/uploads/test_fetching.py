"""Files behind URLs that the worker reads itself: streamed through, from good servers and bad ones."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from bytes_to_send import MIB, SMALL, arrived, put_rows, sha256, some_bytes
from file_serving import Shelf, serving
from free_ports import free_port
from task_running import Store, task_context

from airflow_provider_ittybit.durability import journal_of
from airflow_provider_ittybit.exceptions import IttybitError, IttybitSourceError, IttybitSourceNotFoundError
from airflow_provider_ittybit.uploads import progress
from airflow_provider_ittybit.uploads.sources import FileSource, as_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    PutBy = Callable[..., IttybitHook]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving(Shelf(some_bytes(16_001))) as shelf:
        yield shelf


@pytest.mark.parametrize("version", ["media", "files-enveloped", "files-flat"])
def test_a_file_is_streamed_from_its_server_to_ittybit(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf, version: str
) -> None:
    shelf.content = some_bytes(3 * MIB + 1)
    put_by(version).upload_media(shelf.url, fetch=True)
    [file] = emulator.control.files()
    assert (file["filename"], file["sha256"]) == ("clip.mp4", sha256(shelf.content))


def test_without_being_asked_to_the_worker_fetches_nothing(put_by: PutBy, shelf: Shelf) -> None:
    put_by("files-flat").upload_media(shelf.url)  # the emulator is held, so it fetches nothing either
    assert shelf.asked == []


def test_nothing_is_kept_on_disk(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_file(*_: Any, **__: Any) -> None:
        pytest.fail("a temporary file was made")

    emulator.control.settings(discard_bytes=True)
    hook = put_by("files-flat")
    monkeypatch.chdir(tmp_path)
    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, no_file)
    hook.upload_media(shelf.url, fetch=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_chunks_are_read_side_by_side_only_where_the_server_serves_parts(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf, *, ranges: bool
) -> None:
    shelf.ranges = ranges
    put_by("files-flat").upload_media(shelf.url, fetch=True, chunking=SMALL)
    assert len(put_rows(emulator)) == (9 if ranges else 1)
    assert len([asked for asked in shelf.asked if "range" in asked]) == (8 if ranges else 0)
    assert arrived(emulator) == [sha256(shelf.content)]


def test_it_follows_a_redirect_and_keeps_the_name_that_was_asked_for(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf
) -> None:
    put_by("files-flat").upload_media(shelf.url.replace("clip", "moved"), fetch=True, chunking=SMALL)
    [file] = emulator.control.files()
    assert (file["filename"], file["sha256"]) == ("moved.mp4", sha256(shelf.content))


def test_no_key_and_no_compression_is_asked_with(put_by: PutBy, emulator: RunningEmulator, shelf: Shelf) -> None:
    put_by("files-flat").upload_media(shelf.url, fetch=True)
    assert shelf.asked
    assert all("authorization" not in asked and asked["accept-encoding"] == "identity" for asked in shelf.asked)
    assert all(emulator.api_key not in str(asked) for asked in shelf.asked)


@pytest.mark.parametrize("change", [{"length": False}, {"zipped": True}, {"length": False, "ranges": False}], ids=repr)
def test_a_file_whose_size_is_not_told_cannot_be_sent(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf, change: dict[str, bool]
) -> None:
    vars(shelf).update(change)
    with pytest.raises(IttybitSourceError, match=r"does not say its size.*store it as a file first"):
        put_by("files-flat").upload_media(shelf.url, fetch=True)
    assert emulator.control.requests() == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_file_may_be_there_at_a_retry(put_by: PutBy, shelf: Shelf, status: int) -> None:
    shelf.status = status
    with pytest.raises(IttybitSourceNotFoundError, match=rf"nothing at http://127.0.0.1:\d+/clip.mp4 \({status}\)"):
        put_by("files-flat").upload_media(shelf.url, fetch=True)


@pytest.mark.parametrize(("status", "hopeless"), [(401, True), (403, True), (429, False), (500, False), (503, False)])
def test_a_refusal_says_what_the_server_answered_and_whether_a_retry_may_help(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf, *, status: int, hopeless: bool
) -> None:
    shelf.status = status
    with pytest.raises(IttybitError, match=f"its server answered {status}") as caught:
        put_by("files-flat").upload_media(shelf.url, fetch=True)
    assert isinstance(caught.value, AirflowFailException) is hopeless
    assert emulator.control.requests() == []


def test_a_server_that_is_not_there_may_be_at_a_retry(put_by: PutBy) -> None:
    source = f"http://carol:hush@127.0.0.1:{free_port()}/clip.mp4?sig=hush"
    with pytest.raises(IttybitError, match=r"Cannot fetch http://127.*/clip.mp4: ConnectionError") as caught:
        put_by("files-flat").upload_media(source, fetch=True)
    assert "hush" not in str(caught.value)
    assert not isinstance(caught.value, AirflowFailException)


def test_an_empty_file_is_refused(put_by: PutBy, shelf: Shelf) -> None:
    shelf.content = b""
    with pytest.raises(IttybitSourceError, match="is empty"):
        put_by("files-flat").upload_media(shelf.url, fetch=True)


def test_a_server_that_breaks_off_is_not_mistaken_for_ittybit(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf
) -> None:
    shelf.breaks_after, shelf.breaks_from = 5000, 2
    with pytest.raises(IttybitError, match=r"Reading http://.*/clip.mp4 failed: its server broke off") as caught:
        put_by("files-flat").upload_media(shelf.url, fetch=True)
    assert not isinstance(caught.value, AirflowFailException)
    assert arrived(emulator) == []


def test_a_range_that_is_promised_and_not_served_is_an_error(shelf: Shelf) -> None:
    source = as_source(shelf.url, fetch=True)
    assert isinstance(source, FileSource)
    shelf.ranges = False
    with pytest.raises(IttybitSourceError, match="answered 200, wanted 206"):
        source.open(5000)


DATE = "Wed, 01 Jan 2025 00:00:00 GMT"
LATER = "Thu, 02 Jan 2025 00:00:00 GMT"


def the_file(shelf: Shelf) -> FileSource:
    source = as_source(shelf.url, fetch=True)
    assert isinstance(source, FileSource)
    return source


@pytest.mark.parametrize(
    ("before", "after"),
    [({"ETag": '"a"'}, {"ETag": '"b"'}), ({"Last-Modified": DATE}, {"Last-Modified": LATER})],
    ids=["etag", "date"],
)
def test_a_file_written_anew_between_two_chunks_is_never_mixed(  # noqa: PLR0917 - passed by name
    put_by: PutBy,
    emulator: RunningEmulator,
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, str],
    after: dict[str, str],
) -> None:
    monkeypatch.setattr(progress, "CALL_SECONDS", 0.0)
    shelf.headers = before

    def write_anew(*_: int) -> None:
        shelf.content, shelf.headers = some_bytes(16_001, seed=1), after

    with pytest.raises(IttybitSourceError, match=r"http://127.*/clip\.mp4 was written anew while it was uploaded"):
        put_by("files-flat").upload_media(shelf.url, fetch=True, chunking=SMALL, on_progress=write_anew)
    assert arrived(emulator) == []


@pytest.mark.parametrize("start", [0, 5000])
def test_a_file_that_nothing_but_its_size_tells_from_the_earlier_one_is_not_mixed_either(
    shelf: Shelf, start: int
) -> None:
    source = the_file(shelf)
    shelf.content += b"more"
    with pytest.raises(IttybitSourceError, match="written anew"):
        source.open(start)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ETag": '"a"', "Last-Modified": DATE}, {"ETag": '"a"', "Last-Modified": LATER}),
        ({"ETag": 'W/"a"'}, {"ETag": '"a"'}),
        ({"ETag": '"a"', "Last-Modified": DATE}, {"Last-Modified": DATE}),
        ({"ETag": '"a"'}, {"Last-Modified": DATE}),
        ({}, {"ETag": '"a"', "Last-Modified": DATE}),
    ],
    ids=["the clock of another server", "a weak ETag", "no ETag this time", "nothing in common", "nothing before"],
)
@pytest.mark.parametrize("start", [0, 5000])
def test_an_answer_that_may_be_about_the_same_file_is_read(
    shelf: Shelf, start: int, before: dict[str, str], after: dict[str, str]
) -> None:
    shelf.headers = before
    source = the_file(shelf)
    shelf.headers = after
    with source.open(start) as reader:
        assert reader.read() == shelf.content[start:]


@pytest.mark.parametrize("part", ["bytes 5000-16000/*", "Bytes 5000-16000/16001"])
def test_a_part_need_not_say_the_size_of_the_whole(shelf: Shelf, part: str) -> None:
    source, shelf.part = the_file(shelf), part
    with source.open(5000) as reader:
        assert reader.read() == shelf.content[5000:]


@pytest.mark.parametrize("part", ["", "bytes 0-16000/16001", "bytes 5001-16000/16001", "bytes */16001", "5000"])
def test_a_part_that_is_not_the_one_asked_for_is_not_sent(shelf: Shelf, part: str) -> None:
    source, shelf.part = the_file(shelf), part
    with pytest.raises(IttybitSourceError, match="does not say that it serves the bytes from 5000 on"):
        source.open(5000)


@pytest.mark.parametrize(
    "header", [{"ETag": '"a"'}, {"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}], ids=["etag", "date"]
)
def test_a_retry_finds_its_upload_unless_the_file_changed(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf, header: dict[str, str]
) -> None:
    shelf.headers = header
    hook, store = put_by("files-flat"), Store()

    def again() -> str:
        journal = journal_of(task_context(store=store), durable=True)
        return str(hook.upload_media(shelf.url, fetch=True, journal=journal)["id"])

    first = again()
    assert again() == first
    shelf.headers = {name: value.replace("a", "b").replace("01", "02") for name, value in header.items()}
    assert again() != first
    assert len(arrived(emulator)) == 2


def test_a_retry_finds_its_upload_by_a_url_that_is_signed_anew(
    put_by: PutBy, emulator: RunningEmulator, shelf: Shelf
) -> None:
    store, hook = Store(), put_by("files-flat")
    for seed in (1, 2):
        journal = journal_of(task_context(store=store), durable=True)
        hook.upload_media(f"{shelf.url}?X-Amz-Date={seed}&X-Amz-Signature={seed}", fetch=True, journal=journal)
    assert len(emulator.control.files()) == 1
    journal = journal_of(task_context(store=store), durable=True)
    hook.upload_media(f"{shelf.url}?id=2&X-Amz-Date=3&X-Amz-Signature=3", fetch=True, journal=journal)
    assert len(emulator.control.files()) == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [("/talks/clip.mp4?token=x", "clip.mp4"), ("/a%20b%C3%A4.mp4", "a bä.mp4"), ("/", "download"), ("", "download")],
)
def test_the_name_is_the_last_part_of_the_path(shelf: Shelf, path: str, name: str) -> None:
    assert as_source(shelf.url.replace("/clip.mp4", path), fetch=True).name == name


def test_neither_query_nor_password_is_ever_shown(shelf: Shelf) -> None:
    url = shelf.url.replace("http://", "http://carol:hush@") + "?signature=hush"
    source = as_source(url, fetch=True)
    assert "hush" not in str(source)
    shelf.status = 403
    with pytest.raises(IttybitSourceError) as caught:
        as_source(url, fetch=True)
    assert "hush" not in str(caught.value)
