"""The connection form for Airflow 2.11 to 3.1, which ask the hook for it; later versions read the provider's info.

Both come from the same description, so they cannot differ.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_ittybit.get_provider_info import get_provider_info

PYTHONIC = {"hidden-fields": "hidden_fields", "relabeling": "relabeling", "placeholders": "placeholders"}


def field_behaviour(_hook: type) -> dict[str, Any]:
    """Return what the form hides, relabels and shows as an example, with the keys that hooks use."""
    behaviour = _connection_type()["ui-field-behaviour"]
    return {ours: behaviour[theirs] for theirs, ours in PYTHONIC.items()}


def form_widgets(_hook: type) -> dict[str, Any]:
    """Return the fields of the form as wtforms has them, by the name of the extra.

    :raises ImportError: neither wtforms and Flask-AppBuilder nor Airflow's stand-ins for them are there; Airflow's own
        commands do not need them.
    """
    # only Airflow 2's web server has them, and Airflow 3 puts stand-ins in their place
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget  # type: ignore[import-not-found] # see above
    from flask_babel import lazy_gettext  # type: ignore[import-not-found] # see above
    from wtforms import BooleanField, IntegerField, StringField  # type: ignore[import-untyped] # has no types
    from wtforms.validators import NumberRange, Optional  # type: ignore[import-untyped] # has no types

    made: dict[str, Any] = {}
    for name, about in _connection_type()["conn-fields"].items():
        schema = about["schema"]
        label, description = lazy_gettext(about["label"]), about["description"]
        if "boolean" in schema["type"]:
            made[name] = BooleanField(label, description=description, default=schema["default"])
        else:
            field, validators = StringField, [Optional()]
            if "integer" in schema["type"]:
                field = IntegerField
                validators.append(NumberRange(min=schema["minimum"], max=schema["maximum"]))
            made[name] = field(label, validators=validators, widget=BS3TextFieldWidget(), description=description)
    return made


def _connection_type() -> dict[str, Any]:
    [found] = get_provider_info()["connection-types"]
    return dict(found)
