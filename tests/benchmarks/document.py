"""Writes ``docs/performance.md`` from the figures of the last benchmarks: ``make bench-docs``.

So no figure on that page is typed by hand. What was not measured has no section.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import imports, tables, waiting_tables
from benchmarks.document_words import (
    IMPORTS,
    IMPORTS_METHOD,
    INTRODUCTION,
    UPLOADS,
    UPLOADS_METHOD,
    WAITING,
    WAITING_METHOD,
)
from benchmarks.surroundings import CACHE, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark on the page.

    :param name: of the file with its figures.
    :param words: what stands above its tables.
    :param method: what stands below them.
    :param all_tables: makes its tables.
    """

    name: str
    words: str
    method: str
    all_tables: Callable[[Mapping[str, Any]], Sequence[tables.Table]]

    def markdown(self, results: Mapping[str, Any]) -> str:
        """Write it."""
        return "\n".join(
            [self.words, *(table.markdown() for table in self.all_tables(results)), self.method, _where(results)]
        )


SECTIONS = (
    Section("uploads", UPLOADS, UPLOADS_METHOD, tables.all_tables),
    Section("waiting", WAITING, WAITING_METHOD, waiting_tables.all_tables),
    Section("imports", IMPORTS, IMPORTS_METHOD, imports.all_tables),
)


def page(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the page.

    :param measured: figures by the name of the benchmark.
    """
    found = [section for section in SECTIONS if section.name in measured]
    return "\n".join([INTRODUCTION, *(section.markdown(measured[section.name]) for section in found)])


def _where(results: Mapping[str, Any]) -> str:
    machine = results["machine"]
    lines = [
        "### Where",
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
    parser.add_argument("figures", nargs="?", type=Path, default=CACHE / "results", help="folder with uploads.json …")
    parser.add_argument("page", nargs="?", type=Path, default=ROOT / "docs" / "performance.md")
    given = parser.parse_args()
    files = {section.name: given.figures / f"{section.name}.json" for section in SECTIONS}
    measured = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    if not measured:
        parser.error(f"no benchmark has left figures in {given.figures}")
    given.page.write_text(page(measured))
    missing = ", ".join(name for name in files if name not in measured)
    sys.stdout.write(f"{given.page}{f', without {missing}' if missing else ''}\n")


if __name__ == "__main__":
    main()
