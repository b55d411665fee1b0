"""What tells one version of a source from the next, under the names of different stores."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ittybit.uploads.versions import STAMPS, is_other, stamp_of


@pytest.mark.parametrize("name", STAMPS)
def test_the_stamp_is_found_under_every_name_and_tells_a_change(name: str) -> None:
    stamp = stamp_of({"size": 9, name: "before"})
    assert stamp == "before"
    assert not is_other(stamp, {"size": 9, name: "before"})
    assert is_other(stamp, {"size": 9, name: "after"})


def test_an_etag_says_more_than_a_time() -> None:
    assert stamp_of({"mtime": 7.0, "etag": "a"}) == "a"


@pytest.mark.parametrize(
    "facts", [SimpleNamespace(_info={"ETag": "a"}), SimpleNamespace(_info={"ETag": "a"}, st_mtime_ns=7)], ids=str
)
def test_the_stamp_is_found_in_what_a_path_of_a_store_tells(facts: Any) -> None:
    assert stamp_of(facts) == "a"


@pytest.mark.parametrize(
    ("facts", "stamp"), [(SimpleNamespace(st_mtime_ns=7), "7"), ({"size": 9}, ""), ({"ETag": None}, "")], ids=str
)
def test_a_file_of_the_worker_has_its_time_and_what_tells_nothing_has_no_stamp(facts: Any, stamp: str) -> None:
    assert stamp_of(facts) == stamp


@pytest.mark.parametrize(
    ("stamp", "details"),
    [
        ("", {"ETag": "a"}),
        ("a", {"size": 9}),
        ("a", {"ETag": None}),
        ("a", None),
        ("a", "no details"),
        ("7.0", {"ETag": "a", "mtime": 7.0}),
        ('"a"', {"ETag": 'W/"a"'}),
        ('"0x8D"', {"etag": "0x8D"}),
    ],
    ids=repr,
)
def test_what_may_be_the_same_is_not_taken_for_another(stamp: str, details: object) -> None:
    assert not is_other(stamp, details)
