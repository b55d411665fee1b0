"""Ids of ittybit's resources: checked before they reach a URL, and read for what they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.generations import Generation

LONGEST = 256
"""Characters an id may have; ittybit publishes no limit, all ids seen have fewer than 40."""

PREFIXES = {
    "file": "files",
    "med": "media",
    "tsk": "tasks",
    "task": "tasks",
    "job": "jobs",
    "run": "runs",
    "evt": "events",
    "auto": "automations",
    "aut": "automations",
}
"""What the part before the first underscore of an id names (ittybit's documentation)."""

_FORBIDDEN = re.compile(
    r"[\s/\\?#%&=:;,'\"<>{}|^`\x00-\x1f\x7f-\x9f"
    r"\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def check_id(value: object) -> str:
    """Refuse what cannot be an id.

    :param value: the id a user or a template gave.
    :return: the id, unchanged.
    :raises IttybitInputError: it is no string, empty, longer than 256 characters, only dots, or has a
        character that could change the URL it is put into.
    """
    if not isinstance(value, str):
        message = f"An ittybit id is a string such as 'file_…', not {type(value).__name__} ({repr(value)[:80]})."
        raise IttybitInputError(message)
    if not value or value.strip(".") == "":
        message = (
            f"The ittybit id {value[:80]!r} is empty. Nothing was sent. If it comes from a template or an "
            "upstream task, check what that returned."
        )
        raise IttybitInputError(message)
    if len(value) > LONGEST or _FORBIDDEN.search(value):
        shown = value if len(value) <= LONGEST else f"{value[:40]}… ({len(value)} characters)"
        message = (
            f"{shown!r} is not an ittybit id: an id has no spaces, slashes or other characters with a "
            f"meaning in URLs, and at most {LONGEST} characters. Nothing was sent."
        )
        raise IttybitInputError(message, resource_id=shown)
    return value


def is_id(value: object) -> bool:
    """Tell whether a value that ittybit sent can be an id."""
    try:
        check_id(value)
    except IttybitInputError:
        return False
    return True


def path_segment(value: str) -> str:
    """Percent-encode a checked id for a URL path."""
    return quote(check_id(value), safe="-_.~")


def resource_of(generation: Generation, resource_id: str, resource: str | None = None) -> str:
    """Tell which collection an id belongs to.

    :param generation: the pinned generation.
    :param resource_id: the id; its prefix (``file_``, ``med_``, ``tsk_``, ``task_``, ``job_``, ``run_``)
        decides. A generation with a single collection takes any id.
    :param resource: name of the collection, which overrides the prefix.
    :raises IttybitInputError: neither says it.
    """
    check_id(resource_id)
    if resource:
        return resource
    readable = [name for name, row in generation.resources.items() if "get" in row.verbs]
    if len(readable) == 1:
        return readable[0]
    prefix, underscore, rest = resource_id.partition("_")
    if underscore and rest and prefix in PREFIXES:
        return PREFIXES[prefix]
    message = (
        f"Cannot tell from the id {resource_id!r} what it names: it has none of the prefixes "
        f"{', '.join(sorted(p + '_' for p in PREFIXES))}. Pass resource= with one of "
        f"{', '.join(sorted(readable))}."
    )
    raise IttybitInputError(message, resource_id=resource_id)


def id_of(value: object) -> str:
    """Take the id out of what an upstream task returned.

    :param value: an id, or a resource with one, such as the result of ``UploadMediaOperator``.
    :raises IttybitInputError: there is none.
    """
    return check_id(value.get("id") if isinstance(value, Mapping) else value)


def ids_of(value: object) -> list[str]:
    """Take the ids out of one or many ids or resources.

    All are checked before the first is used. An id that comes twice is taken once.

    :raises IttybitInputError: one of them is no id.
    """
    if isinstance(value, str | Mapping):
        return [id_of(value)]
    if not isinstance(value, Iterable):
        message = (
            f"{value!r} holds no ittybit id: pass one id, one resource, or a list of them. If it comes from an "
            "upstream task, check that the task ran and what it returned."
        )
        raise IttybitInputError(message)
    return list(dict.fromkeys(id_of(item) for item in value))
