"""Uploads to the running emulator: what arrived is what was sent, by every way in."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitInvalidRequestError,
    IttybitPermissionError,
    IttybitRateLimitError,
    IttybitServerError,
    IttybitSourceError,
    IttybitTransportError,
    IttybitUnreadableAnswerError,
    IttybitUnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

MIB = 1024 * 1024
SIZES = [1, MIB - 1, MIB, MIB + 1, 5 * MIB + 3]
NAMES = ['he said "hi".mp4', "Gänse 🪿 東京.mp4", "semi;colon=x.mp4", "100% & more?#.mp4", " .mp4", "a+b.mp4"]
ODD_NAMES = ["line\nbreak.mp4", "line\r\nX-Evil: yes\r\n\r\n.mp4", "tab\t.mp4"]
WAYS = [
    ("media", False, "POST", "uploads"),
    ("files-enveloped", False, "PUT", "delivery"),
    ("files-enveloped", True, "PUT", "delivery"),
    ("files-flat", False, "PUT", "delivery"),
    ("files-flat", True, "PUT", "delivery"),
]
IDS = ["multipart", "enveloped-signed", "enveloped-direct", "flat-signed", "flat-direct"]
PUTS = [way[:2] for way in WAYS[1:]]


@pytest.fixture(params=WAYS, ids=IDS)
def way_in(request: pytest.FixtureRequest, emulator: Any, hook_for: Callable[..., IttybitHook]) -> IttybitHook:
    """A hook, in turn by each way in; nothing is processed, since the bytes here are no media."""
    emulator.control.settings(processing="held")
    version, direct, _, _ = request.param
    return hook_for(version, **({"delivery_domain": emulator.delivery_url} if direct else {}))


def file_with(folder: Path, content: bytes, name: str = "clip.mp4") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def as_arrived(hook: IttybitHook, name: str) -> str:
    """Return a name as it arrives: HTML has a form escape quotes and line breaks, and none of its readers undo that."""
    if hook.settings.generation.name != "media":
        return name
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def some_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - any bytes will do


@pytest.mark.parametrize("size", SIZES)
def test_what_arrived_is_what_was_sent(way_in: IttybitHook, emulator: Any, tmp_path: Path, size: int) -> None:
    content = some_bytes(size)
    resource = way_in.upload_media(file_with(tmp_path, content))
    [file] = emulator.control.files()
    assert (file["size"], file["sha256"]) == (size, hashlib.sha256(content).hexdigest())
    assert file["filename"] == "clip.mp4"
    assert resource["id"] in (file["id"], file["media_id"])


@pytest.mark.parametrize("way", WAYS, ids=IDS)
def test_each_way_in_takes_its_road(
    way: tuple[str, bool, str, str], emulator: Any, put_by: Callable[..., IttybitHook], tmp_path: Path
) -> None:
    version, direct, method, role = way
    put_by(version, direct=direct).upload_media(file_with(tmp_path, b"moving pictures"))
    requests = emulator.control.requests()
    assert (requests[-1]["method"], requests[-1]["role"]) == (method, role)
    signed = version != "media" and not direct
    assert [request["path"] for request in requests[:-1]] == (["/signatures"] if signed else [])
    assert requests[-1]["has_authorization"] is not signed
    assert requests[-1]["bytes"] >= 15


def test_an_object_of_a_store_is_streamed_like_a_file(way_in: IttybitHook, emulator: Any, tmp_path: Path) -> None:
    content = some_bytes(MIB + 1)
    way_in.upload_media(ObjectStoragePath(f"file://{file_with(tmp_path, content)}"))
    [file] = emulator.control.files()
    assert file["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", [*NAMES, *ODD_NAMES])
def test_a_name_arrives_as_it_is_and_breaks_nothing(
    way_in: IttybitHook, emulator: Any, tmp_path: Path, name: str
) -> None:
    way_in.upload_media(file_with(tmp_path, b"moving pictures"), filename=name)
    [file] = emulator.control.files()
    assert file["filename"] == as_arrived(way_in, name)
    assert file["size"] == 15


@pytest.mark.parametrize("name", NAMES)
def test_the_name_on_disk_arrives_as_it_is(way_in: IttybitHook, emulator: Any, tmp_path: Path, name: str) -> None:
    way_in.upload_media(file_with(tmp_path, b"x", name))
    [file] = emulator.control.files()
    assert file["filename"] == as_arrived(way_in, name)


@pytest.mark.parametrize(("version", "direct"), PUTS)
@pytest.mark.parametrize("folder", ["talks", "talks/2026/Gänse", "with space & more"])
def test_a_folder_arrives_as_it_is(
    put_by: Callable[..., IttybitHook], emulator: Any, tmp_path: Path, *, version: str, direct: bool, folder: str
) -> None:
    put_by(version, direct=direct).upload_media(file_with(tmp_path, b"x"), folder=folder)
    [file] = emulator.control.files()
    assert (file["folder"], file["filename"]) == (folder, "clip.mp4")


@pytest.mark.parametrize(("folder", "filename"), [("..", None), ("a/../b", None), (None, ".."), (None, ".")])
def test_no_upload_leaves_its_folder(
    put_by: Callable[..., IttybitHook], emulator: Any, tmp_path: Path, folder: str | None, filename: str | None
) -> None:
    with pytest.raises(IttybitInputError, match="dots"):
        put_by("files-flat", direct=True).upload_media(file_with(tmp_path, b"x"), folder=folder, filename=filename)
    assert emulator.control.requests() == []


@pytest.mark.parametrize(("version", "direct"), PUTS)
def test_what_a_put_cannot_carry_is_set_afterwards(
    put_by: Callable[..., IttybitHook], tmp_path: Path, *, version: str, direct: bool
) -> None:
    hook = put_by(version, direct=direct)
    file = hook.upload_media(file_with(tmp_path, b"x"), title="Gänse", ref="main", metadata={"episode": 7})
    assert (file["ref"], file["metadata"]) == ("main", {"episode": 7})
    assert hook.get_media(file["media_id"])["title"] == "Gänse"


@pytest.mark.parametrize("version", ["files-enveloped", "files-flat"])
def test_with_a_url_everything_is_said_at_once_but_the_title(
    put_by: Callable[..., IttybitHook], emulator: Any, web: str, version: str
) -> None:
    hook = put_by(version, direct=False)
    file = hook.upload_media(
        f"{web}/clip.mp4", filename="b.mp4", folder="talks", title="T", ref="main", metadata={"episode": 7}
    )
    assert (file["filename"], file["folder"], file["ref"]) == ("b.mp4", "talks", "main")
    assert file["metadata"] == {"episode": 7}
    sent = [(request["method"], request["path"]) for request in emulator.control.requests()]
    assert sent == [("POST", "/files"), ("PATCH", f"/media/{file['media_id']}")]


@pytest.mark.parametrize(("path", "field"), [("^/files/", {"ref": "main"}), ("^/media/", {"title": "T"})])
@pytest.mark.parametrize("status", [500, 400])
def test_an_upload_that_could_not_be_labelled_says_that_it_is_there(
    put_by: Callable[..., IttybitHook], emulator: Any, tmp_path: Path, *, path: str, field: dict[str, Any], status: int
) -> None:
    emulator.control.fault(match={"method": "PATCH", "path": path}, status=status, message="Not now.")
    hook = put_by("files-flat", direct=False)
    with pytest.raises(IttybitError, match=r"is uploaded, but .* could not be set.*UpdateMediaOperator") as caught:
        hook.upload_media(file_with(tmp_path, b"x"), **field)
    [file] = emulator.control.files()
    assert caught.value.resource_id == file["id"]
    assert (caught.value.detail, caught.value.status) == ("Not now.", status)


@pytest.mark.parametrize("change", [b"x" * 2 * MIB, b"x" * (3 * MIB + 1), b""], ids=["shrank", "grew", "emptied"])
def test_a_file_that_changes_its_size_during_the_upload_is_not_taken(
    way_in: IttybitHook, emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    from airflow_provider_ittybit.uploads import sources

    path = file_with(tmp_path, b"x" * 3 * MIB)
    found = sources.as_source(path)
    path.write_bytes(change)
    monkeypatch.setattr(sources, "as_source", lambda *_, **__: found)
    with pytest.raises(IttybitSourceError, match="changed its size"):
        way_in.upload_media(path)
    assert emulator.control.files() == []


def test_a_rate_limited_upload_goes_again_from_its_first_byte(
    way_in: IttybitHook, emulator: Any, tmp_path: Path
) -> None:
    content = some_bytes(MIB + 1)
    for role in ("uploads", "delivery"):
        emulator.control.fault(match={"role": role}, times=2, status=429, retry_after=0)
    way_in.upload_media(file_with(tmp_path, content))
    [file] = emulator.control.files()
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert [request["status"] for request in emulator.control.requests()][-3:-1] == [429, 429]


@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_upload_without_an_answer_is_not_made_twice(
    way_in: IttybitHook, emulator: Any, tmp_path: Path, drop: str
) -> None:
    for role in ("uploads", "delivery"):
        emulator.control.fault(match={"role": role}, drop=drop, times=0)
    with pytest.raises(IttybitTransportError) as caught:
        way_in.upload_media(file_with(tmp_path, b"moving pictures"))
    assert caught.value.may_have_arrived
    assert len(emulator.control.files()) == (1 if drop == "after" else 0)
    assert len([r for r in emulator.control.requests() if r["role"] != "api"]) == 1


def test_a_server_error_during_an_upload_is_not_answered_with_a_second_upload(
    way_in: IttybitHook, emulator: Any, tmp_path: Path
) -> None:
    for role in ("uploads", "delivery"):
        emulator.control.fault(match={"role": role}, status=503, message="Back soon.", times=0)
    with pytest.raises(IttybitServerError, match="Back soon"):
        way_in.upload_media(file_with(tmp_path, b"moving pictures"))
    assert len([r for r in emulator.control.requests() if r["role"] != "api"]) == 1


@pytest.mark.parametrize(
    ("name", "doubted"), [("report.pdf", "application/pdf"), ("old.avi", "video/x-msvideo"), ("clip.mp4", None)]
)
@pytest.mark.parametrize("by_url", [False, True])
def test_a_format_that_ittybit_does_not_list_is_named_in_a_warning_and_sent(
    put_by: Callable[..., IttybitHook],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    *,
    by_url: bool,
    name: str,
    doubted: str | None,
) -> None:
    source = f"https://cdn.example/{name}?signature=s3cret" if by_url else str(file_with(tmp_path, b"x", name))
    assert put_by("files-flat").upload_media(source)["id"]
    output = capsys.readouterr()  # where Airflow's logging writes depends on who set it up
    warned = f"{caplog.text}{output.out}{output.err}"
    listed = "(gif, heic, hevc, jpeg, mp4, png, quicktime, webm, webp, x-matroska, and audio); it may refuse it."
    shown = source.partition("?")[0]
    told = f"{shown}: {doubted} is not among the formats that ittybit lists {listed}"
    assert (told in warned) is bool(doubted)
    assert ("formats" in warned) is bool(doubted)
    assert "s3cret" not in warned


@pytest.mark.parametrize("size", [1001, 3 * MIB])
def test_a_file_above_the_limit_is_refused_in_ittybits_words(
    way_in: IttybitHook, emulator: Any, tmp_path: Path, size: int
) -> None:
    emulator.control.settings(max_upload_bytes=1000)
    with pytest.raises(IttybitInvalidRequestError, match=r"Request Entity Too Large.*make it smaller") as caught:
        way_in.upload_media(file_with(tmp_path, some_bytes(size)))
    assert caught.value.status == 413
    assert emulator.control.files() == []


@pytest.mark.parametrize("body", ["{}", '{"url": null}', '{"url": ""}', '{"url": "not a url"}', '{"domain": "x"}'])
def test_a_signature_without_a_url_ends_before_any_byte_is_sent(
    put_by: Callable[..., IttybitHook], emulator: Any, tmp_path: Path, body: str
) -> None:
    emulator.control.fault(match={"path": "^/signatures$"}, status=200, body=body)
    with pytest.raises(IttybitUnreadableAnswerError):
        put_by("files-flat", direct=False).upload_media(file_with(tmp_path, b"x"))
    assert [request["role"] for request in emulator.control.requests()] == ["api"]


def test_a_signed_url_on_plain_http_elsewhere_gets_no_byte(
    put_by: Callable[..., IttybitHook], emulator: Any, tmp_path: Path
) -> None:
    emulator.control.fault(
        match={"path": "^/signatures$"}, status=200, body='{"url": "http://elsewhere.example/a.mp4?signature=s3cret"}'
    )
    with pytest.raises(IttybitInputError, match="not https") as caught:
        put_by("files-flat", direct=False).upload_media(file_with(tmp_path, b"x"))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("body", ['{"object": "source"}', '{"id": null, "a": 1}', '{"id": 7}', '{"id": ""}'])
def test_an_answer_without_an_id_says_where_to_look(
    way_in: IttybitHook, emulator: Any, tmp_path: Path, body: str
) -> None:
    for role in ("uploads", "delivery"):
        emulator.control.fault(match={"role": role}, status=200, body=body)
    with pytest.raises(IttybitUnreadableAnswerError, match=r"names no usable id.*clip.mp4"):
        way_in.upload_media(file_with(tmp_path, b"x"))


def test_a_signature_that_is_never_good_is_a_permission_error_without_the_signature(
    put_by: Callable[..., IttybitHook], emulator: Any, tmp_path: Path
) -> None:
    hook = put_by("files-flat", direct=False)
    url = hook.sign_url("clip.mp4", method="put").replace("expiry=", "expiry=1")
    emulator.control.fault(match={"path": "^/signatures$"}, status=200, body=f'{{"url": "{url}"}}', times=0)
    with pytest.raises(IttybitPermissionError, match="signature of this URL is wrong") as caught:
        hook.upload_media(file_with(tmp_path, b"x"))
    assert url.rpartition("signature=")[2] not in str(caught.value)
    assert [request["status"] for request in emulator.control.requests(method="PUT")] == [403, 403]


def test_the_rate_limit_of_all_attempts_is_an_error(
    put_by: Callable[..., IttybitHook], emulator: Any, tmp_path: Path
) -> None:
    emulator.control.fault(match={"role": "delivery"}, times=0, status=429, retry_after=0)
    with pytest.raises(IttybitRateLimitError):
        put_by("files-flat", direct=False, max_retries=1).upload_media(file_with(tmp_path, b"x"))
    assert len([r for r in emulator.control.requests() if r["role"] == "delivery"]) == 2


@pytest.mark.parametrize("version", ["tasks", "jobs"])
def test_bytes_for_a_generation_that_takes_none_are_refused_before_any_request(
    emulator: Any, hook_for: Callable[..., IttybitHook], tmp_path: Path, version: str
) -> None:
    with pytest.raises(IttybitUnsupportedError, match="takes no bytes"):
        hook_for(version).upload_media(file_with(tmp_path, b"x"))
    assert emulator.control.requests() == []
