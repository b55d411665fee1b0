"""Looks whether an upload whose answer was never seen has arrived all the same."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.forms import quoted
from airflow_provider_ittybit.api.listing import Listing
from airflow_provider_ittybit.api.numbers import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ittybit.api.generations import Generation
    from airflow_provider_ittybit.transport.blocking import BlockingTransport
    from airflow_provider_ittybit.uploads.sources import FileSource

log = logging.getLogger(__name__)

CLOCKS_DIFFER = 60.0
"""Seconds by which ittybit's clock may be behind this worker's, where ittybit's is not known."""


def beginning(told: float | None) -> float:
    """Tell from when on a retry has to look for what is sent now, in Unix seconds.

    :param told: the time by ittybit's own clock; ``None`` if its answer had no ``Date`` header. Then this worker's
        clock counts, with a margin.
    """
    return time.time() - CLOCKS_DIFFER if told is None else told


def lists_files(generation: Generation) -> bool:
    """Tell whether a generation shows what bytes became, so that it can be looked for."""
    return not {"files", "media"}.isdisjoint(generation.resources)


def find_arrived(
    transport: BlockingTransport,
    source: FileSource,
    folder: str | None,
    since: float | None,
    taken: frozenset[str] = frozenset(),
) -> dict[str, Any] | None:
    """Find a file that ittybit got since the upload began: same name, same folder, same size.

    :param since: Unix seconds by ittybit's own clock; ``None`` finds nothing, since any older twin would match.
    :param taken: ids of files that are known to be others.
    :return: the oldest such file; ``None`` if there is none, or the generation does not list files.
    """
    if since is None:
        return None
    if not lists_files(transport.settings.generation):
        log.warning("An earlier try sent %s and saw no answer: if it arrived, ittybit gets a second copy", source)
        return None
    found = oldest_since(transport, since, lambda item: item.get("id") not in taken and _is_same(item, source, folder))
    if found is not None:
        log.info("%s had arrived as %s: nothing is sent again", source, found.get("id"))
    return found


def oldest_since(
    transport: BlockingTransport, since: float, wanted: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any] | None:
    """Find the oldest of what uploads added since a time.

    :param since: Unix seconds by ittybit's own clock.
    :param wanted: tells whether an item is what is looked for.
    """
    listing = Listing(transport.settings.generation, created_after=since)
    found: dict[str, Any] | None = None
    while (call := listing.call) is not None:
        for item in listing.receive(transport.send(call)):
            if wanted(item):
                found = item
    return found


def _is_same(item: Mapping[str, Any], source: FileSource, folder: str | None) -> bool:
    name = item.get("filename")
    names = (None, source.name, quoted(source.name))  # a form escapes quotes and line breaks, and nobody undoes that
    if whole_number(item.get("filesize")) != source.size or name not in names:
        return False
    place = item.get("folder")
    return (place if isinstance(place, str) else "").strip("/") == (folder or "").strip("/")
