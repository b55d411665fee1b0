"""After a run on a real Airflow, the key and signatures are looked for in its whole database, its logs and output."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from urllib.parse import quote

import pytest
from airflow_versions import MASKED_FIELDS, without_masks_that_are_told
from secret_search import SIGNATURE, Records

pytestmark = pytest.mark.xdist_group("airflow")

CANARY = "c4n4ryThatOpensTheBucket"
QUERY = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature={CANARY}"
FAILS = {"nowhere": ["failed"]}


def forms(secret: str) -> list[bytes]:
    """Return the bytes that a secret may be kept as."""
    return [secret.encode(), quote(secret, safe="").encode(), base64.b64encode(secret.encode())]


@MASKED_FIELDS.needed
def test_neither_key_nor_signature_is_in_the_database_the_logs_or_the_output(
    airflow, airflow_home, emulator, web, monkeypatch
) -> None:
    emulator.control.settings(processing="after_reads:2")
    records, root = Records(), logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(records)
    try:
        run = airflow.run(
            Path(__file__).parent / "secret_dag.py",
            AIRFLOW_CONN_ITTYBIT_DEFAULT=emulator.airflow_connection("2025-08-20", max_retries=0),
            AIRFLOW_VAR_SIGNED_URL=f"{web}/clip.mp4?{QUERY}",
            AIRFLOW_VAR_NOWHERE_URL=f"http://127.0.0.1:1/clip.mp4?t={CANARY}",
        )
    finally:
        root.removeHandler(records)
    assert {name: states for name, states in run.tasks.items() if set(states) != {"success"}} == FAILS, run.log[-4000:]
    database = b"".join(path.read_bytes() for path in airflow_home.glob("airflow.db*"))
    logs = b"".join(path.read_bytes() for path in airflow_home.rglob("*.log"))
    shown = {
        "database": database,
        "logs": logs,
        "output": without_masks_that_are_told(run.log).encode(),
        "records": without_masks_that_are_told("\n".join(records.lines)).encode("utf-8", "replace"),
        "ledger": repr(emulator.control.requests()).encode(),
    }
    assert b"clip.mp4?***" in database, "the rendered fields are not there, or not masked"
    for place, content in shown.items():
        for secret in (CANARY, emulator.api_key):
            for form in forms(secret):
                at = content.find(form)
                assert at < 0, f"{place}: {content[max(0, at - 200) : at + 50]!r}"
        found = SIGNATURE.search(content.decode("utf-8", "replace"))
        assert found is None, f"{place}: {found}"
