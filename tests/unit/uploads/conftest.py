"""Hooks for each way in, on an emulator that processes nothing: the bytes here are no media."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook


@pytest.fixture
def put_by(emulator: RunningEmulator, hook_for: Callable[..., IttybitHook]) -> Callable[..., IttybitHook]:
    """Make a hook: ``put_by("files-flat", direct=True)`` for PUT to the delivery domain with the key."""

    def make(version: str, *, direct: bool = False, **extra: Any) -> IttybitHook:
        emulator.control.settings(processing="held")
        return hook_for(version, **({"delivery_domain": emulator.delivery_url} if direct else {}), **extra)

    return make


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Tell the log lines of the package so far."""
    caplog.set_level("INFO")
    return lambda: [record.getMessage() for record in caplog.records if record.name.startswith("airflow_provider")]
