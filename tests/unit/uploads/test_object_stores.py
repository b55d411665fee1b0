"""Sources in a real S3 API (moto's server): what arrives, what is refused, and what stays secret."""

from __future__ import annotations

import gc
import hashlib
import logging
import random
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, ObjectStoragePath
from s3_server import KEY_ID, REGION, SECRET, ObjectStore, serving
from task_running import Store, sent, task_context

from airflow_provider_ittybit.exceptions import IttybitError, IttybitSourceError, IttybitSourceNotFoundError
from airflow_provider_ittybit.operators.media import ListMediaOperator, UploadMediaOperator
from airflow_provider_ittybit.operators.output import _into_store
from airflow_provider_ittybit.uploads.many import expand
from airflow_provider_ittybit.uploads.sources import FileSource, as_source
from airflow_provider_ittybit.uploads.streaming import FileBody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

MIB = 1024 * 1024
FORMS = {
    "path": lambda url: ObjectStoragePath(url.replace("aws_default@", ""), conn_id="aws_default"),
    "url with connection": lambda url: url,
    "url alone": lambda url: url.replace("aws_default@", ""),
}


@pytest.fixture(scope="session")
def running_store() -> Iterator[tuple[str, list[Any]]]:
    with serving() as running:
        yield running


@pytest.fixture
def s3(running_store: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A bucket, the connection ``aws_default`` to it, and the same in boto's own variables for URLs without one."""
    store = ObjectStore(*running_store)
    store.client().create_bucket(Bucket=store.bucket)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", store.connection())
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": store.url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return store


@pytest.fixture
def held(emulator: RunningEmulator) -> RunningEmulator:
    """The emulator, processing nothing, since the bytes here are no media."""
    emulator.control.settings(processing="held")
    return emulator


def some_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - any bytes will do


def hashes(emulator: RunningEmulator) -> list[str]:
    return sorted(file["sha256"] for file in emulator.control.files())


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def the_object(value: object) -> FileSource:
    source = as_source(value)
    assert isinstance(source, FileSource)
    return source


def upload(source: object, context: Any = None, **fields: Any) -> Any:
    return UploadMediaOperator(task_id="task", source=source, **fields).execute(context or task_context())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("version", ["media", "files-enveloped", "files-flat"])
def test_an_object_arrives_byte_for_byte(
    s3: ObjectStore, held: RunningEmulator, hook_for: Callable[..., IttybitHook], version: str, form: str
) -> None:
    content = some_bytes(5 * MIB + 3)
    url = s3.put("in/talk.mp4", content)
    hook_for(version).upload_media(FORMS[form](url))
    assert hashes(held) == [hash_of(content)]
    assert [file["filename"] for file in held.control.files()] == ["talk.mp4"]


def test_chunks_are_read_from_the_store_each_from_its_own_start(
    s3: ObjectStore, held: RunningEmulator, hook_for: Callable[..., IttybitHook]
) -> None:
    content = some_bytes(12 * MIB + 5)
    chunking = {"threshold": MIB, "size": 3 * MIB, "parallel": 4}
    hook_for("files-flat").upload_media(s3.put("in/talk.mp4", content), chunking=chunking)
    assert hashes(held) == [hash_of(content)]
    ranges = [row["content_range"] for row in held.control.requests(method="PUT")]
    starts = {int(text.partition("=")[2].partition("-")[0]) for text in ranges}
    assert len(starts) == len(ranges) >= 5
    read = {one.byte_range.partition("=")[2].partition("-")[0] for one in s3.asked("GET", "in/talk.mp4")}
    assert {str(start) for start in starts} <= read


def test_the_type_is_found_by_the_content_of_an_object(s3: ObjectStore, image: Path) -> None:
    source = the_object(s3.put("in/movie.mp4", image.read_bytes()))
    assert source.mime_type == "image/png"
    assert {one.byte_range for one in s3.asked("GET", "in/movie.mp4")} == {"bytes=0-63"}


@pytest.mark.parametrize(
    ("form", "bucket"), [("path", "this"), ("url alone", "this"), ("url with connection", "no-such-bucket")]
)
def test_a_missing_object_or_bucket_is_named_with_its_connection(s3: ObjectStore, form: str, bucket: str) -> None:
    bucket = s3.bucket if bucket == "this" else bucket
    with pytest.raises(IttybitSourceNotFoundError, match=f"s3://{bucket}/in/gone.mp4' in its store.*connection"):
        as_source(FORMS[form](f"s3://aws_default@{bucket}/in/gone.mp4"))


def test_an_empty_object_is_refused(s3: ObjectStore) -> None:
    with pytest.raises(IttybitSourceError, match=r"empty\.mp4.* is empty"):
        as_source(s3.put("in/empty.mp4", b""))


@pytest.mark.parametrize("prefix", ["", "/", "/in", "/in/", "/marked", "/marked/"])
def test_a_prefix_is_refused_as_a_directory(s3: ObjectStore, prefix: str) -> None:
    s3.put("in/talk.mp4", b"moving pictures")
    s3.put("marked/", b"")
    with pytest.raises(IttybitSourceError, match="is a directory"):
        as_source(f"s3://aws_default@{s3.bucket}{prefix}")


def test_an_object_whose_name_is_a_prefix_too_is_taken(s3: ObjectStore) -> None:
    url = s3.put("in/talk", b"moving pictures")
    s3.put("in/talk/subtitles.vtt", b"WEBVTT")
    assert the_object(url).size == 15


def test_the_right_to_read_the_object_suffices(
    s3: ObjectStore, held: RunningEmulator, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("files-flat")
    url = s3.put("in/talk.mp4", b"moving pictures")
    monkeypatch.setenv("AIRFLOW_CONN_READER", s3.connection(*s3.user("s3:GetObject")))
    with s3.checking_credentials():
        upload(url.replace("aws_default", "reader"))
    assert hashes(held) == [hash_of(b"moving pictures")]


@pytest.mark.parametrize("source", ["in/talk.mp4", "in/*.mp4"])
def test_wrong_credentials_are_refused_with_a_remedy_and_without_the_secret(
    s3: ObjectStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    caplog.set_level(logging.DEBUG)
    s3.put("in/talk.mp4", b"moving pictures")
    monkeypatch.setenv("AIRFLOW_CONN_STRANGER", s3.connection("AKIANOBODY", "not-the-right-secret"))
    with (
        s3.checking_credentials(),
        pytest.raises(IttybitSourceError, match="Check the connection 'stranger'") as caught,
    ):
        upload(f"s3://stranger@{s3.bucket}/{source}")
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert isinstance(caught.value, AirflowFailException)
    assert "not-the-right-secret" not in told


def test_a_secret_given_in_place_of_a_connection_is_not_shown(s3: ObjectStore) -> None:
    with pytest.raises(IttybitSourceError, match=r"Cannot read 's3://") as caught, s3.checking_credentials():
        as_source(f"s3://AKIANOBODY:not-a-conn-id@{s3.bucket}/in/talk.mp4")
    assert "not-a-conn-id" not in str(caught.value)


@pytest.mark.parametrize("key", ["in/talk.mp4", "in/*.mp4"])
def test_a_store_out_of_reach_is_left_to_a_retry(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_UNREACHABLE", s3.connection(url="http://127.0.0.1:9"))
    with pytest.raises(IttybitError, match=r"A retry may help.*'unreachable'") as caught:
        upload(f"s3://unreachable@{s3.bucket}/{key}")
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("form", FORMS)
def test_a_pattern_uploads_all_objects_that_match(
    s3: ObjectStore, held: RunningEmulator, connect: Callable[..., Any], form: str
) -> None:
    connect("files-flat")
    contents = {f"in/{name}.mp4": some_bytes(1000, seed) for seed, name in enumerate("abc")}
    for key, content in (contents | {"in/notes.txt": b"no", "in/sub.mp4/": b"", "in/deep/d.mp4": b"no"}).items():
        s3.put(key, content)
    resources = upload(FORMS[form](f"s3://aws_default@{s3.bucket}/in/*.mp4"))
    assert [resource["filename"] for resource in resources] == ["a.mp4", "b.mp4", "c.mp4"]
    assert hashes(held) == sorted(hash_of(content) for content in contents.values())


def test_a_pattern_without_a_match_is_a_missing_file(s3: ObjectStore) -> None:
    with pytest.raises(IttybitSourceNotFoundError, match=r"in/\*\.mp4' in its store"):
        expand(f"s3://aws_default@{s3.bucket}/in/*.mp4")


@pytest.mark.parametrize("key", ["in/clip [final].mp4", "in/what?.mp4", "in/a*b.mp4"])
def test_an_object_with_the_marks_of_a_pattern_in_its_name_is_taken_as_it_stands(s3: ObjectStore, key: str) -> None:
    url = s3.put(key, b"moving pictures")
    assert expand(url) is None
    assert the_object(url).size == 15


def test_a_listing_from_before_hides_nothing_that_was_written_since(s3: ObjectStore) -> None:
    pattern = f"s3://aws_default@{s3.bucket}/in/*.mp4"
    url = s3.put("in/a.mp4", b"moving pictures")
    assert expand(pattern) == [url]
    s3.put("in/a.mp4", b"more moving pictures")
    later = s3.put("in/b.mp4", b"moving pictures")
    ObjectStoragePath(url).fs.ls(f"{s3.bucket}/in")
    s3.put("in/c.mp4", b"moving pictures")
    with the_object(url).open() as reader:
        assert reader.read() == b"more moving pictures"
    assert expand(pattern) == [url, later, f"s3://aws_default@{s3.bucket}/in/c.mp4"]


@pytest.mark.parametrize("change", [False, True])
def test_a_retry_goes_on_with_the_same_bytes_and_starts_afresh_with_others(
    s3: ObjectStore, held: RunningEmulator, connect: Callable[..., Any], *, change: bool
) -> None:
    connect("files-flat")
    store, before, after = Store(), b"moving pictures", b"other! pictures"
    first = upload(s3.put("in/talk.mp4", before), task_context(store=store))
    url = s3.put("in/talk.mp4", after if change else before)
    second = upload(url, task_context(store=store))
    assert (second["id"] != first["id"]) is change
    assert hashes(held) == sorted({hash_of(before), hash_of(after if change else before)})


def test_an_object_written_anew_between_two_chunks_is_never_mixed(s3: ObjectStore) -> None:
    source = the_object(s3.put("in/talk.mp4", b"moving pictures"))
    with FileBody(source, 0, 7).open() as reader:
        assert reader.read() == b"moving "
    s3.put("in/talk.mp4", b"MOVING PICTURES")
    with pytest.raises(IttybitSourceError, match="written anew while it was uploaded"):
        FileBody(source, 7).open()


def test_an_object_removed_during_the_upload_is_told_from_a_failing_network(s3: ObjectStore) -> None:
    source = the_object(s3.put("in/talk.mp4", b"moving pictures"))
    s3.client().delete_object(Bucket=s3.bucket, Key="in/talk.mp4")
    with pytest.raises(IttybitSourceNotFoundError, match="gone since the upload began"):
        FileBody(source).open()


@pytest.mark.parametrize("version", ["media", "files-enveloped", "files-flat", "tasks", "jobs"])
def test_a_presigned_url_is_fetched_by_ittybit_alone_and_its_signature_is_told_nowhere(
    s3: ObjectStore,
    connect: Callable[..., RunningEmulator],
    video: Path,
    caplog: pytest.LogCaptureFixture,
    version: str,
) -> None:
    emulator = connect(version)
    caplog.set_level(logging.DEBUG)
    s3.put("in/talk.mp4", video.read_bytes())
    place = {"Bucket": s3.bucket, "Key": "in/talk.mp4"}
    url = s3.client().generate_presigned_url("get_object", Params=place)
    signature = url.partition("Signature=")[2].partition("&")[0]
    assert len(signature) > 10
    context, store = task_context(), Store()
    context["task_state_store"] = store
    resource = upload(url, context)
    emulator.control.settle()
    got = s3.asked("GET", "in/talk.mp4")
    assert {(one.user_agent, signature in one.query) for one in got} == {("ittybit-emulator", True)}
    assert not s3.asked("HEAD", "in/talk.mp4")
    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("boto", "urllib3"))
    )
    told = [ours, str(resource), str(context["ti"].xcom), str(store.values), repr(as_source(url)), str(as_source(url))]
    assert not [text for text in told if signature in text]


def test_the_refusal_of_a_presigned_url_does_not_tell_its_signature(
    s3: ObjectStore, emulator: RunningEmulator, connect: Callable[..., Any]
) -> None:
    connect("files-flat")
    emulator.control.fault(status=422, times=20)
    url = s3.client().generate_presigned_url("get_object", Params={"Bucket": s3.bucket, "Key": "in/talk.mp4"})
    signature = url.partition("Signature=")[2].partition("&")[0]
    for source in (url, [url, url]):
        with pytest.raises(IttybitError) as caught:
            upload(source)
        assert signature not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))


@pytest.mark.parametrize(
    ("form", "key"),
    [("path", "list.jsonl"), ("url alone", "out/2026/list.jsonl"), ("url with connection", "list.jsonl")],
)
def test_a_list_goes_to_an_object(
    s3: ObjectStore, held: RunningEmulator, connect: Callable[..., Any], form: str, key: str
) -> None:
    connect("files-flat")
    ids = {upload(s3.put(f"in/{name}.mp4", name.encode()))["id"] for name in "abc"}
    target = FORMS[form](f"s3://aws_default@{s3.bucket}/{key}")
    operator = ListMediaOperator(task_id="task", output_path=target, fields=["id"])
    result = operator.execute(task_context())
    lines = s3.read(key).decode().splitlines()
    assert result["items"] == len(lines) == 3
    assert {line.split('"')[3] for line in lines} == ids
    assert sent(held, "GET")


@pytest.mark.parametrize("size", [1000, 60 * MIB], ids=["one request", "several parts"])
def test_a_list_whose_copy_breaks_off_leaves_the_earlier_object(s3: ObjectStore, size: int) -> None:
    url = s3.put("list.jsonl", b"earlier")

    class Breaking:
        left = size

        def read(self, wanted: int = -1) -> bytes:
            if not self.left:
                message = "the disk is gone"
                raise OSError(message)
            block = b"x" * min(wanted, self.left)
            self.left -= len(block)
            return block

    with pytest.raises(OSError, match="the disk is gone"):
        _into_store(Breaking(), ObjectStoragePath(url))  # type: ignore[arg-type] # enough of a file
    gc.collect()  # a file that is not closed by then would be completed now
    assert s3.read("list.jsonl") == b"earlier"
    assert not s3.client().list_multipart_uploads(Bucket=s3.bucket).get("Uploads")


def test_a_list_needs_no_other_right_than_to_write_and_makes_no_bucket(
    s3: ObjectStore, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("files-flat")
    monkeypatch.setenv("AIRFLOW_CONN_WRITER", s3.connection(*s3.user("s3:PutObject")))
    with s3.checking_credentials():
        for bucket in (s3.bucket, f"no-{s3.bucket}"):
            with suppress(OSError):
                path = f"s3://writer@{bucket}/list.jsonl"
                ListMediaOperator(task_id="task", output_path=path).execute(task_context())
    assert s3.read("list.jsonl") == b""
    assert f"no-{s3.bucket}" not in [found["Name"] for found in s3.client().list_buckets()["Buckets"]]
