"""What Airflow discovers of the package: schema, modules, connection type."""

from __future__ import annotations

import importlib
import inspect
import json
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # its stubs are not installed
import pytest
from airflow.providers.common.compat.sdk import conf
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

import airflow_provider_ittybit
from airflow_provider_ittybit.get_provider_info import get_provider_info
from airflow_provider_ittybit.triggers.poller import DEFAULT_CONCURRENCY

PACKAGE = Path(airflow_provider_ittybit.__file__).parent
OPTION_KEYS = {"description", "version_added", "type", "example", "default"}
SUFFIXES = {"operators": "Operator", "sensors": "Sensor", "hooks": "Hook", "triggers": "Trigger"}
INTERNAL = {
    "hooks": {"connecting", "reading"},  # parts of IttybitHook
    "triggers": {"clock", "poller", "rate_gate", "registry", "survey", "waiters", "watch"},  # the shared poller
    "operators": {"base", "waiting", "output", "uploading"},  # what the operators share
}


def listed(folder: str) -> set[str]:
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


@pytest.mark.parametrize("folder", ["operators", "sensors", "hooks", "triggers", "links", "assets", "notifications"])
def test_the_modules_listed_are_those_on_disk(folder: str) -> None:
    internal = INTERNAL.get(folder, set())
    assert internal <= on_disk(folder)
    assert listed(folder) == on_disk(folder) - internal


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
    hook = ProvidersManagerTaskRuntime().hooks["ittybit"]
    assert hook is not None
    assert (hook.hook_class_name, hook.connection_id_attribute_name) == (
        connection_type()["hook-class-name"],
        "ittybit_conn_id",
    )


def test_the_connection_form_hides_only_what_the_hook_does_not_need_and_shows_the_key_as_a_password() -> None:
    behaviour = connection_type()["ui-field-behaviour"]
    assert set(behaviour) == {"hidden-fields", "relabeling", "placeholders"}
    assert not {"password", "host", "extra"} & set(behaviour["hidden-fields"])
    assert behaviour["relabeling"]["password"] == "API key"
    assert json.loads(behaviour["placeholders"]["extra"])


def test_each_option_of_the_configuration_has_a_default_that_airflow_reads() -> None:
    options = get_provider_info()["config"]["ittybit"]["options"]
    assert {name: (option["type"], option["default"]) for name, option in options.items()} == {
        "shared_poller": ("boolean", "True"),
        "poller_concurrency": ("integer", "16"),
    }
    assert conf.getboolean("ittybit", "shared_poller") is True
    assert conf.getint("ittybit", "poller_concurrency") == DEFAULT_CONCURRENCY
    assert all(set(option) == OPTION_KEYS for option in options.values())
