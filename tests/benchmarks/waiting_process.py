"""Waits with many triggers in a process of its own: ``python -m benchmarks.waiting_process``, the job on stdin.

All triggers run on one event loop, as in Airflow's triggerer. What is measured is measured by a thread of its own, so
that a loop that is blocked, or that is hopelessly behind, ends in time as well.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import sys
import threading
import time
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

import greenback
from benchmarks.waiting_contenders import CONTENDERS
from benchmarks.waiting_figures import lateness
from benchmarks.waiting_job import Event, Job, Outcome
from benchmarks.waiting_server import more_files

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from benchmarks.waiting_contenders import Waits

PROBE = 0.01
WARM_UP = 3
WARM_UP_LIMIT = 60
SHOWN = 120


class TooMuchMemoryError(Exception):
    """The process needs more memory than it may have."""


class Watch:
    """What is seen of a run while it goes on.

    :param job: what is done.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.outcome = Outcome()
        self.begins = self.ends = float("inf")
        self._probed_at: float | None = None
        self._before = (0, 0)

    def begin(self) -> None:
        """Tell the server to begin, and note the memory before the first trigger."""
        job = self.job
        query = f"waiting={job.waiting}&spread={job.spread}&seconds={job.seconds}&share={job.share}&number={job.number}"
        with build_opener(ProxyHandler({})).open(f"{job.control}/control/begin?{query}", timeout=10) as answer:
            times = json.load(answer)
        gc.collect()
        give_back()
        self._before = memory()
        self.begins, self.ends = times["begins"], times["ends"]

    async def probe(self) -> None:
        """Note again and again how late the event loop is, after what else is measured: it costs CPU itself."""
        await asyncio.sleep(self.ends - time.monotonic())
        while True:
            self._probed_at = time.monotonic()
            await asyncio.sleep(PROBE)
            self._note_delay()

    def _note_delay(self) -> None:
        since = self.ends if self._probed_at is None else self._probed_at + PROBE
        self.outcome.delays += lateness(time.monotonic() - since, PROBE)

    async def wait(self, number: int, trigger: Waits) -> None:
        """Run a trigger as the triggerer does, and note its first event."""
        await greenback.ensure_portal()
        noted = False
        try:
            async with aclosing(trigger.run()) as events:  # type: ignore[type-var]  # it is a generator in all of them
                async for event in events:
                    if not noted and number < self.job.waiting:
                        self.outcome.events.append(Event(number, time.monotonic(), str(event)[:SHOWN]))
                    noted = True
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            self._failed(f"{type(error).__name__}: {error}")
        else:
            if not noted:
                self._failed("it ended without an event")

    def _failed(self, why: str) -> None:
        self.outcome.failures += 1
        self.outcome.failure = self.outcome.failure or why[:SHOWN]

    def measure(self) -> None:
        """Measure, from a thread of its own, until all is over.

        :raises TooMuchMemoryError: the process has grown too much.
        """
        self._sleep_until(self.begins)
        cpu = time.process_time()
        self._sleep_until(self.ends)
        used = time.process_time() - cpu
        resident, own = memory()
        self._sleep_until(self.ends + self.job.grace)
        self._note_delay()
        self.outcome.cpu = used
        self.outcome.resident, self.outcome.own = (self._before[0], resident), (self._before[1], own)

    def _sleep_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0:
            time.sleep(min(left, 0.5))
            if resident_bytes() > self.job.most_bytes:
                message = f"it grew beyond {self.job.most_bytes / 1024**3:.1f} GiB"
                raise TooMuchMemoryError(message)


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory() -> tuple[int, int]:
    """Return the resident bytes of this process, and those that are no copy of a file, swapped out or not.

    Copies of files come and go with what else the machine does.
    """
    text = Path("/proc/self/smaps_rollup").read_text()
    found = {name: value for name, _, value in (line.partition(":") for line in text.splitlines())}
    resident, *own = (int(found[name].split()[0]) * 1024 for name in ("Rss", "Anonymous", "Swap"))
    return resident, sum(own)


def give_back() -> None:
    """Give back what importing left free, lest the triggers take it and seem to need nothing."""
    with suppress(OSError, AttributeError):  # not every C library can
        ctypes.CDLL(None).malloc_trim(0)


async def run(watch: Watch, make: Callable[[int], Waits], finish: Callable[[str | None], None]) -> None:
    """Wait with all triggers, for as long as the event loop is left to run.

    :param finish: called from another thread at the end, with what went wrong.
    """
    job = watch.job
    first = (watch.wait(job.waiting + number, make(job.waiting + number)) for number in range(WARM_UP))
    await asyncio.wait_for(asyncio.gather(*first), WARM_UP_LIMIT)
    if watch.outcome.failure:
        raise RuntimeError(watch.outcome.failure)
    await asyncio.to_thread(watch.begin)
    started = time.monotonic()
    tasks: set[asyncio.Task[None]] = set()

    def keep(coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def measure() -> None:
        try:
            watch.measure()
        except TooMuchMemoryError as error:
            finish(str(error))
        else:
            finish(None)

    threading.Thread(target=measure, daemon=True).start()
    keep(watch.probe())
    for number in range(job.waiting):
        pause = started + job.spread * number / job.waiting - time.monotonic()
        await asyncio.sleep(pause if pause > PROBE else 0)
        keep(watch.wait(number, make(number)))
    await asyncio.Event().wait()


def main() -> None:
    """Do the job on standard input, and leave without tidying: that would take some contenders minutes."""
    logging.disable(logging.CRITICAL)  # a log has its price, which is none of waiting
    more_files()
    watch = Watch(Job(**json.load(sys.stdin)))

    def finish(error: str | None) -> None:
        if error:
            sys.stderr.write(f"{error}\n")
        else:
            sys.stdout.write(f"\n{watch.outcome.dump()}\n")
        sys.stdout.flush()
        os._exit(1 if error else 0)

    asyncio.run(run(watch, CONTENDERS[watch.job.contender](watch.job), finish))


if __name__ == "__main__":
    main()
