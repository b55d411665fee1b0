"""The table of generations, and which of them a version means."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from airflow_provider_ittybit.api.generations import (
    BY_NAME,
    DEFAULT_VERSION,
    GENERATIONS,
    Generation,
    Paging,
    TaskShape,
    Upload,
    read_pin,
)
from airflow_provider_ittybit.exceptions import IttybitConfigurationError, IttybitUnsupportedError

NAMES = ["media", "files-enveloped", "files-flat", "tasks", "jobs"]


@pytest.mark.parametrize(
    ("api_version", "name", "version"),
    [
        (None, "files-flat", "2025-08-20"),
        ("latest", "files-flat", None),
        ("2023-09-26", "media", "2023-09-26"),
        ("2024-03-20", "media", "2024-03-20"),
        ("2025-01-01", "files-enveloped", "2025-01-01"),
        ("2025-07-01", "files-enveloped", "2025-07-01"),
        ("2025-08-19", "files-enveloped", "2025-08-19"),
        ("2025-08-20", "files-flat", "2025-08-20"),
        (" 2025-08-20\n", "files-flat", "2025-08-20"),
        ("2025-09-14", "files-flat", "2025-09-14"),
        ("2025-09-15", "tasks", "2025-09-15"),
        ("2025-12-01", "tasks", "2025-12-01"),
        ("2031-01-01", "tasks", "2031-01-01"),
        ("files-enveloped", "files-enveloped", "2025-01-01"),
        ("files-flat", "files-flat", "2025-08-20"),
        ("jobs", "jobs", None),
    ],
)
def test_a_version_means_a_generation_and_a_header_value(
    api_version: str | None, name: str, version: str | None
) -> None:
    pin = read_pin(api_version)
    assert (pin.generation.name, pin.version) == (name, version)


@pytest.mark.parametrize(
    "api_version",
    [
        "",
        "2024-03-21",
        "2024-08-21",
        "2024-12-31",
        "v1",
        "2025",
        "2025-8-20",
        "20250820",
        "2025-08-20T00:00:00Z",
        "2025-13-01",
        "2025-00-01",
        "2025-08-32",
        "2025-08-2\u0660",
        "\uff12\uff10\uff12\uff15-08-20",
        "Latest",
        "FILES-FLAT",
        "../media",
        "\0",
    ],
)
def test_an_unknown_version_is_refused_with_the_choices(api_version: str) -> None:
    with pytest.raises(IttybitConfigurationError) as raised:
        read_pin(api_version)
    assert f"api_version={api_version!r}" in str(raised.value)
    assert "Without it, 2025-08-20 counts" in str(raised.value)
    for choice in (*NAMES, "latest", "YYYY-MM-DD", "up to 2024-03-20", "2025-08-20 to 2025-09-14", "from 2025-09-15"):
        assert choice in str(raised.value)


def test_the_rows_are_those_of_the_api_oldest_first() -> None:
    assert [row.name for row in GENERATIONS] == NAMES
    assert list(BY_NAME) == NAMES
    assert read_pin(DEFAULT_VERSION).generation is BY_NAME["files-flat"]


def test_no_date_means_two_generations() -> None:
    day = date(2023, 1, 1)
    for offset in range(1500):
        iso = (day + timedelta(days=offset)).isoformat()
        covering = [
            row.name for row in GENERATIONS if row.first or row.last if (row.first or "") <= iso <= (row.last or "9")
        ]
        assert len(covering) <= 1, iso
        assert bool(covering) == (not "2024-03-21" <= iso <= "2024-12-31"), iso


def test_the_version_header_is_the_one_of_its_time() -> None:
    headers = {row.name: row.version_header for row in GENERATIONS}
    assert headers.pop("media") == "Ittybit-Version"
    assert set(headers.values()) == {"Accept-Version"}


@pytest.mark.parametrize(
    ("name", "paging", "limits", "shape", "ways"),
    [
        ("media", Paging.LINKS, (1, 250), None, (Upload.MULTIPART, Upload.INGEST)),
        (
            "files-enveloped",
            Paging.PAGES,
            (1, 100),
            TaskShape.FLAT,
            (Upload.SIGNED_PUT, Upload.DIRECT_PUT, Upload.INGEST),
        ),
        ("files-flat", Paging.PAGES, (1, 100), TaskShape.FLAT, (Upload.SIGNED_PUT, Upload.DIRECT_PUT, Upload.INGEST)),
        ("tasks", Paging.CURSORS, (1, 100), TaskShape.NESTED, (Upload.INGEST, Upload.SELF_SIGNED_PUT)),
        ("jobs", Paging.CURSORS, (1, 100), TaskShape.JOB, (Upload.INGEST, Upload.SELF_SIGNED_PUT)),
    ],
)
def test_each_row_holds_what_its_pages_document(
    name: str, paging: Paging, limits: tuple[int, int], shape: TaskShape | None, ways: tuple[Upload, ...]
) -> None:
    row = BY_NAME[name]
    assert (row.paging, row.limits, row.task_shape, row.uploads) == (paging, limits, shape, ways)


def test_only_jobs_know_idempotency_keys() -> None:
    assert [row.name for row in GENERATIONS if row.idempotency] == ["jobs"]


ABLE = {
    ("media", "list"): ["media", "files-enveloped", "files-flat"],
    ("media", "update"): ["files-enveloped", "files-flat"],
    ("media", "delete"): ["media", "files-enveloped", "files-flat"],
    ("videos", "list"): ["media"],
    ("images", "list"): ["media"],
    ("audio", "list"): ["media"],
    ("files", "create"): ["files-enveloped", "files-flat"],
    ("signatures", "create"): ["files-enveloped", "files-flat"],
    ("tasks", "get"): ["files-enveloped", "files-flat", "tasks", "jobs"],
    ("tasks", "list"): ["files-enveloped", "files-flat", "tasks"],
    ("tasks", "create"): ["files-enveloped", "files-flat", "tasks", "jobs"],
    ("tasks", "delete"): [],
    ("runs", "list"): ["tasks"],
    ("events", "get"): ["tasks"],
    ("automations", "update"): ["files-enveloped", "files-flat", "tasks"],
    ("jobs", "create"): ["jobs"],
    ("jobs", "delete"): [],
    ("nonsense", "get"): [],
}


@pytest.mark.parametrize(("generation", "wish"), list(itertools.product(GENERATIONS, ABLE)))
def test_what_a_generation_lacks_is_refused_and_those_that_have_it_are_named(
    generation: Generation, wish: tuple[str, str]
) -> None:
    name, verb = wish
    able = ABLE[wish]
    if generation.name in able:
        assert verb in generation.resource(name, verb).verbs
        return
    with pytest.raises(IttybitUnsupportedError, match=f"{generation.name!r} cannot {verb} {name}") as raised:
        generation.resource(name, verb)
    message = str(raised.value)
    assert (f"These can: {', '.join(able)}." in message) if able else ("No generation" in message)


def test_a_row_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        GENERATIONS[0].name = "x"  # type: ignore[misc] # that it is refused is the test
    with pytest.raises(TypeError):
        GENERATIONS[0].resources["x"] = GENERATIONS[0].resources["media"]  # type: ignore[index] # as above
    with pytest.raises(TypeError):
        GENERATIONS[0].by_kind["x"] = "y"  # type: ignore[index] # as above
