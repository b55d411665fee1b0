"""A real process that waits for an answer which never comes ends soon after Airflow's signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


@pytest.mark.parametrize("name", [*TASKS, HOOK])
def test_a_process_that_waits_for_an_answer_ends_soon_after_sigterm(name: str) -> None:
    with FaultServer(faults.silence, good) as server:
        connected = connection(server.url, timeout=TIMEOUT, version="files-flat")
        environment = {**os.environ, "PYTHONPATH": str(TESTS), "AIRFLOW_CONN_ITTYBIT_DEFAULT": connected}
        command = [sys.executable, "-m", "reliability.killed_process", name]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
            try:
                assert server.was_met.wait(120)
                process.send_signal(signal.SIGTERM)
                begun = time.monotonic()
                _, told = process.communicate(timeout=SOON)
            finally:
                process.kill()
        assert time.monotonic() - begun < SOON
        assert process.returncode == 1
        assert "IttybitStoppedError" in told
        assert len(server.met) == 1
