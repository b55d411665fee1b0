"""URLs that ittybit fetches: whatever becomes of an answer, each is taken once wherever that can be seen to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from task_running import Run, Store, sent, task_context

from airflow_provider_ittybit.durability import KEY, journal_of
from airflow_provider_ittybit.exceptions import IttybitError, IttybitServerError, IttybitTransportError
from airflow_provider_ittybit.uploads.ingesting import TAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator
    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

    PutBy = Callable[..., IttybitHook]

URL = "https://cdn.example/clip.mp4"
ALL = ("media", "files-enveloped", "files-flat", "tasks", "jobs")
TAGGED = ("files-enveloped", "files-flat", "jobs")
FOUND = (*TAGGED, "tasks")
SIGNED = "?X-Amz-Date={0}&X-Amz-Signature={0}"


class Try:
    """One try of a task after another, with one store."""

    def __init__(self, hook: IttybitHook, *, durable: bool = True) -> None:
        self.hook, self.durable, self.store = hook, durable, Store()

    def __call__(self, url: str = URL, *, run: Run | None = None, **fields: Any) -> dict[str, Any]:
        context = task_context(run, store=self.store)
        return self.hook.upload_media(url, journal=journal_of(context, durable=self.durable), **fields)


def lose_the_answer(emulator: RunningEmulator, *, times: int = 1) -> None:
    emulator.control.fault(match={"method": "POST"}, drop="after", times=times)


def held(hook: IttybitHook) -> list[str]:
    return [item["id"] for item in hook.list_media()]


@pytest.mark.parametrize("version", FOUND)
def test_what_was_taken_without_an_answer_is_found_by_the_retry(
    put_by: PutBy, emulator: RunningEmulator, logged: Callable[[], list[str]], version: str
) -> None:
    hook = put_by(version, max_retries=0)
    again = Try(hook)
    lose_the_answer(emulator)
    with pytest.raises(IttybitTransportError):
        again()
    found = again()
    assert held(hook) == [found["id"]]
    assert len(sent(emulator, "POST")) == 1
    assert [line for line in logged() if f"ittybit had taken {URL} as {found['id']}" in line]
    assert again()["id"] == found["id"]


@pytest.mark.parametrize("version", FOUND)
def test_neither_others_nor_what_was_there_before_are_taken_for_it(
    put_by: PutBy, emulator: RunningEmulator, version: str
) -> None:
    hook = put_by(version, max_retries=0)
    others = {hook.upload_media(f"{URL}?id=2")["id"], Try(hook)(run=Run(map_index=1), filename=None)["id"]}
    if version == "tasks":  # there a run is known by its URL and its time alone
        others = {hook.upload_media(f"{URL}?id=2")["id"], hook.upload_media("https://cdn.example/other.mp4")["id"]}
    again = Try(hook)
    before = set(held(hook))
    emulator.control.fault(match={"method": "POST"}, drop="before")
    with pytest.raises(IttybitTransportError):
        again("https://cdn.example/third.mp4")
    mine = again("https://cdn.example/third.mp4")["id"]
    assert mine not in others | before
    assert len(held(hook)) == len(before) + 1


@pytest.mark.parametrize("version", TAGGED)
def test_the_name_of_the_upload_stands_beside_the_metadata_that_was_given(put_by: PutBy, version: str) -> None:
    given = {"episode": 7}
    taken = Try(put_by(version))(metadata=given)
    assert taken["metadata"]["episode"] == 7
    assert set(taken["metadata"]) == {"episode", TAG}
    assert given == {"episode": 7}


@pytest.mark.parametrize("version", TAGGED)
def test_where_no_retry_would_look_for_it_the_metadata_are_what_was_given(put_by: PutBy, version: str) -> None:
    assert Try(put_by(version), durable=False)(metadata={"episode": 7})["metadata"] == {"episode": 7}
    assert not put_by(version).upload_media(URL)["metadata"]


@pytest.mark.parametrize("version", FOUND)
def test_a_url_that_is_signed_anew_is_known_again(put_by: PutBy, emulator: RunningEmulator, version: str) -> None:
    hook = put_by(version, max_retries=0)
    again = Try(hook)
    lose_the_answer(emulator)
    with pytest.raises(IttybitTransportError):
        again(URL + SIGNED.format(1))
    first = again(URL + SIGNED.format(2))
    assert again(URL + SIGNED.format(3))["id"] == first["id"]
    assert held(hook) == [first["id"]]


@pytest.mark.parametrize("version", ALL)
def test_a_cleared_task_has_it_fetched_afresh(put_by: PutBy, emulator: RunningEmulator, version: str) -> None:
    hook = put_by(version, max_retries=0)
    again = Try(hook)
    first = again()
    lose_the_answer(emulator)
    with pytest.raises(IttybitTransportError):
        again(run=Run(max_tries=1))
    assert again(run=Run(max_tries=2))["id"] != first["id"]
    assert len(held(hook)) == 3


@pytest.mark.parametrize(
    "fault",
    [{"drop": "after"}, {"drop": "before"}, {"status": 503, "retry_after": 0}, {"status": 429, "retry_after": 0}],
)
@pytest.mark.parametrize("durable", [True, False])
def test_a_job_whose_answer_was_lost_is_asked_for_again_within_one_try_and_made_once(
    put_by: PutBy, emulator: RunningEmulator, *, fault: dict[str, Any], durable: bool
) -> None:
    hook = put_by("jobs")
    emulator.control.fault(match={"method": "POST"}, **fault)
    job = Try(hook, durable=durable)()
    asked = emulator.control.requests(method="POST")
    assert len(asked) == 2
    assert len({row["idempotency_key"] for row in asked} - {None}) == 1
    assert held(hook) == [job["id"]]


def test_the_retry_of_a_job_comes_with_the_same_key_and_makes_no_other(
    put_by: PutBy, emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_ittybit.uploads import ingesting

    monkeypatch.setattr(ingesting, "oldest_since", lambda *_: None)  # as if the list did not repeat the metadata
    hook = put_by("jobs", max_retries=0)
    again = Try(hook)
    lose_the_answer(emulator)
    with pytest.raises(IttybitTransportError):
        again()
    job = again()
    assert held(hook) == [job["id"]]
    assert [row["status"] for row in emulator.control.requests(method="POST")] == [None, 200]


def test_each_upload_of_a_job_has_a_key_of_its_own(put_by: PutBy, emulator: RunningEmulator) -> None:
    hook = put_by("jobs")
    hook.upload_media(URL)
    hook.upload_media(URL)
    again = Try(hook)
    for run in (Run(), Run(map_index=1), Run(max_tries=1), Run(run_id="tomorrow")):
        again(run=run)
    again(run=Run(), metadata={"episode": 7})
    assert len({row["idempotency_key"] for row in emulator.control.requests(method="POST")}) == 7
    assert len(held(hook)) == 7


def test_a_job_that_is_gone_is_made_again_by_another_key(
    put_by: PutBy, emulator: RunningEmulator, logged: Callable[[], list[str]]
) -> None:
    hook = put_by("jobs")
    again = Try(hook)
    first = again()
    emulator.control.fault(match={"method": "GET", "path": "^/jobs/"}, status=404)
    assert again()["id"] != first["id"]
    assert [line for line in logged() if "is gone at ittybit: uploading again" in line]


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize(
    ("fault", "doubtful"),
    [({"status": 400}, False), ({"status": 429}, False), ({"drop": "before"}, True), ({"status": 500}, True)],
)
def test_only_a_url_that_ittybit_may_have_taken_is_looked_for_and_asked_for_again_with_a_word(
    put_by: PutBy,
    emulator: RunningEmulator,
    logged: Callable[[], list[str]],
    *,
    version: str,
    fault: dict[str, Any],
    doubtful: bool,
) -> None:
    hook = put_by(version, max_retries=0)
    again = Try(hook)
    emulator.control.fault(match={"method": "POST"}, **fault)
    with pytest.raises(IttybitError):
        again()
    assert (again.store.get(KEY)["since"] is not None) is doubtful
    again()
    words = "asking by the same key" if version == "jobs" else "asking again. If 'clip.mp4' is in the ittybit app twice"
    assert bool([line for line in logged() if f"{URL} and saw no answer: {words}" in line]) is doubtful
    assert len(held(hook)) == 1


def test_a_look_that_fails_ends_the_try_before_ittybit_is_asked_again(put_by: PutBy, emulator: RunningEmulator) -> None:
    hook = put_by("files-flat", max_retries=0)
    again = Try(hook)
    lose_the_answer(emulator)
    with pytest.raises(IttybitTransportError):
        again()
    emulator.control.fault(match={"method": "GET"}, status=503)
    with pytest.raises(IttybitServerError):
        again()
    assert len(sent(emulator, "POST")) == 1
    assert held(hook) == [again()["id"]]


@pytest.mark.parametrize("version", ["files-flat", "jobs"])
def test_without_a_lost_answer_a_durable_upload_by_url_is_one_request(
    put_by: PutBy, emulator: RunningEmulator, version: str
) -> None:
    Try(put_by(version))()
    assert len(sent(emulator)) == 1
