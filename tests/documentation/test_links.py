"""The check of a built site finds what is broken, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from documentation.links import faults, main

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "index.html": '<h1 id="top">A</h1><a href="sub/page.html#part">b</a><a href="#top">c</a><img src="p.png" alt="d">',
    "sub/page.html": '<h2 id="part">B</h2><a href="../index.html#top">back</a><a href="https://example.com/x">out</a>',
    "p.png": "",
}
BROKEN = {
    '<a href="gone.html">x</a>': "gone.html is not there",
    '<a href="sub/page.html#gone">x</a>': "sub/page.html#gone has no such anchor",
    '<a href="#gone">x</a>': "#gone has no such anchor",
    '<img src="gone.png" alt="x">': "gone.png is not there",
    '<img src="p.png">': "the picture p.png has no text for those who do not see it",
    '<script src="https://example.com/x.js"></script>': "loads https://example.com/x.js from elsewhere",
    '<link rel="stylesheet" href="//example.com/x.css">': "loads //example.com/x.css from elsewhere",
}


def make(folder: Path, more: str = "") -> Path:
    for name, text in GOOD.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + (more if name == "index.html" else ""))
    return folder


def test_a_site_without_faults_has_none(tmp_path: Path) -> None:
    assert list(faults(make(tmp_path))) == []
    assert main(tmp_path) == 0


@pytest.mark.parametrize(("more", "said"), BROKEN.items())
def test_what_is_broken_is_named_with_its_page(tmp_path: Path, more: str, said: str) -> None:
    assert list(faults(make(tmp_path, more))) == [f"index.html: {said}"]
    assert main(tmp_path) == 1


def test_a_folder_without_pages_is_no_site(tmp_path: Path) -> None:
    assert main(tmp_path) == 1
