"""Which generation a request gets, and what happens to one that the emulator does not speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ittybit.emulator.profiles import (
    GENERATIONS,
    UnknownVersionError,
    resolve,
    version_header,
    version_shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from airflow_provider_ittybit.emulator.running import RunningEmulator


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("2021-04-01", "media"),
        ("2024-03-20", "media"),
        ("2025-01-01", "files-enveloped"),
        ("2025-08-19", "files-enveloped"),
        ("2025-08-20", "files-flat"),
        ("2025-09-14", "files-flat"),
        ("2025-09-15", "tasks"),
        ("2031-01-01", "tasks"),
        *((name, name) for name in GENERATIONS),
        (None, "files-flat"),
        ("", "files-flat"),
        ("latest", "files-flat"),
    ],
)
def test_a_version_value_means_one_generation(value: str | None, name: str) -> None:
    assert resolve(value, "2025-08-20").name == name


@pytest.mark.parametrize("value", ["2024-03-21", "2024-12-31", "tomorrow", "2025-13-01", "v2", "2025-8-20"])
def test_a_version_that_the_emulator_does_not_speak_is_refused_by_name(value: str) -> None:
    with pytest.raises(UnknownVersionError, match=value):
        resolve(value, "2025-08-20")


def test_nothing_and_latest_follow_the_default_version() -> None:
    assert [resolve(value, "jobs").name for value in (None, "latest", "2025-01-01")] == [
        "jobs",
        "jobs",
        "files-enveloped",
    ]


def test_accept_version_wins_and_the_underscored_header_counts_only_alone() -> None:
    both = {"accept-version": "2025-01-01", "ittybit-version": "2023-11-12", "accept_version": "jobs"}
    assert version_header(both) == "2025-01-01"
    del both["accept-version"]
    assert version_header(both) == "2023-11-12"
    assert version_header({"accept_version": "2025-01-01"}) == "2025-01-01"
    assert version_header({}) is None


def test_an_envelope_names_a_version_of_its_own_generation() -> None:
    assert version_shown("2025-03-01", "2025-08-20", GENERATIONS["files-enveloped"]) == "2025-03-01"
    assert version_shown(None, "2025-08-20", GENERATIONS["files-enveloped"]) == "2025-01-01"
    assert version_shown("media", "2025-08-20", GENERATIONS["media"]) < "2024-03-21"


@pytest.mark.parametrize("header", ["Accept-Version", "Ittybit-Version", "ACCEPT_VERSION"])
def test_each_version_header_reaches_the_server(speak: Callable[..., httpx.Client], header: str) -> None:
    assert speak("2025-01-01", header).get("/files").json()["meta"]["version"] == "2025-01-01"


@pytest.mark.parametrize("value", ["2024-08-21", "nonsense"])
def test_an_unknown_version_is_answered_400_naming_it(speak: Callable[..., httpx.Client], value: str) -> None:
    answer = speak(value).get("/files")
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    assert value in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "kind"), [("/jobs/job_0", "job_not_found"), ("/runs/run_0", "run_not_found"), ("/events/evt_0", None)]
)
def test_a_path_of_one_generation_only_needs_no_header(
    speak: Callable[..., httpx.Client], path: str, kind: str | None
) -> None:
    body = speak(None).get(path).json()
    assert body["kind"] == (kind or "event_not_found")


@pytest.mark.parametrize(
    ("version", "path"),
    [("media", "/files"), ("files-flat", "/runs"), ("tasks", "/files"), ("tasks", "/jobs"), ("jobs", "/media")],
)
def test_a_path_that_a_generation_does_not_have_is_not_found(
    speak: Callable[..., httpx.Client], version: str, path: str
) -> None:
    assert speak(version).get(path).status_code == 404


@pytest.mark.parametrize(
    ("version", "method", "path", "keys"),
    [
        ("media", "PATCH", "/media/med_0", {"meta", "error"}),
        ("files-enveloped", "PUT", "/files", {"meta", "data", "error", "links"}),
        ("files-flat", "PUT", "/files", {"message"}),
        ("tasks", "DELETE", "/tasks", {"kind", "message"}),
        ("jobs", "DELETE", "/jobs", {"kind", "message"}),
    ],
)
def test_a_method_that_a_path_does_not_have_is_405_in_the_shape_of_the_generation(
    speak: Callable[..., httpx.Client], version: str, method: str, path: str, keys: set[str]
) -> None:
    answer = speak(version).request(method, path)
    assert (answer.status_code, set(answer.json())) == (405, keys)
    assert answer.headers["allow"]


def test_the_default_version_can_be_changed_while_it_runs(
    emulator: RunningEmulator, speak: Callable[..., httpx.Client]
) -> None:
    emulator.control.settings(default_version="files-enveloped")
    assert "meta" in speak(None).get("/files").json()
    assert "meta" in speak("latest").get("/files").json()
