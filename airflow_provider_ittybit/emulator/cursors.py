"""Paging by cursor, as the generations ``tasks`` and ``jobs`` do it (ittybit's documentation).

Not published, and decided here: an unknown cursor is refused; ``before`` gives the resources that stand directly
before it; ``Link`` and ``Has-More`` go on in the direction that was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ittybit.emulator.answers import link_header
from airflow_provider_ittybit.emulator.exchange import Exchange, bad_request
from airflow_provider_ittybit.emulator.records import Record
from airflow_provider_ittybit.emulator.store import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

R = TypeVar("R", bound=Record)

#: The query parameters of a list.
CURSOR = ("after", "before", "limit", "order")


def page_by_cursor(
    exchange: Exchange, record_type: type[R], where: Mapping[str, str | Iterable[str] | None]
) -> tuple[list[R], dict[str, str]]:
    """Return the records of the page that the query asks for, and the headers that go with them.

    The query has ``after`` or ``before`` (ids), ``limit`` (1 to 100, default 20) and ``order`` (default desc).
    """
    after, before = (exchange.request.query_params.get(name, "") for name in ("after", "before"))
    limit = exchange.integer("limit", 20, 1, 100)
    descending = exchange.choice("order", ("asc", "desc"), "desc") == "desc"
    if after and before:
        message = "Send one of the query parameters after and before."
        raise bad_request(message)
    cursor = after or before
    store = exchange.service.store
    if cursor and store.find(record_type, cursor) is None:
        message = f"There is no {cursor} in this list to go on from."
        raise bad_request(message)
    query = Query(where, descending=descending is not bool(before))
    found = store.select(record_type, query, limit=limit + 1, cursor=cursor)
    has_more, records = len(found) > limit, found[:limit]
    headers = {"Limit": str(limit), "Has-More": "true" if has_more else "false"}
    if has_more:
        name = "before" if before else "after"
        headers["Link"] = link_header({"next": exchange.url(**{name: records[-1].id})})
    return (records[::-1] if before else records), headers
