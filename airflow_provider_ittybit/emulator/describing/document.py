"""The OpenAPI 3.1 document of one port in one generation.

Paths, methods, answers and parameters are read from the routes themselves, so that a new route is in the document, and
one without a description cannot be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ittybit import __version__
from airflow_provider_ittybit.emulator.describing import answers
from airflow_provider_ittybit.emulator.describing.bodies import HEADERS, PARAMETERS, bodies, parts
from airflow_provider_ittybit.emulator.describing.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ittybit.emulator.describing.schemas import Schema
    from airflow_provider_ittybit.emulator.exchange import Route
    from airflow_provider_ittybit.emulator.profiles import Generation

VERSION = "3.1.0"
_REF = "#/components/schemas/"
_KEY = {"key": {"type": "http", "scheme": "bearer", "description": "The API key that the emulator was started with."}}
_ALWAYS = (400, 401, 429)


def document(generation: Generation, role: str, server: str, routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document of one port.

    :param role: of the port: ``api``, ``uploads`` or ``delivery``.
    :param server: its origin, such as ``http://127.0.0.1:8800``.
    :param routes: all routes of the generation.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.role == role:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(generation, route)
    return {
        "openapi": VERSION,
        "info": {
            "title": f"ittybit-emulator: {role}, generation {generation.name}",
            "version": __version__,
            "description": "What the emulator does. It is no document of ittybit's, which has published none.",
        },
        "servers": [{"url": server}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {"securitySchemes": _KEY, "schemas": _components(generation, paths)},
    }


def _operation(generation: Generation, route: Route) -> dict[str, Any]:
    about = route.about
    statuses = {status: answers.answer(generation, status, name) for status, name in about.answers.items()}
    for status in _refusals(route):
        statuses.setdefault(status, answers.answer(generation, status, "Error"))
    described: dict[str, Any] = {
        "operationId": f"{route.method.lower()} {route.path}",
        "parameters": [*_places(route), *_query(route), *_headers(route)],
        "responses": {str(status): statuses[status] for status in sorted(statuses)},
    }
    if about.body is not None:
        content = {kind: {"schema": schema} for kind, schema in bodies(generation)[about.body].items()}
        described["requestBody"] = {"content": content}
    if route.role == "delivery":
        described["security"] = [{"key": []}, {}]  # a signature, or a public file, needs none
    return described


def _refusals(route: Route) -> list[int]:
    """Return the statuses of the errors that are not this route's own."""
    refusals = [*_ALWAYS]
    if "{" in route.path:
        refusals.append(404)
    if route.about.body is not None:
        refusals.append(413)
    if route.role == "delivery":
        refusals.append(403)
    return refusals


def _places(route: Route) -> list[dict[str, Any]]:
    names = [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]
    schema = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query(route: Route) -> list[dict[str, Any]]:
    chosen = [PARAMETERS[name] for name in route.about.query]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in chosen]


def _headers(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "header", "schema": HEADERS[name]} for name in route.about.headers]


def _components(generation: Generation, paths: dict[str, Any]) -> dict[str, Schema]:
    """Return the schemas to which the paths refer, and those to which these refer."""
    known = {**RESOURCES, **parts(generation), "Error": answers.error(generation)}
    found: dict[str, Schema] = {}
    left = sorted(_references(paths))
    while left:
        name = left.pop()
        if name not in found:
            found[name] = known[name]
            left += sorted(_references(known[name]))
    return dict(sorted(found.items()))


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"].removeprefix(_REF)} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(_references, node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()
