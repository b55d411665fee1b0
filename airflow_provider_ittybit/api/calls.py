"""One function for each read, update and deletion of the API; what adds something is in ``creations``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit.api.decoding import Page, read_confirmation, read_page, read_resource
from airflow_provider_ittybit.api.generations import GENERATIONS, Generation
from airflow_provider_ittybit.api.identifiers import check_id, path_segment, resource_of
from airflow_provider_ittybit.api.messages import Call, Request
from airflow_provider_ittybit.api.numbers import whole_number
from airflow_provider_ittybit.exceptions import IttybitInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDERS = ("asc", "desc")
WITHOUT_KIND = frozenset({"runs", "automations"})
"""Collections whose items have no kind."""


def list_resources(
    generation: Generation,
    *,
    resource: str | None = None,
    kind: str | None = None,
    limit: int | str | None = None,
    order_by: str | None = None,
    order: str | None = None,
    filters: Mapping[str, str | None] | None = None,
) -> Call[Page]:
    """Ask for the first page of a list.

    :param resource: the collection, by default what an upload adds to.
    :param kind: ask only for this kind, where the generation can; elsewhere the caller has to sift.
    :param limit: page size, by default the largest the generation takes, for the fewest requests.
    :param order_by: sort key, where the generation documents any.
    :param order: ``asc`` or ``desc``, where the generation documents it.
    :param filters: other filters of the collection by name; ``None`` values are left out, empty ones refused.
    :raises IttybitInputError: a value outside what the generation takes.
    :raises IttybitUnsupportedError: the generation has no such collection, order or filter.
    """
    name = resource or generation.main
    _refuse_empty({"kind": kind, **(filters or {})})
    if kind is not None and name == generation.main and generation.by_kind:
        if kind not in generation.by_kind:
            msg = "kind"
            raise _not_one_of(msg, kind, tuple(generation.by_kind))
        name = generation.by_kind[kind]
    row = generation.resource(name, "list")
    if kind is not None and name in WITHOUT_KIND:
        lack = f"cannot list {name} by kind, since {name} have none (pass resource='tasks' to list what they hold)"
        raise generation.lacks(lack, [g.name for g in GENERATIONS if g.main not in WITHOUT_KIND])
    query = [("limit", str(_page_size(generation, limit)))]
    if order_by is not None:
        query.append((generation.order_by_parameter, _order_by(generation, order_by)))
    if order is not None:
        query.append(("order", _order(generation, order)))
    wanted = {key: value for key, value in (filters or {}).items() if value is not None}
    for key, value in wanted.items():
        if key not in row.filters:
            have = [g.name for g in GENERATIONS if name in g.resources and key in g.resources[name].filters]
            lack = f"cannot filter {name} by {key}"
            raise generation.lacks(lack, have)
        query.append((key, value))
    if kind is not None and "kind" in row.filters and "kind" not in wanted:
        query.append(("kind", kind))
    return Call(Request("GET", row.path, query=tuple(query)), read_page)


def get_resource(generation: Generation, resource_id: str, resource: str | None = None) -> Call[dict[str, Any]]:
    """Ask for one resource by its id; ``resource`` overrides what the id's prefix says."""
    path = _path(generation, resource_id, "get", resource)
    return Call(Request("GET", path, resource_id=resource_id), read_resource)


def get_task(generation: Generation, task_id: str, resource: str | None = None) -> Call[dict[str, Any]]:
    """Ask for one processing task, run or job by its id.

    :raises IttybitUnsupportedError: the generation has none; its only collection must not be taken for theirs.
    """
    if generation.task_shape is None:
        generation.resource("tasks", "get")
    return get_resource(generation, task_id, resource)


def update_resource(
    generation: Generation, resource_id: str, fields: Mapping[str, Any], resource: str | None = None
) -> Call[dict[str, Any]]:
    """Change fields of a resource (``PATCH``); what is not named stays.

    :param fields: new values by name; a metadata key set to null is removed.
    :raises IttybitInputError: no field, or one that this resource does not have.
    """
    name = resource_of(generation, resource_id, resource)
    row = generation.resource(name, "update")
    unknown = sorted(set(fields) - set(row.fields))
    if not fields or (unknown and row.fields):
        what = f"cannot change {', '.join(unknown)}" if unknown else "got no field to change"
        message = f"The update of {resource_id} {what}: {name} have {', '.join(row.fields)}. Nothing was sent."
        raise IttybitInputError(message, resource_id=resource_id)
    path = f"{row.path}/{path_segment(resource_id)}"
    return Call(Request("PATCH", path, json=dict(fields), resource_id=resource_id), read_resource)


def delete_resource(generation: Generation, resource_id: str, resource: str | None = None) -> Call[str | None]:
    """Delete one resource by its id; the result is ittybit's confirmation, if it sent one."""
    path = _path(generation, resource_id, "delete", resource)
    return Call(Request("DELETE", path, resource_id=resource_id), read_confirmation)


def task_list(generation: Generation) -> str:
    """Name the collection that lists processing: ``tasks``, or ``jobs`` where single tasks have no list."""
    tasks = generation.resources.get("tasks")
    return "tasks" if tasks is None or "list" in tasks.verbs else generation.main


def check_access(generation: Generation) -> Call[Page]:
    """Make the cheapest request that needs a valid key: the first resource of the main list."""
    return list_resources(generation, limit=generation.limits[0])


def _path(generation: Generation, resource_id: str, verb: str, resource: str | None) -> str:
    check_id(resource_id)
    row = generation.resource(resource_of(generation, resource_id, resource), verb)
    return f"{row.path}/{path_segment(resource_id)}"


def _page_size(generation: Generation, limit: int | str | None) -> int:
    low, high = generation.limits
    if limit is None:
        return high
    number = whole_number(limit)
    if number is None or not low <= number <= high:
        message = (
            f"limit={limit!r} is no page size of the ittybit API generation {generation.name!r}: it takes "
            f"{low} to {high}. To bound the whole list, use max_items."
        )
        raise IttybitInputError(message)
    return number


def _order_by(generation: Generation, order_by: str) -> str:
    if not generation.order_by:
        lack = "has no documented sort keys, so order_by cannot be sent"
        raise generation.lacks(lack, [g.name for g in GENERATIONS if g.order_by])
    if order_by not in generation.order_by:
        msg = "order_by"
        raise _not_one_of(msg, order_by, generation.order_by)
    return order_by


def _order(generation: Generation, order: str) -> str:
    if not generation.can_order:
        lack = "has no documented order parameter, so order cannot be sent"
        raise generation.lacks(lack, [g.name for g in GENERATIONS if g.can_order])
    if order not in ORDERS:
        msg = "order"
        raise _not_one_of(msg, order, ORDERS)
    return order


def _refuse_empty(filters: Mapping[str, str | None]) -> None:
    odd = [name for name, value in filters.items() if not isinstance(value, str | None)]
    if odd:
        message = f"{odd[0]}={filters[odd[0]]!r:.80} is no text."
        raise IttybitInputError(message)
    empty = [name for name, value in filters.items() if value is not None and not value.strip()]
    if empty:
        message = (
            f"{empty[0]} is an empty string. Did a template render to nothing? Everything would be listed; "
            "if that is wanted, pass None."
        )
        raise IttybitInputError(message)


def _not_one_of(name: str, value: object, values: tuple[str, ...]) -> IttybitInputError:
    return IttybitInputError(f"{name}={value!r} is none of {', '.join(values)}.")
