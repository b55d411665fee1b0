"""What an upload notes in Airflow's task state store, and for whom it counts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from task_running import Run, Store, task_context

from airflow_provider_ittybit.durability import DELETED_KEY, KEY, WAITING_KEY, first_moment, journal_of, note_deleted
from airflow_provider_ittybit.uploads.journal import OTHER_BYTES, Noted

WHOLE = Noted(since=1735689600.0)
CHUNKED = Noted(since=1735689600.0, layout=(9, 1000), arrived=frozenset({0, 3, 7}))
UPLOADED = Noted(since=1735689600.0, resource_id="file_1", labelled=True)


def journal(store: Store | None, run: Run | None = None, name: str = "") -> Any:
    return journal_of(task_context(run, store=store), durable=True, name=name)


def noted(store: Store, what: Noted, fingerprint: str = "bytes", run: Run | None = None) -> None:
    made = journal(store, run)
    made.read(fingerprint)
    made.write(what)


def test_the_first_try_finds_nothing() -> None:
    assert journal(Store()).read("bytes") == Noted()


@pytest.mark.parametrize("what", [WHOLE, CHUNKED, UPLOADED, Noted(), replace(CHUNKED, litter=(3, 7))], ids=repr)
def test_a_retry_finds_what_was_noted(what: Noted) -> None:
    store = Store()
    noted(store, what)
    assert journal(store).read("bytes") == what


@given(arrived=st.frozensets(st.integers(0, 9_999), max_size=50))
def test_every_chunk_that_arrived_is_found_again(arrived: frozenset[int]) -> None:
    store = Store()
    noted(store, replace(CHUNKED, arrived=arrived))
    assert journal(store).read("bytes").arrived == arrived


def test_the_note_of_ten_thousand_chunks_is_small() -> None:
    store = Store()
    noted(store, replace(CHUNKED, layout=(10_001, 1 << 24), arrived=frozenset(range(10_000))))
    assert len(store.values[KEY]) < 3000


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
def test_a_note_counts_only_for_its_own_run_of_the_task(run: Run) -> None:
    store = Store()
    noted(store, UPLOADED)
    assert journal(store, run).read("bytes") == Noted()


def name_of(run: Run, name: str = "", fingerprint: str = "bytes") -> str:
    made = journal(Store(), run, name)
    made.read(fingerprint)
    return str(made.name())


def test_an_upload_has_one_name_at_every_try_and_no_other_upload_has_it() -> None:
    assert name_of(Run()) == name_of(Run())
    others = [name_of(Run(max_tries=1)), name_of(Run(map_index=0)), name_of(Run(run_id="other"))]
    others += [name_of(Run(), "1 a.mp4"), name_of(Run(), "1 b.mp4"), name_of(Run(), fingerprint="other bytes")]
    assert len({name_of(Run()), *others}) == 7


def test_a_note_counts_only_for_the_same_upload() -> None:
    store = Store()
    noted(store, UPLOADED)
    assert journal(store).read("other bytes") == Noted()


def test_a_note_for_a_new_upload_replaces_that_of_the_other() -> None:
    store = Store()
    noted(store, UPLOADED)
    noted(store, WHOLE, "other bytes")
    assert journal(store).read("other bytes") == WHOLE
    assert journal(store).read("bytes") == Noted()


def test_several_uploads_of_one_task_have_notes_of_their_own() -> None:
    store = Store()
    for name in ("1 a.mp4", "1 b.mp4", ""):
        made = journal(store, name=name)
        made.read("bytes")
        made.write(replace(UPLOADED, resource_id=f"file_{name}"))
    assert [journal(store, name=name).read("bytes").resource_id for name in ("1 a.mp4", "1 b.mp4", "")] == [
        "file_1 a.mp4",
        "file_1 b.mp4",
        "file_",
    ]


@pytest.mark.parametrize(
    ("before", "fingerprint", "run", "litter"),
    [
        pytest.param(CHUNKED, "bytes", Run(max_tries=1), (9, 1000), id="a cleared task may join the same chunks"),
        pytest.param(CHUNKED, "other bytes", Run(), OTHER_BYTES, id="other bytes lie there"),
        pytest.param(CHUNKED, "other bytes", Run(max_tries=1), OTHER_BYTES, id="cleared, and other bytes"),
        pytest.param(replace(WHOLE, litter=OTHER_BYTES), "bytes", Run(max_tries=1), OTHER_BYTES, id="since before"),
        pytest.param(replace(CHUNKED, litter=(9, 1000)), "bytes", Run(max_tries=1), (9, 1000), id="cleared twice"),
        pytest.param(replace(CHUNKED, litter=(4, 7)), "bytes", Run(max_tries=1), OTHER_BYTES, id="two layouts"),
        pytest.param(replace(CHUNKED, resource_id="file_1"), "other bytes", Run(), None, id="it was completed"),
        pytest.param(WHOLE, "other bytes", Run(), None, id="it was not in chunks"),
    ],
)
def test_the_chunks_that_an_unfinished_upload_left_behind_are_told_of(
    before: Noted, fingerprint: str, run: Run, litter: tuple[int, int] | None
) -> None:
    store = Store()
    noted(store, before)
    assert journal(store, run).read(fingerprint) == Noted(litter=litter)


@pytest.mark.parametrize(
    "kept",
    [
        "text",
        1,
        [],
        {},
        {"id": "file_1"},
        {"generation": "a", "fingerprint": "b", "id": "file_1"},
        {"upload": None, "since": "x", "id": 3, "labelled": 1, "layout": 5, "arrived": "zz", "litter": None},
    ],
    ids=repr,
)
def test_a_record_of_another_shape_is_ignored(kept: object) -> None:
    store = Store()
    store.set(KEY, kept)
    assert journal(store).read("bytes") == Noted()


def test_an_id_that_is_no_text_is_ignored() -> None:
    store = Store()
    noted(store, UPLOADED)
    store.set(KEY, store.get(KEY) | {"id": 17})
    assert journal(store).read("bytes").resource_id is None


@pytest.mark.parametrize("durable", [True, False])
def test_without_a_store_nothing_is_kept_and_nothing_fails(*, durable: bool) -> None:
    context = task_context(store=None if durable else Store())
    made = journal_of(context, durable=durable)
    assert not made.lasting
    assert made.read("bytes") == Noted()
    made.write(UPLOADED)
    assert made.read("bytes") == Noted()
    assert context.get("task_state_store", Store()).values == {}


def test_only_hashes_and_the_id_are_kept() -> None:
    store = Store()
    made = journal(store, name="1 https://bucket/clip.mp4?signature=abc")
    made.read("bytes")
    made.write(UPLOADED)
    [(key, kept)] = store.values.items()
    assert all(word not in key + kept for word in ("clip", "bucket", "abc"))
    assert len(kept) < 250


class Watched(Store):
    """Keeps everybody inside for a while, and counts how many meet."""

    inside = most = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.stay()
        return super().get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.stay()
        super().set(key, value)

    def stay(self) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.02)
        self.inside -= 1


def test_uploads_side_by_side_use_the_store_one_at_a_time() -> None:
    store = Watched()

    def keep_notes(name: str) -> None:
        made = journal(store, name=name)
        made.read("bytes")
        made.write(UPLOADED)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(keep_notes, "abcd"))
    assert len(store.values) == 4
    assert store.most == 1


def test_it_is_kept_when_an_upload_was_accepted() -> None:
    store = Store()
    noted(store, replace(UPLOADED, accepted=1735689700.5))
    made = journal(store)
    assert made.accepted is None
    assert made.read("bytes").accepted == made.accepted == 1735689700.5
    made.write(WHOLE)
    assert made.accepted is None


def test_a_note_of_a_version_that_kept_no_time_still_counts() -> None:
    store = Store()
    noted(store, UPLOADED)
    record = store.get(KEY)
    del record["accepted"]
    store.set(KEY, record)
    assert journal(store).read("bytes") == UPLOADED


def moment_at(time: float, store: Store | None, run: Run | None = None, about: object = None) -> float:
    with time_machine.travel(time, tick=False):
        return first_moment(task_context(run, store=store), about)


def test_all_tries_of_a_run_share_its_first_moment() -> None:
    store = Store()
    assert [moment_at(1000.0 + number, store) for number in range(3)] == [1000.0] * 3


@pytest.mark.parametrize(
    ("run", "about"),
    [(Run(max_tries=1), None), (Run(map_index=3), None), (Run(run_id="other"), None), (Run(), ["file_2"])],
    ids=repr,
)
def test_another_run_and_another_matter_have_a_first_moment_of_their_own(run: Run, about: object) -> None:
    store = Store()
    moment_at(1000.0, store)
    assert moment_at(2000.0, store, run, about) == 2000.0


def test_without_a_store_every_try_is_the_first() -> None:
    assert [moment_at(1000.0 + number, None) for number in range(2)] == [1000.0, 1001.0]


@pytest.mark.parametrize("kept", ["text", 1, [], {}, {"wish": None, "since": 1}, {"wish": [], "since": "x"}], ids=repr)
def test_a_first_moment_of_another_shape_is_none(kept: object) -> None:
    store = Store()
    store.set(WAITING_KEY, kept)
    assert moment_at(1000.0, store) == 1000.0
    assert moment_at(1001.0, store) == 1000.0


def test_a_clock_that_was_set_back_puts_no_moment_into_the_future() -> None:
    store = Store()
    moment_at(2000.0, store)
    assert moment_at(1000.0, store) == 1000.0


def test_what_a_killed_try_deleted_is_not_found_again() -> None:
    store = Store()
    noted(store, UPLOADED)
    for ids in (["file_0"], [], ["file_1", "file_2"]):
        assert journal(store).read("bytes") == UPLOADED
        note_deleted(task_context(store=store), ids)
    assert journal(store).read("bytes") == Noted()
    assert store.get(DELETED_KEY) == ["file_0", "file_1", "file_2"]


@pytest.mark.parametrize("kept", ["file_1", 1, {"file_1": 1}, [1, ["file_1"]]], ids=repr)
def test_deletions_noted_in_another_shape_are_none(kept: object) -> None:
    store = Store()
    noted(store, UPLOADED)
    store.set(DELETED_KEY, kept)
    assert journal(store).read("bytes") == UPLOADED


def test_a_deletion_that_cannot_be_noted_breaks_nothing() -> None:
    class Gone(Store):
        def set(self, key: str, value: Any) -> None:
            raise ConnectionError(key, value)

    for store in (None, Gone()):
        note_deleted(task_context(store=store), ["file_1"])
