"""Writes ``docs/performance.md`` from the figures of the last benchmark: ``make bench-docs``.

So no figure on that page is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.tables import all_tables
from benchmarks.uploads import CACHE, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

INTRODUCTION = """\
# Performance

<!-- Written by `make bench-docs` from the figures of `make bench`; changes by hand are lost. -->

How fast uploads are, and how much memory they need, next to curl and to other libraries. `make bench` measures it on
your machine.
"""

METHOD = """\
## How it is measured

- All contenders send the same file to the same server over loopback, in turns (A B C A B C …), each in a fresh process.
  Where time matters, a round before the others is thrown away.
- Every figure is a median. A ratio is the median of the ratios within each round, so what else the machine does weighs
  on both sides.
- The server drops what it gets, as fast as it can: plain bytes in the kernel; of TLS, large bodies are cut into
  records but not decrypted. Otherwise it would be slower than some contenders and make all of them look the same.
- Time is that of the upload call. Starting the process, imports and looking up the connection do not count; connecting,
  the TLS handshake with certificates checked, and asking for a signed URL do. For curl it is its own `time_total`.
- CPU is that of the same call in all threads; for curl it is that of its whole process.
- Memory is the kernel's high-water mark (`VmHWM`, set back by `/proc/self/clear_refs`) during the call, less the
  resident memory right before it. It can be next to nothing where memory that the imports had given back is used again.
  Memory is measured with sparse files, all else with a random MiB, repeated.
- A limited connection takes 20 MB/s, by a token bucket of its own in the server.
"""


def page(results: Mapping[str, Any]) -> str:
    """Write the page."""
    parts = [
        INTRODUCTION,
        *(table.markdown() for table in all_tables(results)),
        METHOD,
        _where(results),
    ]
    return "\n".join(parts)


def _where(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    lines = [
        "## Where",
        "",
        f"- {results['made_at'][:10]}, in {results['seconds'] / 60:.0f} minutes",
        f"- {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, {machine['system']}",
        f"- load (processes that wanted a core) {results['load_before']} before and {results['load_after']} after",
        f"- Python {machine['python']}, {machine['openssl']}",
        *(f"- {name} {version}" for name, version in results["versions"].items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page from the figures."""
    parser = argparse.ArgumentParser(prog="make bench-docs")
    parser.add_argument("figures", nargs="?", type=Path, default=CACHE / "results" / "uploads.json")
    parser.add_argument("page", nargs="?", type=Path, default=ROOT / "docs" / "performance.md")
    given = parser.parse_args()
    given.page.write_text(page(json.loads(given.figures.read_text())))
    sys.stdout.write(f"{given.page}\n")


if __name__ == "__main__":
    main()
