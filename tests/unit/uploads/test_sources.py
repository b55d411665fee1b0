"""What can be uploaded and what cannot: each bad source says what is wrong with it, before anything is sent."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath

from airflow_provider_ittybit.exceptions import IttybitSourceError, IttybitSourceNotFoundError
from airflow_provider_ittybit.uploads.sources import FileSource, UrlSource, as_source


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"moving pictures")
    return path


def the_file(value: object, **more: Any) -> FileSource:
    source = as_source(value, **more)
    assert isinstance(source, FileSource)
    return source


@pytest.mark.parametrize("form", [str, Path, lambda p: ObjectStoragePath(f"file://{p}"), lambda p: f"file://{p}"])
def test_a_file_is_found_in_every_form_of_its_path(clip: Path, form: Any) -> None:
    source = the_file(form(clip))
    assert (source.name, source.size, source.mime_type) == ("clip.mp4", 15, "video/mp4")
    with source.open() as reader:
        assert reader.read() == b"moving pictures"


def test_a_path_in_the_home_folder_is_found(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(clip.parent))
    assert the_file("~/clip.mp4").size == 15


def test_another_name_can_be_given_and_decides_the_type(clip: Path) -> None:
    source = the_file(clip, filename="poster.webp")
    assert (source.name, source.mime_type) == ("poster.webp", "image/webp")


@pytest.mark.parametrize("form", [str, Path, lambda p: ObjectStoragePath(f"file://{p}"), lambda p: f"file://{p}"])
def test_a_missing_file_is_named_and_may_be_there_at_a_retry(tmp_path: Path, form: Any) -> None:
    with pytest.raises(IttybitSourceNotFoundError, match=r"no file .*gone\.mp4.* on this worker") as caught:
        as_source(form(tmp_path / "gone.mp4"))
    assert isinstance(caught.value, FileNotFoundError)
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("form", [str, Path, lambda p: ObjectStoragePath(f"file://{p}"), lambda p: f"file://{p}/"])
def test_a_directory_is_refused_with_a_way_to_upload_its_files(tmp_path: Path, form: Any) -> None:
    with pytest.raises(IttybitSourceError, match=r"is a directory.*map the task") as caught:
        as_source(form(tmp_path))
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("form", [str, Path, lambda p: ObjectStoragePath(f"file://{p}"), lambda p: f"file://{p}"])
def test_an_empty_file_is_refused(tmp_path: Path, form: Any) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(IttybitSourceError, match=r"empty\.mp4.* is empty"):
        as_source(form(tmp_path / "empty.mp4"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(clip: Path) -> None:
    clip.chmod(0)
    with pytest.raises(IttybitSourceError, match=r"Cannot read.*Permission denied.*Check its permissions"):
        as_source(clip)


class Locked:
    """A path in a store that lets nobody read."""

    protocol = "store"
    name = "clip.mp4"

    def is_dir(self) -> bool:
        return False

    def stat(self) -> dict[str, int]:
        return {"size": 5}

    def open(self, mode: str) -> Any:
        raise PermissionError(13, f"Permission denied ({mode})")

    def __str__(self) -> str:
        return "store://somebody:secret@bucket/clip.mp4?token=secret"


def test_an_object_without_permission_is_refused_without_its_secrets() -> None:
    with pytest.raises(IttybitSourceError, match="Permission denied") as caught:
        as_source(Locked())
    assert "store://bucket/clip.mp4" in str(caught.value)
    assert "secret" not in str(caught.value)


class Rewritten(io.BytesIO):
    """An object of a store, and its reader, which tells of another version than ``stat`` did."""

    protocol, name, path = "gs", "clip.mp4", "bucket/clip.mp4"

    def __init__(self, field: str) -> None:
        super().__init__(b"moving pictures")
        self.field, self.details = field, {"size": 15, field: "after"}

    @property
    def fs(self) -> SimpleNamespace:
        return SimpleNamespace(invalidate_cache=lambda _: None, cat_file=lambda *_, **__: b"moving")

    def stat(self) -> dict[str, object]:
        return {"size": 15, self.field: "before"}

    def open(self, mode: str, **_: object) -> Rewritten:
        assert mode == "rb"
        return self

    def __str__(self) -> str:
        return "gs://bucket/clip.mp4"


@pytest.mark.parametrize("field", ["ETag", "etag", "md5Hash", "last_modified", "updated"])
def test_an_object_written_anew_is_noticed_under_whatever_name_its_store_tells_it(field: str) -> None:
    store = Rewritten(field)
    source = the_file(store)
    with pytest.raises(IttybitSourceError, match=r"gs://bucket/clip\.mp4 was written anew while it was uploaded"):
        source.open(7)
    assert store.closed


def test_an_object_that_is_the_same_is_read() -> None:
    store = Rewritten("etag")
    source = the_file(store)
    store.details["etag"] = "before"
    assert source.open(7).read() == b"pictures"


def test_a_link_that_leads_in_circles_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to(tmp_path / "b.mp4")
    (tmp_path / "b.mp4").symlink_to(tmp_path / "a.mp4")
    with pytest.raises(IttybitSourceError, match="Cannot read"):
        as_source(tmp_path / "a.mp4")


def test_a_name_longer_than_any_file_may_have_is_refused() -> None:
    with pytest.raises(IttybitSourceError, match="Cannot read"):
        as_source("/tmp/" + "x" * 5000)  # noqa: S108 - it is not used


def test_a_link_to_a_file_is_followed(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(clip)
    assert the_file(tmp_path / "link.mp4").size == 15


def test_a_link_to_nothing_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(tmp_path / "gone.mp4")
    with pytest.raises(IttybitSourceNotFoundError):
        as_source(tmp_path / "link.mp4")


def test_a_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(IttybitSourceError, match=r"pipe\.mp4"):
        as_source(tmp_path / "pipe.mp4")


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(IttybitSourceError):
        as_source(device)


@pytest.mark.parametrize(
    "value", [None, "", "   ", 7, 1.5, True, b"/data/a.mp4", ["/data/a.mp4"], {"path": "a"}, object(), "a\x00b.mp4"]
)
def test_what_is_no_path_is_refused_with_a_hint_at_templates(value: object) -> None:
    with pytest.raises(IttybitSourceError, match=r"cannot be uploaded.*template or an upstream task"):
        as_source(value)


def test_a_path_of_bytes_is_refused() -> None:
    class BytesPath:
        def __fspath__(self) -> bytes:
            return b"/data/a.mp4"

    with pytest.raises(IttybitSourceError, match="cannot be uploaded"):
        as_source(BytesPath())


@pytest.mark.parametrize("value", ["~nosuchuserhere/a.mp4", "{{ ti.xcom_pull() }}"])
def test_a_path_that_leads_nowhere_is_a_missing_file(value: str) -> None:
    with pytest.raises(IttybitSourceNotFoundError, match="no file"):
        as_source(value)


@pytest.mark.parametrize(
    "value",
    [
        "http://",
        "https:///a.mp4",
        "https://host/a b.mp4",
        "https://host/a\nb.mp4",
        "https://[bad/a.mp4",
        "http://host:notaport/a.mp4",
    ],
)
def test_a_broken_url_is_refused(value: str) -> None:
    with pytest.raises(IttybitSourceError, match="cannot be uploaded"):
        as_source(value)


def test_a_scheme_that_nobody_knows_is_refused_and_named() -> None:
    with pytest.raises(IttybitSourceError, match=r"Cannot read 'nosuch://bucket/a.mp4'"):
        as_source("nosuch://bucket/a.mp4")


@pytest.mark.parametrize("value", ["nosuch://user:secret@bucket/a.mp4?sig=secret", "https://u:secret@/a?sig=secret"])
def test_the_refusal_of_a_url_shows_none_of_its_secrets(value: str) -> None:
    with pytest.raises(IttybitSourceError) as caught:
        as_source(value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "name", "mime_type"),
    [
        ("https://cdn.example/talks/a.mp4", "a.mp4", "video/mp4"),
        ("  https://cdn.example/a.mp4\n", "a.mp4", "video/mp4"),
        ("HTTPS://cdn.example/%C3%A4%20b.png?sig=x", "ä b.png", "image/png"),
        ("http://cdn.example/", "", "application/octet-stream"),
    ],
)
def test_a_url_is_left_to_ittybit_to_fetch(value: str, name: str, mime_type: str) -> None:
    source = as_source(value)
    assert isinstance(source, UrlSource)
    assert (source.url, source.name, source.mime_type) == (value.strip(), name, mime_type)


def test_the_text_of_a_url_shows_none_of_its_secrets() -> None:
    source = as_source("https://carol:secret@cdn.example/a.mp4?X-Amz-Signature=secret")
    assert str(source) == "https://cdn.example/a.mp4"
