"""What a file is, by its first bytes and its name, and what ittybit lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.uploads.formats import HEAD, doubt_about, kind_of, type_by_name, type_of

if TYPE_CHECKING:
    from pathlib import Path

BY_CONTENT = {
    "image/png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "image/gif": b"GIF89a\x01\x00",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "audio/wav": b"RIFF\x00\x00\x00\x00WAVEfmt ",
    "video/x-msvideo": b"RIFF\x00\x00\x00\x00AVI LIST",
    "audio/flac": b"fLaC\x00\x00\x00\x22",
    "audio/mpeg": b"ID3\x04\x00\x00",
    "audio/ogg": b"OggS\x00\x02",
    "video/mp4": b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00",
    "video/quicktime": b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00",
    "audio/mp4": b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00",
    "image/heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
    "image/heif": b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00",
    "image/avif": b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00",
    "video/webm": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
    "video/x-matroska": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x88matroska",
}


@pytest.mark.parametrize("mime_type", BY_CONTENT)
@pytest.mark.parametrize("name", ["clip", "clip.txt", "clip.mp4", "clip.png"])
def test_the_content_says_what_a_file_is_whatever_its_name(mime_type: str, name: str) -> None:
    assert type_of(name, BY_CONTENT[mime_type]) == mime_type


@pytest.mark.parametrize("head", [b"\xff\xfb\x90\x64", b"\xff\xf3\x40\xc0", b"\xff\xfa\x90\x00"])
def test_mpeg_audio_without_a_tag_is_known(head: bytes) -> None:
    assert type_of("tone", head) == "audio/mpeg"


@pytest.mark.parametrize("name", ["clip.mp4", "still.png", "tone.mp3"])
def test_real_media_are_what_their_content_says(media_folder: Path, name: str) -> None:
    with (media_folder / name).open("rb") as reader:
        assert type_of("unnamed", reader.read(HEAD)) == type_by_name(name)


@pytest.mark.parametrize("head", [b"", b"\x00", b"moving pictures", b"\xff", b"RIFF", b"\xff\xfeW\x00E\x00"])
def test_where_the_content_says_nothing_the_name_does(head: bytes) -> None:
    assert type_of("a.mov", head) == "video/quicktime"


@pytest.mark.parametrize(
    ("name", "mime_type", "kind"),
    [
        ("a.mp4", "video/mp4", "video"),
        ("a.MOV", "video/quicktime", "video"),
        ("a.mkv", "video/x-matroska", "video"),
        ("a.hevc", "video/hevc", "video"),
        ("a.webm", "video/webm", "video"),
        ("a.jpeg", "image/jpeg", "image"),
        ("a.HEIC", "image/heic", "image"),
        ("a.webp", "image/webp", "image"),
        ("a.mp3", "audio/mpeg", "audio"),
        ("a.m4a", "audio/mp4", "audio"),
        ("a.vtt", "text/vtt", None),
        ("a", "application/octet-stream", None),
        ("", "application/octet-stream", None),
    ],
)
def test_type_and_kind_are_found_by_the_name(name: str, mime_type: str, kind: str | None) -> None:
    assert (type_by_name(name), kind_of(type_by_name(name))) == (mime_type, kind)


@pytest.mark.parametrize(
    "mime_type",
    [
        *["video/mp4", "video/quicktime", "video/x-matroska", "video/hevc", "video/webm"],
        *["image/jpeg", "image/png", "image/gif", "image/heic", "image/webp"],
        *["audio/mpeg", "audio/flac", "audio/x-anything", "application/octet-stream"],
    ],
)
def test_there_is_no_doubt_about_what_the_reference_lists_or_nobody_knows(mime_type: str) -> None:
    assert doubt_about(mime_type) is None


@pytest.mark.parametrize("mime_type", ["video/x-msvideo", "image/avif", "text/vtt", "application/pdf", "image/tiff"])
def test_a_format_outside_the_list_is_doubted_and_the_list_is_told(mime_type: str) -> None:
    doubt = doubt_about(mime_type)
    assert doubt is not None
    assert doubt.startswith(f"{mime_type} is not among the formats that ittybit lists")
    assert "jpeg" in doubt
    assert "quicktime" in doubt
    assert "audio" in doubt
