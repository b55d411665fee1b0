"""What the installed Airflow has and lacks, and what the provider makes of it: as docs/compatibility.md says."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, Connection, conf, redact
from airflow.triggers.base import BaseTrigger
from airflow_versions import (
    AIRFLOW,
    ASSET_WATCHERS,
    ASYNC_CONNECTION,
    DEFERRAL_TIMED_OUT,
    FEATURES,
    FORM_FROM_INFO,
    LINKS_IN_XCOM,
    MASKED_FIELDS,
    SHARED_STREAMS,
    TASK_STATE_STORE,
    TRIGGER_FAIL_REPR,
    TRIGGER_ON_KILL,
    TaskDeferralError,
    forget_masks,
    found,
    stored_fields,
)
from conformance import source_reading as source
from packaging.version import Version

from airflow_provider_ittybit._compat import suppressed_deferral_timeout
from airflow_provider_ittybit.exceptions import IttybitConfigurationError
from airflow_provider_ittybit.hooks.ittybit import IttybitHook
from airflow_provider_ittybit.operators.media import UploadMediaOperator

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/compatibility.md").read_text()
CONSTRAINTS = {
    tuple(map(int, version.split(".")[:2])): version
    for path in (ROOT / "tests/compat").glob("constraints-*.txt")
    for version in [path.stem.removeprefix("constraints-")]
}
NEWEST = re.findall(r"^apache-airflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def table() -> dict[str, list[str]]:
    """Return the cells of the page's table of versions, by what they are about."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    start = next(number for number, row in enumerate(rows) if row[0] == "what")
    return {row[0]: row[1:] for row in rows[start:] if not set(row[0]) <= set("-: ")}


def test_every_supported_version_has_its_constraints_and_its_column() -> None:
    versions = [*sorted(CONSTRAINTS.values(), key=Version), *NEWEST]
    assert table()["what"] == versions
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"^VERSIONS \?= (.+)$", makefile, re.MULTILINE) == [" ".join(versions[:-1])]


def test_the_page_says_since_when_airflow_has_what_tests_ask_for() -> None:
    rows = table()
    versions = [tuple(map(int, version.split(".")[:2])) for version in rows["what"]]
    for feature in FEATURES:
        cells = [cell.startswith("yes") for cell in rows[feature.name]]
        assert cells == [feature.is_in(version) for version in versions], feature.name


def imports_airflow(path: Path) -> bool:
    """Tell whether a module itself imports something of Airflow but exceptions, which are the same everywhere."""
    found = [node for node in ast.walk(source.tree(path)) if isinstance(node, ast.ImportFrom)]
    return any(
        not alias.name.endswith("Exception")
        for node in found
        if (node.module or "").partition(".")[0] == "airflow"
        for alias in node.names
    )


def test_what_imports_airflow_is_tested_on_every_version() -> None:
    lines = (ROOT / "tests/compat/left_out.txt").read_text().splitlines()
    left_out = [ROOT / line for line in lines if line and not line.startswith("#")]
    assert [path for path in left_out if not path.exists()] == []
    touching = [path for path in source.paths() if imports_airflow(path)]
    assert "triggers/watcher.py" in map(source.shown, touching)
    tests = {ROOT / "tests/unit" / Path(source.shown(path)).parent / f"test_{path.stem}.py" for path in touching}
    assert tests & {one for path in left_out for one in (path, *path.rglob("*"))} == set()


def test_the_store_for_retries_is_there_as_the_page_says() -> None:
    assert conf.has_option("state_store", "max_value_storage_bytes") == TASK_STATE_STORE.is_here


def test_triggers_are_told_of_a_kill_as_the_page_says() -> None:
    assert hasattr(BaseTrigger, "on_kill") == TRIGGER_ON_KILL.is_here


def test_links_are_kept_with_the_task_as_the_page_says() -> None:
    from airflow.providers.common.compat.sdk import BaseOperatorLink

    assert hasattr(BaseOperatorLink, "xcom_key") == LINKS_IN_XCOM.is_here


def test_the_form_comes_from_where_the_page_says() -> None:
    manager = found("airflow.providers_manager:ProvidersManager")
    assert ("conn-fields" in inspect.getsource(inspect.getmodule(manager))) == FORM_FROM_INFO.is_here


def test_there_are_asset_watchers_and_shared_streams_as_the_page_says() -> None:
    from airflow_provider_ittybit.triggers import _compat
    from airflow_provider_ittybit.triggers.watcher import MediaWatcherTrigger

    assert ASSET_WATCHERS.is_here == _compat.HAS_ASSET_WATCHERS
    assert SHARED_STREAMS.is_here == _compat.TELLS_WHAT_IS_STORED
    with contextlib.nullcontext() if ASSET_WATCHERS.is_here else pytest.raises(IttybitConfigurationError):
        assert (MediaWatcherTrigger().shared_stream_key() is not None) == SHARED_STREAMS.is_here


def test_rendered_fields_are_masked_as_the_page_says() -> None:
    forget_masks()
    try:
        task = UploadMediaOperator(task_id="task", source="https://bucket.example/{{ params.path }}")
        task.render_template_fields({"params": {"path": "clip.mp4?t=hush-hush-hush"}})
        assert ("hush" not in stored_fields(task)["source"]) == MASKED_FIELDS.is_here
        assert redact(task.source) == "https://bucket.example/clip.mp4***"
    finally:
        forget_masks()


def test_the_event_loop_of_the_triggerer_reads_a_connection_without_standing_still(
    connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("files-flat")
    assert hasattr(Connection, "aextra_dejson") == ASYNC_CONNECTION.is_here
    seen: list[int] = []
    read = BaseHook.get_connection.__func__

    def watched(cls: Any, conn_id: str) -> Any:
        seen.append(threading.get_ident())
        return read(cls, conn_id)

    monkeypatch.setattr(BaseHook, "get_connection", classmethod(watched))
    settings = asyncio.run(IttybitHook().aget_settings())
    assert settings.generation.name == "files-flat"
    assert threading.get_ident() not in seen
    assert bool(seen) != ASYNC_CONNECTION.is_here


def test_the_timeout_of_a_deferral_is_told_from_any_other_failure_of_a_trigger() -> None:
    task = BaseOperator(task_id="task")
    with suppressed_deferral_timeout():
        task.resume_execution(TRIGGER_FAIL_REPR, {"error": DEFERRAL_TIMED_OUT}, {})
    with pytest.raises(TaskDeferralError), suppressed_deferral_timeout():
        task.resume_execution(TRIGGER_FAIL_REPR, {"error": "Trigger failure"}, {})


def test_the_version_is_one_that_is_supported() -> None:
    assert AIRFLOW in {*CONSTRAINTS, *(Version(version).release[:2] for version in NEWEST)}
