"""After a run on a real Airflow, the key and signatures are looked for in its whole database and all that it logs.

A scheduler's and triggerer's logs, and the rows of triggers, are searched where killed tasks wait for real.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import sqlite3
from pathlib import Path
from urllib.parse import quote

from airflow_versions import MASKED_FIELDS
from secret_search import SIGNATURE, Records

CANARY = "c4n4ryThatOpensTheBucket"
QUERY = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature={CANARY}"
FAILS = {"nowhere": ["failed"]}


def forms(secret: str) -> list[bytes]:
    """Return the bytes that a secret may be kept as."""
    return [secret.encode(), quote(secret, safe="").encode(), base64.b64encode(secret.encode())]


@MASKED_FIELDS.needed
def test_neither_key_nor_signature_is_in_the_database_or_in_what_is_logged_at_debug(
    airflow, airflow_home, emulator, web
) -> None:
    emulator.control.settings(processing="after_reads:2")
    records, root = Records(), logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)  # which makes loggers forget what they noted of an earlier level
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
        root.setLevel(before)
    assert {name: states for name, states in run.tasks.items() if set(states) != {"success"}} == FAILS, run.log[-4000:]
    database = b"".join(path.read_bytes() for path in airflow_home.glob("airflow.db*"))
    shown = {
        "database": database,
        "output": run.log.encode(),
        "records": "\n".join(records.lines).encode("utf-8", "replace"),
        "ledger": repr(emulator.control.requests()).encode(),
    }
    assert b"clip.mp4?***" in database, "the rendered fields are not there, or not masked"
    with contextlib.closing(sqlite3.connect(airflow_home / "airflow.db")) as tables:
        assert tables.execute("SELECT count(*) FROM task_reschedule").fetchone()[0], "no task was rescheduled"
    told = "\n".join(records.lines)
    assert all(words in told for words in ("urllib3.connectionpool", "clip.mp4")), "nothing was logged at DEBUG"
    assert "ittybit accepted" in run.log, "no task wrote anything"
    assert emulator.control.requests(), "nothing was noted that could have shown it"
    for place, content in shown.items():
        for secret in (CANARY, emulator.api_key):
            for form in forms(secret):
                at = content.find(form)
                assert at < 0, f"{place}: {content[max(0, at - 200) : at + 50]!r}"
        found = SIGNATURE.search(content.decode("utf-8", "replace"))
        assert found is None, f"{place}: {found}"
