"""What a task read and made: for the events of its outlets, and for OpenLineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.identifiers import id_of
from airflow_provider_ittybit.api.products import products
from airflow_provider_ittybit.api.uris import authority_of, collection_of, resource_uri
from airflow_provider_ittybit.api.watching import facts_of
from airflow_provider_ittybit.hooks.lineage import tell_lineage, uri_of
from airflow_provider_ittybit.uploads.places import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_ittybit.hooks.ittybit import IttybitHook

CREATE, DROP, ALTER = "CREATE", "DROP", "ALTER"
WORK = frozenset({"tasks", "runs", "jobs"})


@dataclass(frozen=True, slots=True)
class Made:
    """Something that a task wrote.

    :param uri: its asset's; no query, no key.
    :param facts: what an event tells of it, as that of a ``MediaWatcherTrigger`` does.
    :param change: what happened to it, as OpenLineage calls it.
    :param rows: items written, if it is a file of such.
    """

    uri: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    change: str | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """All that a task read and wrote.

    :param inputs: URIs of what it read.
    :param outputs: what it wrote.
    """

    inputs: Sequence[str] = ()
    outputs: Sequence[Made] = ()


def made_of(
    hook: IttybitHook, resources: Iterable[Mapping[str, Any]], change: str, collection: str | None = None
) -> list[Made]:
    """Say what was made: of a task, run or job the files that ittybit names, else itself.

    :param resources: as ittybit answered them; the id alone will do.
    :param change: what happened to them.
    :param collection: where they are, for ids without a known prefix.
    """
    found: list[Made] = []
    for resource in resources:
        files = [one for one in products(resource) if isinstance(one, Mapping) and one.get("id")]
        is_work = collection_of(hook.settings.generation, str(resource.get("id")), collection) in WORK
        if is_work and files:
            found += [_made(hook, one, change, None) for one in files]
        else:
            found.append(_made(hook, resource, change, collection))
    return found


def listed(hook: IttybitHook, resource: str | None, target: object, rows: int) -> Lineage:
    """Say that a list went to a file.

    :param resource: the collection, by default what an upload adds to.
    :param target: the file, as the user gave it.
    :param rows: items in it.
    """
    settings = hook.settings
    collection = resource or settings.generation.main
    place = place_of(target)
    outputs = [Made(place, {"items": rows}, None, rows)] if place else []
    lineage = Lineage([resource_uri(authority_of(settings.host), collection)], outputs)
    tell_lineage(hook, lambda: (lineage.inputs, [made.uri for made in outputs]))
    return lineage


def read_from(hook: IttybitHook, source: object) -> list[str]:
    """Name what was read: files, objects and URLs, or resources of ittybit by what holds their id.

    :param source: as a user gave it, or several of them.
    """
    if isinstance(source, list | tuple | set | frozenset):
        return [uri for one in source for uri in read_from(hook, one)]
    if isinstance(source, Mapping) and not source.get("id"):
        source = source.get("url")
    if isinstance(source, Mapping):
        return [uri_of(hook, id_of(source))]
    place = place_of(source)
    return [place] if place else []


def tell_outlets(lineage: Lineage, outlets: Iterable[Any], context: Any, ittybit_conn_id: str) -> None:
    """Add what was made to the task's outlets: an asset of its own to an alias, the ids to an asset.

    :param outlets: of the task.
    :param context: Airflow's task context.
    """
    from airflow.providers.common.compat.sdk import Asset, AssetAlias

    events = context.get("outlet_events") if hasattr(context, "get") else None
    told = [made for made in lineage.outputs if made.change != DROP]
    if events is None or not told:
        return
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            for made in told:
                events[outlet].add(Asset(uri=made.uri), extra={**made.facts, "ittybit_conn_id": ittybit_conn_id})
        elif isinstance(outlet, Asset):
            ids = [made.facts["id"] for made in told if made.facts.get("id")]
            events[outlet].extra.update({"ittybit_ids": ids, "ittybit_conn_id": ittybit_conn_id})


def to_openlineage(lineage: Lineage | None) -> Any:
    """Translate for OpenLineage.

    :return: an ``OperatorLineage``; ``None`` where the OpenLineage provider is not installed.
    """
    try:
        from airflow.providers.common.compat.openlineage.facet import (
            Dataset,
            LifecycleStateChange,
            LifecycleStateChangeDatasetFacet,
            OutputDataset,
            OutputStatisticsOutputDatasetFacet,
        )
        from airflow.providers.openlineage.extractors import OperatorLineage
    except ImportError:
        return None
    lineage = lineage or Lineage()
    outputs = []
    for made in lineage.outputs:
        namespace, name = dataset_of(made.uri)
        facets: dict[str, Any] = {}
        if made.change:
            change = LifecycleStateChangeDatasetFacet(lifecycleStateChange=LifecycleStateChange(made.change))
            facets["lifecycleStateChange"] = change
        statistics: dict[str, Any] = {}
        if made.rows is not None:
            statistics["outputStatistics"] = OutputStatisticsOutputDatasetFacet(rowCount=made.rows)
        outputs.append(OutputDataset(namespace=namespace, name=name, facets=facets, outputFacets=statistics))
    inputs = [Dataset(*dataset_of(uri)) for uri in dict.fromkeys(lineage.inputs)]
    return OperatorLineage(inputs=inputs, outputs=outputs)


def dataset_of(uri: str) -> tuple[str, str]:
    """Tell the namespace and the name of a dataset, as OpenLineage has them for a scheme."""
    scheme, _, rest = uri.partition("://")
    authority, _, path = rest.partition("/")
    if scheme == "file":
        return "file", f"/{path}"
    return f"{scheme}://{authority}", path or "/"


def _made(hook: IttybitHook, resource: Mapping[str, Any], change: str, collection: str | None) -> Made:
    name = str(resource.get("id"))
    kept = facts_of(resource, collection_of(hook.settings.generation, name, collection))
    facts = {key: value for key, value in kept.items() if value is not None}
    return Made(uri_of(hook, name, collection), facts, change)
