"""Whether a text is JSON that matches a schema, as a GoogleSQL expression; of the keywords that the settings allow."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from core.generative.literal import text, texts

_FORMS = {
    "object": "^{",
    "array": r"^\[",
    "string": '^"',
    "number": "^-?[0-9]",
    "integer": r"^-?[0-9]+(?:\.0+)?$",
    "boolean": "^(?:true|false)$",
}
"""How a value of a type begins, as JSON text without blanks around it."""


def matches_sql(column: str, schema: str) -> str:
    """Whether a text is JSON and matches a schema; FALSE of NULL.

    Args:
        column: an expression of a text.
        schema: as JSON text, as `generation.json_schema` of the settings is.

    Null within an object is as `type: "null"` has it; keywords hold for values of their type only, as in JSON Schema.

    >>> matches_sql("`response`", "{}")
    "SAFE.PARSE_JSON(`response`, wide_number_mode => 'round') IS NOT NULL"
    """
    parsed = f"SAFE.PARSE_JSON({column}, wide_number_mode => 'round') IS NOT NULL"
    rules = list(_rules("whole", json.loads(schema), count()))
    if not rules:
        return parsed
    # JSON_QUERY of a text that is no JSON is an error on some servers, NULL on others.
    whole = f"TRIM(IF({parsed}, {column}, NULL), ' \\n\\r\\t')"
    return f"IFNULL((SELECT {' AND '.join(['whole IS NOT NULL', *rules])} FROM UNNEST([{whole}]) AS whole), FALSE)"  # noqa: S608 - as the settings allow


def _rules(value: str, schema: Mapping[str, Any], numbers: Iterator[int]) -> Iterator[str]:
    """The conditions on a value, given as JSON text; NULL stands for null."""
    given = schema.get("type")
    if given is not None:
        yield _any(_is(value, name) for name in (given if isinstance(given, list) else [given]))
    for key in ("enum", "const"):
        if key in schema:
            options = schema[key] if key == "enum" else [schema[key]]
            yield _any(_equals(value, one) for one in options) if options else "FALSE"
    of_object = list(_of_object(value, schema, numbers))
    if of_object:
        yield _any([f"NOT {_is(value, 'object')}", " AND ".join(of_object)])
    if "items" in schema:
        item = f"item_{next(numbers)}"
        inner = list(_rules(f"NULLIF({item}, 'null')", schema["items"], numbers))
        if inner:
            listed = f"JSON_QUERY_ARRAY(IF({_is(value, 'array')}, {value}, NULL))"
            wrong = f"EXISTS (SELECT 1 FROM UNNEST({listed}) AS {item} WHERE NOT ({' AND '.join(inner)}))"  # noqa: S608 - names of ours
            yield _any([f"NOT {_is(value, 'array')}", f"NOT {wrong}"])


def _of_object(value: str, schema: Mapping[str, Any], numbers: Iterator[int]) -> Iterator[str]:
    keys = f"JSON_KEYS(PARSE_JSON(IF({_is(value, 'object')}, {value}, NULL), wide_number_mode => 'round'), 1)"
    for name in schema.get("required", ()):
        yield f"{text(name)} IN UNNEST({keys})"
    properties = schema.get("properties", {})
    for name, below in properties.items():
        inner = list(_rules(f"JSON_QUERY({value}, '$.{name}')", below, numbers))
        if inner:
            yield _any([f"{text(name)} NOT IN UNNEST({keys})", " AND ".join(inner)])
    if schema.get("additionalProperties", True) is False:
        key = f"key_{next(numbers)}"
        known = f"{key} IN ({texts(properties)})" if properties else "FALSE"
        yield f"NOT EXISTS (SELECT 1 FROM UNNEST({keys}) AS {key} WHERE NOT {known})"  # noqa: S608 - as above


def _is(value: str, name: str) -> str:
    if name == "null":
        return f"IFNULL({value} = 'null', TRUE)"
    return f"IFNULL(REGEXP_CONTAINS({value}, r'{_FORMS[name]}'), FALSE)"


def _equals(value: str, option: object) -> str:
    """Texts are compared without their escapes, whole numbers and booleans as JSON has them."""
    if isinstance(option, str):
        return f"{_is(value, 'string')} AND IFNULL(JSON_VALUE({value}, '$'), '') = {text(option)}"
    return f"IFNULL({value} = '{json.dumps(option)}', FALSE)"


def _any(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(f'({one})' for one in conditions)})"
