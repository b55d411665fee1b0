"""Ids: what is refused before it reaches a URL, how it is encoded, and what it names."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from airflow_provider_ittybit.api.calls import delete_resource, get_resource, update_resource
from airflow_provider_ittybit.api.generations import BY_NAME, GENERATIONS, Generation
from airflow_provider_ittybit.api.identifiers import LONGEST, check_id, path_segment, resource_of
from airflow_provider_ittybit.exceptions import IttybitInputError

BAD = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "slash": "file_1/x",
    "leading slash": "/file_1",
    "parent": "../media/med_1",
    "backslash": "..\\file_1",
    "space": "file 1",
    "only space": " ",
    "trailing newline": "file_1\n",
    "header injection": "file_1\r\nX-A: b",
    "tab": "file_1\t",
    "no-break space": "file_1\u00a0",
    "NUL": "file_1\0",
    "encoded dots": "%2e%2e",
    "encoded slash": "file_1%2f",
    "query": "file_1?x=1",
    "fragment": "file_1#x",
    "semicolon": "file_1;x",
    "right-to-left mark": "file_\u200f1",
    "right-to-left override": "file_\u202e1",
    "isolate": "file_\u20661",
    "Arabic letter mark": "file_\u061c1",
    "zero-width space": "file_\u200b1",
    "byte order mark": "\ufefffile_1",
    "lone surrogate": "file_\ud8001",
    "delete character": "file_\x7f1",
    "a URL": "https://example.com/a.mp4",
    "10 KB": "file_" + "a" * 10_240,
    "one too long": "a" * (LONGEST + 1),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_an_id_is_refused(value: str) -> None:
    with pytest.raises(IttybitInputError, match="Nothing was sent") as raised:
        check_id(value)
    message = str(raised.value)
    assert len(message) < 700
    message.encode()
    assert message.isprintable()


@pytest.mark.parametrize("value", [None, 5, 1.5, True, b"file_1", ["file_1"], {"id": "file_1"}, ["x"] * 10_000])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(IttybitInputError, match="is a string") as raised:
        check_id(value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda row: row.name)
@pytest.mark.parametrize("resource", [None, "media", "tasks"])
def test_a_bad_id_never_becomes_a_request(generation: Generation, resource: str | None) -> None:
    for value in BAD.values():
        for call in (get_resource, delete_resource):
            with pytest.raises(IttybitInputError):
                call(generation, value, resource)
        with pytest.raises(IttybitInputError):
            update_resource(generation, value, {"title": "x"}, resource)


@pytest.mark.parametrize("value", ["file_abcdefgh1234", "1f6b2c", "A-b_c.d~e", "a..b", "a" * LONGEST])
def test_an_ordinary_id_stays_as_it_is(value: str) -> None:
    assert check_id(value) == value
    assert path_segment(value) == value


@pytest.mark.parametrize("value", ["file_é", "file_😊", "file_1!", "a@b", "a+b", "(x)", "a$b", "a*b", "[1]"])
def test_other_characters_are_percent_encoded(value: str) -> None:
    encoded = path_segment(value)
    assert unquote(encoded) == value
    assert not set(encoded) & set("/?#@!+()$*[] ")
    assert encoded.isascii()


@pytest.mark.parametrize(
    ("resource_id", "resource"),
    [
        ("file_1", "files"),
        ("med_1", "media"),
        ("tsk_1", "tasks"),
        ("task_1", "tasks"),
        ("job_1", "jobs"),
        ("run_1", "runs"),
        ("evt_1", "events"),
        ("auto_1", "automations"),
        ("aut_1", "automations"),
        ("file_with_more_underscores", "files"),
    ],
)
def test_the_prefix_says_what_an_id_names(resource_id: str, resource: str) -> None:
    assert resource_of(BY_NAME["files-flat"], resource_id) == resource


def test_the_resource_given_overrides_the_prefix() -> None:
    assert resource_of(BY_NAME["files-flat"], "file_1", "media") == "media"
    assert resource_of(BY_NAME["files-flat"], "1f6b2c", "media") == "media"


@pytest.mark.parametrize("resource_id", ["1f6b2c", "file_1", "task_1"])
def test_a_generation_with_one_collection_takes_any_id(resource_id: str) -> None:
    assert resource_of(BY_NAME["media"], resource_id) == "media"


@pytest.mark.parametrize("resource_id", ["1f6b2c", "file", "file_", "_1", "FILE_1", "video_1", "files_1"])
def test_an_id_that_names_nothing_is_refused_with_the_choices(resource_id: str) -> None:
    with pytest.raises(IttybitInputError, match="resource= with one of automations, files, media, tasks") as raised:
        resource_of(BY_NAME["files-flat"], resource_id)
    assert raised.value.resource_id == resource_id
