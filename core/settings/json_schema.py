"""The JSON Schema of responses, as far as it can be checked in the warehouse."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.settings.reader import Node, WrongError

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "default", "examples"})
_DEEPEST = 6
_LONGEST_NAME = 100
_Schema = Mapping[str, Any]


def read(node: Node) -> str:
    """A JSON Schema, checked, as JSON text without its annotations.

    Raises:
        WrongError: it has a keyword that cannot be checked in the warehouse, or a keyword has a wrong value.
    """
    _check(node.value, depth=0)
    return json.dumps(_bare(node.value), sort_keys=True)


def _bare(schema: _Schema) -> dict[str, Any]:
    found = {key: value for key, value in schema.items() if key in _KEYWORDS}
    if "properties" in found:
        found["properties"] = {name: _bare(below) for name, below in found["properties"].items()}
    return found | ({"items": _bare(found["items"])} if "items" in found else {})


def _check(schema: object, depth: int) -> None:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        raise WrongError(f"must be a mapping, at most {_DEEPEST} levels deep", schema)
    for key, value in schema.items():
        if key not in {*_KEYWORDS, *_ANNOTATIONS}:
            raise WrongError(f"must be a JSON Schema of {', '.join(_KEYWORDS)}", key)
        if key in _KEYWORDS:
            _KEYWORDS[key](value)
    for below in _below(schema):
        _check(below, depth + 1)


def _below(schema: _Schema) -> Iterator[object]:
    yield from schema.get("properties", {}).values()
    if "items" in schema:
        yield schema["items"]


def _types(value: object) -> None:
    for name in value if isinstance(value, list) else [value]:
        if name not in TYPES:
            raise WrongError(f"type: must be one of {', '.join(TYPES)}", name)


def _enum(value: object) -> None:
    for one in _listed("enum", value):
        _const(one)


def _const(value: object) -> None:
    if not isinstance(value, str | bool | int) or (isinstance(value, str) and not value.isprintable()):
        raise WrongError("enum, const: must be printable texts, whole numbers or booleans", value)


def _properties(value: object) -> None:
    if not isinstance(value, dict):
        raise WrongError("properties: must be a mapping", value)
    _names("properties", list(value))


def _required(value: object) -> None:
    _names("required", _listed("required", value))


def _additional(value: object) -> None:
    if not isinstance(value, bool):
        raise WrongError("additionalProperties: must be true or false", value)


def _anything(value: object) -> None:
    del value


def _listed(key: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise WrongError(f"{key}: must be a list", value)
    return value


def _names(key: str, names: list[Any]) -> None:
    for name in names:
        known = isinstance(name, str) and name.isascii() and name.isidentifier() and len(name) <= _LONGEST_NAME
        if not known:
            raise WrongError(f"{key}: must be names of letters, digits and underscores, no digit first", name)


_KEYWORDS: Mapping[str, Callable[[object], None]] = {
    "type": _types,
    "enum": _enum,
    "const": _const,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "items": _anything,
}
"""How the value of a keyword is checked; schemas within it apart."""
