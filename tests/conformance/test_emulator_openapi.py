"""The emulator's OpenAPI documents and its routes say the same, in every generation and on every port."""

from __future__ import annotations

from dataclasses import fields
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from airflow_provider_ittybit.emulator.control import ACTIONS, PREFIX
from airflow_provider_ittybit.emulator.describing.controls import CONTROLS
from airflow_provider_ittybit.emulator.profiles import GENERATIONS
from airflow_provider_ittybit.emulator.routing import ROUTES, routes_of
from airflow_provider_ittybit.emulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ittybit.emulator.running import RunningEmulator

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("api", "uploads", "delivery")
EVERYWHERE = list(product(GENERATIONS, ROLES))


@pytest.fixture
def document(emulator: RunningEmulator) -> Callable[..., dict[str, Any]]:
    """Read a document: ``document("jobs", "api")``."""

    def read(generation: str, surface: str = "api") -> dict[str, Any]:
        headers = {"Accept-Version": generation}
        answer = httpx.get(f"{emulator.api_url}/openapi.json", params={"surface": surface}, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return read


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item}


@pytest.mark.parametrize(("generation", "role"), EVERYWHERE)
def test_the_document_has_all_routes_of_a_port_and_no_others(
    document: Callable[..., Any], generation: str, role: str
) -> None:
    routes = {(route.method, route.path) for route in routes_of(GENERATIONS[generation]) if route.role == role}
    assert operations(document(generation, role)) == routes
    assert role == "uploads" or routes


def test_every_generation_has_routes() -> None:
    assert set(ROUTES) == set(GENERATIONS)


def test_the_document_of_the_control_endpoint_has_all_its_actions(document: Callable[..., Any]) -> None:
    assert set(CONTROLS) == set(ACTIONS)
    assert operations(document("media", "control")) == {(method, f"{PREFIX}{name}") for method, name in ACTIONS}
    settings = document("media", "control")["paths"][f"{PREFIX}settings"]["patch"]["requestBody"]
    properties = settings["content"]["application/json"]["schema"]["properties"]
    assert set(properties) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_is_in_the_document_is_answered_and_what_is_not_is_refused(
    emulator: RunningEmulator, document: Callable[..., Any], generation: str
) -> None:
    headers = {"Accept-Version": generation, "Authorization": f"Bearer {emulator.api_key}"}
    known = operations(document(generation))
    with httpx.Client(base_url=emulator.api_url, headers=headers) as client:
        for path in {path for _, path in known}:
            for method in METHODS:
                answer = client.request(method, path.replace("{id}", "file_unknown"))
                refused = answer.status_code == 405
                assert refused is ((method, path) not in known), (method, path, answer.text)


@pytest.mark.parametrize(("generation", "surface"), [*EVERYWHERE, ("media", "control")])
def test_every_schema_is_valid_and_every_reference_leads_somewhere(
    document: Callable[..., Any], generation: str, surface: str
) -> None:
    made = document(generation, surface)
    schemas = made.get("components", {}).get("schemas", {})

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                assert node["$ref"].removeprefix("#/components/schemas/") in schemas
            if isinstance(node.get("schema"), dict):
                Draft202012Validator.check_schema(node["schema"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(made)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert made["openapi"] == "3.1.0"


def test_the_generation_is_chosen_as_for_any_other_request(emulator: RunningEmulator) -> None:
    url = f"{emulator.api_url}/openapi.json"
    titles = [
        httpx.get(url, headers=headers).json()["info"]["title"]
        for headers in (
            {},
            {"Accept-Version": "2025-09-15"},
            {"Ittybit-Version": "2024-01-01"},
            {"ACCEPT_VERSION": "jobs"},
        )
    ]
    assert [title.rpartition(" ")[2] for title in titles] == ["files-flat", "tasks", "media", "jobs"]
    emulator.control.settings(default_version="jobs")
    assert httpx.get(url).json()["info"]["title"].endswith("jobs")
    assert httpx.get(url, headers={"Accept-Version": "2024-08-21"}).status_code == 400
    assert httpx.get(url, params={"surface": "moon"}).status_code == 400


def test_the_document_needs_no_key_and_is_not_in_the_ledger(emulator: RunningEmulator, document: Any) -> None:
    assert document("tasks")["servers"] == [{"url": emulator.api_url}]
    assert document("media", "uploads")["servers"] == [{"url": emulator.uploads_url}]
    assert emulator.control.requests() == []
