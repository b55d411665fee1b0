"""A worker process with several threads that share a rate limit with everybody else; run by test_sharing_a_limit.py."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from airflow_provider_ittybit.api.calls import get_resource
from airflow_provider_ittybit.api.settings import read_settings
from airflow_provider_ittybit.transport import shared_line
from airflow_provider_ittybit.transport.blocking import BlockingTransport


def main() -> None:
    """Read one resource again and again in each thread, as soon as a line comes in.

    Prints when each read began and ended, thread by thread, by the clock that all processes share.
    """
    given: dict[str, Any] = json.loads(sys.argv[1])
    shared_line.FOLDER = given["folder"]
    settings = read_settings("x", host=given["host"], password=given["key"], extra={"api_version": "files-flat"})
    transport = BlockingTransport(settings)
    call = get_resource(settings.generation, given["file"])

    def read_some(_number: int) -> list[tuple[float, float]]:
        reads = []
        for _ in range(given["reads"]):
            began = time.monotonic()
            transport.send(call)
            reads.append((began, time.monotonic()))
        return reads

    print("ready", flush=True)  # noqa: T201 - how it talks to the test
    sys.stdin.readline()
    with ThreadPoolExecutor(given["threads"]) as pool:
        print(json.dumps(list(pool.map(read_some, range(given["threads"])))))  # noqa: T201 - same
    transport.close()


if __name__ == "__main__":
    main()
