from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from task_running import Run, Store, task_context

from airflow_provider_ittybit.durability import KEY, Submission, submission_of, surely_not_submitted
from airflow_provider_ittybit.exceptions import (
    IttybitError,
    IttybitInvalidRequestError,
    IttybitNotFoundError,
    IttybitRateLimitError,
    IttybitServerError,
    IttybitSourceNotFoundError,
    IttybitTransportError,
    IttybitUnreadableAnswerError,
    IttybitUnsupportedError,
)

WISH = {"source": "/data/clip.mp4", "metadata": {"b": 2, "a": 1}}


def submission(store: Store | None, run: Run | None = None, wish: dict[str, Any] | None = None) -> Submission:
    return submission_of(task_context(run, store=store), WISH if wish is None else wish, durable=True)


def read(resource_id: str) -> dict[str, Any]:
    return {"id": resource_id, "status": "ready"}


def never_read(resource_id: str) -> dict[str, Any]:
    pytest.fail(f"{resource_id} was read")


def test_the_first_try_finds_nothing() -> None:
    assert submission(Store()).found(never_read) is None


def test_a_retry_finds_what_was_remembered_as_it_is_now() -> None:
    store = Store()
    submission(store).begin()
    submission(store).remember("file_1")
    assert submission(store).found(read) == {"id": "file_1", "status": "ready"}


def test_the_order_of_a_wish_does_not_matter() -> None:
    store = Store()
    submission(store).remember("file_1")
    other_order = {"metadata": {"a": 1, "b": 2}, "source": "/data/clip.mp4"}
    assert submission(store, wish=other_order).found(read)


@pytest.mark.parametrize(
    "run",
    [
        Run(max_tries=1),
        Run(max_tries=None),
        Run(map_index=0),
        Run(task_id="other"),
        Run(run_id="other"),
        Run(dag_id="other"),
    ],
    ids=repr,
)
def test_a_record_counts_only_for_its_own_run_of_the_task(run: Run) -> None:
    store = Store()
    submission(store).remember("file_1")
    assert submission(store, run).found(never_read) is None


@pytest.mark.parametrize("wish", [{}, {**WISH, "source": "/data/other.mp4"}, {**WISH, "ref": None}], ids=repr)
def test_a_record_counts_only_for_its_own_wish(wish: dict[str, Any]) -> None:
    store = Store()
    submission(store).remember("file_1")
    assert submission(store, wish=wish).found(never_read) is None


def test_an_intent_without_an_id_is_not_taken_for_an_upload() -> None:
    store = Store()
    submission(store).begin()
    assert submission(store).found(never_read) is None


def test_beginning_again_forgets_the_earlier_id() -> None:
    store = Store()
    submission(store).remember("file_1")
    submission(store).begin()
    assert submission(store).found(never_read) is None


def test_what_is_gone_is_not_found() -> None:
    def gone(resource_id: str) -> dict[str, Any]:
        raise IttybitNotFoundError(resource_id)

    store = Store()
    submission(store).remember("file_1")
    assert submission(store).found(gone) is None


def test_any_other_failure_to_read_is_not_taken_for_gone() -> None:
    def down(resource_id: str) -> dict[str, Any]:
        raise IttybitServerError(resource_id)

    store = Store()
    submission(store).remember("file_1")
    with pytest.raises(IttybitServerError):
        submission(store).found(down)


def test_what_is_forgotten_is_not_found() -> None:
    store = Store()
    submission(store).remember("file_1")
    submission(store).forget()
    assert store.values == {}
    assert submission(store).found(never_read) is None


@pytest.mark.parametrize("complete", [True, False])
def test_it_is_remembered_whether_something_is_still_to_be_set(*, complete: bool) -> None:
    store = Store()
    submission(store).remember("file_1", complete=complete)
    assert submission(store).is_complete() is complete


@pytest.mark.parametrize("kept", ["text", 1, [], {}, {"id": "file_1"}, {"generation": 1, "fingerprint": 2, "id": 3}])
def test_a_record_of_another_shape_is_ignored(kept: object) -> None:
    store = Store()
    store.set(KEY, kept)
    assert submission(store).found(never_read) is None
    assert submission(store).is_complete()


def test_an_id_that_is_no_text_is_ignored() -> None:
    store = Store()
    submission(store).remember("file_1")
    store.set(KEY, store.get(KEY) | {"id": 17})
    assert submission(store).found(never_read) is None


@pytest.mark.parametrize("durable", [True, False])
def test_without_a_store_nothing_is_kept_and_nothing_fails(*, durable: bool) -> None:
    context = task_context(store=None if durable else Store())
    made = submission_of(context, WISH, durable=durable)
    made.begin()
    made.remember("file_1")
    assert made.found(never_read) is None
    assert made.is_complete()
    made.forget()
    assert context.get("task_state_store", Store()).values == {}


def test_only_hashes_and_the_id_are_kept() -> None:
    store = Store()
    submission(store, wish={"source": Path("/data/clip.mp4"), "url": "https://bucket/x?signature=abc"}).remember("f_1")
    kept = json.loads(store.values[KEY])
    assert set(kept) == {"generation", "fingerprint", "id", "complete"}
    assert all(word not in store.values[KEY] for word in ("clip", "bucket", "abc"))
    assert len(store.values[KEY]) < 200


@pytest.mark.parametrize(
    ("error", "surely_not"),
    [
        (IttybitInvalidRequestError(), True),
        (IttybitUnsupportedError(), True),
        (IttybitSourceNotFoundError(), True),
        (IttybitRateLimitError(), True),
        (IttybitTransportError(may_have_arrived=False), True),
        (IttybitTransportError(may_have_arrived=True), False),
        (IttybitTransportError(), False),
        (IttybitServerError(), False),
        (IttybitUnreadableAnswerError(), False),
        (IttybitError(), False),
    ],
    ids=repr,
)
def test_only_a_sure_refusal_means_that_nothing_was_submitted(error: IttybitError, *, surely_not: bool) -> None:
    assert surely_not_submitted(error) is surely_not
