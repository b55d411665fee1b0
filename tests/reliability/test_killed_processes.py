"""Real processes that wait for an answer, or for bytes, which never come end soon after Airflow's signal."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from reliability import faults
from reliability.bounds import KILLED
from reliability.killed_process import FETCHES, HOOK, TASKS, UPLOADS
from reliability.operations import connection, signing_for
from reliability.servers import FaultServer, Line, encoded
from unit.transport.certificates import new_authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unit.transport.certificates import Authority

TESTS = Path(__file__).parents[1]
TIMEOUT = 600
"""Seconds of the connection: whatever ends much earlier did not wait for its answer."""
AGAIN = 1.0
"""Seconds after which the signal is sent once more."""
HUNG = 30
"""Seconds after which a process that is still there is ended."""
NAMES = (*TASKS, HOOK)
LOOKS = {"fetch a file that is looked at": 1, "fetch a file under way": 2}
"""Requests after which the server of a file says no more than its headers: one asks for its size, one for its first
bytes, and one for all."""
TOGETHER = {"upload in chunks": 2}
"""Requests that may be under way when a process is killed; elsewhere it is one."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    :param code: its exit code.
    :param words: what it printed, the error that it ended with at last.
    :param requests: how many it had sent.
    :param seconds: from the signal to its end.
    """

    code: int
    words: str
    requests: int
    seconds: float


def lines(output: IO[str]) -> dict[str, list[str]]:
    """Read a line for each process; there are fewer if they had to be ended."""
    told = dict(output.readline().strip().split(": ") for _ in NAMES)
    return {name: words.split() for name, words in told.items()}


def end(group: int) -> None:
    """End whatever is left of a group of processes, should the test have failed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def terminated(process: int) -> Iterator[None]:
    """Tell a process to end, and again each second: one that just begins to wait does not notice the first word."""
    itself, over = os.pidfd_open(process), threading.Event()  # which no other process gets, as it may the id

    def tell() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not over.is_set():
                signal.pidfd_send_signal(itself, signal.SIGTERM)
                over.wait(AGAIN)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        os.close(itself)


def headers_only(line: Line) -> None:
    """Announce a file, and send none of it."""
    line.say(encoded(200, json.dumps(line.good).encode()).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    line.over.wait()


def shelf_for(name: str) -> FaultServer:
    """Make the server of a file, which at last falls silent."""
    numbers = itertools.count(1)
    return FaultServer(headers_only, lambda _: "moving pictures", lambda _: next(numbers) > LOOKS[name])


def server_for(name: str, authority: Authority) -> FaultServer:
    """Make an ittybit that never answers, an upload not when its bytes are there."""
    server = FaultServer(
        faults.silence,
        signing_for(lambda: server.url),
        lambda line: line.startswith("PUT ") or name not in {**UPLOADS, **FETCHES},
        tls=authority.server_for("127.0.0.1") if name.endswith("TLS") else None,
    )
    return server


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Begin all processes, kill each as soon as it waits for its answer, and tell how they ended."""
    folder = tmp_path_factory.mktemp("killed")
    authority = new_authority(folder, "own-authority")
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(server_for(name, authority)) for name in NAMES}
        silent = servers | {name: stack.enter_context(shelf_for(name)) for name in FETCHES}
        (folder / "clip.mp4").write_bytes(b"abc")
        for name, server in servers.items():
            extra = {"ca_bundle": str(authority.ca_file)} if server.tls else {}
            connected = connection(server.url, timeout=TIMEOUT, version="files-flat", **extra)
            (folder / f"{name}.json").write_text(connected)
            source = f"{silent[name].url}/clip.mp4" if name in FETCHES else str(folder / "clip.mp4")
            (folder / f"{name}.source").write_text(source)
        command = [sys.executable, "-m", "reliability.killed_process", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        process = stack.enter_context(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - ours
        )
        stack.callback(end, process.pid)
        assert process.stdout is not None
        begun, signalled = lines(process.stdout), dict[str, float]()
        for name, server in silent.items():
            assert server.was_met.wait(120)
            signalled[name] = time.monotonic()
            stack.enter_context(terminated(int(begun[name][0])))
        limit = threading.Timer(HUNG, end, [process.pid])
        limit.start()
        stack.callback(limit.cancel)
        told = lines(process.stdout)
        words = {name: (folder / f"{name}.txt").read_text() for name in NAMES}
        return {
            name: Ended(int(code), words[name], len(silent[name].met), float(ended) - signalled[name])
            for name, (code, ended) in told.items()
        }


@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_waits_for_an_answer_ends_soon_after_sigterm(
    name: str, killed: dict[str, Ended], record_property: Callable[[str, object], None]
) -> None:
    assert killed[name].code == 1
    assert "IttybitStoppedError" in killed[name].words
    assert 1 <= killed[name].requests <= TOGETHER.get(name, 1)
    KILLED.check(killed[name].seconds, record_property)
