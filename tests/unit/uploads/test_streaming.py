"""Bodies: their announced length is true, they can be read anew, and a file that changes is never sent as whole."""

from __future__ import annotations

import io
import random
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitSourceError,
    IttybitSourceNotFoundError,
)
from airflow_provider_ittybit.uploads.sources import FileSource, as_source
from airflow_provider_ittybit.uploads.streaming import FileBody, FormBody

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
SIZES = [1, 2, MIB - 1, MIB, MIB + 1, 3 * MIB + 7]
NAMES = [
    "a.mp4",
    'he said "hi".mp4',
    "line\r\nbreak.mp4",
    "Gänse 🪿 東京.mp4",
    "semi;colon=.mp4",
    "back\\slash.mp4",
    " ",
]


def file_of(folder: Path, content: bytes, name: str = "clip.mp4") -> FileSource:
    path = folder / "clip.mp4"
    path.write_bytes(content)
    source = as_source(path, filename=name)
    assert isinstance(source, FileSource)
    return source


def body_of(source: FileSource, form: str) -> Any:
    return FileBody(source) if form == "file" else FormBody(source, "ittybit-0123")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("block", [1000, 65_536, MIB, -1])
@pytest.mark.parametrize("form", ["file", "form"])
def test_a_body_is_as_long_as_it_says_however_it_is_read(tmp_path: Path, *, size: int, block: int, form: str) -> None:
    content = random.Random(size).randbytes(size)  # noqa: S311 - any bytes will do
    body = body_of(file_of(tmp_path, content), form)
    with body.open() as reader:
        read = b"".join(iter(lambda: reader.read(block), b""))
    assert len(read) == body.length
    assert content in read
    assert (read == content) == (form == "file")


@pytest.mark.parametrize("form", ["file", "form"])
def test_no_read_gives_more_than_was_asked_for(tmp_path: Path, form: str) -> None:
    body = body_of(file_of(tmp_path, b"x" * 1000), form)
    with body.open() as reader:
        assert max(len(block) for block in iter(lambda: reader.read(7), b"")) <= 7


@pytest.mark.parametrize("form", ["file", "form"])
def test_a_body_can_be_read_from_the_start_again(tmp_path: Path, form: str) -> None:
    body = body_of(file_of(tmp_path, b"moving pictures"), form)
    with body.open() as first, body.open() as second:
        assert first.read(9) == second.read(9)
        assert first.read() == second.read()


@pytest.mark.parametrize("form", ["file", "form"])
def test_closing_a_body_closes_the_file(tmp_path: Path, form: str) -> None:
    opened: list[Any] = []

    class Path_:  # noqa: N801 - a path that tells what was opened
        name = "clip.mp4"

        def open(self, mode: str) -> Any:
            opened.append((tmp_path / "clip.mp4").open(mode))
            return opened[-1]

    (tmp_path / "clip.mp4").write_bytes(b"moving pictures")
    reader = body_of(FileSource(Path_(), "clip.mp4", 15, "video/mp4"), form).open()  # type: ignore[arg-type] # enough
    reader.read(3)
    reader.close()
    assert [file.closed for file in opened] == [True]


@pytest.mark.parametrize("name", NAMES)
def test_a_form_holds_one_field_with_the_file_whatever_its_name(tmp_path: Path, name: str) -> None:
    body = FormBody(file_of(tmp_path, b"moving\r\n--pictures--\r\n", name), "ittybit-0123")
    with body.open() as reader:
        raw = reader.read()
    assert len(raw) == body.length
    message = message_from_bytes(b"Content-Type: " + body.content_type.encode() + b"\r\n\r\n" + raw, policy=policy.HTTP)
    [part] = message.iter_parts()
    assert part.get_payload(decode=True) == b"moving\r\n--pictures--\r\n"
    assert {key.lower() for key in part} == {"content-disposition", "content-type"}
    assert part.get_param("name", header="content-disposition") == "file"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=60), mime_type=st.text(min_size=1, max_size=40))
def test_no_name_and_no_type_can_add_a_header_or_a_part(tmp_path: Path, name: str, mime_type: str) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    body = FormBody(FileSource(tmp_path / "clip.mp4", name, 1, mime_type), "ittybit-0123")
    try:
        with body.open() as reader:
            raw = reader.read()
    except IttybitInputError:
        name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        assert any("\ud800" <= c <= "\udfff" for c in name + mime_type)
        return
    assert len(raw) == body.length
    head, _, rest = raw.partition(b"\r\n\r\n")
    assert rest == b"x\r\n--ittybit-0123--\r\n"
    assert head.count(b"\r\n") == 2
    assert b"\n" not in head.replace(b"\r\n", b"")


@pytest.mark.parametrize("form", ["file", "form"])
@pytest.mark.parametrize("change", ["grew", "shrank", "is empty now"])
def test_a_file_that_changed_since_it_was_measured_is_not_sent_whole(tmp_path: Path, change: str, form: str) -> None:
    source = file_of(tmp_path, b"x" * 3000)
    now = {"grew": 3001, "shrank": 2999, "is empty now": 0}[change]
    (tmp_path / "clip.mp4").write_bytes(b"x" * now)
    body = body_of(source, form)
    got = bytearray()
    with body.open() as reader, pytest.raises(IttybitSourceError, match=r"changed its size.*3000 bytes") as caught:
        got += b"".join(iter(lambda: reader.read(1000), b""))
    assert len(got) < body.length
    assert "clip.mp4" in str(caught.value)


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    source = file_of(tmp_path, b"x" * 3000)
    with FileBody(source).open() as reader:
        reader.read(1000)
        with (tmp_path / "clip.mp4").open("ab") as file:
            file.write(b"y")
        with pytest.raises(IttybitSourceError, match="changed its size"):
            list(iter(lambda: reader.read(1000), b""))


def test_a_file_that_vanished_since_it_was_measured_is_named(tmp_path: Path) -> None:
    source = file_of(tmp_path, b"x" * 3000)
    (tmp_path / "clip.mp4").unlink()
    with pytest.raises(IttybitSourceNotFoundError, match=r"clip\.mp4 is gone"):
        FileBody(source).open()


def test_a_store_that_fails_while_it_is_read_is_not_mistaken_for_ittybit() -> None:
    class Reader:
        def read(self, size: int) -> bytes:
            raise OSError(5, f"Input/output error ({size})")

        def close(self) -> None:
            pass

    class Store:
        name = "clip.mp4"

        def open(self, mode: str) -> Any:
            assert mode == "rb"
            return Reader()

        def __str__(self) -> str:
            return "s3://bucket/clip.mp4"

    body = FileBody(FileSource(Store(), "clip.mp4", 9, "video/mp4"))  # type: ignore[arg-type] # enough of a path
    with body.open() as reader, pytest.raises(IttybitError, match=r"s3://bucket/clip\.mp4.*Input") as caught:
        reader.read(9)
    assert not isinstance(caught.value, OSError)  # for an HTTP library that would be a failure of the network
    assert not isinstance(caught.value, AirflowFailException)


def test_after_its_last_byte_nothing_can_fail_any_more() -> None:
    class Removed(io.BytesIO):
        name = "clip.mp4"

        def open(self, mode: str) -> Any:
            assert mode == "rb"
            return self

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 7:
                raise FileNotFoundError
            return super().read(size)

    source = FileSource(Removed(b"moving pictures"), "clip.mp4", 15, "video/mp4")  # type: ignore[arg-type] # enough
    with FileBody(source, count=7).open() as reader:
        assert [reader.read(7), reader.read(7), reader.read()] == [b"moving ", b"", b""]
