"""What a retry finds of an earlier try, as a real Airflow has it: that differs between its versions."""

from __future__ import annotations

from pathlib import Path

from airflow_versions import TASK_STATE_STORE

FAILED_LOOKS = 5
"""After so many in a row a try is given up."""


def test_a_retry_uploads_again_only_where_airflow_keeps_nothing_for_it(airflow, emulator, image) -> None:
    emulator.control.fault(match={"method": "GET", "path": "^/files/"}, times=FAILED_LOOKS, status=500)
    connection = emulator.airflow_connection("2025-08-20", max_retries=0)
    dag_file = Path(__file__).with_name("retried_dag.py")
    run = airflow.run(dag_file, AIRFLOW_CONN_ITTYBIT_DEFAULT=connection, MEDIA_SOURCE=image)
    assert run.state == "success", run.log[-4000:]
    uploads = emulator.control.requests(method="PUT")
    assert len(uploads) == len(emulator.control.files()) == (1 if TASK_STATE_STORE.is_here else 2)
