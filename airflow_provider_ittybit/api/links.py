"""The ``Link`` header of RFC 8288, and ittybit's ``Links``, which differs from it by a letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUOTED = r"\"(?:[^\"\\]|\\.)*\""
_LINK = re.compile(rf"<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:{_QUOTED}|[^\s;,\"]*))?)*)", re.DOTALL)
_PARAMETER = re.compile(rf";\s*([^\s=;,]+)(?:\s*=\s*({_QUOTED}|[^\s;,\"]*))?", re.DOTALL)
_LONGEST = 65_536


def read_links(headers: Mapping[str, str]) -> dict[str, str]:
    """Read the URLs of related pages.

    Both ``Link`` (the tasks generation) and ``Links`` (the ``2025-08-20`` API) are read in any generation;
    where both name the same relation, ``Link`` wins.

    :param headers: the answer's headers, found without regard to case.
    :return: URL by relation: ``self``, ``first``, ``prev``, ``next``, ``last``.
    """
    found: dict[str, str] = {}
    for header in ("links", "link"):
        for url, parameters in _LINK.findall(headers.get(header, "")[:_LONGEST]):
            relations = [value for name, value in _PARAMETER.findall(parameters) if name.lower() == "rel"]
            if relations and url:
                for relation in relations[0].strip('"').lower().split():
                    found[relation] = url
    return found
