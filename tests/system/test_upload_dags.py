"""Uploads as DAGs have them: what upstream tasks hand over, and many mapped tasks in one run."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.running import RunningEmulator

HERE = Path(__file__).parent
MANY = 200


def files_in(folder: Path, *names: str) -> dict[str, str]:
    """Make small files, each with bytes of its own, and return their hashes by name."""
    made = {}
    for name in names:
        (folder / name).write_bytes(name.encode() * 100)
        made[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return made


def environment(emulator: RunningEmulator, **more: object) -> dict[str, Any]:
    emulator.control.settings(processing="held")
    return {"AIRFLOW_CONN_ITTYBIT_DEFAULT": emulator.airflow_connection("2025-08-20"), **more}


def test_what_an_upstream_task_returned_is_uploaded_in_every_form(airflow, emulator, tmp_path, web) -> None:
    single = ("a_path.mp4", "an_object.mp4", "several_1.mp4", "several_2.mp4", "one_each_1.mp4", "one_each_2.mp4")
    hashes = files_in(tmp_path, *single)
    around = environment(emulator, MEDIA_FOLDER=tmp_path, MEDIA_URL=f"{web}/clip.mp4")
    run = airflow.run(HERE / "handed_over_dag.py", **around)
    assert run.state == "success", run.log[-4000:]
    held = Counter((file["folder"], file["filename"]) for file in emulator.control.files())
    assert held == {
        **{(None, name): 1 for name in single[:4]},
        (None, "clip.mp4"): 2,
        **{(folder, f"one_each_{number}.mp4"): 1 for folder in ("together", "alone") for number in (1, 2)},
        ("template", "a_path.mp4"): 1,
    }
    sent = [file for file in emulator.control.files() if file["filename"] != "clip.mp4"]
    assert all(file["sha256"] == hashes[file["filename"]] for file in sent)


def test_mapped_uploads_of_one_run_set_up_one_connection_to_each_host_for_each_task(
    airflow, emulator, tmp_path
) -> None:
    hashes = files_in(tmp_path, *(f"{number:03}.mp4" for number in range(MANY)))
    run = airflow.run(HERE / "mapped_dag.py", **environment(emulator, MEDIA_FOLDER=tmp_path))
    assert run.state == "success", run.log[-4000:]
    assert run.tasks["upload"] == ["success"] * MANY
    assert {file["filename"]: file["sha256"] for file in emulator.control.files()} == hashes
    asked = emulator.control.requests()
    assert Counter((row["role"], row["method"]) for row in asked) == {("api", "POST"): MANY, ("delivery", "PUT"): MANY}
    assert len({(row["role"], row["connection"]) for row in asked}) <= 2 * MANY
