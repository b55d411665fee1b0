"""URLs that ittybit fetches itself: each is asked for once, also if the answer was never seen."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api import creations, delivery
from airflow_provider_ittybit.api.generations import TaskShape
from airflow_provider_ittybit.uploads.arrivals import beginning, oldest_since
from airflow_provider_ittybit.uploads.signatures import without_signature

if TYPE_CHECKING:
    from airflow_provider_ittybit.transport.blocking import BlockingTransport
    from airflow_provider_ittybit.uploads.sources import UrlSource

log = logging.getLogger(__name__)

TAG = "airflow_upload"
"""Key in ``metadata`` under which an upload is named, so that a retry can tell it from any other."""
CLOCKS_DIFFER = 3600.0
"""Seconds by which ittybit's clock may be behind this worker's, where the time only says how far back to look."""


@dataclass(frozen=True, slots=True)
class Ingestion:
    """One URL that ittybit is asked to fetch.

    How a lost answer is found again differs. The files generations and the jobs generation take ``metadata``, in
    which the upload is named (whether their lists repeat it is not published: if not, it is not found). The tasks
    generation lists runs with their tasks, and those may name the URL. The media generation has neither. On top of
    that, the jobs generation takes an idempotency key, which makes a repetition harmless for 24 hours.

    :param transport: carries it.
    :param source: the URL.
    :param along: what goes along.
    :param name: names this upload at every try, and no other.
    :param lasting: whether a retry will know that name.
    """

    transport: BlockingTransport
    source: UrlSource
    along: Mapping[str, Any]
    name: str
    lasting: bool

    def send(self) -> dict[str, Any]:
        """Ask ittybit to fetch it."""
        generation = self.transport.settings.generation
        fields = dict(self.along)
        if self.lasting and self._takes_tag:
            fields["metadata"] = {**(fields.get("metadata") or {}), TAG: self.name}
        return self.transport.send(creations.ingest(generation, self.source.url, fields, idempotency_key=self.name))

    def begin(self) -> float | None:
        """Return the time from which on a retry has to look, in Unix seconds."""
        generation = self.transport.settings.generation
        if not self.lasting:
            return None
        if self._takes_tag:
            return time.time() - CLOCKS_DIFFER
        if generation.task_shape is TaskShape.NESTED:
            return beginning(self.transport.send(delivery.ask_time(generation)))
        return 0.0

    def find(self, since: float) -> dict[str, Any] | None:
        """Find what an earlier try asked for, and tell what happens if there is nothing.

        :param since: what ``begin`` returned then.
        """
        generation = self.transport.settings.generation
        found = None
        if self._takes_tag or (generation.task_shape is TaskShape.NESTED and since):
            found = oldest_since(self.transport, since, self._is_it)
        if found is not None:
            log.info("ittybit had taken %s as %s: it is not asked again", self.source, found.get("id"))
        elif generation.idempotency:
            log.info("An earlier try asked ittybit to fetch %s and saw no answer: asking by the same key", self.source)
        else:
            log.warning(
                "An earlier try asked ittybit to fetch %s and saw no answer: asking again. If %r is in the ittybit "
                "app twice afterwards, delete one of them.",
                self.source,
                self.along.get("filename") or self.source.name,
            )
        return found

    @property
    def _takes_tag(self) -> bool:
        given = self.along.get("metadata")
        fields = self.transport.settings.generation.upload_fields
        return "metadata" in fields and (given is None or isinstance(given, Mapping))

    def _is_it(self, item: Mapping[str, Any]) -> bool:
        if self._takes_tag:
            metadata = item.get("metadata")
            return isinstance(metadata, Mapping) and metadata.get(TAG) == self.name
        return _names(item.get("tasks"), without_signature(self.source.url))


def _names(value: object, url: str) -> bool:
    """Tell whether a URL stands anywhere in a JSON value, whatever the name of its field."""
    if isinstance(value, str):
        return without_signature(value) == url
    if isinstance(value, Mapping):
        return any(_names(item, url) for item in value.values())
    return isinstance(value, list) and any(_names(item, url) for item in value)
