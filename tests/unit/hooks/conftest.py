"""Hooks on the running emulator, and what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

ELSEWHERE = "https://cdn.example"
"""A host that nobody asks: what is held is never fetched."""


@pytest.fixture
def sent(emulator: RunningEmulator) -> Callable[[], list[str]]:
    """Tell what was asked of the emulator: ``["GET /files", …]``."""
    return lambda: [f"{request['method']} {request['path']}" for request in emulator.control.requests()]


@pytest.fixture
def held(emulator: RunningEmulator, hook_for: Callable[..., IttybitHook]) -> Callable[..., IttybitHook]:
    """Make a hook on an emulator that processes nothing and fetches nothing."""

    def make(api_version: str, **extra: Any) -> IttybitHook:
        emulator.control.settings(processing="held")
        return hook_for(api_version, **extra)

    return make


@pytest.fixture
def filled(held: Callable[..., IttybitHook]) -> Callable[..., tuple[IttybitHook, list[str]]]:
    """Make a hook on an emulator that holds these names, and their ids, oldest first."""

    def make(api_version: str, *names: str) -> tuple[IttybitHook, list[str]]:
        hook = held(api_version)
        return hook, [hook.upload_media(f"{ELSEWHERE}/{name}")["id"] for name in names]

    return make
