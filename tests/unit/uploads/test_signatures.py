"""What of a signed URL stays the same when it is signed anew, so that a retry knows its upload again."""

from __future__ import annotations

import pytest

from airflow_provider_ittybit.uploads.signatures import without_signature

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
