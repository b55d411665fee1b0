"""Events of assets under a real scheduler and triggerer, which is killed: each new video starts one run, once.

``make system-watched`` runs it on the older versions of Airflow 3 too.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import TASK_STATE_STORE
from system.asset_runs import asset_id, ended_well
from system.scheduled_airflow import STANDALONE, ScheduledAirflow, until
from task_running import uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ittybit.emulator.running import RunningEmulator

EXAMPLES = Path(__file__).parents[2] / "example_dags"
WATCHED, ARRIVED = "watched_folder", "upload_what_arrived"
LONG = 300.0
"""Seconds that a whole run may take on a busy machine."""


@pytest.fixture(scope="module")
def scheduled(
    tmp_path_factory: pytest.TempPathFactory, running_emulator: RunningEmulator
) -> Iterator[ScheduledAirflow]:
    home = tmp_path_factory.mktemp("watched")
    (home / "dags").mkdir()
    for name in (WATCHED, ARRIVED):
        shutil.copy(EXAMPLES / f"{name}.py", home / "dags")
    environment = {
        "AIRFLOW_CONN_ITTYBIT_DEFAULT": running_emulator.airflow_connection("2025-08-20"),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "3",  # a busy machine may answer a task too late
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        # Airflow 3.0 starts a watcher when it reads the DAG for the second time
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600" if TASK_STATE_STORE.is_here else "5",
        "MEDIA_POLL_INTERVAL": "0.5",
        "RENDERS": str(home / "renders"),
        "RENDERS_ASSET": f"file://{home}/renders",
    }
    with ScheduledAirflow(home, environment, STANDALONE) as airflow:
        yield airflow


def told(airflow: ScheduledAirflow, asset: int) -> list[dict[str, Any]]:
    """Return what all events of an asset tell, oldest first."""
    events = airflow.call("GET", f"assets/events?asset_id={asset}&order_by=timestamp")["asset_events"]
    return [event["extra"] for event in events]


def position(airflow: ScheduledAirflow, name: str) -> str:
    """Return what a watcher remembers: with its asset, before Airflow has stores for them in a variable."""
    if TASK_STATE_STORE.is_here:
        return str(airflow.call("GET", f"assets/{asset_id(airflow, name)}/state-store"))
    return str(airflow.call("GET", "variables?variable_key_pattern=ittybit_watcher_"))


def looks(emulator: RunningEmulator) -> int:
    rows = emulator.control.requests(method="GET", path="/files")
    return len([row for row in rows if "(triggerer)" in (row["user_agent"] or "")])


def test_each_new_video_starts_one_run_although_the_triggerer_is_killed(scheduled, connect, emulator, media_folder):
    connect("2025-08-20")
    video, image = media_folder / "clip.mp4", media_folder / "still.png"
    until(lambda: scheduled.call("GET", "dags")["total_entries"] == 2, "both DAGs")
    until(lambda: "floor" in position(scheduled, "ittybit_new_videos"), "the first look, kept", LONG)
    before = uploaded(video, folder="inbox")
    until(ended_well(scheduled, WATCHED, 1), "a run for the first video", LONG)
    until(lambda: before["id"] in position(scheduled, "ittybit_new_videos"), "the position, kept")

    scheduled.restart("triggerer")
    uploaded(video, folder="elsewhere")
    uploaded(image, folder="inbox")
    meanwhile = uploaded(video, folder="inbox/talks")
    until(ended_well(scheduled, WATCHED, 2), "a run for the video that came while no triggerer ran", LONG)
    until(lambda: meanwhile["id"] in position(scheduled, "ittybit_new_videos"), "the position, kept")

    scheduled.restart("triggerer")
    emulator.control.forget_requests()
    until(lambda: looks(emulator) >= 3, "looks of the third triggerer")
    payloads = [extra["payload"] for extra in told(scheduled, asset_id(scheduled, "ittybit_new_videos"))]
    assert [payload["id"] for payload in payloads] == [before["id"], meanwhile["id"]]
    assert payloads[0] == {
        "id": before["id"],
        "resource": "files",
        "created": before["created"],
        "kind": "video",
        "folder": "inbox",
        "filename": "clip.mp4",
        "ittybit_conn_id": "ittybit_default",
    }
    assert len(scheduled.call("GET", f"dags/{WATCHED}/dagRuns")["dag_runs"]) == 2
    thumbnails = [file for file in emulator.control.files() if file["ref"] == "thumbnail"]
    assert len(thumbnails) == 2


def test_files_that_an_upstream_event_names_are_uploaded_and_become_assets(scheduled, emulator, media_folder) -> None:
    paths = [str(media_folder / "clip.mp4"), str(media_folder / "still.png")]
    event = {"asset_id": asset_id(scheduled, "renders"), "extra": {"paths": paths}}
    scheduled.call("POST", "assets/events", event)
    until(ended_well(scheduled, ARRIVED, 1), "a run for the event", LONG)
    files = {file["id"]: file for file in emulator.control.files() if file["folder"] == "renders"}
    assert sorted(file["filename"] for file in files.values()) == ["clip.mp4", "still.png"]
    uris = {
        asset["uri"]: asset
        for asset in scheduled.call("GET", "assets?only_active=false&uri_pattern=ittybit%3A//&limit=100")["assets"]
    }
    authority = emulator.api_url.partition("://")[2]
    assert {f"ittybit://{authority}/files/{name}" for name in files} <= set(uris)
    for name, file in files.items():
        (extra,) = told(scheduled, uris[f"ittybit://{authority}/files/{name}"]["id"])
        assert (extra["id"], extra["kind"], extra["ittybit_conn_id"]) == (name, file["kind"], "ittybit_default")


def test_the_button_of_the_connection_form_asks_ittybit(scheduled, emulator) -> None:
    form = {"connection_id": "films", "conn_type": "ittybit", "host": emulator.api_url}
    right, wrong = (
        scheduled.call("POST", "connections/test", {**form, "password": key}) for key in (emulator.api_key, "wrong")
    )
    assert (right["status"], wrong["status"]) == (True, False)
    assert "401" in wrong["message"]
