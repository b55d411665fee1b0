"""A large object of an S3 API goes through a worker process that never holds much of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from s3_server import ObjectStore, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

MIB = 1024 * 1024
SIZE = 200 * MIB
MOST = 96 * MIB
"""What an upload of any size may take: four readers that each hold and fetch 5 MiB, connections, and what the allocator
keeps. To hold the chunks of all four would take 128 MiB."""
WORKER = """
import json, sys
from pathlib import Path

from airflow_provider_ittybit.hooks.ittybit import IttybitHook


def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


job = json.load(sys.stdin)
with IttybitHook() as hook:
    hook.upload_media(job["small"], chunking=job["chunking"])
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    hook.upload_media(job["large"], chunking=job["chunking"])
print(json.dumps(memory("VmHWM") - before))
"""


@pytest.mark.parametrize(
    ("version", "chunking"), [("files-flat", {"size": 32 * MIB, "parallel": 4}), ("media", {})], ids=["chunks", "form"]
)
def test_the_memory_of_a_worker_does_not_grow_with_the_object(
    connect: Callable[..., RunningEmulator], version: str, chunking: dict[str, Any]
) -> None:
    emulator = connect(version)
    emulator.control.settings(processing="held")
    content = os.urandom(SIZE)
    with serving() as running:
        store = ObjectStore(*running)
        store.client().create_bucket(Bucket=store.bucket)
        job = {"small": store.put("small.mp4", content[:100]), "large": store.put("large.mp4", content)}
        environment = os.environ | {"AIRFLOW_CONN_AWS_DEFAULT": store.connection()}
        done = subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", WORKER],
            input=json.dumps(job | {"chunking": chunking}),
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        store.client().delete_object(Bucket=store.bucket, Key="large.mp4")
    assert done.returncode == 0, done.stderr[-2000:]
    grown = int(done.stdout.splitlines()[-1])
    assert grown < MOST, f"{grown / MIB:.0f} MiB"
    assert hashlib.sha256(content).hexdigest() in [file["sha256"] for file in emulator.control.files()]
