"""Does one job in a process of its own: ``python -m benchmarks.measured_process``, the job on standard input.

Peak memory is the kernel's own high-water mark (``VmHWM``), set back by ``/proc/self/clear_refs`` right before the
upload call, less the resident memory (``VmRSS``) at that moment. So what was imported before does not count, and a
peak of the imports is not taken for one of the upload.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import time
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.job import Job, Outcome


def memory() -> tuple[int, int]:
    """Return the resident bytes now and the most there were since the last reset."""
    text = Path("/proc/self/status").read_text()
    found = {name: value for name, _, value in (line.partition(":") for line in text.splitlines())}
    now, most = (int(found[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def measure(job: Job) -> Outcome:
    """Set the contender up, then measure its upload."""
    upload = CONTENDERS[job.contender](job)
    gc.collect()
    known = set(sys.modules)
    Path("/proc/self/clear_refs").write_text("5")
    before, _ = memory()
    cpu, started = time.process_time(), time.perf_counter()
    upload()
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    _, peak = memory()
    late = sorted(set(sys.modules) - known)
    return Outcome(seconds, used, before, peak, late)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # a log has its price, which is none of the upload
    outcome = measure(Job(**json.load(sys.stdin)))
    sys.stdout.write("\n" + outcome.dump() + "\n")
