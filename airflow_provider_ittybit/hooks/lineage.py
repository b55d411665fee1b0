"""What the hook reads and writes, told to whatever collects lineage in this Airflow."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.uris import authority_of, collection_of, resource_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)


def uri_of(hook: Any, resource_id: object, resource: str | None = None) -> str:
    """Name a resource of the hook's connection.

    :param resource_id: its id.
    :param resource: name of the collection, for an id without a known prefix.
    """
    settings, name = hook.settings, str(resource_id)
    return resource_uri(authority_of(settings.host), collection_of(settings.generation, name, resource), name)


def tell_lineage(hook: Any, lineage: Callable[[], tuple[Iterable[str | None], Iterable[str | None]]]) -> None:
    """Tell what was read and written. Where nothing collects it, this does nothing; it never fails.

    :param lineage: gives the URIs of what was read, and of what was written.
    """
    try:
        from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

        collector: Any = get_hook_lineage_collector()
        inputs, outputs = lineage()
        for uri in filter(None, inputs):
            collector.add_input_asset(context=hook, uri=uri)
        for uri in filter(None, outputs):
            collector.add_output_asset(context=hook, uri=uri)
    except Exception as error:  # noqa: BLE001 - what was done is done, whether someone takes note of it or not
        log.debug("Lineage was not collected: %s", type(error).__name__)
