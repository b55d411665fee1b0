"""The commands and the DAG of docs/start.md do what the page says, typed into a shell one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "start.md").read_text()
LONGEST = 400
"""Seconds for the whole page on a busy machine."""


def step(number: int, language: str) -> str:
    """Return the block of a step."""
    text = PAGE.split(f"**{number}. ")[1].split(f"**{number + 1}. ")[0]
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return block


def test_what_is_installed_is_this_package_with_its_emulator() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [wanted] = re.findall(r"pip install '([\w-]+)\[(\w+)\]'", step(1, "console"))
    assert wanted[0] == project["name"]
    assert wanted[1] in project["optional-dependencies"]


def test_the_steps_of_the_page_lead_to_a_thumbnail(tmp_path: Path) -> None:
    [saved_as] = re.findall(r"\*\*3\. Save this\*\* as `([^`]+)`", PAGE)
    (tmp_path / "first.py").write_text(step(3, "python"))
    script = "\n".join(["set -e", step(2, "console"), f"cp first.py {saved_as}", step(4, "console")])
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    path = os.pathsep.join([str(Path(sys.executable).parent), mine["PATH"]])
    done = subprocess.run(  # noqa: S603 - the page's own commands
        ["bash", "-c", script],  # noqa: S607 - the shell that a person has
        cwd=tmp_path,
        env={**mine, "PATH": path},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    log = done.stdout + done.stderr
    assert done.returncode == 0, log[-4000:]
    for line in step(4, "text").splitlines():
        assert re.search(re.escape(line).replace("…", r"\w+"), log), (line, log[-6000:])
