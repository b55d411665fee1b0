"""Imports that take longer than an event loop may stand still, made beside it."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

HEAVY = (
    "aiohttp",
    "tenacity",
    "airflow.providers.common.compat.connection",
    "airflow_provider_ittybit.hooks.ittybit",
    "airflow_provider_ittybit.transport.asynchronous",
    "airflow_provider_ittybit.triggers.registry",
)
"""What a first look needs."""


async def load(*more: str) -> None:
    """Import what a first look needs, in a thread.

    :param more: names of other modules to import.
    """
    for name in (*HEAVY, *more):
        if name not in sys.modules:
            await asyncio.to_thread(import_module, name)
