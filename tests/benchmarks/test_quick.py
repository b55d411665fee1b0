"""The benchmark itself works, on small files and without any other package: what it compares does arrive."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks import servers
from benchmarks.certificates import make_certificates
from benchmarks.files import MIB, file_of
from benchmarks.job import Job, Outcome
from benchmarks.measured_process import measure
from benchmarks.rounds import ContenderError
from benchmarks.rounds import measure as measure_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = 8 * MIB
FRAMING = {"ittybit-multipart": 1024, "curl-form": 1024}
"""Bytes that a form may add."""
OURS = ("ittybit-multipart", "ittybit-put", "ittybit-chunked")

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux does")

Addresses = dict[str, str]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Addresses, Callable[[str, str], Job]]]:
    """A running sink, and what makes a job for it."""
    folder = tmp_path_factory.mktemp("benchmark")
    certificates, path = make_certificates(folder), file_of(folder, SIZE)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with servers.sink(certificates, 100 * MIB, environment) as addresses:
        yield (
            addresses,
            lambda contender, scheme: Job(contender, str(path), addresses[scheme], str(certificates.authority)),
        )


@pytest.mark.parametrize(
    ("contender", "scheme"),
    [*itertools.product(OURS, ("http", "https")), ("ittybit-chunked", "https-limited"), ("requests-data", "http")],
)
def test_all_bytes_of_an_upload_arrive_and_it_is_measured(
    prepared: tuple[Addresses, Callable[[str, str], Job]],
    monkeypatch: pytest.MonkeyPatch,
    contender: str,
    scheme: str,
) -> None:
    addresses, job = prepared
    monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", "")  # so that what the job sets is taken back
    servers.received(addresses)
    outcome = measure(job(contender, scheme))
    assert 0 <= servers.received(addresses) - SIZE <= FRAMING.get(contender, 0)
    assert outcome.seconds > 0
    assert 0 < outcome.before <= outcome.peak + MIB  # the kernel adds up the pages of threads from time to time only


@pytest.mark.parametrize("contender", OURS)
def test_nothing_is_imported_while_it_is_measured(
    prepared: tuple[Addresses, Callable[[str, str], Job]], contender: str
) -> None:
    addresses, job = prepared
    outcome = measure_apart(job(contender, "https"), {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})
    assert outcome.late == []
    assert servers.received(addresses) >= SIZE


@pytest.mark.parametrize("late", [[], ["json.tool"]])
def test_a_run_that_imports_while_it_is_measured_is_refused(late: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = "\n" + Outcome(1.0, 0.5, 0, 0, late).dump() + "\n"
    done = subprocess.CompletedProcess([], 0, stdout=said, stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    refused = pytest.raises(ContenderError, match=r"imported while it was measured.*json\.tool")
    with refused if late else contextlib.nullcontext():
        measure_apart(Job("ittybit-put", "", "", ""), {})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("contender", ["curl-form", "curl-put"])
def test_all_bytes_of_curl_arrive_and_it_is_measured(
    prepared: tuple[Addresses, Callable[[str, str], Job]], contender: str, scheme: str
) -> None:
    addresses, job = prepared
    servers.received(addresses)
    outcome = measure_apart(job(contender, scheme), os.environ)
    assert 0 <= servers.received(addresses) - SIZE <= FRAMING.get(contender, 0)
    assert outcome.seconds > 0
