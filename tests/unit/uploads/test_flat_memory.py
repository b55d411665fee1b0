"""An upload needs the same memory whatever the size of the file, by every protocol: files of holes, up to 8 GiB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[2]
MIB = 1024 * 1024
LARGE = 2048 * MIB
LARGEST = 8192 * MIB
WHOLE = {"threshold": LARGEST + 1}


@pytest.fixture
def sink() -> Iterator[str]:
    """The address of a counting server in a process of its own."""
    with subprocess.Popen(  # noqa: S603 - this Python, with a file of this repository
        [sys.executable, str(TESTS / "byte_sink.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured by Linux")
@pytest.mark.parametrize(
    ("version", "chunking", "size"),
    [("media", WHOLE, LARGE), ("files-flat", WHOLE, LARGE), ("files-flat", {}, LARGEST)],
    ids=["2 GiB multipart", "2 GiB whole PUT", "8 GiB in chunks"],
)
def test_gigabytes_take_no_more_memory_than_a_few_blocks(
    sink: str, tmp_path: Path, version: str, chunking: dict[str, int], size: int
) -> None:
    done = subprocess.run(  # noqa: S603 - this Python, with a file of this repository
        [
            sys.executable,
            str(TESTS / "memory_of_an_upload.py"),
            sink,
            version,
            str(size),
            str(tmp_path),
            json.dumps(chunking),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rise = json.loads(done.stdout.splitlines()[-1])["rise"]
    assert rise < 32 * MIB
