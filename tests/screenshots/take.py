"""Takes the pictures of the documentation from a real Airflow UI: ``make screenshots``.

``airflow standalone`` runs with a home, ports and an emulator of its own. Its DAGs are the examples; what the
pictures show is what these did. All processes end with the script.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from screenshots.browser import Tab
from system.scheduled_airflow import ENDS, STANDALONE, ScheduledAirflow, until

from airflow_provider_ittybit.emulator.media.samples import make_audio, make_image, make_video
from airflow_provider_ittybit.emulator.running import RunningEmulator

EXAMPLES = Path(__file__).parents[2] / "example_dags"
WIDTH = 1280
TRIES = 3
LONGEST = 600
"""Seconds that a run may take on a busy machine."""


@dataclass(frozen=True)
class Studio:
    """What the pictures are taken of."""

    airflow: ScheduledAirflow
    emulator: RunningEmulator
    target: Path

    def url(self, path: str) -> str:
        """Return the address of a page of the UI."""
        return f"{self.airflow.url}/{path}"

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run, once Airflow knows it."""
        until(lambda: dag_id in [dag["dag_id"] for dag in self.airflow.call("GET", "dags")["dags"]], dag_id, LONGEST)
        self.airflow.call("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def finished_run(self, dag_id: str) -> str:
        """Run a DAG to its success, and return the path of the run in the API.

        The first tasks of an Airflow that has just started may fail on a busy machine: its API server answers late.
        """
        for _ in range(TRIES):
            run = self.airflow.start_run(dag_id)
            until(lambda path=run: self.airflow.call("GET", path)["state"] in ENDS, f"the end of {run}", LONGEST)
            if self.airflow.call("GET", run)["state"] == "success":
                return run
        message = f"{dag_id} failed {TRIES} times: {self.airflow.tail()}"
        raise AssertionError(message)

    def scheduled_run(self, dag_id: str) -> str:
        """Wait for the run that the schedule of a DAG begins, and return its path in the API."""
        (run,) = until(
            lambda: self.airflow.call("GET", f"dags/{dag_id}/dagRuns")["dag_runs"], "a scheduled run", LONGEST
        )
        return f"dags/{dag_id}/dagRuns/{quote(run['dag_run_id'])}"

    def states(self, run: str) -> dict[str, list[str]]:
        """Return the states of all tasks of a run, by task."""
        found: dict[str, list[str]] = {}
        for task in self.airflow.call("GET", f"{run}/taskInstances?limit=100")["task_instances"]:
            found.setdefault(task["task_id"], []).append(str(task["state"]))
        return found


def extra_link(studio: Studio) -> None:
    """Show the button that leads from a task to what it made."""
    studio.unpause("thumbnails")
    page = page_of(studio.finished_run("thumbnails"))
    with Tab() as tab:
        tab.emulate(width=WIDTH, height=420)
        tab.goto(studio.url(f"{page}/tasks/thumbnail/details"), "ittybit media")
        tab.picture(studio.target / "extra-link.png")


def deferred_run(studio: Studio) -> None:
    """Show a run whose uploads are done and whose waiting tasks are deferred."""
    studio.emulator.control.settings(processing="held")
    studio.unpause("media_lifecycle")
    run = studio.scheduled_run("media_lifecycle")
    waiting = ["deferred"] * 3

    def is_waiting() -> bool:
        states = studio.states(run)
        assert "failed" not in [state for each in states.values() for state in each], studio.airflow.tail()
        return states.get("wait") == waiting

    until(is_waiting, "three deferred tasks", LONGEST)
    with Tab() as tab:
        tab.emulate(width=WIDTH, height=640)
        tab.goto(studio.url(f"{page_of(run)}/tasks/wait/mapped"), "Deferred")
        tab.picture(studio.target / "deferred-run.png")
    assert studio.states(run)["wait"] == waiting


def connection_form(studio: Studio) -> None:
    """Show the form of a new connection: its standard fields, then its settings."""
    with Tab() as tab:
        tab.emulate(width=WIDTH, height=1500)
        tab.goto(studio.url("connections"), "Add Connection")
        tab.click("button", "Add Connection")
        tab.click("[role=dialog] input[name=connection_id]")
        tab.write("ittybit_default")
        tab.click("[role=dialog] [role=combobox]")
        tab.write("ittybit")
        tab.press("Enter")
        tab.wait_until_shown("API base URL")
        tab.picture(studio.target / "connection-form.png", "[role=dialog]")
        tab.click("[role=dialog] button", "Extra Fields")
        tab.wait_until_shown("CA bundle")
        tab.picture(studio.target / "connection-settings.png", "[role=dialog]")


SCENES = (extra_link, deferred_run, connection_form)


def page_of(run: str) -> str:
    """Return the page of a run in the UI, by its path in the API."""
    return run.replace("/dagRuns/", "/runs/")


def main(target: Path) -> int:
    """Start everything, take all pictures, and end everything."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ittybit-pictures-") as folder, RunningEmulator() as emulator:
        home, media = Path(folder, "airflow"), Path(folder, "media")
        for each in (home / "dags", media):
            each.mkdir(parents=True)
        for name in ("media_lifecycle.py", "thumbnails.py"):
            shutil.copy(EXAMPLES / name, home / "dags")
        video = make_video(media / "talk.mp4", width=640, height=360)
        make_image(media / "poster.png")
        make_audio(media / "jingle.mp3")
        environment: dict[str, Any] = {
            "AIRFLOW_CONN_ITTYBIT_DEFAULT": emulator.airflow_connection("2025-08-20"),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            # a busy machine needs a minute for the API server's first answer to a task
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(LONGEST),
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": str(LONGEST),
            "MEDIA_FOLDER": str(media),
            "MEDIA_POLL_INTERVAL": "1",
            "MEDIA_SOURCE": str(video),
        }
        with ScheduledAirflow(home, environment, STANDALONE) as airflow:
            for scene in SCENES:
                scene(Studio(airflow, emulator, target))
                print(f"took {scene.__name__}", flush=True)  # noqa: T201 - a program's output
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
