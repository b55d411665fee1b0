from __future__ import annotations

from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_ittybit.uploads.places import place_of


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("/data/a talk.mp4", "file:///data/a%20talk.mp4"),
        (Path("/data/talk.mp4"), "file:///data/talk.mp4"),
        ("file:///data/talk.mp4", "file:///data/talk.mp4"),
        ("s3://bucket/in/talk.mp4", "s3://bucket/in/talk.mp4"),
        ("S3://aws_default@bucket/talk.mp4", "s3://bucket/talk.mp4"),
        ("https://user:pw@cdn.example/a.mp4?X-Amz-Signature=s3cret#t=1", "https://cdn.example/a.mp4"),
        ("https://cdn.example/a.mp4?token=unknown-secret", "https://cdn.example/a.mp4"),
        (" https://cdn.example/a.mp4 ", "https://cdn.example/a.mp4"),
        ("", None),
        (None, None),
    ],
)
def test_a_place_is_named_without_credentials_connections_and_signatures(source: object, place: str | None) -> None:
    assert place_of(source) == place


def test_an_object_of_a_store_is_named_without_its_connection() -> None:
    assert place_of(ObjectStoragePath("file:///data/talk.mp4", conn_id="films")) == "file:///data/talk.mp4"


def test_a_relative_path_is_named_from_the_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_of("talk.mp4") == (tmp_path / "talk.mp4").as_uri()
