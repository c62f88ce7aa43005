"""Holds answers of the API against its document: the status, the type of the content, and its schema."""

import functools
import json
import re
from typing import Any

from jsonschema import Draft202012Validator
from starlette.routing import compile_path

from functions.api.operation import PREFIX, Operation
from functions.api.operations import OPERATIONS
from infra import openapi


def check(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Fail where an answer is not as the document has it; what it does not have is not the API's."""
    found = _operation(method, path)
    if found is None or status in {304, 500}:  # nothing foresees the latter: who provokes it says so
        return
    template, operation = found
    assert str(status) in operation["responses"], f"{method} {template}: {status} is not documented: {body[:300]!r}"
    told = _resolved(operation["responses"][str(status)])["content"]
    kind = content_type.partition(";")[0]
    assert kind in told, f"{method} {template}: {status} must be {[*told]}, is {kind}"
    if kind.endswith("json"):
        _validator(method, template, status, kind).validate(json.loads(body))


@functools.cache
def _document() -> dict[str, Any]:
    return openapi.document()


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], Operation]]:
    return [(compile_path(one.route)[0], one) for one in OPERATIONS]


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    for pattern, one in _patterns():
        if one.method == method and pattern.match(path):
            template = PREFIX + one.path
            return template, _document()["paths"][template][method.lower()]
    return None


def _resolved(response: dict[str, Any]) -> dict[str, Any]:
    name = response.get("$ref", "").rpartition("/")[2]
    return _document()["components"]["responses"][name] if name else response


@functools.cache
def _validator(method: str, template: str, status: int, kind: str) -> Draft202012Validator:
    response = _document()["paths"][template][method.lower()]["responses"][str(status)]
    schema = _resolved(response)["content"][kind]["schema"]
    return Draft202012Validator(schema | {"components": _document()["components"]})
