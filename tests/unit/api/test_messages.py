"""Requests that show no secret, and headers that know no case."""

from __future__ import annotations

import pytest

from airflow_provider_ittybit.api.messages import Headers, Origin, Request, Response

SIGNED = "https://you.ittybit.net/a/b.mp4?expiry=1&method=put&signature=hush"


def test_a_request_shows_method_origin_and_path_and_nothing_more() -> None:
    request = Request(
        "POST",
        "/files?token=hush",
        query=(("key", "hush"),),
        json={"url": "https://a/b?sig=hush"},
        headers={"X": "hush"},
        idempotency_key="hush",
    )
    assert repr(request) == str(request) == "Request(POST api:/files)"


def test_a_signed_request_shows_no_query() -> None:
    assert repr(Request("PUT", SIGNED, Origin.SIGNED)) == "Request(PUT signed:/a/b.mp4)"


@pytest.mark.parametrize(
    ("path", "origin", "public"),
    [
        ("/files", Origin.API, "/files"),
        ("/files?a=1", Origin.API, "/files"),
        (SIGNED, Origin.SIGNED, "/a/b.mp4"),
        ("https://user:hush@you.ittybit.net/a", Origin.SIGNED, "/a"),
        ("https://you.ittybit.net", Origin.SIGNED, "/"),
        ("no-url?x", Origin.SIGNED, "no-url"),
    ],
)
def test_the_public_path_has_neither_host_nor_query(path: str, origin: Origin, public: str) -> None:
    assert Request("GET", path, origin).public_path == public


def test_header_names_know_no_case() -> None:
    headers = Headers([("Has-More", "true"), ("LIMIT", "5")])
    assert headers["has-more"] == headers.get("HAS-MORE") == "true"
    assert "limit" in headers
    assert headers.get("link", "") == ""
    assert dict(headers) == {"has-more": "true", "limit": "5"}
    assert len(headers) == 2
    with pytest.raises(KeyError):
        headers["link"]


def test_repeated_headers_are_joined_in_order() -> None:
    assert Headers([("Link", "<a>"), ("X", "y"), ("link", "<b>")])["Link"] == "<a>, <b>"


def test_a_response_without_more_is_empty() -> None:
    response = Response(204)
    assert (response.content, dict(response.headers)) == (b"", {})
