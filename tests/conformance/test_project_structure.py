"""Every module of the package has its tests where one looks for them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from conformance import source_reading as source

UNIT = Path(__file__).parents[1] / "unit"
TESTED_ELSEWHERE = {
    "__init__.py": "holds the version, which test_get_provider_info.py compares",
    "triggers/_compat.py": "test_watcher.py, and test_airflow_rules.py, which makes every trigger",
    "_compat.py": "test_airflow_versions.py, and every test of a deferral that timed out",
    "uploads/unreadable.py": "test_object_stores.py, against a real S3 API",
    "sensors/base.py": "test_media.py, test_task.py, test_outcomes.py and test_limits_and_kills.py",
    "operators/media.py": "test_media_upload.py, test_media_list.py and test_media_get_update_delete.py",
}


CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "time_ns", "perf_counter"}


def _has_code(path: Path) -> bool:
    return path.name != "__init__.py" or len(source.tree(path).body) > 1


def test_every_module_has_a_test_module_that_mirrors_it() -> None:
    missing = [
        source.shown(path)
        for path in source.paths()
        if _has_code(path)
        and source.shown(path) not in TESTED_ELSEWHERE
        and not (UNIT / path.relative_to(source.PACKAGE)).with_name(f"test_{path.name}").exists()
    ]
    assert missing == []


def test_what_is_tested_elsewhere_exists() -> None:
    assert set(TESTED_ELSEWHERE) <= {source.shown(path) for path in source.paths()}


@pytest.mark.parametrize("path", source.paths("api"), ids=source.shown)
def test_the_api_as_values_reads_no_clock_and_leaves_nothing_to_chance(path: Path) -> None:
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & {"random", "time", "asyncio"}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in CLOCKS, ast.unparse(node)


def test_no_test_imports_a_conftest_which_would_make_another_airflow_home() -> None:
    tests = source.PACKAGE.parent / "tests"
    importing = re.compile(r"^\s*(from|import) (tests\.)?conftest\b", re.MULTILINE)
    assert [path.name for path in tests.rglob("*.py") if importing.search(path.read_text())] == []
