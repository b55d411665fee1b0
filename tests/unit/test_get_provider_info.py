"""What Airflow discovers of the package: schema, modules, connection type."""

from __future__ import annotations

import importlib
import inspect
import json
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema  # type: ignore[import-untyped] # its stubs are not installed
import pytest
from airflow.providers.common.compat.sdk import BaseOperatorLink, conf
from airflow.providers_manager import ProvidersManager
from airflow_versions import FORM_FROM_INFO, ProvidersOfTasks

import airflow_provider_ittybit
from airflow_provider_ittybit.api.settings import (
    ALLOWED_EXTRAS,
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    read_settings,
)
from airflow_provider_ittybit.get_provider_info import get_provider_info
from airflow_provider_ittybit.triggers.poller import DEFAULT_CONCURRENCY

PACKAGE = Path(airflow_provider_ittybit.__file__).parent
OPTION_KEYS = {"description", "version_added", "type", "example", "default"}
STANDARD = {"host", "schema", "login", "password", "port", "extra"}
SUFFIXES = {"operators": "Operator", "sensors": "Sensor", "hooks": "Hook", "triggers": "Trigger"}
INTERNAL = {
    "hooks": {"connecting", "reading", "form", "stopping", "deadline", "lineage"},  # parts of IttybitHook
    "triggers": {
        "_compat",
        "clock",
        "loading",
        "lookout",
        "newcomers",
        "poller",
        "rate_gate",
        "reading",
        "registry",
        "remembering",
        "slices",
        "survey",
        "visiting",
        "waiters",
        "watch",
    },  # the shared poller, and the parts of the watcher
    "sensors": {"base"},  # what the sensors share
    "operators": {"base", "waiting", "output", "uploading", "creating", "lineage"},  # what the operators share
}


def listed(folder: str) -> set[str]:
    if folder == "assets":
        uses = [name for entry in get_provider_info()["asset-uris"] for name in entry.values() if isinstance(name, str)]
        return {name.split(".")[-2] for name in uses}
    modules = {name for entry in get_provider_info().get(folder, []) for name in entry["python-modules"]}
    prefix = f"airflow_provider_ittybit.{folder}."
    assert all(name.startswith(prefix) for name in modules)
    return {name.removeprefix(prefix) for name in modules}


def on_disk(folder: str) -> set[str]:
    return {path.stem for path in (PACKAGE / folder).glob("*.py") if path.stem != "__init__"}


def test_it_is_what_the_schema_of_the_installed_airflow_asks_for() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)
    assert json.loads(json.dumps(get_provider_info())) == get_provider_info()


@FORM_FROM_INFO.needed  # what it describes is no part of the older schemas, which allow it
def test_it_uses_no_key_that_airflow_does_not_know() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    known = set(schema["properties"]) | {"versions", "integrations"}
    assert set(get_provider_info()) <= known


def test_the_version_is_that_of_the_package() -> None:
    assert get_provider_info()["versions"] == [airflow_provider_ittybit.__version__]


def test_the_installed_package_announces_it_to_airflow() -> None:
    found = [point for point in entry_points(group="apache_airflow_provider") if "ittybit" in point.value]
    assert [point.load() for point in found] == [get_provider_info]
    assert get_provider_info()["package-name"] in ProvidersManager().providers


@pytest.mark.parametrize("folder", ["operators", "sensors", "hooks", "triggers", "assets", "notifications"])
def test_the_modules_listed_are_those_on_disk(folder: str) -> None:
    internal = INTERNAL.get(folder, set())
    assert internal <= on_disk(folder)
    assert listed(folder) == on_disk(folder) - internal


def test_the_buttons_listed_are_those_on_disk_and_those_that_operators_have() -> None:
    named = [name.rpartition(".") for name in get_provider_info()["extra-links"]]
    assert {module.rpartition(".")[2] for module, _, _ in named} == on_disk("links")
    buttons = {getattr(importlib.import_module(module), name) for module, _, name in named}
    assert all(issubclass(button, BaseOperatorLink) for button in buttons)
    used = set()
    for folder in ("operators", "sensors"):
        for name in listed(folder):
            module = importlib.import_module(f"airflow_provider_ittybit.{folder}.{name}")
            for _, thing in inspect.getmembers(module, inspect.isclass):
                used |= {type(button) for button in getattr(thing, "operator_extra_links", ())}
    assert used == buttons
    assert set(get_provider_info()["extra-links"]) <= set(ProvidersManager().extra_links_class_names)


def test_the_logo_is_a_small_picture_inside_the_package() -> None:
    [integration] = get_provider_info()["integrations"]
    logo = PACKAGE.parent / integration["logo"]
    assert logo.is_relative_to(PACKAGE)
    assert 0 < logo.stat().st_size < 2048
    assert ElementTree.fromstring(logo.read_text()).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - ours


@pytest.mark.parametrize("folder", SUFFIXES)
def test_every_listed_module_has_public_classes_and_their_names_say_what_they_are(folder: str) -> None:
    for name in listed(folder):
        module = importlib.import_module(f"airflow_provider_ittybit.{folder}.{name}")
        classes = [
            thing.__name__
            for _, thing in inspect.getmembers(module, inspect.isclass)
            if thing.__module__ == module.__name__ and not thing.__name__.startswith("_")
        ]
        assert classes
        assert [name for name in classes if not name.endswith(SUFFIXES[folder])] == []


def test_every_integration_named_is_described() -> None:
    info = get_provider_info()
    described = {integration["integration-name"] for integration in info["integrations"]}
    for folder in SUFFIXES:
        assert {entry["integration-name"] for entry in info.get(folder, [])} <= described


def connection_type() -> dict[str, Any]:
    [found] = get_provider_info()["connection-types"]
    return dict(found)


def test_the_connection_type_is_that_of_the_hook() -> None:
    found = connection_type()
    module, _, name = found["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert (found["connection-type"], found["hook-name"]) == (hook.conn_type, hook.hook_name) == ("ittybit", "ittybit")
    assert hook.default_conn_name == "ittybit_default"


def test_airflow_finds_the_hook_by_the_connection_type() -> None:
    hook = ProvidersOfTasks().hooks["ittybit"]
    assert hook is not None
    assert (hook.hook_class_name, hook.connection_id_attribute_name) == (
        connection_type()["hook-class-name"],
        "ittybit_conn_id",
    )


def test_the_connection_form_hides_only_what_the_hook_does_not_need_and_shows_the_key_as_a_password() -> None:
    behaviour = connection_type()["ui-field-behaviour"]
    assert set(behaviour) == {"hidden-fields", "relabeling", "placeholders"}
    assert not set(behaviour["hidden-fields"]) & (set(behaviour["relabeling"]) | set(behaviour["placeholders"]))
    assert set(behaviour["placeholders"]) <= STANDARD | set(connection_type()["conn-fields"])
    assert not {"password", "host", "extra"} & set(behaviour["hidden-fields"])
    assert behaviour["relabeling"]["password"] == "API key"
    assert json.loads(behaviour["placeholders"]["extra"])


def test_every_field_of_the_connection_form_is_an_extra_that_the_hook_reads() -> None:
    fields = connection_type()["conn-fields"]
    assert set(fields) <= set(ALLOWED_EXTRAS)
    for about in fields.values():
        assert set(about) == {"label", "description", "schema"}
        jsonschema.Draft7Validator.check_schema(about["schema"])
        jsonschema.validate(None, about["schema"])
    examples = {
        name: connection_type()["ui-field-behaviour"]["placeholders"].get(name, about["schema"].get("default"))
        for name, about in fields.items()
    }
    settings = read_settings("films", host=None, password="k", extra=examples)
    assert (settings.timeout, settings.max_retries, settings.verify) == (DEFAULT_TIMEOUT, DEFAULT_MAX_RETRIES, True)
    for version in fields["api_version"]["schema"]["examples"]:
        assert read_settings("films", host=None, password="k", extra={"api_version": version})


@FORM_FROM_INFO.needed
def test_airflow_shows_the_form_as_it_is_described() -> None:
    manager = ProvidersManager()
    shown = {name: widget for name, widget in manager.connection_form_widgets.items() if "__ittybit__" in name}
    assert {widget.field_name for widget in shown.values()} == set(connection_type()["conn-fields"])
    assert not any(widget.is_sensitive for widget in shown.values())
    behaviour = manager.field_behaviours["ittybit"]
    assert behaviour["relabeling"] == connection_type()["ui-field-behaviour"]["relabeling"]
    assert behaviour["placeholders"]["extra__ittybit__api_version"] == "2025-08-20"


def test_each_option_of_the_configuration_has_a_default_that_airflow_reads() -> None:
    options = get_provider_info()["config"]["ittybit"]["options"]
    assert {name: (option["type"], option["default"]) for name, option in options.items()} == {
        "shared_poller": ("boolean", "True"),
        "poller_concurrency": ("integer", "16"),
    }
    ProvidersManager().initialize_providers_configuration()  # as Airflow's own commands do
    assert conf.getboolean("ittybit", "shared_poller") is True
    assert conf.getint("ittybit", "poller_concurrency") == DEFAULT_CONCURRENCY
    assert all(set(option) == OPTION_KEYS for option in options.values())
