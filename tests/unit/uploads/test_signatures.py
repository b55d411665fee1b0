"""What of a signed URL stays the same when it is signed anew, so that a retry knows its upload again."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.uploads.signatures import secrets_in, without_signature, without_signed_inputs
from airflow_provider_ittybit.uploads.unreadable import presentable

PLACE = "https://bucket.example/in/talk.mp4"
SIGNED = {
    "Amazon": "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F{}%2Fs3&X-Amz-Date={}&X-Amz-Expires=3600"
    "&X-Amz-SignedHeaders=host&X-Amz-Security-Token={}&X-Amz-Signature={}",
    "Amazon, version 2": "AWSAccessKeyId=AKIA&Signature={}%3D&Expires={}&x-amz-security-token={}",
    "Google": "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=a&X-Goog-Date={}&X-Goog-Signature={}",
    "Google, version 2": "GoogleAccessId=a%40b.example&Expires={}&Signature={}",
    "CloudFront": "Expires={}&Signature={}&Key-Pair-Id=K1",
    "CloudFront with a policy": "Policy={}&Signature={}&Key-Pair-Id=K1",
    "Azure": "sv=2024-11-04&st={}&se={}&sr=b&sp=r&spr=https&sig={}",
    "ittybit": "expiry={}&method=get&signature={}",
}


@pytest.mark.parametrize("query", SIGNED.values(), ids=SIGNED)
@pytest.mark.parametrize("file", ["", "versionId=7", "versionId=7&response-content-type=video%2Fmp4"])
def test_a_url_that_is_signed_anew_names_the_same_file(query: str, file: str) -> None:
    first, second = (f"{PLACE}?{query.format(*[seed] * 4)}{'&' if file else ''}{file}" for seed in ("1", "2"))
    assert first != second
    assert without_signature(first) == without_signature(second) == f"{PLACE}{'?' if file else ''}{file}"


@pytest.mark.parametrize("query", SIGNED.values(), ids=SIGNED)
def test_what_names_another_file_stays_in_front_of_a_signature_too(query: str) -> None:
    signed = query.format(*"1234")
    assert without_signature(f"{PLACE}?id=1&{signed}") == f"{PLACE}?id=1"
    assert without_signature(f"{PLACE}?id=2&{signed}") == f"{PLACE}?id=2"


@pytest.mark.parametrize(
    "url",
    [
        PLACE,
        f"{PLACE}?",
        f"{PLACE}?id=1",
        f"{PLACE}?expires=1&id=2",
        f"{PLACE}?signature=x",
        f"{PLACE}?sig=x&id=2",
        f"{PLACE}?method=get&expiry=1",
        f"{PLACE}?a&&b==&c#part?d",
        "s3://bucket/a?b.mp4",
    ],
)
def test_what_no_known_way_of_signing_made_is_left_alone(url: str) -> None:
    assert without_signature(url) == url


def test_a_fragment_is_kept_apart_from_the_query() -> None:
    assert without_signature(f"{PLACE}?sig=a&se=b#t=10") == f"{PLACE}#t=10"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"{PLACE}?sig=hush-hush&se=1", {"sig=hush-hush&se=1", "hush-hush"}),
        (f"{PLACE}?sig=a%2Fb%2Fc", {"sig=a%2Fb%2Fc", "sig=a/b/c", "a%2Fb%2Fc", "a/b/c"}),
        (f"{PLACE}?t=hush", {"?t=hush"}),
        (f"{PLACE}?a", set()),
        (f"see {PLACE}?t=hush#part, or not", {"?t=hush"}),
        ("https://user:hush-hush@h.example/a", {"user:hush-hush", "hush-hush"}),
        ("s3://key:hush/hush@bucket/a", set()),
        ("s3://aws_default@bucket/a", set()),
        ([f"{PLACE}?t=one", {"a": (f"{PLACE}?t=two",), f"{PLACE}?t=three": 1}], {"?t=one", "?t=two", "?t=three"}),
        (PLACE, set()),
        ("what is this? nothing", set()),
        (None, set()),
        (17, set()),
    ],
)
def test_what_opens_a_url_is_found_wherever_it_stands(value: object, found: set[str]) -> None:
    assert secrets_in(value) == found


def test_what_something_was_made_from_loses_its_signature_and_what_was_made_keeps_it() -> None:
    signed = f"{PLACE}?sig=a&se=b"
    job = {"input": signed, "inputs": [{"url": signed, "id": 1}], "output": {"url": signed}, "url": signed}
    run = {"tasks": [{"kind": "ingest", "options": {"url": signed}, "outputs": [{"url": signed}]}], "n": None}
    assert without_signed_inputs(job) == {**job, "input": PLACE, "inputs": [{"url": PLACE, "id": 1}]}
    task = {"kind": "ingest", "options": {"url": PLACE}, "outputs": [{"url": signed}]}
    assert without_signed_inputs(run) == {"tasks": [task], "n": None}


@pytest.mark.parametrize("field", ["input", "inputs", "options", "workflow", "next", "original", "error"])
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (f"{PLACE}?id=1", PLACE),
        (f" {PLACE}?t=hush now", f" {PLACE}"),
        ("HTTPS://user:hush@h.example/a?t=hush", "HTTPS://h.example/a"),
        (
            "Why? (see s3://key:hush@bucket/a?t=hush, or http://h.example/b)",
            "Why? (see s3://bucket/a or http://h.example/b)",
        ),
        ("no URL? none", "no URL? none"),
        (None, None),
        (17, 17),
    ],
)
def test_what_something_was_made_from_loses_every_query(field: str, told: Any, kept: Any) -> None:
    for wrap in (lambda value: value, lambda value: [value], lambda value: {"url": value, "x": [{"y": value}]}):
        assert without_signed_inputs({"id": "a", field: wrap(told)}) == {"id": "a", field: wrap(kept)}


@pytest.mark.parametrize("field", ["filename", "folder", "title", "ref"])
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("a.mp4?token=hush", "a.mp4"),
        ("a.mp4?x=1&X-Amz-Signature=hush", "a.mp4"),
        ("a.mp4?sv=1&se=2&sig=hush", "a.mp4"),
        ("https://user:hush@h.example/a.mp4?id=1", "https://h.example/a.mp4?id=1"),
        ("a.mp4?id=1", "a.mp4?id=1"),
        ("What is a design? Signs.mp4", "What is a design? Signs.mp4"),
        ("key@home: secret?.mp4", "key@home: secret?.mp4"),
    ],
)
def test_a_name_loses_only_what_looks_like_a_signature(field: str, told: str, kept: str) -> None:
    assert without_signed_inputs([{"files": [{field: told}]}]) == [{"files": [{field: kept}]}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{PLACE}?sig=hush", PLACE),
        ("https://user:hu@sh@h.example/a@b?c", "https://h.example/a@b"),
        ("https://h.example?c=/@hush", "https://h.example"),
        ("s3://aws_default@bucket/a@b.mp4", "s3://bucket/a@b.mp4"),
        ("/data/a?b@c.mp4", "/data/a?b@c.mp4"),
    ],
)
def test_a_place_is_shown_without_query_and_user(text: str, shown: str) -> None:
    assert presentable(text) == shown
