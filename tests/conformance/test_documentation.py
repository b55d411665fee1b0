"""What the documentation says is so: its errors, links, code, commands and tables."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path

import pytest

from airflow_provider_ittybit import exceptions
from airflow_provider_ittybit.emulator.cli import make_parser
from airflow_provider_ittybit.emulator.faultfields import FIELDS
from airflow_provider_ittybit.get_provider_info import get_provider_info

ROOT = Path(__file__).parents[2]
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = sorted([*(ROOT / name for name in TOP), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^ *```(\w*|\{[^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
COMMAND = re.compile(r"(?:ittybit-emulator|make)(?: .+)?")
ERRORS = {
    name: thing
    for name, thing in vars(exceptions).items()
    if inspect.isclass(thing) and issubclass(thing, exceptions.IttybitError)
}


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def rows(page: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is this, without marks of code."""
    lines = (ROOT / page).read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")])
    return found


def blocks(path: Path, language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(path.read_text()) if name == language]


def prose(path: Path) -> str:
    return BLOCK.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """Return what can follow ``#`` in a link to a page: its headings, as GitHub writes them."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(path)))
    return {heading.replace(" ", "-") for heading in kept}


def commands(path: Path) -> list[str]:
    """Return the commands of this project that a page names, in its console blocks and inside its sentences."""
    lines = [line.partition(" #")[0].strip() for block in blocks(path, "console") for line in block.splitlines()]
    named = lines + re.findall(r"`([^`\n]+)`", prose(path))
    return [name for name in named if COMMAND.fullmatch(name)]


LINKS = [
    pytest.param(path, link, id=f"{shown(path)}:{link}")
    for path in PAGES
    for link in LINK.findall(prose(path))
    if "://" not in link
]
CODE = [
    pytest.param(text, id=f"{shown(path)}:{number}")
    for path in PAGES
    for number, text in enumerate(blocks(path, "python"))
]
COMMANDS = [pytest.param(name, id=f"{shown(path)}:{name}") for path in PAGES for name in commands(path)]


def test_there_is_something_to_check() -> None:
    assert len(PAGES) >= 10
    assert len(LINKS) >= 10
    assert len(CODE) >= 3
    named = {name.values[0].split()[0] for name in COMMANDS}
    assert named == {"make", "ittybit-emulator"}


def test_the_page_of_errors_names_every_error_and_no_other() -> None:
    names = [row[0] for row in rows("docs/errors.md", "error")]
    assert sorted(names) == sorted(ERRORS)
    mentioned = set(re.findall(r"Ittybit\w*Error", "".join(path.read_text() for path in PAGES)))
    assert mentioned == set(ERRORS)


@pytest.mark.parametrize("row", rows("docs/errors.md", "error"), ids=lambda row: row[0])
def test_the_page_of_errors_says_truly_whether_airflow_retries(row: list[str]) -> None:
    name, _, retried, _ = row
    assert retried == ("no" if ERRORS[name]("words").is_final else "yes")


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_a_link_to_a_page_leads_somewhere(path: Path, link: str) -> None:
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    assert target.exists()
    assert not anchor or anchor in anchors(target)


@pytest.mark.parametrize("code", CODE)
def test_a_piece_of_python_is_python(code: str) -> None:
    compile(code, "documentation", "exec")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == "make":
        makefile = (ROOT / "Makefile").read_text()
        for argument in arguments:
            variable, assigned, _ = argument.partition("=")
            assert re.search(rf"\$\({variable}[:)]" if assigned else rf"^{argument}:.*## ", makefile, re.MULTILINE)
    elif arguments:
        assert make_parser().parse_args(arguments).run


def test_the_table_of_faults_is_that_of_the_emulator() -> None:
    table = {field: takes for field, takes, _ in rows("docs/emulator.md", "field")}
    assert table == {name: field.takes for name, field in FIELDS.items()}


def test_the_page_of_the_configuration_has_each_option_with_its_type_and_default() -> None:
    told = {row[0]: (row[1], row[2], row[3]) for row in rows("docs/configuration.md", "option")}
    options = get_provider_info()["config"]["ittybit"]["options"]
    assert told == {
        name: (about["type"], about["default"], f"AIRFLOW__ITTYBIT__{name.upper()}") for name, about in options.items()
    }
