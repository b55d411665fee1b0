"""Where a file is cut, and how each piece says where it belongs."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ittybit.exceptions import IttybitInputError
from airflow_provider_ittybit.uploads.chunks import LAST, MIB, MOST_CHUNKS, Chunk, Chunking, as_chunking, cut

GIB = 1024 * MIB
SIZES = st.one_of(st.integers(1, 5000), st.integers(1, 64 * MIB), st.integers(1, 5000 * GIB))
CHUNKINGS = st.builds(Chunking, size=st.integers(1, 256 * MIB), parallel=st.integers(1, 64))
EXACT = st.builds(Chunking, size=st.integers(1 * MIB, 256 * MIB), exact=st.just(True))  # noqa: FBT003 - a strategy


@given(total=SIZES, chunking=CHUNKINGS | EXACT)
def test_the_chunks_of_a_file_are_the_file(total: int, chunking: Chunking) -> None:
    chunks = cut(total, chunking)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert chunks[0].start == 0
    assert all(before.start + before.length == after.start for before, after in pairwise(chunks))
    assert all(chunk.length >= 1 for chunk in chunks)
    assert chunks[-1].start + chunks[-1].length == total


@given(total=SIZES, chunking=CHUNKINGS)
def test_none_of_those_under_way_together_runs_dry_near_the_end(total: int, chunking: Chunking) -> None:
    *others, _ = cut(total, chunking)
    assert len(others) % chunking.parallel == 0
    assert len({chunk.length for chunk in others}) <= 1


@given(total=st.integers(2 * LAST, 5000 * GIB), chunking=st.builds(Chunking, size=st.integers(1, 256 * MIB)))
def test_the_last_chunk_goes_alone_and_so_is_small(total: int, chunking: Chunking) -> None:
    chunks = cut(total, chunking)
    assert LAST <= chunks[-1].length < LAST + len(chunks)


@given(total=st.integers(1, 100 * GIB))
def test_a_chunk_has_the_size_that_was_asked_for_at_most(total: int) -> None:
    assert max(chunk.length for chunk in cut(total, Chunking())) <= 16 * MIB


@pytest.mark.parametrize(
    ("total", "lengths"),
    [(1, [1]), (999, [999]), (1000, [1000]), (1001, [1000, 1]), (3000, [1000] * 3), (3500, [1000] * 3 + [500])],
)
def test_chunks_can_have_exactly_the_size_that_is_set(total: int, lengths: list[int]) -> None:
    assert [chunk.length for chunk in cut(total, Chunking(size=1000, exact=True))] == lengths


def test_chunks_of_an_exact_size_are_larger_than_that_rather_than_too_many() -> None:
    chunks = cut(5000 * GIB, Chunking(exact=True))
    assert len(chunks) <= MOST_CHUNKS
    assert len({chunk.length for chunk in chunks[:-1]}) == 1


@pytest.mark.parametrize("parallel", [1, 3, 4, 7])
def test_a_file_of_terabytes_goes_in_larger_chunks_and_not_in_more(parallel: int) -> None:
    chunks = cut(5000 * GIB, Chunking(parallel=parallel))
    assert len(chunks) <= MOST_CHUNKS + 1
    assert len(chunks) % parallel == 1 % parallel
    assert chunks[0].length > 16 * MIB


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_a_file_too_small_to_cut_stays_whole(total: int) -> None:
    assert cut(total, Chunking(size=1, parallel=8)) == [Chunk(0, 0, total)]


@pytest.mark.parametrize(
    ("form", "header"),
    [
        (Chunking().content_range, "bytes=1000-1999/8000"),
        ("bytes {start}-{end}/{total}", "bytes 1000-1999/8000"),
        ("{total}:{start}..{end}", "8000:1000..1999"),
        ("bytes={start}-{stop}/{total}", "bytes=1000-2000/8000"),
    ],
)
def test_a_range_is_written_in_the_form_that_is_set(form: str, header: str) -> None:
    assert Chunk(1, 1000, 1000).content_range(form, 8000) == header


def test_the_defaults_are_those_of_the_reference() -> None:
    chunking = as_chunking(None)
    assert (chunking.threshold, chunking.size, chunking.parallel) == (100 * MIB, 16 * MIB, 4)
    assert chunking.content_range == "bytes={start}-{end}/{total}"
    assert (chunking.accepted, chunking.signature) == (202, {})
    assert (chunking.exact, chunking.resend, chunking.resume) == (False, True, True)


@pytest.mark.parametrize("given_", [{"size": 5, "parallel": 2}, Chunking(size=5, parallel=2)])
def test_settings_are_read_in_each_form(given_: Any) -> None:
    assert as_chunking(given_) == Chunking(size=5, parallel=2)


@pytest.mark.parametrize("name", ["threshold", "size", "parallel", "accepted"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "4", True, None])
def test_a_setting_that_is_no_number_of_things_is_refused(name: str, value: object) -> None:
    with pytest.raises(IttybitInputError, match=f"{name}=.* is not a whole number"):
        as_chunking({name: value})


@pytest.mark.parametrize("name", ["exact", "resend", "resume"])
@pytest.mark.parametrize("value", [0, 1, "no", None])
def test_a_setting_that_is_neither_true_nor_false_is_refused(name: str, value: object) -> None:
    with pytest.raises(IttybitInputError, match=f"{name}=.* is neither True nor False"):
        as_chunking({name: value})


@pytest.mark.parametrize("value", ["resumable", True, None, [("resumable", True)]])
def test_more_fields_for_the_signature_are_a_mapping(value: object) -> None:
    with pytest.raises(IttybitInputError, match=r"signature=.* is no mapping"):
        as_chunking({"signature": value})


@pytest.mark.parametrize(
    "form",
    [
        "bytes",
        "bytes={start}-{end}-{stop}/{total}",
        "bytes={start}-{end}",
        "{start}{end}{total}{start}",
        "{0}-{end}/{total}{start}",
        "bytes={start}-{end}/{total}\r\nX: y",
        "{start.real}-{end}/{total}",
        "{start}-{end}/{total} {x!r}",
        "{start}-{end}/{total} {start:>1000000000}",
        "{start}-{end}/{total} {",
        "{start}-{end}/{total} }",
        "{{start}}-{end}/{total}",
        None,
        7,
    ],
)
def test_a_form_without_the_three_numbers_is_refused(form: object) -> None:
    with pytest.raises(IttybitInputError, match="content_range="):
        as_chunking({"content_range": form})


def test_a_setting_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        IttybitInputError, match=r"no chunking setting treshold; there are threshold, size, exact, parallel"
    ):
        as_chunking({"treshold": 5})


def test_settings_cannot_change_under_way() -> None:
    with pytest.raises(FrozenInstanceError):
        Chunking().size = 3  # type: ignore[misc] # that is the point
