"""Many deferred waits in ``airflow standalone``, whose triggerer is killed half-way, judged by what the emulator saw.

``WAITS`` says how many; ``make system`` runs it with 500.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import NEW_API
from system.scheduled_airflow import STANDALONE, ScheduledAirflow, until

from airflow_provider_ittybit.hooks.ittybit import IttybitHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

pytestmark = NEW_API.needed
WAITS = int(os.environ.get("WAITS", "20"))
AT_ONCE = 4
"""Tasks that run at a time: far fewer than wait."""
LONGEST = 60.0 + 3.0 * WAITS
"""Seconds for all tasks to come as far as they have to: each is a process of its own, twice."""
WATCHED = 6
"""Seconds in which each that waits is looked at, as often as it would be alone: every second at first."""
SILENCE = 7
"""Seconds without a look after which none will come: the longest pause is 4 s, four times ``poke_interval``."""


@pytest.fixture(scope="module")
def standalone(
    tmp_path_factory: pytest.TempPathFactory, running_emulator: RunningEmulator
) -> Iterator[ScheduledAirflow]:
    home = tmp_path_factory.mktemp("standalone")
    (home / "dags").mkdir()
    shutil.copy(Path(__file__).with_name("waiting_dags.py"), home / "dags")
    environment = {
        "AIRFLOW__CORE__PARALLELISM": str(AT_ONCE),
        "AIRFLOW__CORE__MAX_MAP_LENGTH": str(max(1024, WAITS)),
        "AIRFLOW__TRIGGERER__CAPACITY": str(max(1000, WAITS)),
    }
    with ScheduledAirflow(home, environment, STANDALONE) as airflow:
        # in the database, where a triggerer does not look itself: it has to ask its supervisor
        connection = json.loads(running_emulator.airflow_connection("2025-08-20"))
        stored = {"connection_id": "ittybit_default", **connection, "extra": json.dumps(connection["extra"])}
        airflow.call("POST", "connections", stored)
        yield airflow


def states(airflow: ScheduledAirflow, run: str) -> Counter[str]:
    """Count the waiting tasks by state."""
    found: Counter[str] = Counter()
    for offset in range(0, WAITS, 100):
        path = f"{run}/taskInstances/wait/listMapped?limit=100&offset={offset}"
        found.update(str(ti["state"]) for ti in airflow.call("GET", path)["task_instances"])
    return found


def from_the_triggerer(emulator: RunningEmulator) -> list[dict[str, Any]]:
    """Return what the triggerer asked."""
    return [entry for entry in emulator.control.requests() if "(triggerer)" in (entry["user_agent"] or "")]


def heartbeat(airflow: ScheduledAirflow) -> datetime:
    return datetime.fromisoformat(airflow.call("GET", "monitor/health")["triggerer"]["latest_triggerer_heartbeat"])


def until_the_triggerer_lived_on(airflow: ScheduledAirflow, seconds: int) -> float:
    """Wait until the triggerer's heart beat for so long; return how many seconds it was."""
    begun = heartbeat(airflow)

    def beaten() -> float:
        return (heartbeat(airflow) - begun).total_seconds()

    return until(lambda: beaten() if beaten() >= seconds else None, f"{seconds} s of the triggerer's life")


def test_all_waits_end_although_the_triggerer_is_killed_half_way(
    standalone: ScheduledAirflow, emulator: RunningEmulator, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.control.settings(processing="held")
    monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", emulator.airflow_connection("2025-08-20"))
    with IttybitHook() as hook, ThreadPoolExecutor(8) as pool:
        uploads = pool.map(lambda number: hook.upload_media(image, filename=f"{number}.png"), range(WAITS))
        ids = [file["id"] for file in uploads]
    run = standalone.start_run("wait_for_many", media_ids=ids)

    def count(state: str) -> int:
        now = states(standalone, run)
        assert not set(now) & {"failed", "upstream_failed", "up_for_retry"}, standalone.tail()
        return now[state]

    until(lambda: count("deferred") == WAITS, f"{WAITS} deferred tasks", LONGEST)
    for media_id in ids[: WAITS // 2]:
        emulator.control.release(media_id)
    until(lambda: count("success") >= WAITS // 4, "the end of a quarter", LONGEST)
    standalone.restart("triggerer")
    emulator.control.forget_requests()
    until(lambda: count("success") == WAITS // 2, "the end of the first half", LONGEST)

    until(lambda: from_the_triggerer(emulator), "a look by the new triggerer", LONGEST)
    emulator.control.forget_requests()
    seconds = until_the_triggerer_lived_on(standalone, WATCHED)
    looks = [entry["path"] for entry in from_the_triggerer(emulator)]
    assert looks
    assert not {f"/files/{media_id}" for media_id in ids[: WAITS // 2]} & set(looks)
    assert len(looks) < (WAITS - WAITS // 2) * seconds / 4, "one by one would be four times as many"
    for media_id in ids[WAITS // 2 :]:
        emulator.control.release(media_id)
    until(lambda: count("success") == WAITS, "the end of all", LONGEST)

    emulator.control.forget_requests()
    until_the_triggerer_lived_on(standalone, SILENCE)
    assert from_the_triggerer(emulator) == []
