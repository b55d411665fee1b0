"""Which route answers a request: the tables of all generations."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from airflow_provider_ittybit.emulator import delivery, profiles
from airflow_provider_ittybit.emulator.exchange import ApiError, Exchange, Route, not_found
from airflow_provider_ittybit.emulator.generations import file_tasks, files, jobs, media, tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ittybit.emulator.profiles import Generation

ROUTES: Mapping[str, tuple[Route, ...]] = {
    profiles.MEDIA.name: media.ROUTES,
    profiles.FILES_ENVELOPED.name: (*files.ROUTES, *file_tasks.ROUTES),
    profiles.FILES_FLAT.name: (*files.ROUTES, *file_tasks.ROUTES),
    profiles.TASKS.name: tasks.ROUTES,
    profiles.JOBS.name: jobs.ROUTES,
}


def routes_of(generation: Generation) -> tuple[Route, ...]:
    """Return all routes of a generation, on every port."""
    on_delivery = tuple(route for route in delivery.ROUTES if delivery.is_allowed(generation, route.method))
    return (*ROUTES[generation.name], *on_delivery)


def route_for(exchange: Exchange) -> Route:
    """Find the route of a request, and note what stands in the places of its path; not for the delivery port.

    :raises ApiError: 404 for an unknown path, 405 for a method that a path does not have.
    """
    allowed = []
    for route in ROUTES.get(exchange.generation.name, ()):
        params = route.match(exchange.role, exchange.path)
        if params is None:
            continue
        if route.method == exchange.request.method:
            exchange.params = params
            return route
        allowed.append(route.method)
    if not allowed:
        what = "path"
        raise not_found(what)
    message = f"The method {exchange.request.method} is not supported for this path."
    raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, message, headers={"Allow": ", ".join(allowed)})
