"""The pages that speak of the code name what is there: messages, classes, settings, examples, and their tags."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger
from conformance import source_reading as source

from airflow_provider_ittybit.api.settings import ALLOWED_EXTRAS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PLACEHOLDER = re.compile(r"%(?:\.\d)?[sdrf]")
INCLUDE = re.compile(r"^```\{literalinclude\} (\S+)\n((?:^:.*\n)*)", re.MULTILINE)
TAG = re.compile(r'^:(?:start-after|end-before): "(.+)"$', re.MULTILINE)
BASES = ("IttybitOperator", "WaitingOperator", "ProcessingSensor")


def text_of(node: ast.AST) -> str | None:
    """Return a text in the code, with … for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return PLACEHOLDER.sub("…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


@cache
def texts() -> list[str]:
    """Return every text of the provider's code but its docstrings."""
    found = []
    for path in source.paths():
        tree = source.tree(path)
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [text for node in ast.walk(tree) if id(node) not in docstrings and (text := text_of(node))]
    return found


def messages() -> list[str]:
    """Return the messages that the page on troubleshooting explains."""
    lines = (DOCS / "troubleshooting.md").read_text().splitlines()
    return [match[1] for line in lines if (match := re.match(r"\| `(.+?)` \| ", line))]


def classes(kind: type, *folders: str) -> list[str]:
    found = (cls for folder in folders for cls in source.classes(folder) if issubclass(cls, kind))
    return sorted({cls.__name__ for cls in found} - set(BASES))


INCLUDES = [
    pytest.param(page, name, TAG.findall(options), id=f"{page.relative_to(DOCS)}:{name}:{number}")
    for page in PAGES
    for number, (name, options) in enumerate(INCLUDE.findall(page.read_text()))
]


def test_each_example_and_each_part_of_it_that_has_a_tag_is_shown_on_a_page() -> None:
    shown = {
        (Path(name).name, tag)
        for page in PAGES
        for name, options in INCLUDE.findall(page.read_text())
        for tag in TAG.findall(options)
    }
    for path in sorted((ROOT / "example_dags").glob("*.py")):
        tags = re.findall(r"\[START \w+\]", path.read_text())
        assert tags, f"{path.name} has no part to show"
        assert [tag for tag in tags if (path.name, tag) not in shown] == [], path.name


def test_there_is_something_to_check() -> None:
    assert len(PAGES) >= 25
    assert len(INCLUDES) >= 15
    assert len(messages()) >= 40
    assert len(texts()) >= 200
    assert len(classes(BaseOperator, "operators", "sensors")) >= 8


@pytest.mark.parametrize("message", messages())
def test_a_message_that_is_explained_exists_in_the_code(message: str) -> None:
    assert max(len(part) for part in message.split("…")) >= 8, "too short to be found by"
    assert [text for text in texts() if message in text]


@pytest.mark.parametrize("name", [*classes(BaseOperator, "operators", "sensors"), *classes(BaseTrigger, "triggers")])
def test_every_operator_sensor_and_trigger_has_a_page_with_its_reference_and_an_example(name: str) -> None:
    [page] = [page for page in PAGES if page.read_text().startswith(f"# {name}\n")]
    text = page.read_text()
    assert re.search(rf"^\.\. autoclass:: airflow_provider_ittybit\.[\w.]+\.{name}$", text, re.MULTILINE)
    assert any(name in example for example in map(included, INCLUDE.findall(text)))


def included(found: tuple[str, str]) -> str:
    """Return what an include shows; all includes of the pages in folders begin one folder up."""
    name, options = found
    example = (ROOT / name.removeprefix("../../")).read_text()
    begin, end = TAG.findall(options)
    return example.split(begin)[1].split(end)[0]


@pytest.mark.parametrize(("page", "name", "tags"), INCLUDES)
def test_an_example_that_is_shown_has_its_tags_once(page: Path, name: str, tags: list[str]) -> None:
    text = (page.parent / name).read_text()
    begin, end = tags
    assert begin.removeprefix("[START") == end.removeprefix("[END")
    assert (text.count(begin), text.count(end)) == (1, 1)
    assert text.index(begin) < text.index(end)


def test_the_page_of_the_connection_has_every_extra_and_no_other() -> None:
    lines = (DOCS / "connection.md").read_text().partition("| extra |")[2].splitlines()
    named = [match[1] for line in lines if (match := re.match(r"\| `(\w+)` \|", line))]
    assert named == list(ALLOWED_EXTRAS)
