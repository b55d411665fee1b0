"""The connection form of Airflow 2.11 to 3.1, which comes from the hook, is that of the provider's info."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from airflow_versions import AIRFLOW, found

from airflow_provider_ittybit.api.settings import ALLOWED_EXTRAS
from airflow_provider_ittybit.get_provider_info import get_provider_info
from airflow_provider_ittybit.hooks.ittybit import IttybitHook


@dataclass
class NumberRange:
    """The validator, of which Airflow 3's stand-ins take no notice."""

    min: int
    max: int


def stand_ins() -> dict[str, dict[str, Any]]:
    """Return what Airflow 3 itself puts in place of the packages that only Airflow 2's web server needs."""
    mocks: Any = found("airflow.api_fastapi.core_api.services.ui.connections:HookMetaService")

    class IntegerField(mocks.MockIntegerField):
        def __init__(self, label: str, validators: list[Any], **more: Any) -> None:
            super().__init__(label, validators, **more)
            self.validators = validators

    return {
        "wtforms": {
            "BooleanField": mocks.MockBooleanField,
            "IntegerField": IntegerField,
            "StringField": mocks.MockStringField,
        },
        "wtforms.validators": {"NumberRange": NumberRange, "Optional": mocks.MockOptional},
        "flask_babel": {"lazy_gettext": str},
        "flask_appbuilder": {},
        "flask_appbuilder.fieldwidgets": {"BS3TextFieldWidget": mocks.MockAnyWidget},
    }


def shown(widget: Any) -> tuple[str, list[str], str, Any]:
    """Return label, type, description and default of a field, of Airflow 3's stand-ins or of a real form."""
    if AIRFLOW >= (3, 0):
        schema = widget.param.schema
        return schema["title"], schema["type"], widget.param.description, widget.param.value
    field = bound(widget)
    return str(field.label.text), [TYPES[field.type], "null"], str(field.description), field.default


def bound(widget: Any) -> Any:
    """Return a field as a real form has it."""
    from wtforms import Form

    return next(iter(type("Shown", (Form,), {"field": widget})()))


TYPES = {"StringField": "string", "IntegerField": "integer", "BooleanField": "boolean"}


def connection_type() -> dict[str, Any]:
    [found] = get_provider_info()["connection-types"]
    return dict(found)


@pytest.fixture
def widgets(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    if AIRFLOW >= (3, 0):
        for name, members in stand_ins().items():
            module = ModuleType(name)
            vars(module).update(members)
            monkeypatch.setitem(sys.modules, name, module)
    return IttybitHook.get_connection_form_widgets()


def test_the_fields_have_the_same_names_labels_descriptions_types_and_defaults(widgets: dict[str, Any]) -> None:
    fields = connection_type()["conn-fields"]
    assert list(widgets) == list(fields)
    for name, about in fields.items():
        schema = about["schema"]
        assert shown(widgets[name]) == (about["label"], schema["type"], about["description"], schema.get("default"))


def test_numbers_have_the_same_bounds(widgets: dict[str, Any]) -> None:
    numbers = {
        name: about["schema"]
        for name, about in connection_type()["conn-fields"].items()
        if "integer" in about["schema"]["type"]
    }
    assert set(numbers) == {"timeout", "max_retries"}
    for name, schema in numbers.items():
        field = widgets[name] if AIRFLOW >= (3, 0) else bound(widgets[name])
        [limits] = [one for one in field.validators if type(one).__name__ == "NumberRange"]
        assert (limits.min, limits.max) == (schema["minimum"], schema["maximum"])


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
