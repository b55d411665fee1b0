"""Times, pauses, ids, ranges, settings, signatures: any text is a value or one of our errors."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import pytest
from fuzz.made_up import DATES, JSON, NUMBERS, TEXT, check_json, is_plain, outcome
from hypothesis import assume, example, given
from hypothesis import strategies as some

from airflow_provider_ittybit.api.delivery import delivery_path
from airflow_provider_ittybit.api.failures import MOST_WORDS, readable_words
from airflow_provider_ittybit.api.forms import file_header, quoted
from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.identifiers import check_id, id_of, ids_of, path_segment
from airflow_provider_ittybit.api.messages import Origin, Request
from airflow_provider_ittybit.api.numbers import whole_number
from airflow_provider_ittybit.api.retrying import LONGEST_WAIT, SPREAD, Outcome, retry_after, wait_before
from airflow_provider_ittybit.api.settings import read_settings
from airflow_provider_ittybit.api.timestamps import as_time, created_at, http_date, read_time
from airflow_provider_ittybit.api.waiting import as_seconds
from airflow_provider_ittybit.api.wire import prepare
from airflow_provider_ittybit.exceptions import IttybitError
from airflow_provider_ittybit.uploads.chunks import Chunking, as_chunking, cut
from airflow_provider_ittybit.uploads.signatures import secrets_in, without_signature
from airflow_provider_ittybit.uploads.sources import UrlSource, as_source
from airflow_provider_ittybit.uploads.unreadable import presentable

CONNECTION = read_settings("c", host=None, password="ittybit_key", extra={})
NOW = datetime(2025, 8, 22, tzinfo=UTC)
ISO = some.from_regex(
    r"\A\d{4}-?(\d\d-?\d\d|W\d\d-?\d)?[T Z_]?(\d\d:?(\d\d:?(\d\d([.,]\d{0,9})?)?)?)?"
    r"([+-]\d\d:?(\d\d(:\d\d(\.\d+)?)?)?|Z)?\Z"
)
DATE_LIKE = some.lists(
    some.sampled_from(
        [
            "Fri,",
            "Mon",
            "22",
            "99",
            "1e5",
            "Aug",
            "Foo",
            "2025",
            "0001",
            "9999",
            "10:00:30",
            "25:61:61",
            "GMT",
            "+9999",
            "-2400",
            ",",
            ";",
            "-",
            ":",
            ".",
        ]
    )
    | TEXT,
    max_size=8,
).map(" ".join)


@given(TEXT | DATE_LIKE | DATES | some.from_regex(r"\A[0-9.+\-e ]{0,20}\Z"))
@example("1e999")
@example("9" * 5_000)
@example("Fri, 22 Aug 9999 23:59:59 -2359")
@example("Fri, 22 Aug 2025 10:00:30 +999999999999")
def test_any_retry_after_is_seconds_or_nothing(value: str) -> None:
    seconds = retry_after(value, now=NOW)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
    assert retry_after(value, now=None) in (None, seconds)
    for chance in (0.0, 1.0):
        pause = wait_before(1, Outcome(status=429, retry_after=value), now=NOW, chance=chance)
        assert 0 <= pause <= LONGEST_WAIT + SPREAD


@given(TEXT | DATE_LIKE | DATES)
def test_any_date_of_a_header_is_a_time_or_nothing(value: str) -> None:
    date = http_date(value)
    assert date is None or isinstance(date.timestamp(), float)


@given(JSON | some.datetimes().map(str) | ISO | NUMBERS.map(str) | some.datetimes(timezones=some.timezones()))
@example("9999-12-31T23:59:59.999999-23:59")
@example("0001-01-01T00:00:00+23:59")
@example("2025-01-01T00:00:00+00:00:00.000001")
@example(253402300799999)
@example(10**4_000)
@example(float("inf"))
@example("2024-01-01Z10:10:10.1010")
def test_anything_is_a_time_or_nothing(value: Any) -> None:
    time = read_time(value)
    assert time is None or time.utcoffset() is not None
    assert created_at({"created": value}) == time
    with contextlib.suppress(IttybitError):
        as_time(value, "created_after")


@given(TEXT)
def test_any_text_is_an_id_that_stays_in_its_segment_or_our_error(value: str) -> None:
    with contextlib.suppress(IttybitError):
        assert check_id(value) == value
        segment = path_segment(value)
        assert segment.strip(".")
        assert not set(segment) & set("/?#\\ ")
        url = prepare(Request("DELETE", f"/files/{segment}"), CONNECTION).url
        assert url == f"https://api.ittybit.com/files/{segment}"
        assert unquote(segment) == value


@given(JSON)
def test_anything_holds_ids_or_is_refused(value: Any) -> None:
    for read in (id_of, ids_of):
        with contextlib.suppress(IttybitError):
            found = read(value)
            ids = [found] if isinstance(found, str) else found
            assert [check_id(one) for one in ids] == ids


@given(some.none() | TEXT, TEXT)
@example("a/../b", "c")
@example(None, "%2e%2e")
def test_any_folder_and_name_stay_below_the_delivery_domain_or_are_refused(folder: str | None, name: str) -> None:
    connection = dataclasses.replace(CONNECTION, delivery_url="https://you.ittybit.net")
    with contextlib.suppress(IttybitError):
        path = delivery_path(folder, name)
        assert prepare(Request("PUT", path, Origin.DELIVERY), connection).url == f"https://you.ittybit.net{path}"
        assert unquote(path.rpartition("/")[2]) == name
        assert not {".", ".."} & {unquote(segment) for segment in path.split("/")}


@given(TEXT, TEXT, TEXT)
@example("file", "a.mp4", 'video/mp4; codecs="avc1"')
def test_any_name_in_a_form_adds_no_header(field: str, filename: str, mime_type: str) -> None:
    with contextlib.suppress(IttybitError):
        head = file_header("b", field, filename, mime_type)
        assert head.count(b"\n") == head.count(b"\r") == 4
        assert head.split(b"\r\n")[1].count(b'"') == 4
    assert not set(quoted(filename)) & set('"\r\n')


@given(TEXT, some.dictionaries(TEXT, TEXT, max_size=3), TEXT)
def test_any_request_that_goes_out_is_one_request_to_our_host(path: str, headers: dict[str, str], method: str) -> None:
    with contextlib.suppress(IttybitError):
        sent = prepare(Request(method or "GET", f"/{path}", headers=headers), CONNECTION)
        assert sent.url.startswith("https://api.ittybit.com/")
        for text in (sent.method, sent.url, *sent.headers, *sent.headers.values()):
            text.encode()
            assert not set(text) & set("\r\n\0")


@given(some.sampled_from([None, *BY_NAME, "latest"]) | TEXT, TEXT, TEXT, some.dictionaries(TEXT, JSON, max_size=2))
def test_any_connection_is_settings_or_our_error(version: Any, host: str, password: str, extra: dict[str, Any]) -> None:
    with contextlib.suppress(IttybitError):
        read = read_settings("c", host=host, password=password, extra={**extra, "api_version": version})
        assert read.host.lower().startswith(("https://", "http://"))
        assert repr(read) == repr(dataclasses.replace(read, api_key="another"))


EXTRAS = [
    "version_header",
    "uploads_url",
    "delivery_domain",
    "timeout",
    "max_retries",
    "verify",
    "ca_bundle",
    "proxies",
]


@given(some.dictionaries(some.sampled_from(EXTRAS), JSON | TEXT, max_size=8))
def test_any_extra_of_a_connection_is_settings_or_our_error(extra: dict[str, Any]) -> None:
    with contextlib.suppress(IttybitError):
        read = read_settings("c", host=None, password="ittybit_key", extra=extra)
        assert 0 < read.timeout <= 3600
        assert read.fingerprint


FORMS = some.lists(
    some.sampled_from(
        ["{start}", "{end}", "{stop}", "{total}", "{", "}", "{x}", "{start!r}", "{end:9}", "bytes ", "-", "/", "\r\n"]
    ),
    max_size=8,
).map("".join)


@given(FORMS | TEXT | JSON, some.integers(1, 10**15), some.integers(1, 10**9), some.integers(1, 64), some.booleans())
def test_any_form_of_a_content_range_is_a_header_or_refused(
    form: Any,
    total: int,
    size: int,
    parallel: int,
    exact: bool,  # noqa: FBT001 - made up by position
) -> None:
    with contextlib.suppress(IttybitError):
        chunking = as_chunking({"content_range": form, "size": size, "parallel": parallel, "exact": exact})
        chunk = cut(min(total, size * 100), chunking)[-1]
        header = chunk.content_range(form, total)
        assert header.isprintable()
        assert len(header) < len(form) + 60


@given(some.integers(1, 10**13), some.integers(1, 10**10), some.integers(1, 64), some.booleans())
def test_chunks_cover_a_file_once_and_say_so(
    total: int,
    size: int,
    parallel: int,
    exact: bool,  # noqa: FBT001 - made up by position
) -> None:
    at, chunks = 0, cut(total, Chunking(size=size, parallel=parallel, exact=exact))
    for chunk in chunks:
        assert chunk.start == at
        at += chunk.length
    assert at == total
    for chunk in (chunks[0], chunks[len(chunks) // 2], chunks[-1]):
        written = re.fullmatch(r"bytes=(\d+)-(\d+)/(\d+)", chunk.content_range(Chunking().content_range, total))
        assert written is not None
        assert tuple(map(int, written.groups())) == (chunk.start, chunk.start + chunk.length - 1, total)


@given(JSON | TEXT)
def test_anything_is_a_whole_number_or_none(value: Any) -> None:
    number = whole_number(value)
    assert number is None or isinstance(number, int)
    with contextlib.suppress(IttybitError):
        as_seconds(value, "timeout")


SECRET = some.text(some.sampled_from("abcdefghij0123456789-_~"), min_size=20, max_size=40)
PLACES = some.sampled_from(
    [
        "https://bucket.example/a/b.mp4?{0}",
        "https://bucket.example/a.mp4?x=1&X-Amz-Signature={0}&y=2",
        "s3://AKIA:{0}@bucket/a.mp4",
        "https://user:{0}@host.example/a.mp4?b=c",
        "see https://bucket.example/a.mp4?token={0} for more",
        "HTTPS://BUCKET.EXAMPLE?sig={0}",
        "//host/x https://h?{0}#frag",
    ]
)


@given(SECRET, PLACES, TEXT, TEXT, some.just(0) | some.integers(MOST_WORDS - 200, MOST_WORDS))
@example("abcdefghij0123456789", "https://user:{0}@host.example/a.mp4?b=c", "", "", MOST_WORDS - 30)
def test_whatever_opens_a_url_is_found_and_left_out(
    secret: str, place: str, before: str, after: str, padding: int
) -> None:
    url = place.format(secret)
    for value in (url, [url], {"a": {"b": (url,)}}, {url: 1}):
        found = secrets_in(value)
        assert any(secret in one for one in found)
        shown = url
        for one in sorted(found, key=len, reverse=True):
            shown = shown.replace(one, "***")
        assert secret not in shown
    piece = secret[:10]  # of one that the words are cut in
    assume(piece not in before + after)
    assert piece not in readable_words(f"{before} {'x' * padding} {url} {after}")
    if not re.search(r"\s", url):
        assert secret not in presentable(url)


@given(TEXT)
def test_any_words_can_be_shown(text: str) -> None:
    shown = readable_words(text)
    assert is_plain(shown)
    assert len(shown) <= MOST_WORDS + 1
    shown.encode()
    assert readable_words("plain words, as they are: 1/2 (é) 東京") == "plain words, as they are: 1/2 (é) 東京"


@given(TEXT, TEXT)
def test_a_url_without_its_signature_is_the_same_however_it_was_signed(path: str, query: str) -> None:
    base = f"https://h.example/{quote(path, errors='replace')}?id={quote(query, errors='replace')}"
    first, second = (without_signature(f"{base}&X-Amz-Date={n}&X-Amz-Signature={n * 7}") for n in (1, 2))
    assert first == second == base


FETCHED = some.sampled_from(
    [
        "http://",
        "HTTPS://h.example/",
        " https://h.example:1/a/",
        "https://h.example:",
        "https://[",
        "https://user:hush@h.example/",
        "https://h.example/a?sig=",
        "https://h.example/a.mp4#",
    ]
)


@given(some.builds("{}{}".format, FETCHED, TEXT))
@example("https://h.example/a.mp4")
@example("https://h.example/\ud800")
@pytest.mark.filterwarnings("ignore")
def test_any_url_is_a_source_that_shows_no_secret_or_is_refused(url: str) -> None:
    source = outcome(lambda: as_source(url))
    if isinstance(source, IttybitError):
        return
    assert isinstance(source, UrlSource)
    assert source.url == url.strip()
    for shown in (str(source), repr(source)):
        assert "?" not in shown
        assert "hush" not in shown
    if url.isascii():
        check_json(source.name)


@given(JSON.filter(lambda value: not isinstance(value, str)) | TEXT.map("\0{}".format))
@example(b"a.mp4")
@example("")
def test_what_is_neither_a_path_nor_a_url_is_refused(value: Any) -> None:
    assert isinstance(outcome(lambda: as_source(value)), IttybitError)
