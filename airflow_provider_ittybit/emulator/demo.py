"""``ittybit-emulator demo``: a DAG on real media against an emulator, with every number checked at the end.

The DAG file runs as a program of its own, with a throw-away AIRFLOW_HOME; nothing of the user's is touched. What
it did is then read from the emulator, never from the DAG.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.emulator.media.samples import make_audio, make_image, make_video
from airflow_provider_ittybit.emulator.running import RunningEmulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = "2025-08-20"
UNFINISHED_READS = 2
"""How often the emulator says that media is not ready yet: enough that every wait is handed to the triggerer."""
THUMBNAIL = ("image", 160)
"""Kind and width, in pixels, of the thumbnail that the DAG asks for."""
STEP_TIMEOUT = 300
LOG_LINES = 40


class DemoError(Exception):
    """The demo did not do what it should; the text says what."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the emulator knows about one file at the end.

    :param asked_by: how many of its reads came from workers and from the triggerer.
    """

    name: str
    file_id: str
    size: int
    intact: bool | None
    status: str
    deleted: bool
    asked_by: tuple[int, int]


def run_demo(dag_file: Path) -> int:
    """Run the demo and print its table.

    :param dag_file: the DAG to run; it finds its media in ``MEDIA_FOLDER``.
    :returns: 0 if every number was checked against the emulator, 1 otherwise.
    """
    started = time.monotonic()
    if not dag_file.is_file():
        _say(
            f"demo failed: there is no DAG {dag_file}; run this from the root of the repository or name one with --dag."
        )
        return 1
    with tempfile.TemporaryDirectory(prefix="ittybit-demo-") as folder:
        try:
            lines = _play(dag_file, Path(folder))
        except DemoError as error:
            _say(f"demo failed: {error}")
            return 1
    _say("", *_table(lines), "")
    uploads = sum(line.intact is not None for line in lines)
    ready = sum(line.status == "ready" for line in lines)
    deleted = sum(line.deleted for line in lines)
    _say(f"demo ok: uploaded={uploads} processed={ready} deleted={deleted} seconds={time.monotonic() - started:.0f}")
    return 0


def _play(dag_file: Path, folder: Path) -> list[Line]:
    media = folder / "media"
    media.mkdir()
    samples = [
        make_video(media / "clip.mp4", seconds=4, width=640, height=360),
        make_image(media / "still.jpg", width=640, height=480),
        make_audio(media / "tone.mp3", seconds=3),
    ]
    _say(f"made {', '.join(f'{path.name} ({path.stat().st_size:,} bytes)' for path in samples)}")
    with RunningEmulator(folder / "state", processing=f"after_reads:{UNFINISHED_READS}") as emulator:
        _say(f"the local ittybit listens at {emulator.api_url}")
        environment = _environment(folder, dag_file, emulator)
        _step("preparing a throw-away Airflow", [sys.executable, "-m", "airflow", "db", "migrate"], folder, environment)
        _step(f"running {dag_file}", [sys.executable, str(dag_file)], folder, environment)
        return _checked(emulator, samples)


def _environment(folder: Path, dag_file: Path, emulator: RunningEmulator) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    dags = folder / "dags"
    dags.mkdir()
    (dags / dag_file.name).symlink_to(dag_file.resolve())
    return {
        **mine,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_ITTYBIT_DEFAULT": emulator.airflow_connection(VERSION),
        "MEDIA_FOLDER": str(folder / "media"),
        "MEDIA_POLL_INTERVAL": "0.2",
    }


def _step(what: str, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    started = time.monotonic()
    _say(f"{what} …", end="")
    log = folder / "step.log"
    with log.open("wb") as out:
        try:
            status = subprocess.run(  # noqa: S603 - this very Python and a file the user named
                command, env=dict(environment), stdout=out, stderr=subprocess.STDOUT, timeout=STEP_TIMEOUT, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
    if status != 0:
        tail = log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        message = f"{what} ended with status {status}. Its last lines:\n" + "\n".join(tail)
        raise DemoError(message)
    _say(f" {time.monotonic() - started:.1f} s")


def _checked(emulator: RunningEmulator, samples: Iterable[Path]) -> list[Line]:
    """Compare what the emulator holds with what the DAG should have done."""
    sent = {hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in samples}
    requests, files = emulator.control.requests(), emulator.control.files()
    lines = [_line(file, sent, requests) for file in files]
    originals = sorted(line.name for line in lines if line.intact)
    _expect(
        originals == sorted(sent.values()), f"uploaded intact and once: {originals}, wanted {sorted(sent.values())}"
    )
    made = [(file["kind"], file["width"]) for file in files if file["ref"] == "thumbnail"]
    _expect(made == [THUMBNAIL], f"the thumbnails (kind, width) are {made}, wanted {[THUMBNAIL]}")
    _expect(len(lines) == len(sent) + 1, f"ittybit holds {len(lines)} files, wanted {len(sent) + 1}")
    for line in lines:
        _expect(line.status == "ready", f"{line.name} is {line.status}, not ready")
        _expect(line.deleted, f"{line.name} was not deleted")
        _expect(line.intact is None or line.asked_by[1] > 0, f"nobody waited for {line.name} in the triggerer")
    lists = [entry for entry in requests if entry["method"] == "GET" and entry["path"] == "/files"]
    _expect(len(lists) >= 2, f"{len(lists)} lists were read, wanted at least 2")
    return sorted(lines, key=lambda line: line.name)


def _line(file: Mapping[str, Any], sent: Mapping[str, str], requests: list[dict[str, Any]]) -> Line:
    reads = [
        entry["user_agent"] or ""
        for entry in requests
        if entry["method"] == "GET" and entry["path"] == f"/files/{file['id']}"
    ]
    waiting = sum("(triggerer)" in agent for agent in reads)
    uploaded = file["sha256"] in sent
    return Line(
        name=file["filename"] or "thumbnail",
        file_id=file["id"],
        size=file["size"],
        intact=(sent[file["sha256"]] == file["filename"]) if uploaded else None,
        status=file["status"],
        deleted=file["deleted"],
        asked_by=(len(reads) - waiting, waiting),
    )


def _expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise DemoError(otherwise)


def _table(lines: Iterable[Line]) -> list[str]:
    rows = [("file", "id", "bytes", "as sent", "reads by worker", "by triggerer", "status", "deleted")]
    for line in lines:
        as_sent = "made here" if line.intact is None else "yes" if line.intact else "NO"
        reads = (str(line.asked_by[0]), str(line.asked_by[1]))
        rows.append((line.name, line.file_id, f"{line.size:,}", as_sent, *reads, line.status, str(line.deleted)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _say(*lines: str, end: str = "\n") -> None:
    for line in lines:
        sys.stdout.write(line + end)
    sys.stdout.flush()
