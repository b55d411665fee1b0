"""Takes the pictures of the documentation from a real Airflow UI: ``make screenshots``.

``airflow standalone`` runs with a home, ports and an emulator of its own. Its DAGs are the examples; what the
pictures show is what these did. All processes end with the script.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screenshots.browser import open_tab
from system.scheduled_airflow import STANDALONE, ScheduledAirflow, until

from airflow_provider_ittybit.emulator.media.samples import make_audio, make_image, make_video
from airflow_provider_ittybit.emulator.running import RunningEmulator

if TYPE_CHECKING:
    from screenshots.browser import Tab

EXAMPLES = Path(__file__).parents[2] / "example_dags"
WIDTH = 1280
CONNECTION = {
    "connection_id": "ittybit_default",
    "conn_type": "ittybit",
    "description": "the media project",
    "password": "ittybit_made_up",
    "extra": '{"api_version": "2025-08-20"}',
}


@dataclass(frozen=True)
class Studio:
    """What the pictures are taken of and with."""

    airflow: ScheduledAirflow
    emulator: RunningEmulator
    tab: Tab
    target: Path

    def url(self, path: str) -> str:
        """Return the address of a page of the UI."""
        return f"{self.airflow.url}/{path}"

    def states(self, run: str) -> dict[str, list[str]]:
        """Return the states of all tasks of a run, by task."""
        found: dict[str, list[str]] = {}
        for task in self.airflow.call("GET", f"{run}/taskInstances?limit=100")["task_instances"]:
            found.setdefault(task["task_id"], []).append(str(task["state"]))
        return found


async def connection_form(studio: Studio) -> None:
    """Show the form of a connection with its fields."""
    studio.airflow.call("POST", "connections", CONNECTION)
    tab = studio.tab
    await tab.resize(WIDTH, 1500)
    await tab.goto(studio.url("connections"), "ittybit_default")
    await tab.click("button", "Edit Connection")
    await tab.click("button", "Extra Fields")
    await tab.until_shown("API version")
    await tab.picture(studio.target / "connection-form.png", "[role=dialog]")


async def deferred_run(studio: Studio) -> None:
    """Show a run whose uploads are done and whose waiting tasks are deferred."""
    studio.emulator.control.settings(processing="held")
    run = studio.airflow.start_run("media_lifecycle")
    waiting = ["deferred"] * 3
    until(lambda: studio.states(run).get("wait") == waiting, "three deferred tasks")
    await studio.tab.resize(WIDTH, 720)
    await studio.tab.goto(studio.url(page_of(run)), "deferred")
    await studio.tab.picture(studio.target / "deferred-run.png")
    assert studio.states(run)["wait"] == waiting
    studio.emulator.control.settings(processing="auto")
    studio.emulator.control.release()


async def extra_link(studio: Studio) -> None:
    """Show the button that leads from a task to what it made."""
    run = studio.airflow.start_run("thumbnails")
    until(lambda: studio.airflow.call("GET", run)["state"] == "success", "the end of the run")
    await studio.tab.resize(WIDTH, 420)
    await studio.tab.goto(studio.url(f"{page_of(run)}/tasks/thumbnail/details"), "ittybit media")
    await studio.tab.picture(studio.target / "extra-link.png")


def page_of(run: str) -> str:
    """Return the page of a run in the UI, by its path in the API."""
    return run.replace("/dagRuns/", "/runs/")


async def take_all(airflow: ScheduledAirflow, emulator: RunningEmulator, target: Path) -> None:
    """Take the pictures one after the other, in one tab."""
    async with open_tab() as tab:
        studio = Studio(airflow, emulator, tab, target)
        for scene in (connection_form, deferred_run, extra_link):
            await scene(studio)
            print(f"took {scene.__name__}", flush=True)  # noqa: T201 - a program's output


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
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "MEDIA_FOLDER": str(media),
            "MEDIA_POLL_INTERVAL": "1",
            "MEDIA_SOURCE": str(video),
        }
        with ScheduledAirflow(home, environment, STANDALONE) as airflow:
            asyncio.run(take_all(airflow, emulator, target))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
