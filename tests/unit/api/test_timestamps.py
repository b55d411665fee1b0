"""Times as ittybit writes them, and as users give them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pendulum
import pytest

from airflow_provider_ittybit.api.decoding import read_page, read_resource
from airflow_provider_ittybit.api.messages import Request
from airflow_provider_ittybit.api.timestamps import as_time, created_at, http_date, read_time
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.api.messages import Response

GET = Request("GET", "/x")


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2025-01-01T01:23:45Z", "2025-01-01T01:23:45Z"),
        ("2025-08-20T10:00:00.123Z", "2025-08-20T10:00:00.123000Z"),
        ("2025-08-20T12:00:00+02:00", "2025-08-20T10:00:00Z"),
        ("2025-08-20T10:00:00", "2025-08-20T10:00:00Z"),
        ("2025-08-20 10:00:00", "2025-08-20T10:00:00Z"),
        ("2025-08-20", "2025-08-20T00:00:00Z"),
        ("20250820", "2025-08-20T00:00:00Z"),
        ("20250820T100000", "2025-08-20T10:00:00Z"),
        (" 2025-08-20T10:00:00Z\n", "2025-08-20T10:00:00Z"),
        ("2024-01-01Z10:10:10.1010", "2024-01-01T10:10:10.101000Z"),
        (1757894400, "2025-09-15T00:00:00Z"),
        (1757894400.5, "2025-09-15T00:00:00.500000Z"),
        ("1757894400", "2025-09-15T00:00:00Z"),
        ("1757894400.25", "2025-09-15T00:00:00.250000Z"),
        (1764547200123, "2025-12-01T00:00:00.123000Z"),
        ("1764547200123", "2025-12-01T00:00:00.123000Z"),
        (0, "1970-01-01T00:00:00Z"),
        (99_999_999_999, "5138-11-16T09:46:39Z"),
        (100_000_000_000, "1973-03-03T09:46:40Z"),
        (253_402_300_799_000, "9999-12-31T23:59:59Z"),
    ],
)
def test_every_form_of_time_is_read_in_utc(value: object, iso: str) -> None:
    read = read_time(value)
    assert read == pendulum.parse(iso)
    assert read is not None
    assert read.timezone_name == "UTC"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        " ",
        "soon",
        "2025-13-01",
        "2025-02-30T00:00:00Z",
        -1,
        -1.5,
        "-1",
        10**400,
        -(10**400),
        float("nan"),
        float("inf"),
        float("-inf"),
        253_402_300_799_001,
        "9" * 17,
        "1.2.3",
        "1757894400s",
        [],
        {},
        b"2025",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-12:00",
        "١٧٥٧٨٩٤٤٠٠",
        "\ud800",
    ],
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert read_time(value) is None


@pytest.mark.parametrize(
    ("name", "iso"),
    [
        ("resources/media_2024_03_21", "2024-03-21T09:08:07Z"),
        ("resources/media_early_2025_ready", "2025-02-01T00:00:00Z"),
        ("resources/file_2025_01_01", "2025-01-01T01:23:45Z"),
        ("resources/file_2025_08_20", "2025-08-20T10:00:00.123Z"),
        ("resources/upload_answer_flat_with_malformed_time", "2024-01-01T10:10:10.101Z"),
        ("resources/task_2025_09_15_succeeded", "2025-09-15T00:00:00Z"),
        ("resources/run_validating", "2025-09-15T00:00:00Z"),
        ("resources/event_task_succeeded", "2025-12-01T00:00:00Z"),
        ("resources/automation_late_2025", "2025-11-10T00:00:00Z"),
        ("resources/job_queued", "2025-12-01T00:00:00.123Z"),
        ("resources/task_of_jobs_waiting", "2025-12-01T00:00:00.123Z"),
        ("resources/signature_2025_08_20", None),
    ],
)
def test_the_creation_time_of_every_generation_is_read(
    recorded: Callable[[str], Response], name: str, iso: str | None
) -> None:
    assert created_at(read_resource(GET, recorded(name))) == (pendulum.parse(iso) if iso else None)


def test_both_time_forms_of_connections_mean_the_same(recorded: Callable[[str], Response]) -> None:
    old, new = read_page(GET, recorded("lists/connections_in_two_time_forms")).items
    assert created_at(old) == created_at(new) == pendulum.datetime(2025, 12, 1)


def test_the_newer_name_of_the_creation_time_wins_unless_it_is_null() -> None:
    assert created_at({"created_at": 1, "created": 2}) == pendulum.from_timestamp(1)
    assert created_at({"created_at": None, "created": 2}) == pendulum.from_timestamp(2)
    assert created_at({"created_at": 0, "created": 2}) == pendulum.from_timestamp(0)
    assert created_at({"updated": 2}) is None


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        (datetime(2025, 8, 20, 10, tzinfo=UTC), "2025-08-20T10:00:00Z"),
        (datetime(2025, 8, 20, 12, tzinfo=timezone(timedelta(hours=2))), "2025-08-20T10:00:00Z"),
        (datetime(2025, 8, 20, 10), "2025-08-20T10:00:00Z"),  # noqa: DTZ001 - a time without zone is the case
        (pendulum.datetime(2025, 8, 20, 12, tz="Europe/Berlin"), "2025-08-20T10:00:00Z"),
        ("2025-08-20T10:00:00+00:00", "2025-08-20T10:00:00Z"),
        ("20250820", "2025-08-20T00:00:00Z"),
        (1755684000, "2025-08-20T10:00:00Z"),
    ],
)
def test_a_user_may_give_a_datetime_text_or_seconds(value: object, iso: str) -> None:
    assert as_time(value, "created_after") == pendulum.parse(iso)


def test_a_time_left_out_is_no_limit() -> None:
    assert as_time(None, "created_after") is None


@pytest.mark.parametrize("value", ["", "None", " ", "yesterday", True, [], date(2025, 8, 20), timedelta(days=1)])
def test_what_a_user_gives_and_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(IttybitInputError, match=r"created_after=.*is not a time"):
        as_time(value, "created_after")


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("Fri, 22 Aug 2025 10:00:30 GMT", "2025-08-22T10:00:30+00:00"),
        ("Fri, 22 Aug 2025 12:00:30 +0200", "2025-08-22T12:00:30+02:00"),
        ("Fri, 22 Aug 2025 10:00:30 -0000", "2025-08-22T10:00:30+00:00"),
    ],
)
def test_the_date_in_a_header_is_read(value: str, iso: str) -> None:
    date_in_header = http_date(value)
    assert date_in_header is not None
    assert date_in_header.isoformat() == iso


@pytest.mark.parametrize("value", [None, "", "soon", "2025-08-22", "Fri", "\0", "Fri, 99 Aug 2025 10:00:30 GMT"])
def test_a_header_without_a_date_has_none(value: str | None) -> None:
    assert http_date(value) is None
