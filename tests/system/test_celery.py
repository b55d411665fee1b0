"""The example DAGs under CeleryExecutor: two workers, PostgreSQL, Redis, and a triggerer that is killed meanwhile.

Judged by what the emulator received: nothing twice, nothing missing. ``make system`` runs it, with servers of its own,
in an environment that has the Celery provider.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from system.asset_runs import asset_id, ended_well
from system.scheduled_airflow import COMPONENTS, ENDS, ScheduledAirflow, until
from system.servers import both, missing_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

EXAMPLES = Path(__file__).parents[2] / "example_dags"
WORKERS = ("worker-1", "worker-2")
SCHEDULED = ("catalogue_export.py", "media_lifecycle.py", "nightly_folder.py")
SCHEDULE = re.compile(r'schedule=(DeltaDataIntervalTimetable\(timedelta\(days=1\)\)|"[^"]+")')
LONGEST = 300.0
"""Seconds for a DAG run: each of its tasks is a process that imports Airflow, twice if it is deferred."""

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("airflow.providers.celery") is None, reason="make system has the Celery provider"
    ),
    pytest.mark.skipif(bool(missing_servers()), reason=f"not installed: {', '.join(missing_servers())}"),
]


def worker(name: str) -> list[str]:
    own = ["--celery-hostname", f"{name}@ittybit", "--pid", f"{name}.pid"]
    return ["celery", "worker", *own, "--concurrency", "1", "--skip-serve-logs"]


@pytest.fixture(scope="module")
def incoming(tmp_path_factory: pytest.TempPathFactory, media_folder: Path) -> Path:
    """The folder that the example DAGs find their media in."""
    return Path(shutil.copytree(media_folder, tmp_path_factory.mktemp("incoming") / "media"))


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the files of the night go to when they are done."""
    return tmp_path_factory.mktemp("done")


@pytest.fixture(scope="module")
def celery(
    tmp_path_factory: pytest.TempPathFactory,
    running_emulator: RunningEmulator,
    incoming: Path,
    done: Path,
    exports: Path,
) -> Iterator[ScheduledAirflow]:
    home = tmp_path_factory.mktemp("celery")
    shutil.copytree(EXAMPLES, home / "dags")
    only_when_asked(home / "dags")
    components = {**COMPONENTS, "triggerer": ["triggerer"], **{name: worker(name) for name in WORKERS}}
    with both() as (database, broker):
        environment = {
            "AIRFLOW__CELERY__BROKER_URL": broker.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database.address}",
            "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database.address}",
            "AIRFLOW_CONN_ITTYBIT_DEFAULT": running_emulator.airflow_connection("2025-08-20"),
            "CATALOGUE_EXPORTS": str(exports),
            "MEDIA_DONE": str(done),
            "MEDIA_FOLDER": str(incoming),
            "MEDIA_POLL_INTERVAL": "0.5",
            "MEDIA_SOURCE": str(incoming / "clip.mp4"),
            "RENDERS": str(incoming),
            "RENDERS_ASSET": incoming.as_uri(),
        }
        with ScheduledAirflow(home, environment, components) as airflow:
            yield airflow


def only_when_asked(dags: Path) -> None:
    """Take the schedules away, at which the scheduler would begin runs of its own amid those of the tests."""
    for name in SCHEDULED:
        text, found = SCHEDULE.subn("schedule=None", (dags / name).read_text())
        assert found == 1, name
        (dags / name).write_text(text)


def around_now() -> dict[str, str | None]:
    """Name a run whose data interval holds all that is uploaded today."""
    now, day = datetime.now(UTC), timedelta(days=1)
    return {
        "logical_date": now.isoformat(),
        "data_interval_start": (now - day).isoformat(),
        "data_interval_end": (now + day).isoformat(),
    }


def tasks(airflow: ScheduledAirflow, run: str) -> list[dict[str, Any]]:
    return list(airflow.call("GET", f"{run}/taskInstances?limit=100")["task_instances"])


def until_deferred(airflow: ScheduledAirflow, run: str, many: int) -> None:
    """Wait until so many tasks of a run are deferred, each to a triggerer that runs."""

    def look() -> bool:
        found = tasks(airflow, run)
        assert not [task for task in found if task["state"] == "failed"], airflow.tail()
        waiting = [
            task for task in found if task["state"] == "deferred" and (task["trigger"] or {}).get("triggerer_id")
        ]
        return len(waiting) == many

    until(look, f"{many} deferred tasks of {run}", LONGEST)


def until_success(airflow: ScheduledAirflow, run: str) -> None:
    def look() -> str | None:
        state = str(airflow.call("GET", run)["state"])
        return state if state in ENDS else None

    assert until(look, f"the end of {run}", LONGEST) == "success", airflow.tail()
    assert {task["try_number"] for task in tasks(airflow, run)} == {1}


def received(emulator: RunningEmulator) -> Counter[str]:
    """Count what the emulator was asked to do, by what it does; reads are left out."""
    asked = emulator.control.requests()
    kinds = {("PUT", "delivery"): "upload", ("DELETE", "api"): "delete", ("PATCH", "api"): "update"}
    counted: Counter[str] = Counter()
    for row in asked:
        kind = kinds.get((row["method"], row["role"]))
        if row["method"] == "POST":
            kind = row["path"].strip("/").partition("/")[0]
        if kind:
            counted[kind] += 1
    return counted


def from_the_triggerer(emulator: RunningEmulator) -> list[dict[str, Any]]:
    return [row for row in emulator.control.requests() if "(triggerer)" in (row["user_agent"] or "")]


def waited_for(emulator: RunningEmulator) -> set[str]:
    """Name what the triggerer read by its id; watchers of assets read lists."""
    names = {row["path"].rpartition("/")[2] for row in from_the_triggerer(emulator)}
    return {name for name in names if "_" in name}


def test_a_life_of_media_goes_on_when_the_triggerer_is_killed_and_nothing_happens_twice(
    celery: ScheduledAirflow, emulator: RunningEmulator, incoming: Path
) -> None:
    emulator.control.settings(processing="held")
    run = celery.start_run("media_lifecycle", when=around_now())
    until_deferred(celery, run, 3)
    until(lambda: from_the_triggerer(emulator), "a look by the triggerer")
    celery.restart("triggerer")
    emulator.control.settings(processing="after_reads:2")
    seen = len(from_the_triggerer(emulator))
    until(lambda: len(from_the_triggerer(emulator)) > seen, "a look by the new triggerer", LONGEST)
    emulator.control.release()
    until_success(celery, run)
    assert received(emulator) == {"upload": 3, "signatures": 3, "update": 3, "tasks": 1, "delete": 4}
    files = {file["filename"]: file for file in emulator.control.files()}
    assert len(files) == 4
    for path in incoming.iterdir():
        assert files[path.name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert all((file["status"], file["deleted"]) == ("ready", True) for file in files.values())
    for name in WORKERS:
        assert "succeeded" in (celery.home / f"{name}.log").read_text(), f"{name} did nothing: {celery.tail()}"


UPLOADED = {"upload": 1, "signatures": 1}
WANTED = {
    "own_operator": {**UPLOADED, "tasks": 1},
    "renditions": {**UPLOADED, "tasks": 2},
    "taskflow_hook": {**UPLOADED, "update": 1},
    "thumbnails": {**UPLOADED, "tasks": 1, "delete": 1},
    "upload_and_clean_up": {**UPLOADED, "update": 1, "delete": 1},
}


@pytest.mark.parametrize("dag_id", WANTED)
def test_the_other_examples_do_each_thing_once(
    dag_id: str, celery: ScheduledAirflow, emulator: RunningEmulator
) -> None:
    waits_in_the_triggerer = dag_id != "taskflow_hook"
    emulator.control.settings(processing="held" if waits_in_the_triggerer else "after_reads:2")
    run = celery.start_run(dag_id, when=around_now())
    if waits_in_the_triggerer:
        until(lambda: waited_for(emulator), "a look of the triggerer at what is waited for", LONGEST)
        emulator.control.settings(processing="after_reads:2")
        emulator.control.release()
    until_success(celery, run)
    assert received(emulator) == WANTED[dag_id], emulator.control.requests()


def test_the_files_of_the_night_are_uploaded_once_and_put_aside(
    celery: ScheduledAirflow, emulator: RunningEmulator, incoming: Path, done: Path
) -> None:
    emulator.control.settings(processing="after_reads:2")
    until_success(celery, celery.start_run("nightly_folder", when=around_now()))
    assert received(emulator) == {**UPLOADED, "tasks": 1}, emulator.control.requests()
    [video] = done.iterdir()
    assert not (incoming / video.name).exists()
    video.rename(incoming / video.name)


def test_what_an_event_names_is_uploaded_once(
    celery: ScheduledAirflow, emulator: RunningEmulator, incoming: Path
) -> None:
    paths = [str(incoming / name) for name in ("clip.mp4", "still.png")]
    celery.call("POST", "assets/events", {"asset_id": asset_id(celery, "renders"), "extra": {"paths": paths}})
    until(ended_well(celery, "upload_what_arrived", 1), "a run for the event", LONGEST)
    assert received(emulator) == {"upload": 2, "signatures": 2}, emulator.control.requests()


def test_what_appears_in_the_watched_folder_gets_one_thumbnail(
    celery: ScheduledAirflow, emulator: RunningEmulator, hook_for: Any, incoming: Path
) -> None:
    until(lambda: from_the_triggerer(emulator), "a look by the watcher", LONGEST)
    hook_for("files-flat").upload_media(incoming / "clip.mp4", folder="inbox")
    until(ended_well(celery, "watched_folder", 1), "a run for the video", LONGEST)
    assert received(emulator) == {**UPLOADED, "tasks": 1}, emulator.control.requests()


def test_the_catalogue_is_written_where_it_should_be(
    celery: ScheduledAirflow, emulator: RunningEmulator, hook_for: Any, incoming: Path, exports: Path
) -> None:
    hook = hook_for("files-flat")
    wanted = {hook.upload_media(incoming / "clip.mp4", filename=name)["id"] for name in ("a.mp4", "b.mp4")}
    emulator.control.settle()
    emulator.control.forget_requests()
    until_success(celery, celery.start_run("catalogue_export", when=around_now()))
    assert received(emulator) == {}
    [export] = exports.iterdir()
    assert {json.loads(line)["id"] for line in export.read_text().splitlines()} == wanted
