"""Several files in one task, and many mapped tasks: one result each, what failed is told, and nothing goes twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, ObjectStoragePath, TaskDeferred
from bytes_to_send import SMALL, arrived, file_with, put_rows, sha256, some_bytes
from file_serving import Shelf, serving
from task_running import Run, Store, sent, task_context

from airflow_provider_ittybit.exceptions import (
    IttybitInputError,
    IttybitInvalidRequestError,
    IttybitSourceNotFoundError,
    IttybitUnsupportedError,
    IttybitUploadsFailedError,
    IttybitUploadsRefusedError,
)
from airflow_provider_ittybit.hooks.stopping import Pause
from airflow_provider_ittybit.operators.media import UploadMediaOperator
from airflow_provider_ittybit.operators.uploading import upload_all, without_signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ittybit.emulator.running import RunningEmulator

    Connect = Callable[..., RunningEmulator]

TAKE_BYTES = ("media", "files-enveloped", "files-flat")


@pytest.fixture
def held(connect: Connect) -> Connect:
    """Point the default connection at an emulator that processes nothing."""

    def point(version: str, **extra: Any) -> RunningEmulator:
        emulator = connect(version, **extra)
        emulator.control.settings(processing="held")
        return emulator

    return point


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five files, each with bytes of its own."""
    for number in range(5):
        file_with(tmp_path, some_bytes(2000 + number), f"{number}.mp4")
    return tmp_path


def paths(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.glob("*.mp4"))]


def upload(source: object, **arguments: Any) -> UploadMediaOperator:
    return UploadMediaOperator(task_id="task", source=source, **arguments)


class LazySequence:
    """An XCom of mapped upstream tasks, as Airflow hands it over: iterable, and no list."""

    def __init__(self, values: list[str]) -> None:
        self.values = values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: int) -> str:
        return self.values[place]


FORMS: dict[str, Callable[[Path], object]] = {
    "list": paths,
    "tuple": lambda folder: tuple(paths(folder)),
    "lazy": lambda folder: LazySequence(paths(folder)),
    "paths": lambda folder: [ObjectStoragePath(f"file://{path}") for path in paths(folder)],
    "pattern": lambda folder: f"{folder}/*.mp4",
    "pattern of a store": lambda folder: f"file://{folder}/*.mp4",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("generation", TAKE_BYTES)
def test_several_files_go_in_one_task_with_one_result_each_in_their_order(
    held: Connect, folder: Path, generation: str, form: str
) -> None:
    emulator = held(generation)
    run = Run()
    results = upload(FORMS[form](folder)).execute(task_context(run))
    assert isinstance(results, list)
    assert [result["filename"] for result in results] == [f"{number}.mp4" for number in range(5)]
    assert run.pushed("ittybit_id") == [result["id"] for result in results]
    assert sorted(arrived(emulator)) == sorted(sha256(path.read_bytes()) for path in folder.iterdir())


def test_a_list_of_one_gives_a_list_of_one(held: Connect, folder: Path) -> None:
    held("files-flat")
    run = Run()
    [result] = upload(paths(folder)[:1]).execute(task_context(run))
    assert run.pushed("ittybit_id") == [result["id"]]


def test_files_urls_and_what_must_be_fetched_go_together(held: Connect, folder: Path) -> None:
    emulator = held("files-flat")
    with serving(Shelf(some_bytes(3000))) as shelf:
        results = upload([paths(folder)[0], shelf.url], fetch=True).execute(task_context())
    assert [result["filename"] for result in results] == ["0.mp4", "clip.mp4"]
    assert sha256(shelf.content) in arrived(emulator)


@pytest.mark.parametrize("source", [[], ()])
def test_an_empty_list_is_refused_before_any_request(held: Connect, source: object) -> None:
    emulator = held("files-flat")
    with pytest.raises(IttybitInputError, match="is empty"):
        upload(source).execute(task_context())
    assert sent(emulator) == []


def test_a_pattern_without_a_match_is_told_before_any_request(held: Connect, folder: Path) -> None:
    emulator = held("files-flat")
    with pytest.raises(IttybitSourceNotFoundError, match="No file matches"):
        upload(f"{folder}/*.mov").execute(task_context())
    assert sent(emulator) == []


def test_one_name_for_several_files_is_refused_before_any_request(held: Connect, folder: Path) -> None:
    emulator = held("files-flat")
    with pytest.raises(IttybitInputError, match=r"'a\.mp4' cannot name 5 files"):
        upload(f"{folder}/*.mp4", filename="a.mp4").execute(task_context())
    assert sent(emulator) == []


def test_what_failed_is_listed_and_the_others_are_kept(held: Connect, folder: Path) -> None:
    emulator = held("files-flat")
    emulator.control.fault(match={"role": "delivery", "path": r"/1\.mp4"}, status=500, message="Disk full.")
    run = Run()
    missing = str(folder / "gone.mp4")
    with pytest.raises(IttybitUploadsFailedError) as caught:
        upload([*paths(folder), missing]).execute(task_context(run))
    error = caught.value
    assert set(error.failed) == {str(folder / "1.mp4"), missing}
    assert "Disk full." in error.failed[str(folder / "1.mp4")]
    assert "2 of 6 uploads failed; the other 4 are kept" in str(error)
    assert all(f"- {name}: {reason}" in str(error) for name, reason in error.failed.items())
    kept = [file["id"] for file in emulator.control.files()]
    assert sorted(error.uploaded) == sorted(kept) == sorted(run.pushed("ittybit_uploaded"))
    assert len(kept) == 4
    assert not isinstance(error, AirflowFailException)


@pytest.mark.parametrize(("times", "hopeless"), [(5, True), (4, False)])
def test_a_task_fails_at_once_only_if_a_retry_can_heal_none(
    held: Connect, folder: Path, *, times: int, hopeless: bool
) -> None:
    emulator = held("files-flat")
    emulator.control.fault(match={"role": "delivery"}, times=times, status=400, message="Not this.")
    emulator.control.fault(match={"role": "delivery"}, times=0, status=503, message="Down.")
    with pytest.raises(IttybitUploadsFailedError) as caught:
        upload(paths(folder)).execute(task_context())
    assert isinstance(caught.value, IttybitUploadsRefusedError) is hopeless
    assert isinstance(caught.value, AirflowFailException) is hopeless


def test_a_failure_of_an_unknown_kind_is_listed_without_its_words(folder: Path) -> None:
    class Hook:
        pause = Pause()

        def get_conn(self) -> None:
            """Connect."""

        def upload_media(self, source: object, **_: Any) -> dict[str, Any]:
            if "1.mp4" in str(source):
                raise KeyError(source, "hush")
            return {"id": f"file_{source}"}

    with pytest.raises(IttybitUploadsFailedError, match=r"1\.mp4: KeyError, see the log") as caught:
        upload_all(Hook(), paths(folder), {}, context=task_context(), durable=True, parallel=2, many=True)  # type: ignore[arg-type] # enough of a hook
    assert "hush" not in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


def test_sources_that_look_alike_are_told_apart(held: Connect) -> None:
    emulator = held("files-flat")
    emulator.control.fault(match={"method": "POST"}, times=0, status=400, message="No.")
    urls = [f"https://carol:hush@cdn.example/a.mp4?signature=hush{number}" for number in range(3)]
    with pytest.raises(IttybitUploadsFailedError, match="3 of 3 uploads failed") as caught:
        upload(urls).execute(task_context())
    assert len(caught.value.failed) == 3
    assert "hush" not in str(caught.value) + str(caught.value.failed)


@pytest.mark.parametrize("generation", TAKE_BYTES)
@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_retry_sends_only_what_failed(held: Connect, folder: Path, generation: str, drop: str) -> None:
    emulator = held(generation)
    emulator.control.fault(match={"role": "delivery", "path": r"/2\.mp4"}, drop=drop)
    emulator.control.fault(match={"role": "uploads"}, after=2, drop=drop)
    store = Store()
    with pytest.raises(IttybitUploadsFailedError) as caught:
        upload(paths(folder)).execute(task_context(store=store))
    assert len(caught.value.failed) == 1
    emulator.control.forget_requests()
    results = upload(paths(folder)).execute(task_context(store=store))
    carried = [row for row in emulator.control.requests() if row["role"] != "api"]
    assert len(carried) == (1 if drop == "before" else 0)
    assert len(arrived(emulator)) == 5
    assert [result["filename"] for result in results] == [f"{number}.mp4" for number in range(5)]


def test_a_file_more_at_the_retry_does_not_make_the_others_go_again(held: Connect, folder: Path) -> None:
    emulator = held("files-flat")
    store = Store()
    upload(f"{folder}/*.mp4").execute(task_context(store=store))
    file_with(folder, some_bytes(100), "00.mp4")
    results = upload(f"{folder}/*.mp4").execute(task_context(store=store))
    assert len(results) == 6
    assert len(put_rows(emulator)) == 6


def test_urls_that_are_signed_anew_do_not_go_again_and_each_is_told_from_the_others(held: Connect) -> None:
    emulator = held("files-flat")
    store = Store()
    signed = "https://cdn.example/get?id={0}&X-Amz-Date={1}&X-Amz-Signature={1}"
    first = upload([signed.format(file, "a") for file in (1, 2, 3)]).execute(task_context(store=store))
    again = upload([signed.format(file, "b") for file in (3, 2, 4)]).execute(task_context(store=store))
    assert [result["id"] for result in again[:2]] == [first[2]["id"], first[1]["id"]]
    assert again[2]["id"] not in [result["id"] for result in first]
    assert len(sent(emulator, "POST")) == 4


def test_a_file_that_is_listed_twice_is_uploaded_twice_and_each_found_again(held: Connect, folder: Path) -> None:
    emulator = held("files-flat")
    store = Store()
    twice = [paths(folder)[0]] * 2
    first = upload(twice, parallel_uploads=1).execute(task_context(store=store))
    assert len({result["id"] for result in first}) == 2
    again = upload(twice, parallel_uploads=1).execute(task_context(store=store))
    assert [result["id"] for result in again] == [result["id"] for result in first]
    assert len(arrived(emulator)) == 2


def test_a_large_file_among_several_goes_in_chunks_and_is_resumed(held: Connect, folder: Path) -> None:
    emulator = held("files-flat")
    large = file_with(folder, some_bytes(16_001), "large.mp4")
    emulator.control.fault(match={"role": "delivery", "path": "large"}, after=5, status=400)
    store, chunking = Store(), {**SMALL, "threshold": 10_000}
    with pytest.raises(IttybitUploadsFailedError):
        upload(paths(folder), chunking=chunking).execute(task_context(store=store))
    emulator.control.forget_requests()
    upload(paths(folder), chunking=chunking).execute(task_context(store=store))
    assert 1 <= len(put_rows(emulator)) <= 4
    assert sha256(large.read_bytes()) in arrived(emulator)


@pytest.mark.parametrize("parallel", [1, 2])
def test_no_more_connections_are_opened_than_uploads_are_under_way(held: Connect, folder: Path, parallel: int) -> None:
    emulator = held("files-flat")
    if parallel > 1:  # so that the first ones overlap
        emulator.control.fault(match={"role": "delivery"}, times=parallel, delay=2)
    upload(paths(folder), parallel_uploads=parallel).execute(task_context())
    assert len({row["connection"] for row in put_rows(emulator)}) == parallel


def test_the_state_store_is_never_asked_by_two_uploads_at_once(held: Connect, folder: Path) -> None:
    """The one that ``dag.test()`` gives to a task fails then."""
    held("files-flat")

    class OneAtATime(Store):
        asked = threading.Lock()

        def get(self, key: str, default: Any = None) -> Any:
            assert self.asked.acquire(blocking=False)
            found = super().get(key, default)
            self.pause.wait(0.01)
            self.asked.release()
            return found

        def set(self, key: str, value: Any) -> None:
            assert self.asked.acquire(blocking=False)
            super().set(key, value)
            self.pause.wait(0.01)
            self.asked.release()

        pause = threading.Event()

    assert len(upload(paths(folder)).execute(task_context(store=OneAtATime()))) == 5


@pytest.mark.parametrize("parallel", [0, "4", None])
def test_what_is_no_number_of_uploads_is_refused_before_any_request(held: Connect, folder: Path, parallel: Any) -> None:
    emulator = held("files-flat")
    with pytest.raises(IttybitInputError, match="parallel_uploads="):
        upload(paths(folder), parallel_uploads=parallel).execute(task_context())
    assert sent(emulator) == []


@pytest.mark.parametrize("generation", ["tasks", "jobs"])
def test_bytes_that_a_generation_never_shows_again_are_not_waited_for(
    connect: Connect, folder: Path, generation: str
) -> None:
    emulator = connect(generation)
    emulator = connect(generation, delivery_domain=emulator.delivery_url)
    emulator.control.settings(processing="held")
    for source in (paths(folder)[0], paths(folder)):
        with pytest.raises(IttybitUnsupportedError, match="shows no files, so no task can wait"):
            upload(source, wait_for_processing=True).execute(task_context())
    with pytest.raises(IttybitUnsupportedError):
        upload("https://cdn.example/a.mp4", fetch=True, wait_for_processing=True).execute(task_context())
    assert sent(emulator) == []
    assert upload(paths(folder)[0]).execute(task_context())["id"]
    with pytest.raises(TaskDeferred):
        upload("https://cdn.example/a.mp4", wait_for_processing=True, deferrable=True).execute(task_context())


def test_a_single_file_that_fails_keeps_its_own_error(held: Connect, folder: Path) -> None:
    held("files-flat").control.fault(match={"role": "delivery"}, status=400, message="Not this.")
    with pytest.raises(IttybitInvalidRequestError, match=r"Not this\."):
        upload(paths(folder)[0]).execute(task_context())


@pytest.mark.parametrize("fields", [{"chunking": {"parallel": 0}}, {"chunking": {"speed": 9}}])
def test_chunking_that_cannot_be_is_refused(held: Connect, folder: Path, fields: dict[str, Any]) -> None:
    emulator = held("files-flat")
    with pytest.raises(IttybitInputError, match="chunking setting"):
        upload(paths(folder)[0], **fields).execute(task_context())
    assert put_rows(emulator) == []


def test_two_hundred_mapped_uploads_cost_a_signature_a_put_and_two_connections_each(
    held: Connect, tmp_path: Path
) -> None:
    emulator = held("files-flat")
    files = [str(file_with(tmp_path, some_bytes(100 + number), f"{number:03}.mp4")) for number in range(200)]
    with DAG("dag", schedule=None):
        mapped = UploadMediaOperator.partial(task_id="task", folder="mapped").expand(source=files)
    for place, source in enumerate(files):
        task: Any = mapped.unmap({"source": source})
        result = task.execute(task_context(Run(map_index=place), store=Store()))
        assert result["filename"] == f"{place:03}.mp4"
    assert sent(emulator) == [
        text for place in range(200) for text in ("POST /signatures", f"PUT /mapped/{place:03}.mp4")
    ]
    connections = {(row["role"], row["connection"]) for row in emulator.control.requests()}
    assert len(connections) <= 2 * 200  # each task is a process of its own, and there are two hosts
    assert len(set(arrived(emulator))) == 200


def test_two_hundred_files_in_one_task_share_a_few_connections(held: Connect, tmp_path: Path) -> None:
    emulator = held("files-flat")
    for number in range(200):
        file_with(tmp_path, some_bytes(100 + number), f"{number:03}.mp4")
    results = upload(f"{tmp_path}/*.mp4", parallel_uploads=4).execute(task_context(store=Store()))
    assert len({result["id"] for result in results}) == len(set(arrived(emulator))) == 200
    rows = emulator.control.requests()
    assert len(rows) == 400
    for role in ("api", "delivery"):
        assert len({row["connection"] for row in rows if row["role"] == role}) <= 4


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("https://cdn.example/a.mp4?t=hush", "https://cdn.example/a.mp4"),
        ("https://user:pass@cdn.example/a.mp4?t=other", "https://cdn.example/a.mp4"),
        ("a.mp4?t=hush", "a.mp4"),
        ("https://you.ittybit.net/a.mp4?t=hush", "https://you.ittybit.net/a.mp4?t=hush"),
        ("a.mp4?b=c", "a.mp4?b=c"),
        (None, None),
    ],
)
@pytest.mark.parametrize("nested", [lambda url: url, lambda url: ["a", {"url": url}], lambda url: {"x": [(url,)]}])
def test_what_opens_a_given_url_is_left_out_of_the_answer_wherever_it_stands(
    nested: Callable[[str], object], told: str | None, kept: str | None
) -> None:
    given = nested("https://cdn.example/a.mp4?t=hush")
    answer = {"id": "file_1", "url": told, "metadata": {"from": [told]}}
    assert without_signatures(answer, given) == {"id": "file_1", "url": kept, "metadata": {"from": [kept]}}


def test_a_query_of_few_letters_is_not_looked_for_in_other_words() -> None:
    answer = {"id": "file_1", "title": "What?a", "url": "https://cdn.example/a"}
    assert without_signatures(answer, "https://cdn.example/a?a") == answer
