"""What really goes out: to which host, with which headers, and who sees the key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ittybit import __version__
from airflow_provider_ittybit.api.forms import form_text
from airflow_provider_ittybit.api.messages import Origin, Request
from airflow_provider_ittybit.api.settings import Settings, read_settings
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitError, IttybitInputError

KEY = "ittybit_live_TOPSECRET"
SIGNED = "https://you.ittybit.net/a.mp4?expiry=1&method=put&signature=hush"


def settings(host: str | None = None, **extra: Any) -> Settings:
    return read_settings("c", host=host, password=KEY, extra={"delivery_domain": "you.ittybit.net", **extra})


def lower(headers: Any) -> dict[str, str]:
    names = [name.lower() for name in headers]
    assert len(names) == len(set(names)), "a header is there twice"
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        (Origin.API, "https://api.ittybit.com/files"),
        (Origin.UPLOADS, "https://uploads.ittybit.com/files"),
        (Origin.DELIVERY, "https://you.ittybit.net/files"),
    ],
)
def test_each_origin_is_a_host_of_the_connection_and_gets_key_and_version(origin: Origin, url: str) -> None:
    wire = prepare(Request("POST", "/files", origin), settings())
    assert (wire.method, wire.url) == ("POST", url)
    headers = lower(wire.headers)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["accept-version"] == "2025-08-20"
    assert headers["accept"] == "application/json"
    assert headers["user-agent"] == f"airflow-provider-ittybit/{__version__} (worker)"


def test_the_triggerer_names_itself() -> None:
    assert "(triggerer)" in prepare(Request("GET", "/files"), settings(), sender="triggerer").headers["User-Agent"]


def test_a_signed_url_is_used_as_it_is_and_gets_neither_key_nor_version() -> None:
    wire = prepare(Request("PUT", SIGNED, Origin.SIGNED, body=form_text({})), settings())
    assert wire.url == SIGNED
    assert not {"authorization", "accept-version"} & set(lower(wire.headers))
    assert KEY not in str(wire.headers)


@pytest.mark.parametrize(
    ("extra", "header", "version"),
    [
        ({"api_version": "media"}, "ittybit-version", "2024-01-17"),
        ({"api_version": "2025-01-01"}, "accept-version", "2025-01-01"),
        ({"version_header": "ACCEPT_VERSION"}, "accept_version", "2025-08-20"),
        ({"version_header": "X-V: 7"}, "x-v", "7"),
    ],
)
def test_the_version_header_is_the_one_of_the_pin(extra: dict[str, str], header: str, version: str) -> None:
    assert lower(prepare(Request("GET", "/x"), settings(**extra)).headers)[header] == version


@pytest.mark.parametrize("extra", [{"api_version": "latest"}, {"api_version": "jobs"}, {"version_header": "none"}])
def test_no_version_header_is_sent_where_none_is_pinned(extra: dict[str, str]) -> None:
    assert not [name for name in prepare(Request("GET", "/x"), settings(**extra)).headers if "version" in name.lower()]


def test_the_query_is_encoded_in_order() -> None:
    request = Request("GET", "/files", query=(("b", "1&2=3"), ("a", "ä /?#"), ("b", "")))
    assert prepare(request, settings()).url == "https://api.ittybit.com/files?b=1%262%3D3&a=%C3%A4%20%2F%3F%23&b="


def test_json_goes_out_as_utf_8() -> None:
    wire = prepare(Request("POST", "/files", json={"title": "Bär 😊", "a": None}), settings())
    assert wire.content == '{"title": "Bär 😊", "a": null}'.encode()
    assert lower(wire.headers)["content-type"] == "application/json; charset=utf-8"
    assert prepare(Request("POST", "/start", json={}), settings()).content == b"{}"


def test_without_a_body_there_is_no_content_type() -> None:
    wire = prepare(Request("GET", "/files"), settings())
    assert (wire.content, wire.body) == (None, None)
    assert "content-type" not in lower(wire.headers)


def test_a_body_to_stream_brings_its_content_type() -> None:
    body = form_text({"url": "https://x"})
    wire = prepare(Request("POST", "/media", Origin.UPLOADS, body=body), settings())
    assert wire.body is body
    assert wire.content is None
    assert lower(wire.headers)["content-type"] == body.content_type


def circular() -> dict[str, Any]:
    body: dict[str, Any] = {}
    body["self"] = body
    return body


@pytest.mark.parametrize(
    "body",
    [{"when": datetime(2025, 1, 1, tzinfo=UTC)}, {"x": float("nan")}, {"x": float("inf")}, {"x": {1}}, {"x": "\ud800"}],
)
def test_what_is_no_json_is_refused_before_it_is_sent(body: dict[str, Any]) -> None:
    with pytest.raises(IttybitInputError, match=r"PATCH /files/file_1 should send is no JSON.*Nothing was sent"):
        prepare(Request("PATCH", "/files/file_1", json=body), settings())


def test_a_body_that_holds_itself_is_refused() -> None:
    with pytest.raises(IttybitInputError, match="no JSON"):
        prepare(Request("POST", "/files", json=circular()), settings())


def test_a_query_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(IttybitInputError, match="no Unicode"):
        prepare(Request("GET", "/files", query=(("after", "\ud800"),)), settings())


def test_an_idempotency_key_is_sent() -> None:
    headers = lower(prepare(Request("POST", "/jobs", idempotency_key="k-1"), settings()).headers)
    assert headers["idempotency-key"] == "k-1"
    assert "idempotency-key" not in lower(prepare(Request("POST", "/jobs"), settings()).headers)


@pytest.mark.parametrize("path", ["files", "https://evil.example/files", "@evil.example", "", "?x", "\\evil"])
def test_only_the_connection_says_the_host(path: str) -> None:
    for origin in (Origin.API, Origin.UPLOADS, Origin.DELIVERY):
        with pytest.raises(IttybitInputError, match="must begin with a slash"):
            prepare(Request("GET", path, origin), settings())


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "/@evil.example", "/:80/x"])
def test_no_path_can_change_the_host(path: str) -> None:
    assert prepare(Request("GET", path), settings()).url == f"https://api.ittybit.com{path}"


@pytest.mark.parametrize("method", ["GET /x HTTP/1.1\r\nX: y", "GET\n", "get", "", "G", "GE T", "GÉT", "A" * 21])
def test_what_is_no_method_is_refused(method: str) -> None:
    with pytest.raises(IttybitInputError, match="is no HTTP method"):
        prepare(Request(method, "/x"), settings())


@pytest.mark.parametrize("path", ["/files/../keys", "/..", "/./x", "/files/%2e%2E/keys", "/a/%2e", "/x/.."])
@pytest.mark.parametrize("origin", [Origin.API, Origin.DELIVERY])
def test_a_path_that_an_http_library_would_make_another_of_is_refused(path: str, origin: Origin) -> None:
    with pytest.raises(IttybitInputError, match="would lead elsewhere"):
        prepare(Request("GET", path, origin), settings())
    with pytest.raises(IttybitInputError, match="would lead elsewhere"):
        prepare(Request("PUT", f"https://you.ittybit.net{path}?signature=hush", Origin.SIGNED), settings())


@pytest.mark.parametrize("path", ["/files/...", "/a..b", "/.x", "/x.", "/%252e%252e"])
def test_other_dots_go_out_as_they_are(path: str) -> None:
    assert prepare(Request("GET", path), settings()).url == f"https://api.ittybit.com{path}"


@pytest.mark.parametrize("path", ["/a b", "/a\n", "/a\r\nX: y", "/a\0", "/a\tb", "/a\x7f", "/a\ud800"])
def test_a_path_with_a_space_or_control_character_is_refused(path: str) -> None:
    with pytest.raises(IttybitInputError, match="control character or a space"):
        prepare(Request("GET", path), settings())


@pytest.mark.parametrize(
    "url",
    [
        "http://you.ittybit.net/a?signature=hush",
        "http://127.0.0.1@evil.example/a?signature=hush",
        "http://localhost.evil.example/?signature=hush",
        "ftp://you.ittybit.net/a?signature=hush",
        "file:///etc/passwd?signature=hush",
        "you.ittybit.net/a?signature=hush",
        "https:///a?signature=hush",
        "https://[broken/a?signature=hush",
        "https://you.ittybit.net/a b?signature=hush",
        "https://you.ittybit.net/a?signature=hush\r\nX: y",
        "",
    ],
)
def test_a_signed_url_that_is_not_https_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(IttybitInputError) as raised:
        prepare(Request("PUT", url, Origin.SIGNED), settings())
    assert "hush" not in str(raised.value) + repr(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/a?signature=x", "http://localhost/a", "http://[::1]:1/a"])
def test_a_signed_url_of_this_machine_may_be_plain_http(url: str) -> None:
    assert prepare(Request("PUT", url, Origin.SIGNED), settings()).url == url


def test_a_direct_upload_needs_the_delivery_domain() -> None:
    with pytest.raises(IttybitConfigurationError, match="delivery_domain"):
        prepare(Request("PUT", "/a.mp4", Origin.DELIVERY), read_settings("c", host=None, password=KEY, extra={}))


@pytest.mark.parametrize(
    "name", ["Authorization", "authorization", "HOST", "Content-Length", "Transfer-Encoding", "connection"]
)
@pytest.mark.parametrize("value", ["hush", "hush\r\nX: y"])
def test_a_header_of_the_connection_cannot_be_set(name: str, value: str) -> None:
    with pytest.raises(IttybitInputError, match="comes from the connection") as raised:
        prepare(Request("GET", "/x", headers={name: value}), settings())
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "hush\r\nY: z"},
        {"X": "hush\0"},
        {"X\r\nY": "hush"},
        {"X Y": "hush"},
        {"": "hush"},
        {"X": "hüsh"},
        {"X": "hush "},
    ],
)
def test_a_header_that_could_become_two_is_refused_without_its_value(headers: dict[str, str]) -> None:
    with pytest.raises(IttybitInputError, match="no header may have") as raised:
        prepare(Request("GET", "/x", headers=headers), settings())
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/x", json={"url": "https://a?sig=hush", "b": "\ud800"}),
        Request("GET", "/x", query=(("url", "https://a?sig=hush\ud800"),)),
    ],
)
def test_what_cannot_be_sent_is_not_in_the_error_nor_behind_it(request_: Request) -> None:
    with pytest.raises(IttybitInputError, match="Nothing was sent") as raised:
        prepare(request_, settings())
    assert raised.value.__context__ is None
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("key", ["a\r\nX: y", "a\0", "schlüssel"])
def test_an_idempotency_key_that_is_no_header_is_refused(key: str) -> None:
    with pytest.raises(IttybitInputError, match="Idempotency-Key"):
        prepare(Request("POST", "/jobs", idempotency_key=key), settings())


def test_no_header_goes_out_twice_under_two_spellings() -> None:
    own = {"accept": "text/plain", "ACCEPT-VERSION": "1999-01-01", "content-type": "text/plain", "user-agent": "me"}
    headers = lower(prepare(Request("POST", "/x", headers=own, json={}), settings()).headers)
    assert headers["accept"] == "text/plain"
    assert headers["user-agent"] == "me"
    assert headers["accept-version"] == "2025-08-20"
    assert headers["content-type"] == "application/json; charset=utf-8"


def test_key_signature_and_content_never_show() -> None:
    request = Request("PUT", SIGNED, Origin.SIGNED, body=form_text({"url": SIGNED}), headers={"X-Secret": "hush"})
    for wire in (prepare(request, settings()), prepare(Request("POST", "/x", json={"a": "hush"}), settings())):
        for text in (repr(wire), str(wire)):
            assert KEY not in text
            assert "hush" not in text


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "x"),
        Request("GET", "/x y"),
        Request("GET", "/x", headers={"Authorization": KEY}),
        Request("GET", "/x", headers={"A": "\n"}),
        Request("POST", "/x", json={1}),
        Request("PUT", "http://evil.example", Origin.SIGNED),
    ],
)
def test_no_refusal_shows_the_key(request_: Request) -> None:
    with pytest.raises(IttybitError) as raised:
        prepare(request_, settings())
    assert KEY not in str(raised.value) + repr(raised.value) + json.dumps(raised.value.__dict__)
