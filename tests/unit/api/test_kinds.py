"""What each generation can make, and what is said about a wish that its reference does not know."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ittybit.api.generations import BY_NAME, GENERATIONS
from airflow_provider_ittybit.api.kinds import FIELDS, JOB_KINDS, KINDS, doubt_about, task_fields
from airflow_provider_ittybit.emulator import profiles
from airflow_provider_ittybit.exceptions import IttybitUnsupportedError

WITH_TASKS = [row for row in GENERATIONS if row.task_shape]
EACH = pytest.mark.parametrize("generation", WITH_TASKS, ids=lambda row: row.name)
UNKNOWN_TO = {
    "files-enveloped": "adaptive_video",
    "files-flat": "summary",
    "tasks": "description",
    "jobs": "subtitles",
}


def test_every_generation_has_a_row_and_only_those_with_tasks_have_kinds() -> None:
    assert set(KINDS) == set(FIELDS) == set(BY_NAME)
    assert {name for name, kinds in KINDS.items() if kinds} == {row.name for row in WITH_TASKS}


@EACH
def test_what_the_emulator_read_in_the_reference_is_in_the_table(generation: Any) -> None:
    assert profiles.GENERATIONS[generation.name].task_kinds <= set(KINDS[generation.name])


def test_jobs_make_what_the_emulator_makes_of_jobs_and_tasks_the_rest() -> None:
    assert JOB_KINDS == profiles.JOB_KINDS


@EACH
def test_what_is_documented_raises_no_doubt(generation: Any) -> None:
    for name, kind in KINDS[generation.name].items():
        if kind.where != ("runs",):
            assert doubt_about(generation, name, dict.fromkeys(kind.options, 1)) is None


@EACH
def test_a_kind_of_other_generations_is_doubted_with_their_names_and_the_kinds_of_this_one(generation: Any) -> None:
    doubt = doubt_about(generation, UNKNOWN_TO[generation.name])
    assert doubt is not None
    others = [name for name, kinds in KINDS.items() if UNKNOWN_TO[generation.name] in kinds]
    assert others
    for word in (generation.name, UNKNOWN_TO[generation.name], *others, *KINDS[generation.name]):
        assert word in doubt


@EACH
def test_a_kind_of_no_generation_is_doubted_with_the_kinds_of_this_one(generation: Any) -> None:
    doubt = doubt_about(generation, "hologram")
    assert doubt is not None
    assert "it is one of" not in doubt
    assert all(name in doubt for name in KINDS[generation.name])


@pytest.mark.parametrize("kind", ["ingest", "upload", "conditions"])
def test_a_kind_that_is_documented_inside_runs_is_pointed_there(kind: str) -> None:
    assert "/runs" in str(doubt_about(BY_NAME["tasks"], kind))


def test_an_unknown_option_is_doubted_only_where_all_are_documented() -> None:
    doubt = str(doubt_about(BY_NAME["jobs"], "audio", {"bitrate": 1, "loudness": 2}))
    assert "no option loudness" in doubt
    assert "bitrate" in doubt.partition("Documented are")[2]
    assert doubt_about(BY_NAME["files-flat"], "audio", {"loudness": 2}) is None


@pytest.mark.parametrize(
    ("generation", "given", "written"),
    [
        ("files-flat", {"ref": "poster", "folder": "f"}, {"ref": "poster", "folder": "f"}),
        ("tasks", {"destination": "s3://b/k"}, {"destination": "s3://b/k"}),
        ("jobs", {"destination": "s3://b/k", "metadata": {}}, {"output": "s3://b/k", "metadata": {}}),
        ("jobs", {"folder": None}, {}),
    ],
)
def test_a_field_is_written_in_the_words_of_the_generation(
    generation: str, given: dict[str, Any], written: dict[str, Any]
) -> None:
    assert task_fields(BY_NAME[generation], given) == written


@pytest.mark.parametrize(
    ("generation", "field", "have"),
    [
        ("tasks", "folder", ["files-enveloped", "files-flat"]),
        ("jobs", "workflow", ["files-enveloped", "files-flat"]),
        ("files-flat", "destination", ["tasks", "jobs"]),
        ("files-enveloped", "metadata", ["jobs"]),
    ],
)
def test_a_field_without_a_place_is_refused_with_those_that_have_one(
    generation: str, field: str, have: list[str]
) -> None:
    with pytest.raises(IttybitUnsupportedError, match=f"has no place for {field}") as caught:
        task_fields(BY_NAME[generation], {field: "x"})
    assert f"These can: {', '.join(have)}." in str(caught.value)
