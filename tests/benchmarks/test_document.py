"""The page about performance says what was measured, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.document import SECTIONS, page

WHERE: dict[str, Any] = {
    "made_at": "2026-01-02T03:04:05+00:00",
    "seconds": 60,
    "runs": 1,
    "machine": {
        "cores": 2,
        "processor": "a processor",
        "memory_gib": 8,
        "system": "Linux",
        "python": "3",
        "openssl": "3",
    },
    "load_before": 0.1,
    "load_after": 0.2,
    "versions": {},
    "wanted": [{"what": "something", "measured": "1234 ms", "wanted": "less", "met": False}],
}
EMPTY = {
    "uploads": WHERE | {"experiments": []},
    "waiting": WHERE | {"sizes": []},
    "imports": WHERE | {"providers": []},
}
TITLES = {"uploads": "\n## Uploads\n", "waiting": "\n## Waiting\n", "imports": "\n## Imports\n"}


@pytest.mark.parametrize("name", TITLES)
def test_a_benchmark_has_a_section_only_if_it_was_run(name: str) -> None:
    alone, others = page({name: EMPTY[name]}), page({key: EMPTY[key] for key in EMPTY if key != name})
    assert {key for key, title in TITLES.items() if title in alone} == {name}
    assert TITLES[name] not in others


def test_what_was_missed_is_on_the_page() -> None:
    assert page({"imports": EMPTY["imports"]}).count("| something | 1234 ms | less | no |") == 1


def test_every_section_is_tested_here() -> None:
    assert [section.name for section in SECTIONS] == list(EMPTY)
