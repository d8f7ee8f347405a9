"""The JSON schema of report.json, derived from the records, so that it cannot fall behind them."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from pathlib import Path
from typing import Any

from qkernels.report.record import SCHEMA, Report

SCHEMA_FILE = Path(__file__).with_name("schema.json")

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}
_SUFFIXES = {"_us": "microseconds", "_ms": "milliseconds", "_mb": "10^6 bytes", "_gbs": "10^9 bytes a second",
             "_gmacs": "10^9 multiply-accumulates a second", "_fps": "inferences a second", "_db": "decibels",
             "_bytes": "bytes"}


def json_schema() -> dict[str, Any]:
    """The schema of report.json. Objects may hold more than it names: a later writer may add fields."""
    definitions: dict[str, Any] = {}
    root = _object(Report, definitions)
    root["properties"]["schema"] = {"const": SCHEMA}
    root["required"].append("schema")
    return {"$schema": _DIALECT, "$id": f"urn:{SCHEMA}", "title": SCHEMA, **root, "$defs": definitions}


def schema_text() -> str:
    """What schema.json holds."""
    return json.dumps(json_schema(), indent=1) + "\n"


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    properties, required = {}, []
    for item in dataclasses.fields(kind):
        properties[item.name] = _schema_of(hints[item.name], definitions) | _unit(item.name)
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            required.append(item.name)
    return {"type": "object", "description": inspect.getdoc(kind), "properties": properties, "required": required}


def _unit(name: str) -> dict[str, str]:
    return next(({"description": unit} for suffix, unit in _SUFFIXES.items() if name.endswith(suffix)), {})


def _schema_of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        inner = next(a for a in arguments if a is not type(None))
        return {"anyOf": [_schema_of(inner, definitions), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1], definitions)}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        name = kind.__name__
        if name not in definitions:
            definitions[name] = None              # holds the place, so that definitions stay in reading order
            definitions[name] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{name}"}
    return {"type": _SIMPLE[kind]}
