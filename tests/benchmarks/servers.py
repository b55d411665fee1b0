"""The servers of a benchmark, each in a process of its own that ends with this one."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.certificates import Certificates


@contextmanager
def running(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a server until the block ends.

    :param module: it prints one line of JSON when it is ready, and ends when its standard input does.
    :return: that JSON: addresses by name.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(  # noqa: S603 - one of our own modules
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield json.loads(process.stdout.readline() or b"{}")
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def sink(certificates: Certificates, rate: float, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run the sink: ``http``, ``https``, ``http-limited`` and ``https-limited``."""
    arguments = ["--certificate", str(certificates.server), "--rate", str(rate)]
    with running("benchmarks.sink", arguments, environment) as addresses:
        yield addresses


def received(addresses: Mapping[str, str]) -> int:
    """Ask the sink for the bytes that arrived since it was last asked."""
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"{addresses['http']}/received", timeout=10) as answer:
        return int(json.load(answer)["bytes"])
