"""The official Python SDKs use the emulator, each in an environment of its own, and what their models read is true.

The drivers in ``sdk/`` make the calls. They hold each body against the SDK's declared model, since the SDK itself
accepts any body, and report the declared fields as the model's attributes give them.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from conformance.sdk_driving import SDKS, drive, interpreter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.sdk_driving import Report, Sdk

    from airflow_provider_ittybit.emulator.running import RunningEmulator

MOVING = {"kind": "video", "type": "video/mp4", "codec": "h264", "width": 320, "height": 180, "fps": 24, "frames": 48}
MEDIA = {
    "clip": ("clip.mp4", {**MOVING, "orientation": "landscape", "duration": 2}),
    "still": ("still.png", {"kind": "image", "type": "image/png", "codec": "png", "width": 320, "height": 240}),
    "tone": ("tone.mp3", {"kind": "audio", "type": "audio/mpeg", "codec": "mp3", "duration": 2}),
}


EACH_SDK = [pytest.param(sdk, id=sdk.version) for sdk in SDKS]
ENVELOPED = pytest.mark.parametrize("report", [EACH_SDK[1]], indirect=True)


@pytest.fixture(scope="session")
def report_of(running_emulator: RunningEmulator, web: str, media_folder: Path) -> Callable[[Sdk], Report]:
    """Drive an SDK once: to import it takes longer than to make all of the calls."""
    reports: dict[Sdk, Report] = {}

    def report_of(sdk: Sdk) -> Report:
        if sdk not in reports:
            reports[sdk] = drive(sdk, running_emulator, web, media_folder)
        return reports[sdk]

    return report_of


@pytest.fixture(params=EACH_SDK)
def report(request: pytest.FixtureRequest, report_of: Callable[[Sdk], Report]) -> Report:
    return report_of(request.param)


@pytest.fixture
def files(report: Report) -> dict[str, Any]:
    return report.scene("files")


@pytest.fixture
def media(report: Report) -> dict[str, Any]:
    return report.scene("media")


@pytest.fixture
def tasks(report: Report) -> dict[str, Any]:
    return report.scene("tasks")


@pytest.fixture
def uploads(report: Report) -> dict[str, Any]:
    return report.scene("uploads")


@pytest.fixture
def refusals(report: Report) -> dict[str, Any]:
    return report.scene("refusals")


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["data"]]


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    assert read.utcoffset() == timedelta(0)
    return read


def test_a_missing_environment_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="run `make test`"):
        interpreter(SDKS[0], tmp_path)


def test_the_sdk_is_the_release_it_should_be_and_asks_for_its_generation(report: Report) -> None:
    assert report.document["sdk"] == report.sdk.version
    calls = [request for request in report.requests() if request["user_agent"] == f"ittybit/{report.sdk.version}"]
    assert {request["path"].split("/")[1] for request in calls} >= {"files", "media", "tasks", "signatures"}
    assert {(request["version"], request["generation"]) for request in calls} == {report.sdk.asks_for}


@pytest.mark.parametrize("name", MEDIA)
def test_a_file_made_from_a_url_is_read_true_to_its_media(
    report: Report, files: dict[str, Any], media_folder: Path, name: str
) -> None:
    filename, facts = MEDIA[name]
    file = files[name]["data"]
    assert {key: file[key] for key in facts} == facts
    assert (file["object"], file["filesize"]) == ("source", (media_folder / filename).stat().st_size)
    assert file["url"].startswith(f"{report.delivery_url}/")
    assert file["id"].startswith("file_")
    assert file["media_id"].startswith("med_")
    assert report.begun - timedelta(milliseconds=1) <= moment(file["created"])
    assert moment(file["created"]) <= moment(file["updated"]) <= report.ended


@pytest.mark.parametrize(
    ("name", "end"), [("clip", "ready"), ("still", "ready"), ("tone", "ready"), ("lost", "failed")]
)
def test_a_file_is_accepted_and_seen_on_its_way_to_its_end(files: dict[str, Any], name: str, end: str) -> None:
    created = files[f"{name}_created"]
    assert (created["http"], created["data"]["status"]) == (202, "waiting")
    assert created["data"]["id"] == files[name]["data"]["id"]
    assert files[name]["statuses"] == ["waiting", "processing", end]


def test_a_file_keeps_what_it_was_made_with(files: dict[str, Any]) -> None:
    wish = {
        "folder": "raw/día 1",
        "filename": "Tomà 1.mp4",
        "ref": "original",
        "metadata": {"show": "pilot", "take": 3},
    }
    for name in ("clip_created", "clip"):
        assert {key: files[name]["data"][key] for key in wish} == wish


def test_a_changed_file_has_its_new_fields_and_loses_a_metadata_key_that_is_null(files: dict[str, Any]) -> None:
    wish = {"folder": "cut", "filename": "final.mp4", "ref": "hero", "metadata": {"show": "pilot", "cut": 1}}
    before, changed = files["clip"]["data"], files["changed"]["data"]
    assert changed == {**before, **wish, "updated": changed["updated"]}
    assert moment(changed["updated"]) >= moment(before["updated"])
    assert files["changed_and_read"]["data"] == changed


def test_files_are_listed_newest_first_and_page_by_page(files: dict[str, Any]) -> None:
    clip, still, tone = (files[name]["data"]["id"] for name in ("clip", "still", "tone"))
    assert [ids(files[f"page_{page}"]) for page in (1, 2, 3)] == [[tone, still], [clip], []]
    assert files["page_2"]["data"] == [files["clip"]["data"]]


def test_a_deleted_file_is_gone(files: dict[str, Any]) -> None:
    still = files["still"]["data"]["id"]
    assert (files["deleted"]["http"], files["deleted"]["data"]) == (202, {"message": f"{still} deleted"})
    assert files["gone"]["http"] == 404
    assert ids(files["left"]) == [files["tone"]["data"]["id"], files["clip"]["data"]["id"]]


def test_an_empty_media_has_its_words_and_nothing_else(report: Report, media: dict[str, Any]) -> None:
    created = media["film_created"]
    film = dict(created["data"])
    assert created["http"] == 201
    assert film.pop("id").startswith("med_")
    assert report.begun - timedelta(milliseconds=1) <= moment(film.pop("created"))
    assert moment(film.pop("updated")) <= report.ended
    words = {"title": "Pilot", "alt": "A test card moves", "metadata": {"season": 1, "draft": True}}
    assert {key: value for key, value in film.items() if value is not None} == {
        "object": "media",
        "files": [],
        "urls": {},
        **words,
    }


def test_a_media_shows_its_file_and_what_that_is(media: dict[str, Any], media_folder: Path) -> None:
    film, file = media["film"]["data"], media["file"]["data"]
    assert {key: film[key] for key in ("kind", "width", "height", "duration")} == {
        "kind": "video",
        "width": 320,
        "height": 180,
        "duration": 2,
    }
    assert film["urls"] == {"original": file["url"]}
    [shown] = film["files"]
    assert shown == {key: file[key] for key in shown}
    assert {key: shown[key] for key in MOVING} == MOVING
    assert (shown["status"], shown["filesize"]) == ("ready", (media_folder / "clip.mp4").stat().st_size)
    assert file["media_id"] == film["id"]


def test_a_changed_media_has_its_new_words(media: dict[str, Any]) -> None:
    words = {"title": "Pilot, cut", "alt": "The card again", "metadata": {"season": 1, "cut": 2}}
    before, changed = media["film"]["data"], media["changed"]["data"]
    assert changed == {**before, **words, "updated": changed["updated"]}
    assert moment(changed["updated"]) >= moment(before["updated"])
    assert media["changed_and_read"]["data"] == changed


def test_media_are_listed_newest_first_and_page_by_page(media: dict[str, Any]) -> None:
    film, second, third = (media[name]["data"]["id"] for name in ("film", "Second", "Third"))
    assert [ids(media[f"page_{page}"]) for page in (1, 2, 3)] == [[third, second], [film], []]
    assert media["page_2"]["data"] == [media["film"]["data"]]


def test_a_deleted_media_is_gone_and_its_files_with_it(media: dict[str, Any]) -> None:
    film = media["film"]["data"]["id"]
    assert (media["deleted"]["http"], media["deleted"]["data"]) == (202, {"message": f"{film} deleted"})
    assert (media["gone"]["http"], media["file_gone"]["http"]) == (404, 404)
    assert film not in ids(media["left"])


def test_a_task_begins_pending_with_its_options_and_the_file_it_takes(tasks: dict[str, Any]) -> None:
    created, clip = tasks["poster_created"], tasks["clip"]["data"]
    task = created["data"]
    assert (created["http"], task["object"], task["kind"], task["status"]) == (201, "task", "image", "pending")
    assert (task["output"], task["error"], task["progress"]) == (None, None, 0)
    assert task["options"] == {"start": 1, "width": 160, "format": "png"}
    assert {key: task["input"][key] for key in ("id", "kind", "url")} == {
        key: clip[key] for key in ("id", "kind", "url")
    }


def test_a_task_ends_with_a_file_of_the_same_media(tasks: dict[str, Any]) -> None:
    task, file = tasks["poster"]["data"], tasks["poster_file"]["data"]
    assert tasks["poster"]["statuses"] == ["pending", "processing", "completed"]
    assert (task["id"], task["progress"], task["error"]) == (tasks["poster_created"]["data"]["id"], 100, None)
    assert moment(task["created"]) <= moment(task["updated"])
    assert task["output"] == {key: file[key] for key in task["output"]}
    assert (file["kind"], file["type"], file["width"], file["height"]) == ("image", "image/png", 160, 90)
    assert (file["filename"], file["folder"], file["ref"]) == ("poster.png", "stills", "poster")
    assert (file["status"], file["media_id"]) == ("ready", tasks["clip"]["data"]["media_id"])


def test_the_file_of_a_task_appears_in_its_media_by_its_ref(tasks: dict[str, Any]) -> None:
    clip, poster, media = (tasks[name]["data"] for name in ("clip", "poster_file", "media"))
    assert media["urls"] == {"original": clip["url"], "poster": poster["url"]}
    assert ids({"data": media["files"]}) == [clip["id"], poster["id"]]


def test_a_task_that_cannot_be_done_says_so(tasks: dict[str, Any]) -> None:
    task = tasks["speech"]["data"]
    assert tasks["speech"]["statuses"] == ["pending", "processing", "failed"]
    assert task["output"] is None
    assert "'speech'" in task["error"]


def test_tasks_are_listed_newest_first_and_page_by_page(tasks: dict[str, Any]) -> None:
    assert [tasks[f"page_{page}"]["data"] for page in (1, 2)] == [[tasks["speech"]["data"]], [tasks["poster"]["data"]]]


def test_the_kinds_of_task_are_told_to_the_sdk_that_asks(report: Report, tasks: dict[str, Any]) -> None:
    if not report.sdk.is_enveloped:
        assert "config" not in tasks  # 1.0.0 has no call for it
        return
    assert {"start", "width", "format"} <= set(tasks["config"]["data"]["image"]["options"])


def test_a_signature_says_what_was_asked_for(report: Report, uploads: dict[str, Any]) -> None:
    signature = uploads["to_write"]["data"]
    wish = {"filename": "take one.mp4", "folder": "inbox/día 1", "method": "put", "expiry": uploads["expiry"]}
    assert uploads["to_write"]["http"] == 201
    assert {key: signature[key] for key in wish} == wish
    assert signature["domain"] == report.delivery_url.removeprefix("http://")
    assert signature["url"].startswith(f"{report.delivery_url}/inbox/d%C3%ADa%201/take%20one.mp4?")
    assert f"signature={signature['signature']}" in signature["url"]


def test_a_signature_reads_and_lasts_an_hour_unless_told_otherwise(report: Report, uploads: dict[str, Any]) -> None:
    signature = uploads["to_read"]["data"]
    assert signature["method"] == "get"
    assert report.begun.timestamp() - 1 <= signature["expiry"] - 3600 <= report.ended.timestamp()
    assert uploads["put_to_the_url_for_reading"] == 403


def test_bytes_put_to_a_signed_url_become_a_file(uploads: dict[str, Any], media_folder: Path) -> None:
    clip, file = media_folder / "clip.mp4", uploads["file"]["data"]
    assert uploads["put"] == 202
    assert (file["filename"], file["folder"], file["status"]) == ("take one.mp4", "inbox/día 1", "ready")
    assert {key: file[key] for key in MOVING} == MOVING
    assert (file["duration"], file["filesize"]) == (2, clip.stat().st_size)
    digest = hashlib.sha256(clip.read_bytes()).hexdigest()
    assert (uploads["signed"], uploads["public"]) == (digest, digest)


def test_bytes_are_put_and_fetched_without_the_key(report: Report) -> None:
    requests = [request for request in report.requests() if request["role"] == "delivery"]
    assert {request["method"] for request in requests} == {"GET", "PUT"}
    assert not any(request["has_authorization"] for request in requests)


def refusal(report: Report, body: dict[str, Any]) -> str:
    """Return the message of a refusal after looking at the rest of its body."""
    if not report.sdk.is_enveloped:
        assert list(body) == ["message"]
        return str(body["message"])
    assert list(body) == ["meta", "data", "error", "links"]
    assert (body["data"], list(body["error"])) == (None, ["message"])
    assert (body["meta"]["type"], body["meta"]["version"]) == ("error", report.sdk.asks_for[0])
    assert body["meta"]["request_id"].startswith("req_")
    assert set(body["links"]) == {"self", "parent"}
    return str(body["error"]["message"])


@pytest.mark.parametrize(
    ("prefix", "status", "count"), [("missing ", 404, 7), ("wrong key: ", 401, 5), ("bad ", 400, 4)]
)
def test_a_refusal_has_its_status_and_the_body_of_the_generation(
    report: Report, refusals: dict[str, Any], prefix: str, status: int, count: int
) -> None:
    told = [note for name, note in refusals.items() if name.startswith(prefix)]
    assert [note["http"] for note in told] == [status] * count
    assert all(refusal(report, note["body"]) for note in told)


@pytest.mark.parametrize("what", ["file", "media", "task"])
def test_a_missing_resource_is_answered_in_the_words_of_the_reference(
    report: Report, refusals: dict[str, Any], what: str
) -> None:
    assert refusal(report, refusals[f"missing {what}"]["body"]) == (
        f"The requested {what} was not found. Please check the URL, that the ID is correct, and that you have used a "
        "valid API Key for the relevant project."
    )


def envelopes(report: Report) -> list[dict[str, Any]]:
    scenes = [report.scene(name).values() for name in ("files", "media", "tasks", "uploads")]
    return [note for notes in scenes for note in notes if isinstance(note, dict) and "http" in note and "data" in note]


def test_every_answer_has_its_own_envelope_or_none(report: Report) -> None:
    notes = envelopes(report)
    assert len(notes) > 30
    if not report.sdk.is_enveloped:
        assert all((note["meta"], note["error"], note["links"]) == (None, None, None) for note in notes)
        return
    metas = [note["meta"] for note in notes]
    assert {meta["version"] for meta in metas} == {"2025-01-01"}
    assert len({meta["org_id"] for meta in metas}) == len({meta["project_id"] for meta in metas}) == 1
    assert len({meta["request_id"] for meta in metas}) > 30
    assert all(meta["type"] == ("list" if "total" in meta else "object") for meta in metas)
    assert all(note["error"] is None for note in notes)


@ENVELOPED
@pytest.mark.parametrize("kind", ["files", "media"])
def test_an_enveloped_list_counts_its_pages_and_links_to_them(report: Report, kind: str) -> None:
    notes = report.scene(kind)
    names = ("limit", "total", "page", "pages")
    numbers = [[notes[f"page_{page}"]["meta"][name] for name in names] for page in (1, 2, 3)]
    assert numbers == [[2, 3, 1, 2], [2, 3, 2, 2], [2, 3, 3, 2]]
    first, second = (f"{report.api_url}/{kind}?page={page}&limit=2" for page in (1, 2))
    ends = {"first": first, "last": second}
    assert notes["page_1"]["links"] == {"self_": first, "prev": None, "next": second, **ends}
    assert notes["page_2"]["links"] == {"self_": second, "prev": first, "next": None, **ends}
    assert notes["page_3"]["links"]["next"] is None


@ENVELOPED
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("files", "clip_created"),
        ("files", "clip"),
        ("files", "changed"),
        ("media", "film_created"),
        ("tasks", "poster"),
    ],
)
def test_an_enveloped_resource_links_to_itself_and_its_list(report: Report, kind: str, name: str) -> None:
    note = report.scene(kind)[name]
    parent = f"{report.api_url}/{kind}"
    assert note["links"] == {"self_": f"{parent}/{note['data']['id']}", "parent": parent}


@ENVELOPED
@pytest.mark.parametrize("kind", ["files", "media"])
def test_an_enveloped_deletion_links_to_the_list_only(report: Report, kind: str) -> None:
    assert report.scene(kind)["deleted"]["links"] == {"self_": None, "parent": f"{report.api_url}/{kind}"}
