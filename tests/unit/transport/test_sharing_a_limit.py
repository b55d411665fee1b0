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


async def test_workers_and_a_triggerer_share_a_limit_and_nobody_starves(
    connect: Callable[..., RunningEmulator], hook_for: Callable[..., Any], image: Path
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
    reads = [seconds for threads in told for thread in threads for seconds in thread]
    requests = emulator.control.requests()
    refused = sum(request["status"] == 429 for request in requests)
    polled = sum("triggerer" in request["user_agent"] and request["status"] == 200 for request in requests)
    figures = f"{refused} of {len(requests)} refused, {polled} polls, longest read {max(reads):.1f} s, all {took:.1f} s"
    print(figures)  # noqa: T201 - the figures are what one looks at when it fails
    assert len(reads) == PROCESSES * THREADS * READS
    assert waiting == TRIGGERS, figures
    assert refused <= 0.2 * len(requests), figures
    assert max(reads) <= 20, figures  # on a busy machine; 4 s on a free one
    assert polled >= 2, figures
