"""The recorded answers themselves: each says where it comes from and is read by some test."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ANSWERS = sorted((HERE / "answers").rglob("*.json"))
TESTS = {path: path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py")}


def test_there_are_recorded_answers() -> None:
    assert len(ANSWERS) > 100


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_a_recorded_answer_names_its_source_and_has_one_body(path: Path) -> None:
    wrapper = json.loads(path.read_text(encoding="utf-8"))
    assert wrapper["source"].startswith(("API reference pages: ", "API notes, values made up: ", "made up: "))
    assert 200 <= wrapper["status"] < 600
    assert ("body" in wrapper) != ("text" in wrapper)
    assert set(wrapper) <= {"source", "status", "headers", "body", "text"}


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_a_recorded_answer_is_read_by_a_test(path: Path) -> None:
    name = path.relative_to(HERE / "answers").with_suffix("").as_posix()
    assert [test.name for test, text in TESTS.items() if f'"{name}"' in text], f"no test reads {name}"


def test_a_printed_sample_and_the_one_cleared_of_what_is_no_json_hold_the_same() -> None:
    lists = HERE / "answers" / "lists"
    printed = json.loads((lists / "2025_01_01_page_1_of_5_as_printed.json").read_text(encoding="utf-8"))["text"]
    cleared = json.loads((lists / "2025_01_01_page_1_of_5.json").read_text(encoding="utf-8"))["body"]
    without_comments = re.sub(r"^ *//.*\n", "", printed, flags=re.MULTILINE)
    assert json.loads(re.sub(r",(\s*[}\]])", r"\1", without_comments)) == cleared
