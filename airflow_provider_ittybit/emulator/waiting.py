"""How long an answer waits for work, so that nothing else has to."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.records import File
    from airflow_provider_ittybit.emulator.service import Service

#: Seconds that a read waits for real work under ``after_reads:N``, so that exactly N reads show it unfinished.
LONGEST_WAIT = 60.0


async def status_of_creation(service: Service, file: File) -> tuple[File, int]:
    """Return a new file as it is now, and 201 if it is ready, else 202."""
    wait = service.settings.answer_wait
    if wait and not service.settings.reads_needed:
        await asyncio.to_thread(service.workers.finish, file.id, wait)
        file = service.store.find(type(file), file.id) or file
    shown_finished = file.is_finished and not service.settings.reads_needed
    return file, HTTPStatus.CREATED if shown_finished else HTTPStatus.ACCEPTED


async def before_reading(service: Service) -> None:
    """Wait for the real work under ``after_reads:N``; otherwise return at once."""
    if service.settings.reads_needed:
        await asyncio.to_thread(service.workers.settle, LONGEST_WAIT)
