"""URIs that name what ittybit holds: for Airflow's assets, and for lineage. None of them opens anything."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_ittybit.api.identifiers import path_segment, resource_of
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from airflow_provider_ittybit.api.generations import Generation

SCHEME = "ittybit"


def authority_of(host: str) -> str:
    """Take host and port of a base URL, in lower case and without credentials.

    :param host: such as ``https://api.ittybit.com``.
    """
    return urlsplit(host).netloc.rpartition("@")[2].lower()


def resource_uri(authority: str, collection: str, resource_id: str | None = None) -> str:
    """Name a resource or a whole collection: ``ittybit://api.ittybit.com/files/file_…``.

    :param authority: host and port of the API.
    :param collection: ``media``, ``files``, ``tasks``, ``runs`` or ``jobs``.
    :param resource_id: id of a resource.
    :raises IttybitInputError: it is no id.
    """
    place = f"{SCHEME}://{authority}/{path_segment(collection)}"
    return place if resource_id is None else f"{place}/{path_segment(resource_id)}"


def collection_of(generation: Generation, resource_id: str, resource: str | None = None) -> str:
    """Tell which collection an id belongs to, or where its prefix says nothing, the one that an upload adds to.

    :param generation: the pinned generation.
    """
    try:
        return resource_of(generation, resource_id, resource)
    except IttybitInputError:
        return generation.main
