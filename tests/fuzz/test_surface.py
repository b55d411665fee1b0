"""The emulator against thousands of odd requests, which schemathesis makes from its own OpenAPI documents.

Nothing is an answer that is not documented, nothing a 500, nothing hangs, and afterwards everything still works. All
processing is held, so that no address that the requests name is ever asked for anything.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fuzz.effort import IS_LARGE, effort
from hypothesis import given

from airflow_provider_ittybit.emulator.profiles import GENERATIONS
from airflow_provider_ittybit.emulator.running import RunningEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SURFACES = [
    *((generation, "api") for generation in GENERATIONS),
    ("media", "uploads"),
    ("files-enveloped", "delivery"),
    ("files-flat", "delivery"),
    ("jobs", "delivery"),
    ("media", "control"),
]
LONGEST_REQUEST = 20
"""Seconds after which a request counts as hanging."""
NOT_OURS = "Invalid HTTP request received."
"""What the HTTP server itself answers to what is no HTTP."""


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[RunningEmulator]:
    """An emulator of its own, with something in it."""
    with RunningEmulator(tmp_path / "state", processing="held", answer_wait=0) as running:
        yield running


def fill(emulator: RunningEmulator) -> None:
    """Make one of everything."""
    key = {"Authorization": f"Bearer {emulator.api_key}"}
    for version, base, path, body in (
        ("files-flat", emulator.api_url, "/files", {"url": "http://127.0.0.1:9/a.mp4"}),
        ("files-flat", emulator.api_url, "/tasks", {"url": "http://127.0.0.1:9/a.mp4", "kind": "image"}),
        ("tasks", emulator.api_url, "/tasks", {"url": "http://127.0.0.1:9/a.mp4", "kind": "image"}),
        ("jobs", emulator.api_url, "/jobs", {"input": "http://127.0.0.1:9/a.mp4", "kind": "image"}),
    ):
        answer = httpx.post(f"{base}{path}", json=body, headers={**key, "Accept-Version": version})
        assert answer.status_code in (201, 202), answer.text
    httpx.put(f"{emulator.delivery_url}/a.bin", content=b"12345", headers=key).raise_for_status()


def still_works(emulator: RunningEmulator) -> None:
    """Read every list of every generation to its last page: nothing that was sent may have broken one of them."""
    assert emulator.control.health()["status"] == "ok"
    emulator.control.settings(rate_limit=None)
    emulator.control.clear_faults()
    for generation, paths in {
        "media": ("/media", "/videos", "/images", "/audio"),
        "files-enveloped": ("/files", "/media", "/tasks"),
        "files-flat": ("/files", "/media", "/tasks"),
        "tasks": ("/tasks", "/runs", "/events"),
        "jobs": ("/jobs",),
    }.items():
        headers = {"Authorization": f"Bearer {emulator.api_key}", "Accept-Version": generation}
        with httpx.Client(base_url=emulator.api_url, headers=headers, timeout=30) as client:
            for path in paths:
                assert client.get(path, params={"limit": 100}).status_code == 200, (generation, path)


def headers_for(emulator: RunningEmulator, generation: str) -> dict[str, str]:
    return {"Accept-Version": generation, "Authorization": f"Bearer {emulator.api_key}"}


def server(emulator: RunningEmulator, surface: str) -> str:
    return str(httpx.get(address(emulator, surface)).json()["servers"][0]["url"])


def address(emulator: RunningEmulator, surface: str) -> str:
    return f"{emulator.api_url}/openapi.json?surface={surface}"


@pytest.mark.parametrize(("generation", "surface"), SURFACES)
def test_no_request_finds_an_answer_that_is_not_documented(
    fuzzed: RunningEmulator, generation: str, surface: str
) -> None:
    import schemathesis  # takes two seconds, of those who run this only
    from schemathesis.specs.openapi import checks

    wanted = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    fill(fuzzed)
    headers = headers_for(fuzzed, generation)
    schema = schemathesis.openapi.from_url(address(fuzzed, surface), headers=headers)
    port = server(fuzzed, surface)
    for found in schema.get_all_operations():
        operation = found.ok()
        right, wrong = (operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode)

        @effort(2, 400)
        @given(case=right | wrong)
        def ask(case: Any) -> None:
            answer = case.call(base_url=port, headers=headers, timeout=LONGEST_REQUEST)
            if answer.text != NOT_OURS:
                case.validate_response(answer, checks=wanted, headers=headers)

        ask()
    still_works(fuzzed)


@pytest.mark.skipif(not IS_LARGE, reason="each takes half a minute; HYPOTHESIS_PROFILE=fuzz runs it")
@pytest.mark.parametrize(("generation", "surface"), SURFACES)
def test_each_bound_of_each_field_and_each_sequence_finds_a_documented_answer(
    fuzzed: RunningEmulator, generation: str, surface: str, *, tmp_path: Path
) -> None:
    fill(fuzzed)
    command = [sys.executable, "-m", "schemathesis.cli", "run", address(fuzzed, surface), "--no-color"]
    command += ["--url", server(fuzzed, surface)]
    for name, value in headers_for(fuzzed, generation).items():
        command += ["-H", f"{name}: {value}"]
    command += ["--phases", "examples,coverage,stateful", "--max-examples", "100", "--checks"]
    command += ["status_code_conformance,response_headers_conformance,response_schema_conformance"]
    command += ["--request-timeout", str(LONGEST_REQUEST), "--generation-database", "none"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=3600, check=False)  # noqa: S603 - this Python
    assert done.returncode == 0, done.stdout + done.stderr
    still_works(fuzzed)
