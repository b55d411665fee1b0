"""Every way to wait that is compared: each function imports and sets up all it needs and returns what makes a trigger.

A trigger gets the number of what it waits for. Connections are environment variables, so that no contender asks
Airflow's supervisor or database for them.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import ssl
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from benchmarks.waiting_job import Job

LONG = 86_400.0
ACCOUNT = 1


class Waits(Protocol):
    """A trigger, or what stands in for one."""

    def run(self) -> AsyncIterator[object]:
        """Wait, then give an event."""


def airflow_alone(job: Job) -> Callable[[int], Waits]:
    """Do nothing but sleep: what any trigger costs."""
    from airflow.triggers.base import BaseTrigger, TriggerEvent

    class Sleeper(BaseTrigger):
        def __init__(self, number: int) -> None:
            super().__init__()  # type: ignore[no-untyped-call]  # Airflow left it without annotations
            self.number = number

        def serialize(self) -> tuple[str, dict[str, Any]]:
            return "Sleeper", {"number": self.number}

        async def run(self) -> AsyncIterator[TriggerEvent]:
            for _ in range(int(LONG / job.interval) if self.number < job.waiting else 0):
                await asyncio.sleep(job.interval)
            yield TriggerEvent("done")

    return Sleeper


def ittybit_files(job: Job) -> Callable[[int], Waits]:
    """Wait for files of the ``files-flat`` generation as this provider does."""
    return _ittybit(job, "files-flat", "file_{:010d}")


def ittybit_tasks(job: Job) -> Callable[[int], Waits]:
    """Wait for tasks of the ``tasks`` generation, which has a feed of events."""
    return _ittybit(job, "tasks", "task_{:010d}")


def ittybit_plain(job: Job) -> Callable[[int], Waits]:
    """Wait as this provider does where the setting turns the shared poller off."""
    os.environ["AIRFLOW__ITTYBIT__SHARED_POLLER"] = "False"
    return ittybit_files(job)


def _ittybit(job: Job, api_version: str, name: str) -> Callable[[int], Waits]:
    extra = {"api_version": api_version, "ca_bundle": job.authority}
    _connect("ittybit_default", conn_type="ittybit", host=job.url, password="benchmark", extra=extra)
    from airflow_provider_ittybit.triggers.processing import ProcessingTrigger

    return lambda number: ProcessingTrigger(name.format(number), "ittybit_default", poll_interval=job.interval)


def dbt_cloud(job: Job) -> Callable[[int], Waits]:
    """Wait for a run of dbt Cloud."""
    _connect("dbt", conn_type="dbt_cloud", host=urlsplit(job.url).netloc, login=str(ACCOUNT), password="benchmark")
    triggers = _load("airflow.providers.dbt.cloud.triggers.dbt")
    return lambda number: triggers.DbtCloudRunJobTrigger(
        "dbt", run_id=number, end_time=time.time() + LONG, poll_interval=job.interval, account_id=ACCOUNT
    )


def http_sensor(job: Job) -> Callable[[int], Waits]:
    """Wait until an address is not 404 any more."""
    _connect("sensor", conn_type="http", host=job.url)
    triggers = _load("airflow.providers.http.triggers.http")
    return lambda number: triggers.HttpSensorTrigger(f"sensor/{number}", "sensor", poke_interval=job.interval)


def anthropic_batch(job: Job) -> Callable[[int], Waits]:
    """Wait for a batch of Anthropic."""
    _connect("anthropic", conn_type="anthropic", host=job.url, password="benchmark")
    triggers = _load("airflow.providers.anthropic.triggers.batch")
    return lambda number: triggers.AnthropicBatchTrigger(
        "anthropic", f"msgbatch_{number:010d}", job.interval, time.time() + LONG
    )


def plain_aiohttp(job: Job) -> Callable[[int], Waits]:
    """Wait as somebody may write it by hand: one session for all, a request for each look."""
    import aiohttp

    context = ssl.create_default_context(cafile=job.authority)
    sessions: list[aiohttp.ClientSession] = []

    def session() -> aiohttp.ClientSession:
        if not sessions:
            connector = aiohttp.TCPConnector(ssl=context)
            headers = {"Authorization": "Bearer benchmark"}
            sessions.append(aiohttp.ClientSession(job.url, connector=connector, headers=headers))
        return sessions[0]

    class Loop:
        def __init__(self, number: int) -> None:
            self.number = number

        async def run(self) -> AsyncIterator[str]:
            while True:
                async with session().get(f"/files/file_{self.number:010d}") as answer:
                    answer.raise_for_status()
                    file = await answer.json()
                if file["status"] == "ready":
                    yield "ready"
                    return
                await asyncio.sleep(job.interval)

    return Loop


CONTENDERS: dict[str, Callable[[Job], Callable[[int], Waits]]] = {
    "airflow": airflow_alone,
    "ittybit-files": ittybit_files,
    "ittybit-tasks": ittybit_tasks,
    "ittybit-plain": ittybit_plain,
    "dbt-cloud": dbt_cloud,
    "http-sensor": http_sensor,
    "anthropic": anthropic_batch,
    "aiohttp": plain_aiohttp,
}


def _connect(name: str, **connection: object) -> None:
    os.environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(connection)


def _load(name: str) -> Any:
    """Import a module that not every environment has."""
    return importlib.import_module(name)
