"""The DAG in the README does what the README says, run by a real Airflow against the emulator."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
FOLDER = "/data/incoming"


@pytest.mark.parametrize(("days", "is_expired"), [("365", False), ("-2", True)])
def test_the_dag_of_the_readme_uploads_what_arrived_and_deletes_what_is_old(
    airflow, emulator, video, tmp_path, monkeypatch, *, days: str, is_expired: bool
) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert FOLDER in code
    assert "days=365" in code
    arrived = tmp_path / "arrived"
    arrived.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(video, arrived / name)
    dag_file = tmp_path / "readme_dag.py"
    dag_file.write_text(code.replace(FOLDER, str(arrived)).replace("days=365", f"days={days}"))
    emulator.control.settings(answer_wait=30)  # so that the sensor, which looks once a minute, finds it done
    monkeypatch.setenv("AIRFLOW_CONN_ITTYBIT_DEFAULT", emulator.airflow_connection("2025-08-20"))
    run = airflow.run(dag_file)
    assert run.state == "success", run.log[-4000:]
    assert set(run.tasks) == {"find_media", "upload", "wait", "list", "list_expired", "delete"}
    assert {state for states in run.tasks.values() for state in states} == {"success"}
    files = emulator.control.files()
    assert sorted(file["filename"] for file in files) == ["a.mp4", "b.mp4"]
    expected = hashlib.sha256(video.read_bytes()).hexdigest()
    for file in files:
        assert (file["sha256"], file["folder"], file["status"], file["deleted"]) == (
            expected,
            "incoming",
            "ready",
            is_expired,
        )
