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
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from screenshots.browser import open_tab
from system.scheduled_airflow import STANDALONE, ScheduledAirflow, until

from airflow_provider_ittybit.emulator.media.samples import make_audio, make_image, make_video
from airflow_provider_ittybit.emulator.running import RunningEmulator

if TYPE_CHECKING:
    from screenshots.browser import Tab

EXAMPLES = Path(__file__).parents[2] / "example_dags"
WIDTH = 1280
LONGEST = 600.0
"""Seconds that a run may take on a busy machine."""


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

    def start(self, dag_id: str, logical_date: datetime | None = None) -> str:
        """Run a DAG, and return the path of the run in the API."""
        until(lambda: dag_id in [dag["dag_id"] for dag in self.airflow.call("GET", "dags")["dags"]], dag_id)
        wish = {"logical_date": logical_date and logical_date.isoformat()}
        run = self.airflow.call("POST", f"dags/{dag_id}/dagRuns", wish)
        return f"dags/{dag_id}/dagRuns/{quote(run['dag_run_id'])}"

    def states(self, run: str) -> dict[str, list[str]]:
        """Return the states of all tasks of a run, by task."""
        found: dict[str, list[str]] = {}
        for task in self.airflow.call("GET", f"{run}/taskInstances?limit=100")["task_instances"]:
            found.setdefault(task["task_id"], []).append(str(task["state"]))
        return found


async def connection_form(studio: Studio) -> None:
    """Show the form of a new connection: its standard fields, then its settings."""
    tab = studio.tab
    await tab.resize(WIDTH, 1500)
    await tab.goto(studio.url("connections"), "Add Connection")
    await tab.click("button", "Add Connection")
    await tab.click("[role=dialog] input[name=connection_id]")
    await tab.write("ittybit_default")
    await tab.click("[role=dialog] [role=combobox]")
    await tab.write("ittybit")
    await tab.press("Enter")
    await tab.until_shown("API base URL")
    await tab.picture(studio.target / "connection-form.png", "[role=dialog]")
    await tab.click("[role=dialog] button", "Extra Fields")
    await tab.until_shown("CA bundle")
    await tab.picture(studio.target / "connection-settings.png", "[role=dialog]")


async def deferred_run(studio: Studio) -> None:
    """Show a run whose uploads are done and whose waiting tasks are deferred."""
    studio.emulator.control.settings(processing="held")
    run = studio.start("media_lifecycle", datetime.now(UTC))
    waiting = ["deferred"] * 3

    def is_waiting() -> bool:
        states = studio.states(run)
        assert "failed" not in [state for each in states.values() for state in each], studio.airflow.tail()
        return states.get("wait") == waiting

    until(is_waiting, "three deferred tasks", LONGEST)
    await studio.tab.resize(WIDTH, 640)
    await studio.tab.goto(studio.url(f"{page_of(run)}/tasks/wait/mapped"), "Deferred")
    await studio.tab.picture(studio.target / "deferred-run.png")
    assert studio.states(run)["wait"] == waiting
    studio.emulator.control.settings(processing="auto")
    studio.emulator.control.release()


async def extra_link(studio: Studio) -> None:
    """Show the button that leads from a task to what it made."""
    run = studio.start("thumbnails")
    until(lambda: studio.airflow.call("GET", run)["state"] == "success", "the end of the run", LONGEST)
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
