from __future__ import annotations

import importlib
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
