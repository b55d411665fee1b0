"""Assets of a real Airflow, and the runs that their events start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from system.scheduled_airflow import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from system.scheduled_airflow import ScheduledAirflow


def asset_id(airflow: ScheduledAirflow, name: str) -> int:
    found = until(lambda: airflow.call("GET", f"assets?name_pattern={name}")["assets"], f"the asset {name}")
    (asset,) = [asset for asset in found if asset["name"] == name]
    return int(asset["id"])


def ended_well(airflow: ScheduledAirflow, dag_id: str, number: int) -> Callable[[], list[dict[str, Any]] | None]:
    """Look for so many runs, all of which ended well; one that failed fails the test at once."""

    def look() -> list[dict[str, Any]] | None:
        runs: list[dict[str, Any]] = airflow.call("GET", f"dags/{dag_id}/dagRuns")["dag_runs"]
        assert "failed" not in {run["state"] for run in runs}, airflow.tail()
        return runs if len([run for run in runs if run["state"] == "success"]) >= number else None

    return look
