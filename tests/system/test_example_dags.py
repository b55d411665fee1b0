"""The example DAGs, run by a real Airflow against the emulator, judged by what the emulator holds afterwards."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import ASSET_WATCHERS, NAMED_ASSETS, DagBag, without_masks_that_are_told
from system.kept_by_airflow import links

from airflow_provider_ittybit.links.ittybit import IttybitPreviewLink

if TYPE_CHECKING:
    from airflow_provider_ittybit.emulator.running import RunningEmulator

EXAMPLES = Path(__file__).parents[2] / "example_dags"
NEEDS = {"watched_folder": ASSET_WATCHERS, "upload_what_arrived": NAMED_ASSETS}
HERE = [path for path in EXAMPLES.glob("*.py") if path.stem not in NEEDS or NEEDS[path.stem].is_here]
"""The examples that this Airflow can run."""


def environment(emulator: RunningEmulator, **more: Any) -> dict[str, str]:
    """Say where ittybit is, and that looks follow each other quickly."""
    return {
        "AIRFLOW_CONN_ITTYBIT_DEFAULT": emulator.airflow_connection("2025-08-20"),
        "MEDIA_POLL_INTERVAL": "0.05",
        **{name: str(value) for name, value in more.items()},
    }


def triggerer_reads(emulator: RunningEmulator) -> set[str]:
    """Name the resources that were read from the triggerer."""
    return {
        entry["path"].rsplit("/", 1)[-1]
        for entry in emulator.control.requests(method="GET")
        if "(triggerer)" in (entry["user_agent"] or "")
    }


def test_media_lifecycle_uploads_waits_by_deferral_and_deletes_everything(airflow, emulator, media_folder) -> None:
    emulator.control.settings(processing="after_reads:2")
    run = airflow.run(EXAMPLES / "media_lifecycle.py", **environment(emulator, MEDIA_FOLDER=media_folder))
    assert run.state == "success", run.log[-4000:]
    files = {file["filename"]: file for file in emulator.control.files()}
    for path in media_folder.iterdir():
        file = files.pop(path.name)
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert (file["status"], file["deleted"]) == ("ready", True)
        assert file["id"] in triggerer_reads(emulator)
    (thumbnail,) = files.values()
    assert (thumbnail["ref"], thumbnail["kind"], thumbnail["width"]) == ("thumbnail", "image", 160)
    assert thumbnail["deleted"]


def test_upload_and_clean_up_waits_by_deferral_and_leaves_nothing(airflow, emulator, video) -> None:
    emulator.control.settings(processing="after_reads:2")
    run = airflow.run(EXAMPLES / "upload_and_clean_up.py", **environment(emulator, MEDIA_SOURCE=video))
    assert run.state == "success", run.log[-4000:]
    (file,) = emulator.control.files()
    assert (file["status"], file["ref"], file["deleted"]) == ("ready", "original", True)
    assert file["id"] in triggerer_reads(emulator)


def test_upload_and_clean_up_deletes_also_when_ittybit_cannot_process(airflow, emulator, video) -> None:
    emulator.control.fault(fail_processing="moov atom not found", times=1)
    run = airflow.run(EXAMPLES / "upload_and_clean_up.py", **environment(emulator, MEDIA_SOURCE=video))
    assert run.state == "failed"
    assert "moov atom not found" in run.log
    assert "IttybitProcessingFailedError" in run.log
    (file,) = emulator.control.files()
    assert file["deleted"]


def test_upload_and_clean_up_deletes_also_when_something_cannot_be_set(airflow, emulator, video) -> None:
    emulator.control.fault(match={"method": "PATCH"}, status=403, message="Read only.", times=0)
    run = airflow.run(EXAMPLES / "upload_and_clean_up.py", **environment(emulator, MEDIA_SOURCE=video))
    assert run.state == "failed"
    assert "Read only." in run.log
    (file,) = emulator.control.files()
    assert file["deleted"]


def test_thumbnails_makes_one_by_deferral_and_keeps_it_when_the_video_is_deleted(airflow, emulator, video) -> None:
    emulator.control.settings(processing="after_reads:2")
    run = airflow.run(EXAMPLES / "thumbnails.py", **environment(emulator, MEDIA_SOURCE=video))
    assert run.state == "success", run.log[-4000:]
    source, thumbnail = emulator.control.files()
    assert (source["kind"], source["deleted"]) == ("video", True)
    assert (thumbnail["kind"], thumbnail["ref"], thumbnail["width"]) == ("image", "thumbnail", 160)
    assert not thumbnail["deleted"]
    assert any(name.startswith("task_") for name in triggerer_reads(emulator))
    assert len(emulator.control.requests(method="POST", path="/tasks")) == 1
    [to_thumbnail], [to_source] = links("thumbnails", "thumbnail"), links("thumbnails", "upload")
    assert to_thumbnail.endswith(thumbnail["id"])
    assert to_source.startswith(emulator.delivery_url)
    assert links("thumbnails", "thumbnail", IttybitPreviewLink) == [to_thumbnail]
    assert links("thumbnails", "upload", IttybitPreviewLink) == [""]


def test_a_refusal_fails_the_task_with_ittybits_own_words_and_does_not_retry(airflow, emulator, video) -> None:
    emulator.control.fault(match={"method": "POST"}, times=0, status=402, message="Your trial has ended.")
    run = airflow.run(EXAMPLES / "upload_and_clean_up.py", **environment(emulator, MEDIA_SOURCE=video))
    assert run.state == "failed"
    assert "Your trial has ended." in run.log
    assert "IttybitPaymentError" in run.log
    assert len(emulator.control.requests(method="POST")) == 1
    assert emulator.control.files() == []


def test_catalogue_export_writes_what_came_in_during_the_interval(airflow, emulator, hook_for, media_folder, tmp_path):
    video = media_folder / "clip.mp4"
    hook = hook_for("files-flat")
    wanted = [hook.upload_media(video, filename=name)["id"] for name in ("a.mp4", "b.mp4")]
    hook.upload_media(media_folder / "still.png")
    emulator.control.settle()
    exports = tmp_path / "exports"
    run = airflow.run(EXAMPLES / "catalogue_export.py", **environment(emulator, CATALOGUE_EXPORTS=exports))
    assert run.state == "success", run.log[-4000:]
    (export,) = exports.iterdir()
    rows = [json.loads(line) for line in export.read_text().splitlines()]
    assert sorted(row["id"] for row in rows) == sorted(wanted)
    assert {(row["duration"], row["width"], row["height"], row["filesize"]) for row in rows} == {
        (2.0, 320, 180, video.stat().st_size)
    }
    assert list(rows[0]) == ["id", "filename", "duration", "width", "height", "filesize", "created"]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the videos of the night come in, and where they go when they are done."""
    incoming, done = tmp_path / "incoming", tmp_path / "done"
    incoming.mkdir()
    done.mkdir()
    return incoming, done


def nightly(emulator: RunningEmulator, folders: tuple[Path, Path]) -> dict[str, object]:
    emulator.control.settings(processing="after_reads:2")
    return environment(emulator, MEDIA_FOLDER=folders[0], MEDIA_DONE=folders[1])


def test_nightly_folder_makes_a_small_one_of_each_video_and_puts_it_aside(
    airflow, emulator, media_folder, folders
) -> None:
    incoming, done = folders
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(media_folder / "clip.mp4", incoming / name)
    (incoming / "notes.txt").write_text("no video")
    run = airflow.run(EXAMPLES / "nightly_folder.py", **nightly(emulator, folders))
    assert run.state == "success", run.log[-4000:]
    files = emulator.control.files()
    assert sorted(file["filename"] for file in files if file["ref"] is None) == ["a.mp4", "b.mp4"]
    assert [(file["kind"], file["width"]) for file in files if file["ref"] == "small"] == [("video", 160)] * 2
    assert run.tasks["one_video.put_aside"] == ["success", "success"]
    assert sorted(path.name for path in done.iterdir()) == ["a.mp4", "b.mp4"]
    assert [path.name for path in incoming.iterdir()] == ["notes.txt"]
    assert triggerer_reads(emulator)


def test_nightly_folder_leaves_a_video_that_fails_and_holds_up_no_other(
    airflow, emulator, media_folder, folders
) -> None:
    incoming, done = folders
    shutil.copy(media_folder / "clip.mp4", incoming / "good.mp4")
    (incoming / "bad.mp4").write_text("no video")
    run = airflow.run(EXAMPLES / "nightly_folder.py", **nightly(emulator, folders))
    assert run.state == "failed"
    assert [path.name for path in done.iterdir()] == ["good.mp4"]
    assert [path.name for path in incoming.iterdir()] == ["bad.mp4"]


@NAMED_ASSETS.needed
def test_upload_what_arrived_takes_all_that_is_there_when_it_is_started_by_hand(
    airflow, emulator, media_folder, tmp_path
) -> None:
    shutil.copy(media_folder / "clip.mp4", tmp_path / "clip.mp4")
    more = {"RENDERS": tmp_path, "RENDERS_ASSET": tmp_path.as_uri()}
    run = airflow.run(EXAMPLES / "upload_what_arrived.py", **environment(emulator, **more))
    assert run.state == "success", run.log[-4000:]
    (file,) = emulator.control.files()
    assert (file["filename"], file["folder"]) == ("clip.mp4", "renders")


@ASSET_WATCHERS.needed
def test_watched_folder_does_nothing_without_an_event(airflow, emulator) -> None:
    run = airflow.run(EXAMPLES / "watched_folder.py", **environment(emulator))
    assert (run.state, run.tasks["thumbnail"]) == ("success", ["skipped"]), run.log[-4000:]
    assert emulator.control.requests() == []


def test_taskflow_hook_keeps_the_newest_of_its_own_files(airflow, emulator, hook_for, image, video) -> None:
    hook = hook_for("files-flat")
    mark = {"made-by": "taskflow_hook"}
    older = [hook.upload_media(image, filename=f"{number}.png", metadata=mark)["id"] for number in range(3)]
    other = hook.upload_media(image, folder="previews", metadata={"made-by": "somebody else"})["id"]
    emulator.control.settle()
    more = {"MEDIA_SOURCE": video, "KEEP": 2}
    run = airflow.run(EXAMPLES / "taskflow_hook.py", **environment(emulator, **more))
    assert run.state == "success", run.log[-4000:]
    kept = {file["id"]: file for file in emulator.control.files() if not file["deleted"]}
    assert other in kept
    assert len(kept) == 3
    assert len(set(older) & set(kept)) == 1
    assert [file["filename"] for file in kept.values()].count("clip.mp4") == 1


def test_the_key_is_in_no_task_log_and_not_in_the_database(airflow, emulator, video, caplog) -> None:
    emulator.control.settings(processing="after_reads:2")
    caplog.set_level("DEBUG")
    run = airflow.run(EXAMPLES / "upload_and_clean_up.py", **environment(emulator, MEDIA_SOURCE=video))
    assert run.state == "success", run.log[-4000:]
    assert emulator.api_key not in without_masks_that_are_told(run.log)
    assert emulator.api_key not in without_masks_that_are_told(caplog.text)
    for path in airflow.home.rglob("*"):
        if path.is_file():
            assert emulator.api_key.encode() not in path.read_bytes(), path


@pytest.mark.usefixtures("airflow_home")
def test_examples_parse_without_reading_a_connection_or_asking_the_database(monkeypatch, tmp_path) -> None:
    from airflow import settings
    from airflow.providers.common.compat.sdk import BaseHook
    from sqlalchemy import event

    def forbidden(*_: object) -> None:
        message = "a connection was read while a DAG was parsed"
        raise AssertionError(message)

    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    monkeypatch.setattr(BaseHook, "get_connection", forbidden)
    for example in HERE:
        shutil.copy(example, tmp_path)
    event.listen(settings.engine, "before_cursor_execute", note)
    try:
        bag = DagBag(str(tmp_path))
    finally:
        event.remove(settings.engine, "before_cursor_execute", note)
    assert bag.import_errors == {}
    assert set(bag.dags) == {example.stem for example in HERE}
    assert asked == []
