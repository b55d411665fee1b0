"""What one of several uploads of a task knows of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from task_running import Run, Store, task_context

from airflow_provider_ittybit.durability import journal_of
from airflow_provider_ittybit.uploads.journal import OTHER_BYTES, Noted
from airflow_provider_ittybit.uploads.namesakes import Beside, beside

LAYOUT = (9, 1000)
LOST = Noted(since=1735689600.0, size=700)
TAKEN = replace(LOST, resource_id="file_1", labelled=True)
HALF = replace(LOST, layout=LAYOUT, arrived=frozenset({0, 1}))
ALL_BUT_THE_ANSWER = replace(HALF, arrived=frozenset(range(8)))


def uploads(*sources: object, store: Store | None = None, run: Run | None = None, fetch: bool = False) -> list[Beside]:
    context = task_context(run, store=store)
    journals = [journal_of(context, durable=True, name=f"{place} {one}") for place, one in enumerate(sources)]
    return beside(journals, sources, fetch=fetch)


def two(store: Store | None, *noted: Noted, run: Run | None = None) -> list[Beside]:
    """Make two uploads of one name, after a try that noted something."""
    for one, what in zip(uploads("/a/rec.wav", "/b/rec.wav", store=store, run=run), noted, strict=False):
        one.journal.read("bytes")
        one.journal.write(what)
    return uploads("/a/rec.wav", "/b/rec.wav", store=store)


@pytest.mark.parametrize(
    ("source", "fetch", "filename"),
    [
        ("/in/cam1/rec.wav", False, "rec.wav"),
        (Path("/in/cam1/rec.wav"), True, "rec.wav"),
        (" s3://aws_default@bucket/in/rec.wav ", False, "rec.wav"),
        (ObjectStoragePath("file:///in/rec.wav"), False, "rec.wav"),
        ("/in/what?#.wav", False, "what?#.wav"),
        ("https://cdn.example/in/rec.wav", False, None),
        ("HTTPS://cdn.example/in/re%63.wav?signature=/x#/y", True, "rec.wav"),
        ("/in/re%63.wav", False, "rec.wav"),  # a form escapes, so the two may come out as one
    ],
    ids=repr,
)
def test_the_name_under_which_a_source_arrives_is_known_before_it_is_read(
    source: object, *, fetch: bool, filename: str | None
) -> None:
    [one] = uploads(source, fetch=fetch)
    assert one.filename == filename


@pytest.mark.parametrize("source", [None, 7, {"a": 1}, b"/a"], ids=repr)
def test_what_can_be_no_source_is_left_to_its_own_upload_to_refuse(source: object) -> None:
    assert [one.is_alone(1) for one in uploads(source, "/in/a.mp4")] == [True, True]


@pytest.mark.parametrize("store", [Store(), None], ids=["store", "no store"])
def test_the_ids_that_ittybit_gave_to_the_others_are_taken(store: Store | None) -> None:
    first, second, third = uploads("/a/rec.wav", "/b/other.wav", "https://cdn.example/rec.wav", store=store)
    for number, one in enumerate((first, third)):
        one.read("bytes")
        one.write(replace(TAKEN, resource_id=f"file_{number}"))
    assert second.taken() == {"file_0", "file_1"}
    assert first.taken() == {"file_1"}


def test_what_earlier_tries_took_is_taken_too_and_the_store_is_asked_once() -> None:
    class Counting(Store):
        asked = 0

        def get(self, key: str, default: Any = None) -> Any:
            self.asked += 1
            return super().get(key, default)

    store = Counting()
    first, second = two(store, TAKEN)
    store.asked = 0
    assert [second.taken() for _ in range(3)] == [{"file_1"}] * 3
    assert first.taken() == frozenset()
    assert store.asked == 2


@pytest.mark.parametrize(
    ("noted", "size", "alone"),
    [
        pytest.param(Noted(), 700, True, id="not begun"),
        pytest.param(LOST, 700, False, id="no answer"),
        pytest.param(LOST, 701, True, id="no answer, but of another size"),
        pytest.param(TAKEN, 700, True, id="uploaded"),
        pytest.param(replace(TAKEN, astray=True), 700, False, id="uploaded twice"),
        pytest.param(HALF, 700, True, id="chunks are missing"),
        pytest.param(ALL_BUT_THE_ANSWER, 700, False, id="no answer to the last chunk"),
    ],
)
def test_what_nobody_has_taken_may_be_that_of_a_namesake_without_an_answer(
    noted: Noted, size: int, *, alone: bool
) -> None:
    _, second = two(Store(), noted)
    assert second.is_alone(size) is alone


def test_neither_a_cleared_run_nor_the_same_file_listed_twice_nor_another_name_raises_a_doubt() -> None:
    store = Store()
    _, second = two(store, LOST, run=Run(max_tries=1))
    assert second.is_alone(700)
    for sources in (("/a/rec.wav", "/a/rec.wav"), ("/a/rec.wav", "/a/rec2.wav")):
        first, second = uploads(*sources, store=store)
        first.read("bytes")
        first.write(LOST)
        assert second.is_alone(700)


def test_of_two_without_an_answer_both_begin_anew_even_if_only_one_gets_that_far(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    first, _ = two(store, LOST, ALL_BUT_THE_ANSWER)
    assert first.read("bytes") == Noted(size=700, astray=True, litter=OTHER_BYTES)
    first.write(replace(first.last(), resource_id="file_1", labelled=True))
    _, second = uploads("/a/rec.wav", "/b/rec.wav", store=store)  # the next try: the worker died in between
    assert second.read("bytes") == Noted(size=700, astray=True, litter=LAYOUT)
    assert "several files named 'rec.wav' of one size" in caplog.text


@pytest.mark.parametrize("other", [TAKEN, HALF, replace(LOST, size=701), Noted()], ids=repr)
def test_one_alone_without_an_answer_keeps_what_it_noted(other: Noted) -> None:
    first, _ = two(Store(), LOST, other)
    assert replace(first.read("bytes"), litter=None) == LOST


@pytest.mark.parametrize(
    ("noted", "litter"),
    [
        (HALF, OTHER_BYTES),
        (Noted(litter=LAYOUT), OTHER_BYTES),
        (replace(HALF, resource_id="file_1"), None),
        (LOST, None),
        (Noted(), None),
    ],
    ids=repr,
)
def test_chunks_of_a_namesake_lie_where_it_goes(noted: Noted, litter: tuple[int, int] | None) -> None:
    _, second = two(Store(), noted)
    assert second.read("bytes").litter == litter


def test_chunks_of_a_cleared_run_lie_there_as_well() -> None:
    _, second = two(Store(), HALF, run=Run(max_tries=1))
    assert second.read("bytes").litter == OTHER_BYTES


def test_the_chunks_of_a_namesake_are_not_noted_as_its_own() -> None:
    store = Store()
    first, second = two(store, HALF)
    second.write(replace(second.read("bytes"), since=1.0))
    assert second.last() == Noted(since=1.0)
    assert first.read("bytes") == HALF
    first.write(replace(HALF, resource_id="file_1"))
    _, again = uploads("/a/rec.wav", "/b/rec.wav", store=store)
    assert again.read("bytes") == Noted(since=1.0)


def test_all_else_is_as_in_its_own_notes() -> None:
    store = Store()
    first, second = two(store, replace(TAKEN, accepted=12.5))
    assert first.read("bytes").accepted == first.accepted == 12.5
    assert first.lasting
    assert not two(None)[0].lasting
    assert second.read("bytes") == Noted()
    assert first.name() == first.journal.name() != second.name()
