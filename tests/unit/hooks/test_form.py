"""The connection form of Airflow 2.11 to 3.1, which comes from the hook, is that of the provider's info."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

from airflow_provider_ittybit.api.settings import ALLOWED_EXTRAS
from airflow_provider_ittybit.get_provider_info import get_provider_info
from airflow_provider_ittybit.hooks.ittybit import IttybitHook

STAND_INS: dict[str, dict[str, Any]] = {
    "wtforms": {
        "BooleanField": HookMetaService.MockBooleanField,
        "IntegerField": HookMetaService.MockIntegerField,
        "StringField": HookMetaService.MockStringField,
    },
    "wtforms.validators": {"Optional": HookMetaService.MockOptional},
    "flask_babel": {"lazy_gettext": str},
    "flask_appbuilder": {},
    "flask_appbuilder.fieldwidgets": {"BS3TextFieldWidget": HookMetaService.MockAnyWidget},
}
"""What Airflow 3 itself puts in place of the packages that only Airflow 2's web server needs."""


def connection_type() -> dict[str, Any]:
    [found] = get_provider_info()["connection-types"]
    return dict(found)


@pytest.fixture
def widgets(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name, members in STAND_INS.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return IttybitHook.get_connection_form_widgets()


def test_the_fields_have_the_same_names_labels_descriptions_types_and_defaults(widgets: dict[str, Any]) -> None:
    fields = connection_type()["conn-fields"]
    assert list(widgets) == list(fields)
    for name, about in fields.items():
        shown = widgets[name].param.schema
        assert shown["title"] == about["label"]
        assert shown["type"] == about["schema"]["type"]
        assert widgets[name].param.description == about["description"]
        assert widgets[name].param.value == about["schema"].get("default")


def test_hidden_fields_labels_and_placeholders_are_the_same() -> None:
    theirs = connection_type()["ui-field-behaviour"]
    assert IttybitHook.get_ui_field_behaviour() == {
        "hidden_fields": theirs["hidden-fields"],
        "relabeling": theirs["relabeling"],
        "placeholders": theirs["placeholders"],
    }


@pytest.mark.parametrize("name", ["get_connection_form_widgets", "get_ui_field_behaviour"])
def test_airflow_finds_both_where_it_looks(name: str) -> None:
    assert name in vars(IttybitHook)


def test_the_form_has_a_field_for_every_extra_that_is_no_object() -> None:
    assert set(connection_type()["conn-fields"]) == set(ALLOWED_EXTRAS) - {"proxies"}
