from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.triggers import loading

if TYPE_CHECKING:
    import pytest


async def test_what_is_not_loaded_is_imported_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[tuple[str, bool]] = []

    def note(name: str) -> Any:
        imported.append((name, threading.current_thread() is threading.main_thread()))
        return importlib.import_module(name)

    monkeypatch.setattr(loading, "import_module", note)
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    await loading.load("colorsys")
    await loading.load("colorsys")
    assert [entry for entry in imported if entry[0] == "colorsys"] == [("colorsys", False)]


def test_the_triggers_themselves_load_nothing_heavy() -> None:
    code = (
        "import sys; ours = ('airflow_provider_ittybit.hooks', 'airflow_provider_ittybit.transport'); import airflow_provider_ittybit.triggers.watcher, airflow_provider_ittybit.triggers.processing;"
        "print([name for name in sys.modules if name in ('aiohttp', 'requests') or name.startswith(ours)])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - our own code
    assert done.stdout.splitlines()[-1] == "[]"
