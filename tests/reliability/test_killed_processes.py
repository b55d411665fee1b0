"""Real processes that wait for an answer which never comes end soon after Airflow's signal."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from reliability import faults
from reliability.killed_process import HOOK, TASKS
from reliability.operations import connection, good
from reliability.servers import FaultServer

TESTS = Path(__file__).parents[1]
TIMEOUT = 600
"""Seconds of the connection: whatever ends much earlier did not wait for its answer."""
SOON = 30
"""Seconds that are enough on a machine with much else to do; it takes 3 on one without."""
NAMES = (*TASKS, HOOK)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    :param code: its exit code.
    :param words: what it printed, the error that it ended with at last.
    :param requests: how many it had sent.
    """

    code: int
    words: str
    requests: int


def lines(output: IO[str]) -> dict[str, int]:
    """Read a line for each process; there are fewer if they had to be ended."""
    told = dict(output.readline().strip().split(": ") for _ in NAMES)
    return {name: int(number) for name, number in told.items()}


def end(group: int) -> None:
    """End whatever is left of a group of processes, should the test have failed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Begin all processes, kill each as soon as it waits for its answer, and tell how they ended."""
    folder = tmp_path_factory.mktemp("killed")
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(FaultServer(faults.silence, good)) for name in NAMES}
        for name, server in servers.items():
            connected = connection(server.url, timeout=TIMEOUT, version="files-flat")
            (folder / f"{name}.json").write_text(connected)
        command = [sys.executable, "-m", "reliability.killed_process", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        process = stack.enter_context(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - ours
        )
        stack.callback(end, process.pid)
        assert process.stdout is not None
        begun = lines(process.stdout)
        for name, server in servers.items():
            assert server.was_met.wait(120)
            os.kill(begun[name], signal.SIGTERM)
        limit = threading.Timer(SOON, end, [process.pid])
        limit.start()
        stack.callback(limit.cancel)
        codes = lines(process.stdout)
        words = {name: (folder / f"{name}.txt").read_text() for name in NAMES}
        return {name: Ended(codes[name], words[name], len(servers[name].met)) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_waits_for_an_answer_ends_soon_after_sigterm(name: str, killed: dict[str, Ended]) -> None:
    assert killed[name].code == 1
    assert "IttybitStoppedError" in killed[name].words
    assert killed[name].requests == 1
