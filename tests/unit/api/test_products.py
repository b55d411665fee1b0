"""What a resource can give to the next task, and where a person can look at it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api.generations import BY_NAME
from airflow_provider_ittybit.api.products import input_of, preview_url, public_url
from airflow_provider_ittybit.exceptions import IttybitInputError

FILE = {"id": "file_1", "object": "source", "url": "https://p.ittybit.net/a.mp4"}
TRACK = {"id": "file_2", "object": "track", "url": "https://p.ittybit.net/a.vtt"}
MEDIA = {"id": "med_1", "object": "media", "files": [FILE, TRACK], "urls": {"poster": "https://p.ittybit.net/p.jpg"}}
TASK = {"id": "task_1", "kind": "image", "input": {"url": "https://user.example/in.mp4"}, "output": FILE}
LATER_TASK = {"id": "task_1", "inputs": [{"url": "https://user.example/in.mp4"}], "outputs": [FILE]}
RUN = {"id": "run_1", "tasks": [LATER_TASK, {"id": "task_2", "outputs": []}]}
JOB = {"id": "job_1", "input": "https://user.example/in.mp4", "output": "https://store.example/o.mp4", "tasks": [TASK]}
WAITING_JOB = {"id": "job_1", "status": "queued", "output": None, "tasks": [{"id": "task_1", "output": FILE}]}


@pytest.mark.parametrize(
    ("generation", "given", "found"),
    [
        ("files-flat", "https://a.example/a.mp4", "https://a.example/a.mp4"),
        ("files-flat", "file_1", "file_1"),
        ("files-flat", FILE, "file_1"),
        ("files-enveloped", MEDIA, "file_1"),
        ("files-flat", TASK, "file_1"),
        ("files-flat", {"url": "https://a.example/a.mp4"}, "https://a.example/a.mp4"),
        ("tasks", FILE, FILE["url"]),
        ("tasks", LATER_TASK, FILE["url"]),
        ("tasks", RUN, FILE["url"]),
        ("jobs", JOB, JOB["output"]),
        ("jobs", TASK, FILE),
        ("jobs", FILE, FILE),
        ("jobs", {"url": "https://a.example/a.mp4"}, {"url": "https://a.example/a.mp4"}),
        ("media", FILE, FILE),
    ],
)
def test_a_resource_gives_the_one_file_that_it_is_or_made(generation: str, given: Any, found: Any) -> None:
    assert input_of(BY_NAME[generation], given) == found


@pytest.mark.parametrize(
    "given",
    [
        WAITING_JOB,
        {"id": "run_1", "status": "queued", "tasks": [{"id": "task_1", "outputs": []}]},
        {"id": "task_1", "output": None, "status": "pending"},
        {"id": "task_1", "output": {}, "status": "pending"},
        {"id": "med_1", "files": []},
    ],
    ids=lambda given: given["id"],
)
@pytest.mark.parametrize("generation", ["files-flat", "tasks", "jobs"])
def test_what_made_nothing_yet_is_refused_with_what_to_do(generation: str, given: dict[str, Any]) -> None:
    with pytest.raises(IttybitInputError, match=f"{given['id']} holds no file yet .*wait_for_processing") as caught:
        input_of(BY_NAME[generation], given)
    assert caught.value.resource_id == given["id"]


def test_of_several_files_none_is_chosen() -> None:
    with pytest.raises(IttybitInputError, match=r"med_1 holds 2 files \(file_1, file_3\)"):
        input_of(BY_NAME["files-flat"], {"id": "med_1", "files": [FILE, {**FILE, "id": "file_3"}]})


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        (FILE, FILE["url"]),
        ([FILE], FILE["url"]),
        (MEDIA, FILE["url"]),
        (TASK, FILE["url"]),
        (RUN, FILE["url"]),
        (JOB, JOB["output"]),
        ({"id": "1f6b2c", "sources": [], "urls": {"preview": "https://m.example/p"}}, "https://m.example/p"),
        ({"id": "1f6b2c", "sources": [{"url": "https://m.example/720.mp4"}]}, "https://m.example/720.mp4"),
        ({"id": "job_1", "input": "https://user.example/in.mp4", "output": "s3://bucket/key"}, None),
        ({"id": "file_1", "url": "https://p.ittybit.net/a.mp4?signature=hush"}, None),
        ({"id": "file_1", "url": "https://key@p.ittybit.net/a.mp4"}, None),
        ({"id": "file_1", "url": "javascript:alert(1)"}, None),
        ({"id": "file_1", "url": "https://[broken"}, None),
        ({"id": "task_1", "input": {"url": "https://user.example/in.mp4"}, "output": None}, None),
        ([FILE, FILE], None),
        ({"deleted": ["file_1"]}, None),
        ("file_1", None),
        (None, None),
    ],
)
def test_only_a_public_address_of_ittybits_answer_is_shown(resource: Any, url: str | None) -> None:
    assert public_url(resource) == url


P = "https://p.ittybit.net"
CLIP = {"id": "file_1", "object": "source", "kind": "video", "type": "video/mp4", "url": f"{P}/a.mp4"}
STILL = {"id": "file_3", "object": "source", "kind": "image", "type": "image/jpeg", "url": f"{P}/s.jpg"}
SHEET = {"id": "file_4", "object": "track", "kind": "thumbnails", "type": "text/vtt", "url": f"{P}/t.vtt"}
SIGNED = {**STILL, "url": f"{P}/s.jpg?signature=hush"}
IMAGE_TASK = {"id": "task_1", "kind": "image", "input": {"url": "https://user.example/in.png", "kind": "image"}}
IMAGE_JOB = {"id": "job_1", "kind": "image", "input": "https://user.example/in.png", "output": f"{P}/o.webp"}


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        pytest.param(
            {"id": "1f", "sources": [CLIP], "urls": {"preview": f"{P}/p", "poster": f"{P}/o"}},
            f"{P}/p",
            id="media, both",
        ),
        pytest.param(
            {"id": "1f", "sources": [CLIP], "urls": {"preview": None, "poster": f"{P}/o"}}, f"{P}/o", id="media, poster"
        ),
        pytest.param(
            {"id": "1f", "sources": [CLIP], "urls": {"preview": f"{P}/p?k", "poster": f"{P}/o"}},
            f"{P}/o",
            id="media, one signed",
        ),
        pytest.param({"id": "1f", "sources": [CLIP], "poster": f"{P}/o"}, f"{P}/o", id="media, beside urls"),
        pytest.param({"id": "1f", "kind": "image", "sources": [{"url": f"{P}/i"}]}, f"{P}/i", id="media, an image"),
        pytest.param({"id": "1f", "sources": [CLIP], "urls": {"playback": f"{P}/b"}}, None, id="media, playback only"),
        pytest.param({"id": "med_1", "files": [CLIP, STILL, SHEET], "urls": {}}, STILL["url"], id="files, an image"),
        pytest.param({"id": "med_1", "files": [CLIP, STILL], "urls": {"poster": f"{P}/o"}}, f"{P}/o", id="files, ref"),
        pytest.param(
            {"id": "med_1", "files": [CLIP, SHEET], "urls": {"web": f"{P}/a.mp4"}}, None, id="files, no image"
        ),
        pytest.param({"id": "med_1", "kind": "image", "files": [SIGNED, STILL]}, STILL["url"], id="files, one signed"),
        pytest.param({"id": "med_1", "sources": [{"src": f"{P}/i", "type": "image/png"}]}, f"{P}/i", id="early files"),
        pytest.param(
            {"id": "med_1", "sources": [CLIP], "tracks": [SHEET, STILL]}, STILL["url"], id="early files, track"
        ),
        pytest.param({"id": "med_1", "kind": "image", "sources": [], "url": f"{P}/i"}, f"{P}/i", id="early files, url"),
        pytest.param({"id": "med_1", "kind": "video", "sources": [], "url": f"{P}/i"}, None, id="early files, a video"),
        pytest.param(STILL, STILL["url"], id="file, an image"),
        pytest.param([STILL], STILL["url"], id="file, the one of a list"),
        pytest.param([STILL, STILL], None, id="file, one of several"),
        pytest.param(CLIP, None, id="file, a video"),
        pytest.param(SHEET, None, id="file, a track"),
        pytest.param(SIGNED, None, id="file, signed"),
        pytest.param({**STILL, "url": "https://key@p.ittybit.net/s.jpg"}, None, id="file, with a key"),
        pytest.param({**STILL, "url": "data:image/png;base64,AA"}, None, id="file, no address"),
        pytest.param({**IMAGE_TASK, "output": STILL}, STILL["url"], id="task, an image"),
        pytest.param({**IMAGE_TASK, "output": {"id": "file_3", "url": f"{P}/i"}}, f"{P}/i", id="task, by its kind"),
        pytest.param({**IMAGE_TASK, "output": None, "poster": "https://user.example/p"}, None, id="task, not done"),
        pytest.param({**IMAGE_TASK, "kind": "thumbnails", "output": SHEET}, None, id="task, a track"),
        pytest.param({"id": "task_1", "kind": "video", "outputs": [CLIP]}, None, id="tasks, a video"),
        pytest.param({"id": "task_1", "kind": "image", "outputs": [{"url": f"{P}/i"}]}, f"{P}/i", id="tasks, outputs"),
        pytest.param(
            {"id": "run_1", "tasks": [{"id": "task_1", "kind": "video", "outputs": [CLIP]}, IMAGE_TASK]},
            None,
            id="run, no image yet",
        ),
        pytest.param(
            {
                "id": "run_1",
                "tasks": [
                    {"id": "task_1", "kind": "video", "outputs": [{"url": f"{P}/a"}]},
                    {"id": "task_2", "kind": "image", "outputs": [{"url": f"{P}/i"}]},
                ],
            },
            f"{P}/i",
            id="run, by the kind of a task",
        ),
        pytest.param(IMAGE_JOB, IMAGE_JOB["output"], id="job, an image"),
        pytest.param({**IMAGE_JOB, "kind": "animation"}, IMAGE_JOB["output"], id="job, an animation"),
        pytest.param({**IMAGE_JOB, "kind": "video"}, None, id="job, a video"),
        pytest.param({**IMAGE_JOB, "output": "s3://bucket/key"}, None, id="job, in a bucket"),
        pytest.param({**IMAGE_JOB, "output": None, "tasks": [{"output": STILL}]}, None, id="job, not done"),
        pytest.param({"deleted": ["file_1"]}, None, id="a deletion"),
        pytest.param("file_1", None, id="an id"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_a_preview_is_one_that_ittybit_names_or_an_image(resource: Any, url: str | None) -> None:
    assert preview_url(resource) == url
