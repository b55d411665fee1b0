"""Uploads a file of holes and prints how far memory rose meanwhile; a program, run by test_flat_memory.py."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

MIB = 1024 * 1024


def status(name: str) -> int:
    """Read one number of bytes about this process."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def main() -> None:
    address, version, size, folder, chunking = sys.argv[1:]
    os.environ["AIRFLOW_CONN_ITTYBIT_DEFAULT"] = json.dumps(
        {
            "conn_type": "ittybit",
            "password": "key",
            "host": address,
            "extra": {"api_version": version, "uploads_url": address, "timeout": 60},
        }
    )
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    small, large = Path(folder) / "small.mp4", Path(folder) / "large.mp4"
    for path, length in ((small, 9 * MIB), (large, int(size))):
        with path.open("wb") as file:
            file.truncate(length)
    with IttybitHook() as hook:
        hook.upload_media(small, chunking={"threshold": MIB, "size": MIB})  # loads all that is ever loaded
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # from here on the peak counts anew
        hook.upload_media(large, chunking=json.loads(chunking))
    print(json.dumps({"rise": status("VmHWM") - before}))  # noqa: T201 - that is how it tells


if __name__ == "__main__":
    main()
