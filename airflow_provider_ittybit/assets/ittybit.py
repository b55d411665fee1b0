"""Assets of the scheme ``ittybit``: ``ittybit://api.ittybit.com/files/file_…``.

The host is that of the API, as the connection has it; a path names a collection, and usually an id in it. Airflow finds
this module by the provider's ``asset-uris``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.uris import SCHEME, resource_uri

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.providers.common.compat.sdk import Asset

DEFAULT_HOST = "api.ittybit.com"


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Bring an asset's URI into the one form that it has: lower-case host, no credentials, no query, no fragment.

    A query has no place in it: that of a signed URL would let everyone in who sees the asset.

    :param uri: the parts of the URI.
    :return: the parts of that form; its path has no empty part.
    :raises ValueError: it does not name a host and a collection.
    """
    authority = uri.netloc.rpartition("@")[2].lower()
    parts = [part for part in uri.path.split("/") if part]
    if not authority or not 1 <= len(parts) <= 2:
        message = f"An ittybit asset is {SCHEME}://host/collection or {SCHEME}://host/collection/id."
        raise ValueError(message)
    return uri._replace(netloc=authority, path="/" + "/".join(parts), query="", fragment="")


def create_asset(
    *,
    resource: str,
    id: str | None = None,  # noqa: A002 - ittybit's own word, and that of its answers
    host: str = DEFAULT_HOST,
    extra: dict[str, Any] | None = None,
) -> Asset:
    """Make an asset of a resource, or of a whole collection.

    :param resource: the collection: ``media``, ``files``, ``tasks``, ``runs`` or ``jobs``.
    :param id: id of the resource; without it, the default, the asset is the whole collection.
    :param host: host of the API, with its port if it has one; by default ``api.ittybit.com``.
    :param extra: what to keep with the asset, plain JSON; by default nothing.
    :return: the asset, with the URI ``ittybit://host/resource/id`` in Airflow's form.
    :raises IttybitInputError: it is no id.
    """
    from airflow.providers.common.compat.sdk import Asset

    return Asset(uri=resource_uri(host, resource, id), extra=extra or {})


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:
    """Translate an asset into a dataset of OpenLineage: namespace ``ittybit://host``, name ``collection/id``.

    :param asset: an asset of this scheme.
    :param lineage_context: what reported it, which does not matter.
    :return: a ``Dataset`` of OpenLineage, ``None`` where its client is not installed.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    del lineage_context
    namespace, _, name = asset.uri.partition("://")[2].partition("/")
    return Dataset(namespace=f"{SCHEME}://{namespace}", name=name)
