"""Records (dataclasses) to what `json.dumps` takes, and back with their types checked."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any


def plain(value: Any) -> Any:
    """`value`, of what `dataclasses.asdict` gives, as plain dicts, lists, strings and numbers."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "item"):                    # NumPy scalars are no JSON
        return value.item()
    return value


def read(kind: Any, value: Any, where: str) -> Any:
    """`value` as the annotated type `kind`; `where` is the path that errors name.

    Fields that a record does not know are left out. ValueError names a field that is missing or of the wrong type.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return read(next(a for a in arguments if a is not type(None)), value, where)
    if origin is tuple:
        _expect(isinstance(value, (list, tuple)), where, "a list", value)
        return tuple(read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        _expect(isinstance(value, dict), where, "an object", value)
        return {key: read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where)
    if kind is float:
        _expect(isinstance(value, (int, float)) and not isinstance(value, bool), where, "a number", value)
        return float(value)
    _expect(isinstance(value, kind) and not (kind is int and isinstance(value, bool)), where, kind.__name__, value)
    return value


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), where, "an object", value)
    hints = typing.get_type_hints(kind)
    known = {}
    for item in dataclasses.fields(kind):
        if item.name in value:
            known[item.name] = read(hints[item.name], value[item.name], f"{where}.{item.name}")
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}.{item.name}: missing")
    return kind(**known)


def _expect(holds: bool, where: str, expected: str, value: Any) -> None:
    if not holds:
        raise ValueError(f"{where}: expected {expected}, got {type(value).__name__}")
