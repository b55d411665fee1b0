"""Which way a source takes into each generation, what goes along, and what is refused before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ittybit.api.generations import Upload
from airflow_provider_ittybit.api.settings import Settings, read_settings
from airflow_provider_ittybit.exceptions import IttybitInputError, IttybitUnsupportedError
from airflow_provider_ittybit.uploads.plans import plan_upload
from airflow_provider_ittybit.uploads.sources import UrlSource, as_source

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ittybit.uploads.sources import UploadSource

GENERATIONS = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
FILES = ("files-enveloped", "files-flat")
URL = UrlSource("https://cdn.example/a.mp4?sig=secret", "video/mp4")
NOTE = "https://cdn.example/notes"


def pinned(api_version: str, **extra: Any) -> Settings:
    return read_settings("ittybit_default", host=None, password="key", extra={"api_version": api_version, **extra})


@pytest.fixture
def local(tmp_path: Path) -> UploadSource:
    (tmp_path / "a.mp4").write_bytes(b"x")
    return as_source(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("api_version", "domain", "protocol"),
    [
        ("media", None, Upload.MULTIPART),
        ("media", "you.ittybit.net", Upload.MULTIPART),
        ("files-enveloped", None, Upload.SIGNED_PUT),
        ("files-enveloped", "you.ittybit.net", Upload.DIRECT_PUT),
        ("files-flat", None, Upload.SIGNED_PUT),
        ("files-flat", "you.ittybit.net", Upload.DIRECT_PUT),
        ("latest", None, Upload.SIGNED_PUT),
        ("tasks", "you.ittybit.net", Upload.SELF_SIGNED_PUT),
        ("jobs", "you.ittybit.net", Upload.SELF_SIGNED_PUT),
    ],
)
def test_the_generation_and_the_delivery_domain_decide_how_bytes_go(
    local: UploadSource, api_version: str, domain: str | None, protocol: Upload
) -> None:
    assert plan_upload(pinned(api_version, delivery_domain=domain), local, {}).protocol is protocol


@pytest.mark.parametrize("api_version", ["tasks", "jobs"])
def test_a_generation_that_takes_no_bytes_says_which_ones_do_and_what_else_helps(
    local: UploadSource, api_version: str
) -> None:
    with pytest.raises(IttybitUnsupportedError, match=r"takes no bytes, only URLs.*set delivery_domain") as caught:
        plan_upload(pinned(api_version), local, {})
    assert "media, files-enveloped, files-flat." in str(caught.value)


@pytest.mark.parametrize("api_version", ["tasks", "jobs"])
@pytest.mark.parametrize("name", ["title", "metadata", "ref", "kind", "options", "output", "media_id"])
def test_bytes_for_the_delivery_domain_of_a_generation_without_files_have_a_place_and_no_more(
    local: UploadSource, api_version: str, name: str
) -> None:
    settings = pinned(api_version, delivery_domain="you.ittybit.net")
    plan = plan_upload(settings, local, {"filename": "b.mp4", "folder": "talks"})
    assert plan.along == {"filename": "b.mp4", "folder": "talks"}
    with pytest.raises(IttybitUnsupportedError, match=name):
        plan_upload(settings, local, {name: "x"})


@pytest.mark.parametrize("api_version", GENERATIONS)
@pytest.mark.parametrize("domain", [None, "you.ittybit.net"])
def test_every_generation_fetches_a_url(api_version: str, domain: str | None) -> None:
    assert plan_upload(pinned(api_version, delivery_domain=domain), URL, {}).protocol is Upload.INGEST


@pytest.mark.parametrize("api_version", FILES)
def test_what_the_body_of_a_put_cannot_carry_is_set_afterwards(local: UploadSource, api_version: str) -> None:
    fields = {"filename": "b.mp4", "folder": "talks", "title": "T", "metadata": {"a": 1}, "ref": "main"}
    plan = plan_upload(pinned(api_version), local, fields)
    assert plan.along == {"filename": "b.mp4", "folder": "talks"}
    assert plan.file_changes == {"metadata": {"a": 1}, "ref": "main"}
    assert plan.media_changes == {"title": "T"}


@pytest.mark.parametrize("api_version", FILES)
def test_with_a_url_only_the_title_is_set_afterwards(api_version: str) -> None:
    fields = {"filename": "b.mp4", "folder": "f", "title": "T", "metadata": {"a": 1}, "ref": "r", "media_id": "med_1"}
    plan = plan_upload(pinned(api_version), URL, fields)
    assert plan.along == {name: value for name, value in fields.items() if name != "title"}
    assert (plan.file_changes, plan.media_changes) == ({}, {"title": "T"})


def test_fields_that_are_none_do_not_count(local: UploadSource) -> None:
    plan = plan_upload(pinned("media"), local, {"filename": None, "folder": None, "metadata": None, "kind": None})
    assert (plan.along, plan.file_changes, plan.media_changes) == ({}, {}, {})


@pytest.mark.parametrize("api_version", ["media", *FILES])
def test_bytes_may_have_another_name_in_every_generation(local: UploadSource, api_version: str) -> None:
    assert plan_upload(pinned(api_version), local, {"filename": "b.mp4"}).along == {"filename": "b.mp4"}


@pytest.mark.parametrize(
    ("api_version", "fields"),
    [
        ("media", {"filename": "b.mp4"}),
        ("media", {"folder": "talks"}),
        ("media", {"title": "T"}),
        ("media", {"metadata": {}}),
        ("tasks", {"metadata": {"a": 1}}),
        ("tasks", {"filename": "b.mp4"}),
        ("jobs", {"folder": "talks"}),
        ("jobs", {"ref": "r"}),
        ("files-flat", {"kind": "video"}),
        ("files-flat", {"options": {}}),
        ("files-enveloped", {"output": "s3://bucket/key"}),
    ],
)
def test_a_field_that_a_generation_has_no_place_for_is_named_and_refused(
    api_version: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(IttybitUnsupportedError, match=next(iter(fields))) as caught:
        plan_upload(pinned(api_version), URL, fields)
    assert repr(api_version) in str(caught.value)


@pytest.mark.parametrize("api_version", FILES)
def test_bytes_cannot_be_added_to_a_media_that_is_there(local: UploadSource, api_version: str) -> None:
    with pytest.raises(IttybitUnsupportedError, match="media_id"):
        plan_upload(pinned(api_version), local, {"media_id": "med_1"})


@pytest.mark.parametrize("name", ["folder", "title", "metadata", "ref"])
def test_the_media_generation_has_no_place_for_more_than_the_bytes(local: UploadSource, name: str) -> None:
    with pytest.raises(IttybitUnsupportedError, match=f"{name}.*files-enveloped, files-flat"):
        plan_upload(pinned("media"), local, {name: "x"})


@pytest.mark.parametrize(
    ("url", "kind", "planned"),
    [
        ("https://cdn.example/a.mp4", None, "video"),
        ("https://cdn.example/a.png?x=1", None, "image"),
        ("https://cdn.example/a.flac", None, "audio"),
        ("https://cdn.example/a.mp4", "animation", "animation"),
        (NOTE, "adaptive_video", "adaptive_video"),
    ],
)
def test_a_job_is_of_the_kind_that_was_given_or_that_the_name_says(url: str, kind: str | None, planned: str) -> None:
    assert plan_upload(pinned("jobs"), as_source(url), {"kind": kind}).along["kind"] == planned


@pytest.mark.parametrize("url", [NOTE, "https://cdn.example/a.pdf", "https://cdn.example/?key=secret"])
def test_a_job_of_unknown_kind_is_refused_with_the_kinds_there_are(url: str) -> None:
    with pytest.raises(IttybitInputError, match=r"pass kind=.*animation, audio, image, video") as caught:
        plan_upload(pinned("jobs"), as_source(url), {})
    assert "secret" not in str(caught.value)


def test_a_job_takes_along_what_it_documents() -> None:
    fields = {"metadata": {"a": 1}, "options": {"width": 320}, "output": "s3://bucket/out.mp4"}
    plan = plan_upload(pinned("jobs"), URL, fields)
    assert plan.along == {**fields, "kind": "video"}
    assert (plan.file_changes, plan.media_changes) == ({}, {})
