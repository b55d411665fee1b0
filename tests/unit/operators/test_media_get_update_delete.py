"""GetMediaOperator, UpdateMediaOperator and DeleteMediaOperator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from task_killing import killed
from task_running import sent, task_context, uploaded

from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInputError,
    IttybitNotFoundError,
    IttybitPermissionError,
    IttybitServerError,
    IttybitStoppedError,
    IttybitUnsupportedError,
)
from airflow_provider_ittybit.operators.media import DeleteMediaOperator, GetMediaOperator, UpdateMediaOperator
from airflow_provider_ittybit.transport import blocking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")
FILES = ("files-enveloped", "files-flat")
NO_IDS = [None, "", "   ", ".", "..", "file 1", "file_1/", "../keys", "file_1?x=1", 17, {}, {"id": ""}, {"id": None}]


def get(media_id: object, **arguments: Any) -> Any:
    return GetMediaOperator(task_id="task", media_id=media_id, **arguments).execute(task_context())


def update(media_id: object, **arguments: Any) -> Any:
    return UpdateMediaOperator(task_id="task", media_id=media_id, **arguments).execute(task_context())


def delete(media_id: object, **arguments: Any) -> Any:
    return DeleteMediaOperator(task_id="task", media_id=media_id, **arguments).execute(task_context())


def kept(emulator: RunningEmulator) -> set[str]:
    return {file["id"] for file in emulator.control.files() if not file["deleted"]}


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_a_resource_is_read_by_its_id_or_by_an_earlier_answer(generation: str, connect: Connect, image: Path) -> None:
    emulator = connect(generation)
    resource = uploaded(image)
    emulator.control.settle()
    assert get(resource["id"]) == get(resource)
    assert get(resource)["width"] == 320


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_reading_what_is_not_there_fails_without_a_retry(generation: str, connect: Connect) -> None:
    connect(generation)
    with pytest.raises(IttybitNotFoundError) as caught:
        get("med_nothing")
    assert isinstance(caught.value, AirflowFailException)


def test_the_collection_of_an_unusual_id_can_be_named(connect: Connect) -> None:
    emulator = connect("files-flat")
    with pytest.raises(IttybitInputError, match="resource="):
        get("clip-17")
    assert sent(emulator) == []
    with pytest.raises(IttybitNotFoundError):
        get("clip-17", resource="files")
    assert sent(emulator) == ["GET /files/clip-17"]


@pytest.mark.parametrize("generation", TAKE_BYTES)
@pytest.mark.parametrize("verb", [get, update, delete])
@pytest.mark.parametrize("media_id", NO_IDS, ids=repr)
def test_what_is_no_id_never_reaches_a_url(
    generation: str, verb: Callable[..., Any], media_id: object, connect: Connect
) -> None:
    emulator = connect(generation)
    with pytest.raises(IttybitInputError):
        verb(media_id)
    assert sent(emulator) == []


@pytest.mark.parametrize("generation", FILES)
def test_only_what_is_given_changes(generation: str, connect: Connect, image: Path) -> None:
    emulator = connect(generation)
    file = uploaded(image, folder="a", ref="poster", metadata={"keep": 1, "drop": 2})
    changed = update(file, folder="b", metadata={"drop": None, "new": 3})
    assert (changed["id"], changed["folder"], changed["ref"]) == (file["id"], "b", "poster")
    assert get(file)["metadata"] == {"keep": 1, "new": 3}
    assert len(sent(emulator, "PATCH")) == 2  # one of them belongs to the upload


@pytest.mark.parametrize("generation", FILES)
def test_a_media_has_a_title_and_a_file_has_none(generation: str, connect: Connect, image: Path) -> None:
    connect(generation)
    file = uploaded(image)
    assert update(file["media_id"], title="Stills", alt="A still")["title"] == "Stills"
    with pytest.raises(IttybitError, match="title"):
        update(file["id"], title="Stills")


def test_a_change_of_nothing_is_refused_before_any_request(connect: Connect) -> None:
    emulator = connect("files-flat")
    with pytest.raises(IttybitInputError):
        update("file_1")
    assert sent(emulator) == []


def test_a_generation_without_changes_says_which_have_them(connect: Connect) -> None:
    emulator = connect("media")
    with pytest.raises(IttybitUnsupportedError, match="files-flat"):
        update("med_1", title="Stills")
    assert sent(emulator) == []


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_one_resource_is_deleted_by_its_id_or_by_an_earlier_answer(
    generation: str, connect: Connect, image: Path
) -> None:
    emulator = connect(generation)
    first, second = uploaded(image), uploaded(image)
    assert delete(first["id"]) == {"deleted": [first["id"]], "missing": []}
    assert len(kept(emulator)) == 1
    assert delete(second) == {"deleted": [second["id"]], "missing": []}
    assert kept(emulator) == set()


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_many_are_deleted_and_one_that_comes_twice_once(generation: str, connect: Connect, image: Path) -> None:
    emulator = connect(generation)
    resources = [uploaded(image) for _ in range(3)]
    ids = [resource["id"] for resource in resources]
    assert delete([*resources, ids[0], ids[2]]) == {"deleted": ids, "missing": []}
    assert len(sent(emulator, "DELETE")) == 3
    assert kept(emulator) == set()


@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_a_missing_one_counts_as_deleted(generation: str, connect: Connect, image: Path) -> None:
    connect(generation)
    resource = uploaded(image)
    gone = f"{resource['id'].partition('_')[0]}_nothing"
    assert delete([resource, gone]) == {"deleted": [resource["id"], gone], "missing": [gone]}
    assert delete(resource) == {"deleted": [resource["id"]], "missing": [resource["id"]]}


def test_nothing_to_delete_is_no_error_and_no_request(connect: Connect) -> None:
    emulator = connect("files-flat")
    assert delete([]) == {"deleted": [], "missing": []}
    assert sent(emulator) == []


@pytest.mark.parametrize("bad", NO_IDS, ids=repr)
def test_one_bad_id_among_good_ones_deletes_nothing(bad: object, connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    file = uploaded(image)
    with pytest.raises(IttybitInputError):
        delete([file, bad])
    assert sent(emulator, "DELETE") == []
    assert kept(emulator) == {file["id"]}


def test_a_refusal_of_some_deletes_the_others_and_names_what_is_left(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    ids = [uploaded(image)["id"] for _ in range(4)]
    for refused in (ids[1], ids[2]):
        emulator.control.fault(match={"path": refused}, status=403, message="Not this one.")
    with pytest.raises(IttybitPermissionError) as caught:
        delete(ids)
    assert f"2 of 4 are left ({ids[1]}, {ids[2]})" in str(caught.value)
    assert "Not this one." in str(caught.value)
    assert kept(emulator) == {ids[1], ids[2]}


def test_a_single_refusal_says_what_ittybit_said(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    emulator.control.fault(match={"method": "DELETE"}, status=403, message="Not this one.")
    with pytest.raises(IttybitPermissionError, match=r"Not this one\.") as caught:
        delete(uploaded(image))
    assert "are left" not in str(caught.value)


def test_a_retry_after_a_refusal_finishes_the_job(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat", max_retries=0)
    ids = [uploaded(image)["id"] for _ in range(2)]
    emulator.control.fault(match={"method": "DELETE"}, status=500)
    with pytest.raises(IttybitServerError, match=f"1 of 2 are left .{ids[0]}"):
        delete(ids)
    assert delete(ids) == {"deleted": ids, "missing": [ids[1]]}
    assert kept(emulator) == set()


@pytest.mark.parametrize(
    ("fault", "grace", "done", "words"),
    [
        ({"answer_delay": 1.5}, blocking.GRACE, 3, "The task was killed: "),
        ({"status": 503, "retry_after": 100}, 1.0, 2, "The task was killed: "),
        ({"delay": 100}, 1.0, 2, "It may have been done all the same"),
    ],
    ids=["it is answered", "it is refused", "no answer comes"],
)
def test_a_killed_task_begins_no_further_deletion(
    *,
    fault: dict[str, Any],
    grace: float,
    done: int,
    words: str,
    connect: Connect,
    image: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocking, "GRACE", grace)
    emulator = connect("files-flat")
    ids = [uploaded(image)["id"] for _ in range(5)]
    emulator.control.fault(match={"method": "DELETE", "path": ids[2]}, **fault)
    task = DeleteMediaOperator(task_id="task", media_id=ids)
    third = f"DELETE /files/{ids[2]}"
    with killed(task, lambda: third in sent(emulator)) as kill, pytest.raises(IttybitStoppedError) as caught:
        task.execute(task_context())
    assert kill.ended_soon()
    assert len(sent(emulator, "DELETE")) == 3
    assert kept(emulator) == set(ids[done:])
    assert f"{done} of 5 are deleted, {5 - done} are left, and a retry deletes those" in str(caught.value)
    assert words in str(caught.value)
    assert ids[3] not in str(caught.value)


def test_a_retry_of_a_killed_task_deletes_what_is_left(connect: Connect, image: Path) -> None:
    emulator = connect("files-flat")
    ids = [uploaded(image)["id"] for _ in range(3)]
    emulator.control.fault(match={"method": "DELETE", "path": ids[1]}, answer_delay=1.5)
    task = DeleteMediaOperator(task_id="task", media_id=ids)
    with killed(task, lambda: len(sent(emulator, "DELETE")) >= 2), pytest.raises(IttybitStoppedError):
        task.execute(task_context())
    assert delete(ids) == {"deleted": ids, "missing": ids[:2]}
