"""The words of JSON Schema that the descriptions are made of."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
FREE: Schema = {"type": "object"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
BYTES: Schema = {"type": "string", "format": "binary"}
FILLED: Schema = {"type": "string", "minLength": 1}


def words(*choices: str) -> Schema:
    """Describe one of several words."""
    return {"type": "string", "enum": list(choices)}


def between(lowest: float, highest: float, *, default: float | None = None) -> Schema:
    """Describe a whole number within bounds."""
    schema: Schema = {"type": "integer", "minimum": lowest, "maximum": highest}
    return schema if default is None else {**schema, "default": default}


def or_null(schema: Schema) -> Schema:
    """Describe what may also be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": schema}


def named(name: str) -> Schema:
    """Refer to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(fields: dict[str, Schema], *, optional: dict[str, Schema] | None = None) -> Schema:
    """Describe an object that has all of ``fields``, maybe some of ``optional``, and nothing else."""
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": list(fields),
        "additionalProperties": False,
    }


def form(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Describe an object that is sent: what it may leave out may also be null, and what it has besides is ignored."""
    fields = {**required, **{name: or_null(schema) for name, schema in (optional or {}).items()}}
    return {"type": "object", "properties": fields, **({"required": list(required)} if required else {})}
