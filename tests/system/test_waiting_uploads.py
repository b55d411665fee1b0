"""An upload that waits in the triggerer, run by a real Airflow, for one source and for several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.running import RunningEmulator

WAITING = Path(__file__).parent / "waiting_dag.py"
LOOKS = 3


def reads(emulator: RunningEmulator, sender: str) -> dict[str, int]:
    """Count by id how often resources were read by the worker or by the triggerer."""
    counts: dict[str, int] = {}
    for entry in emulator.control.requests(method="GET"):
        resource_id = entry["path"].rsplit("/", 1)[-1]
        if resource_id.startswith("file_") and f"({sender})" in (entry["user_agent"] or ""):
            counts[resource_id] = counts.get(resource_id, 0) + 1
    return counts


@pytest.mark.parametrize("names", ["clip.mp4", ["clip.mp4", "still.png", "tone.mp3"], ["tone.mp3"]], ids=str)
def test_an_upload_defers_and_ends_with_what_was_processed(
    airflow, emulator, media_folder, tmp_path, names: str | list[str]
) -> None:
    emulator.control.settings(processing=f"after_reads:{LOOKS}")
    many = isinstance(names, list)
    listed = names if isinstance(names, list) else [names]
    paths = [str(media_folder / name) for name in listed]
    result = tmp_path / "result.json"
    run = airflow.run(
        WAITING,
        AIRFLOW_CONN_ITTYBIT_DEFAULT=emulator.airflow_connection("2025-08-20"),
        MEDIA_SOURCE=json.dumps(paths if many else paths[0]),
        RESULT_FILE=result,
    )
    assert run.state == "success", run.log[-4000:]
    files = {file["filename"]: file["id"] for file in emulator.control.files()}
    assert sorted(files) == sorted(listed)
    uploaded = json.loads(result.read_text())
    assert isinstance(uploaded, list) is many
    found = uploaded if many else [uploaded]
    assert [(file["id"], file["filename"], file["status"]) for file in found] == [
        (files[name], name, "ready") for name in listed
    ]
    assert all(file["filesize"] == Path(path).stat().st_size for file, path in zip(found, paths, strict=True))
    in_triggerer, in_worker = reads(emulator, "triggerer"), reads(emulator, "worker")
    for file_id in files.values():
        assert in_triggerer[file_id] >= LOOKS - 1
        assert in_worker[file_id] >= 2  # the look before the deferral, and the one after it
