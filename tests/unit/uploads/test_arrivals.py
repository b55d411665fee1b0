"""Whether an upload whose answer was lost has arrived: same name, folder and size, since the upload began."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from bytes_to_send import file_with

from airflow_provider_ittybit.uploads.arrivals import CLOCKS_DIFFER, _is_same, beginning, find_arrived
from airflow_provider_ittybit.uploads.sources import FileSource, as_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    PutBy = Callable[..., IttybitHook]

LIST = ("media", "files-enveloped", "files-flat")
LONG_AGO = 1_600_000_000.0
NAMES = ["clip.mp4", 'he said "hi".mp4', "line\r\nbreak.mp4", "Gänse 🪿 東京.mp4", "100% & more?#.mp4", " .mp4"]


def source_of(path: Path, name: str | None = None) -> FileSource:
    source = as_source(path, filename=name)
    assert isinstance(source, FileSource)
    return source


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return file_with(tmp_path, b"moving pictures")


@pytest.mark.parametrize("version", LIST)
@pytest.mark.parametrize("name", NAMES)
def test_what_arrived_is_found_whatever_its_name(put_by: PutBy, clip: Path, version: str, name: str) -> None:
    hook = put_by(version)
    uploaded = hook.upload_media(clip, filename=name)
    found = find_arrived(hook.get_conn(), source_of(clip, name), None, LONG_AGO)
    assert found is not None
    assert found["id"] == uploaded["id"]


@pytest.mark.parametrize("folder", [None, "talks", "talks/2026", "/talks/"])
@pytest.mark.parametrize("asked", [None, "", "talks", "/talks/2026/", "other"])
def test_what_lies_in_another_folder_is_not_taken_for_it(
    put_by: PutBy, clip: Path, folder: str | None, asked: str | None
) -> None:
    hook = put_by("files-flat")
    hook.upload_media(clip, folder=folder)
    found = find_arrived(hook.get_conn(), source_of(clip), asked, LONG_AGO)
    assert (found is not None) is ((folder or "").strip("/") == (asked or "").strip("/"))


@pytest.mark.parametrize("version", LIST)
def test_what_has_another_name_or_size_is_not_taken_for_it(put_by: PutBy, clip: Path, version: str) -> None:
    hook = put_by(version)
    hook.upload_media(clip, filename="other.mp4")
    hook.upload_media(file_with(clip.parent / "more", b"moving pictures!"))
    assert find_arrived(hook.get_conn(), source_of(clip), None, LONG_AGO) is None


@pytest.mark.parametrize("version", LIST)
def test_what_was_there_before_is_not_taken_for_it(put_by: PutBy, clip: Path, version: str) -> None:
    hook = put_by(version)
    hook.upload_media(clip)
    assert find_arrived(hook.get_conn(), source_of(clip), None, time.time() + 3600) is None


@pytest.mark.parametrize("version", LIST)
def test_of_several_the_oldest_is_the_one_that_was_sent_first(put_by: PutBy, clip: Path, version: str) -> None:
    hook = put_by(version)
    first = hook.upload_media(clip)
    for _ in range(3):
        hook.upload_media(clip)
    found = find_arrived(hook.get_conn(), source_of(clip), None, LONG_AGO)
    assert found is not None
    assert found["id"] == first["id"]


@pytest.mark.parametrize("version", LIST)
def test_without_a_beginning_nothing_is_asked_and_nothing_found(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, version: str
) -> None:
    hook = put_by(version)
    hook.upload_media(clip)
    emulator.control.forget_requests()
    assert find_arrived(hook.get_conn(), source_of(clip), None, None) is None
    assert emulator.control.requests() == []


@pytest.mark.parametrize("version", ["tasks", "jobs"])
def test_a_generation_that_lists_no_files_is_not_asked_and_the_doubt_is_told(
    put_by: PutBy, emulator: RunningEmulator, clip: Path, logged: Callable[[], list[str]], version: str
) -> None:
    hook: Any = put_by(version)
    assert find_arrived(hook.get_conn(), source_of(clip), None, LONG_AGO) is None
    assert emulator.control.requests() == []
    assert "saw no answer: if it arrived, ittybit gets a second copy" in logged()[-1]


@pytest.mark.parametrize("filesize", [15, "15"], ids=repr)
def test_a_size_that_is_written_as_text_is_the_same_size(clip: Path, filesize: object) -> None:
    found = {"id": "file_1", "filename": clip.name, "filesize": filesize}
    assert _is_same(found, source_of(clip), None)
    assert not _is_same({**found, "filesize": "16"}, source_of(clip), None)


def test_without_ittybits_clock_this_workers_counts_with_a_margin() -> None:
    assert beginning(LONG_AGO) == LONG_AGO
    assert beginning(0.0) == 0.0
    assert abs(beginning(None) - (time.time() - CLOCKS_DIFFER)) < 30
