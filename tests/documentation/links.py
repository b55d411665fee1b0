"""Checks a built site: every link inside it leads somewhere, and it loads nothing from elsewhere.

``make docs`` runs it on what Sphinx made. Sphinx checks what is written in the pages; this checks what is in the files.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADED = {"img": "src", "script": "src", "source": "src", "iframe": "src", "link": "href"}
"""What a browser loads with a page, by element; a link element only names a page when it is no style sheet or icon."""
NAMES_ONLY = {"next", "prev", "index", "search", "canonical", "author", "copyright"}


@dataclass
class Page(HTMLParser):
    """What a page links to, what it loads, and what can be linked to in it."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    unnamed_pictures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element says."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if given.get(name))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        target = given.get(LOADED.get(tag, ""))
        if target:
            named = tag == "link" and set(given.get("rel", "").split()) & NAMES_ONLY
            (self.links if named else self.loaded).append(target)
        if tag == "img" and not given.get("alt"):
            self.unnamed_pictures.append(given.get("src", ""))


@cache
def read(path: Path) -> Page:
    """Read a page once."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def faults(site: Path) -> Iterator[str]:
    """Name what is wrong with a site, one line for each.

    :param site: the folder of the site.
    """
    for path in sorted(site.rglob("*.html")):
        page, name = read(path), path.relative_to(site)
        for target in page.loaded:
            if urlsplit(target).netloc:
                yield f"{name}: loads {target} from elsewhere"
        for picture in page.unnamed_pictures:
            yield f"{name}: the picture {picture} has no text for those who do not see it"
        for target in [*page.links, *page.loaded]:
            reason = broken(path, target)
            if reason:
                yield f"{name}: {target} {reason}"


def broken(path: Path, target: str) -> str | None:
    """Say why a link of a page leads nowhere; ``None`` if it does, or if it leads elsewhere."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    aim = path.parent / unquote(parts.path) if parts.path else path
    aim = aim / "index.html" if aim.is_dir() else aim
    if not aim.is_file():
        return "is not there"
    if parts.fragment and aim.suffix == ".html" and unquote(parts.fragment) not in read(aim.resolve()).anchors:
        return "has no such anchor"
    return None


def main(site: Path) -> int:
    """Print the faults of a site; 1 if there are any, or if there is no site."""
    pages = len(list(site.rglob("*.html")))
    found = list(faults(site.resolve()))
    for fault in found:
        print(fault)  # noqa: T201 - a program's output
    print(f"{site}: {pages} pages, {len(found)} faults")  # noqa: T201 - same
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
