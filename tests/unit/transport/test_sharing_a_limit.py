"""Several processes, their threads and a triggerer's poller on one key, against a real rate limit.

It takes some 10 seconds, since the limit is one of real time: no clock can be set for several processes. What many more
would do is simulated in test_turns.py.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reliability.bounds import LONGEST_READ, REFUSED

from airflow_provider_ittybit.transport import shared_line
from airflow_provider_ittybit.triggers import registry
from airflow_provider_ittybit.triggers.registry import Pollers

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

WORKER = Path(__file__).with_name("limited_worker.py")
PROCESSES, THREADS, READS = 2, 4, 9
TRIGGERS = 4
LIMIT = 10
LONGEST_BETWEEN_POLLS = 3.0
"""Seconds: the triggerer asks for one turn in a limit that gives it one in nine."""


async def wait_for_all(names: list[str], until: asyncio.Event) -> int:
    """Wait as the triggerer does for all of these, none of which ever ends; return how many are still waited for."""
    pollers = Pollers()
    settings = await registry.settings_of("ittybit_default")
    waiters = [pollers.subscribe("ittybit_default", settings, name, poll_interval=0.5, concurrency=4) for name in names]
    await until.wait()
    waiting = [waiter for waiter in waiters if not waiter.future.done() and waiter.status == "waiting"]
    for waiter in waiters:
        await waiter.poller.leave(waiter)
    return len(waiting)


def started(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this Python


@pytest.mark.usefixtures("patience")  # some 15 % are refused, more when the machine stands still: then it runs again
async def test_workers_and_a_triggerer_share_a_limit_and_nobody_starves(
    connect: Callable[..., RunningEmulator],
    hook_for: Callable[..., Any],
    image: Path,
    record_property: Callable[[str, object], None],
) -> None:
    emulator = connect("files-flat")
    emulator.control.settings(processing="held")
    hook = hook_for("files-flat")
    names = [str((await asyncio.to_thread(hook.upload_media, image))["id"]) for _ in range(TRIGGERS)]
    emulator.control.forget_requests()
    given = {"host": emulator.api_url, "key": emulator.api_key, "file": names[0], "folder": shared_line.FOLDER}
    command = [sys.executable, str(WORKER), json.dumps({**given, "threads": THREADS, "reads": READS})]
    with ExitStack() as stack:
        workers = [stack.enter_context(started(command)) for _ in range(PROCESSES)]
        for worker in workers:
            assert worker.stdout is not None
            assert await asyncio.to_thread(worker.stdout.readline) == "ready\n"
        emulator.control.settings(rate_limit={"requests": LIMIT, "per_seconds": 1})
        done = asyncio.Event()
        triggerer = asyncio.create_task(wait_for_all(names, done))
        began = time.monotonic()
        answers = await asyncio.gather(*(asyncio.to_thread(worker.communicate, "go\n") for worker in workers))
        took = time.monotonic() - began
        done.set()
        waiting = await triggerer
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    told = [json.loads(output.splitlines()[-1]) for output, _ in answers]  # after the lines of its log
    threads = [[end for _, end in reads] for process in told for reads in process]
    longest = max(end - began for process in told for reads in process for began, end in reads)
    first_done = min(ends[-1] for ends in threads)
    by_then = sorted(sum(end <= first_done for end in ends) for ends in threads)
    requests = emulator.control.requests()
    refused = sum(request["status"] == 429 for request in requests)
    polled = sum("triggerer" in request["user_agent"] and request["status"] == 200 for request in requests)
    figures = f"{refused} of {len(requests)} refused, {polled} polls, longest read {longest:.1f} s, all {took:.1f} s"
    figures += f"; reads of each thread when the first was done: {by_then}"
    print(figures)  # noqa: T201 - the figures are what one looks at when it fails
    assert [len(ends) for ends in threads] == [READS] * (PROCESSES * THREADS)
    assert waiting == TRIGGERS, figures
    REFUSED.check(100 * refused / len(requests), record_property)
    LONGEST_READ.check(longest, record_property)  # on a busy machine; some 4 s on a free one
    assert by_then[0] >= 1, figures  # mostly 5 of 9, and 2 where the machine has ten times the work that it can do
    assert polled >= took / LONGEST_BETWEEN_POLLS, figures
