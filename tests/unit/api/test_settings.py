"""What a connection says: defaults, what is refused, and that the key shows nowhere."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest

from airflow_provider_ittybit.api.settings import ALLOWED_EXTRAS, Settings, is_loopback, read_settings
from airflow_provider_ittybit.exceptions import IttybitConfigurationError

KEY = "ittybit_live_TOPSECRET"


def read(host: str | None = None, password: str | None = KEY, **extra: Any) -> Settings:
    return read_settings("my_conn", host=host, password=password, extra=extra)


def refused(match: str, **given: Any) -> str:
    with pytest.raises(IttybitConfigurationError, match=match) as raised:
        read(**given)
    message = str(raised.value)
    assert "my_conn" in message or "api_version" in message
    assert KEY not in message + repr(raised.value)
    return message


def test_a_key_alone_is_enough() -> None:
    settings = read()
    assert settings.host == "https://api.ittybit.com"
    assert settings.uploads_url == "https://uploads.ittybit.com"
    assert settings.delivery_url is None
    assert (settings.generation.name, settings.version_header, settings.pin.version) == (
        "files-flat",
        "Accept-Version",
        "2025-08-20",
    )
    assert (settings.timeout, settings.max_retries, settings.verify) == (60.0, 4, True)
    assert (settings.ca_bundle, settings.proxies) == (None, {})


@pytest.mark.parametrize("password", [None, "", "  ", "\n"])
def test_a_missing_key_is_refused(password: str | None) -> None:
    refused("has no API key", password=password)


@pytest.mark.parametrize("password", [f"Bearer {KEY}", f"{KEY}\nX: y", f"{KEY}é", f"{KEY}\0", f"a {KEY}"])
def test_a_key_that_no_key_looks_like_is_refused_without_showing_it(password: str) -> None:
    refused("a character that no key has", password=password)


def test_space_around_a_key_is_dropped() -> None:
    assert read(password=f" {KEY}\n").api_key == KEY


def test_the_key_and_the_proxies_show_nowhere() -> None:
    settings = read(proxies={"https": "http://user:hush@proxy.example"})
    for text in (repr(settings), str(settings), f"{settings}", settings.fingerprint):
        assert KEY not in text
        assert "hush" not in text


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("https://api.ittybit.com", "https://api.ittybit.com"),
        ("https://api.ittybit.com/", "https://api.ittybit.com"),
        (" api.ittybit.dev ", "https://api.ittybit.dev"),
        ("https://gateway.example:8443/ittybit//", "https://gateway.example:8443/ittybit"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("HTTPS://API.example", "HTTPS://API.example"),
        ("", "https://api.ittybit.com"),
        (None, "https://api.ittybit.com"),
    ],
)
def test_a_base_url_is_tidied(host: str | None, base: str) -> None:
    assert read(host=host).host == base


@pytest.mark.parametrize(
    "host",
    [
        "http://api.ittybit.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "HTTP://10.0.0.1",
        "http://0.0.0.0",
        "http://169.254.169.254",
        "http://[::2]",
        "http://2130706433",
    ],
)
@pytest.mark.parametrize("field", ["host", "uploads_url", "delivery_domain"])
def test_plain_http_is_refused_unless_it_stays_on_this_machine(host: str, field: str) -> None:
    refused("plain http", **{field: host})


@pytest.mark.parametrize(
    "host",
    [
        "https://",
        "https:///x",
        "/",
        "  ",
        "ftp://api.ittybit.com",
        "file:///etc/passwd",
        "https://api.example?x=1",
        "https://api.example#x",
        "https://user:hush@api.example",
        "https://:hush@api.example",
        "user:hush@api.example",
        "https://@api.example",
        "https://a@hush@api.example",
        "https://api.example:99999",
        "https://api.example:x",
        "https://[::1",
        "https://api.example/a b",
        "https://api.exa\nmple",
        "https://api.example\\@evil.example",
        "https://api.example?key=hush",
        "https://api.example\0",
    ],
)
@pytest.mark.parametrize("field", ["host", "uploads_url", "delivery_domain"])
def test_what_is_no_base_url_is_refused_without_showing_its_secrets(host: str, field: str) -> None:
    if not host.strip() and field != "host":
        assert read(**{field: host}).uploads_url == "https://uploads.ittybit.com"
        return
    assert "hush" not in refused("must be a base URL", **{field: host})


def test_a_delivery_domain_becomes_a_base_url() -> None:
    assert read(delivery_domain="you.ittybit.net").delivery_url == "https://you.ittybit.net"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost.evil", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound to it
        ("", False),
        ("example.com", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, loopback: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("extra", ["apiversion", "Timeout", "api_key", "retries", ""])
def test_an_unknown_extra_is_refused_with_the_known_ones(extra: str) -> None:
    message = refused("unknown extra", **{extra: KEY})
    for known in ALLOWED_EXTRAS:
        assert known in message


def test_an_unknown_version_is_refused() -> None:
    refused("api_version='2024-08-21'", api_version="2024-08-21")


@pytest.mark.parametrize("version", ["", " ", "\n"])
def test_a_blank_version_is_refused_with_what_to_do(version: str) -> None:
    message = refused("pinned to no known version: api_version=''", api_version=version)
    assert "Set it in the connection's extra to a version date of the form YYYY-MM-DD" in message
    assert "Without it, 2025-08-20 counts." in message


def test_a_missing_version_is_the_default() -> None:
    assert read(api_version=None).pin == read().pin == read(api_version="2025-08-20").pin


@pytest.mark.parametrize(
    ("extra", "header", "version"),
    [
        ({}, "Accept-Version", "2025-08-20"),
        ({"api_version": "media"}, "Ittybit-Version", "2024-01-17"),
        ({"api_version": "latest"}, None, None),
        ({"api_version": "jobs"}, None, None),
        ({"api_version": "jobs", "version_header": "Accept-Version: 2026-01-01"}, "Accept-Version", "2026-01-01"),
        ({"api_version": "jobs", "version_header": "Accept-Version"}, None, None),
        ({"version_header": "ACCEPT_VERSION"}, "ACCEPT_VERSION", "2025-08-20"),
        ({"version_header": "X-V:2025-08-20 "}, "X-V", "2025-08-20"),
        ({"version_header": "None"}, None, None),
        ({"version_header": "none"}, None, None),
        ({"version_header": " "}, "Accept-Version", "2025-08-20"),
        ({"version_header": ""}, "Accept-Version", "2025-08-20"),
    ],
)
def test_name_and_value_of_the_version_header_can_be_set(
    extra: dict[str, str], header: str | None, version: str | None
) -> None:
    settings = read(**extra)
    assert (settings.version_header, settings.pin.version) == (header, version)


@pytest.mark.parametrize(
    "header",
    [
        "Bad Header",
        "X:",
        "X: a\r\nY: b",
        "X\r\nY",
        "Über",
        "X: ü",
        ":",
        "x" + chr(0),
        "Authorization",
        "authorization: x",
        f"Authorization: Bearer {KEY}",
        "Host: evil.example",
        "Content-Length",
    ],
)
def test_a_version_header_that_cannot_be_one_is_refused(header: str) -> None:
    refused("version_header", version_header=header)


@pytest.mark.parametrize(
    ("field", "value", "read_as"),
    [
        ("timeout", "5", 5.0),
        ("timeout", 0.5, 0.5),
        ("timeout", None, 60.0),
        ("timeout", "", 60.0),
        ("max_retries", 0, 0),
        ("max_retries", "7", 7),
        ("verify", "false", False),
        ("verify", "No", False),
        ("verify", 0, False),
        ("verify", "on", True),
        ("verify", None, True),
        ("verify", "", True),
        ("ca_bundle", " /etc/ca.pem ", "/etc/ca.pem"),
        ("proxies", {"https": "http://proxy:3128"}, {"https": "http://proxy:3128"}),
        ("proxies", '{"http": "http://proxy:3128"}', {"http": "http://proxy:3128"}),
        ("proxies", None, {}),
    ],
)
def test_an_extra_is_read_from_json_or_text(field: str, value: Any, read_as: object) -> None:
    assert getattr(read(**{field: value}), field) == read_as


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", "soon"),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("timeout", True),
        ("timeout", [1]),
        ("timeout", 10**400),
        ("max_retries", -1),
        ("max_retries", 101),
        ("verify", "maybe"),
        ("verify", []),
        ("ca_bundle", 5),
        ("api_version", 20250820),
        ("version_header", {}),
        ("proxies", "http://proxy:3128"),
        ("proxies", ["http://proxy"]),
        ("proxies", {"ftp": "http://proxy"}),
        ("proxies", {"https": None}),
    ],
)
def test_an_extra_that_cannot_be_used_is_refused_by_name(field: str, value: object) -> None:
    refused(field, **{field: value})


def test_the_fingerprint_tells_any_two_connections_apart() -> None:
    base = read()
    others = [
        read(password="ittybit_live_OTHER"),
        read(host="https://api.ittybit.dev"),
        read(uploads_url="https://up.example"),
        read(delivery_domain="you.ittybit.net"),
        read(api_version="2025-01-01"),
        read(api_version="latest"),
        read(api_version="jobs"),
        read(version_header="ACCEPT_VERSION"),
        read(timeout=5),
        read(max_retries=1),
        read(verify=False),
        read(ca_bundle="/ca.pem"),
        read(proxies={"https": "http://proxy"}),
    ]
    assert len({one.fingerprint for one in [base, *others]}) == len(others) + 1
    assert read().fingerprint == base.fingerprint


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().host = "https://elsewhere.example"  # type: ignore[misc] # that it is refused is the test


def test_a_configuration_error_crosses_a_process_without_the_key() -> None:
    with pytest.raises(IttybitConfigurationError) as raised:
        read(host="http://api.ittybit.com")
    assert KEY not in repr(pickle.loads(pickle.dumps(raised.value)))  # noqa: S301 - it was written here
