"""The document of the API (OpenAPI 3.1), made from the operations that it declares; `make openapi` writes it."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec

from functions.api.once import HEADER, LONGEST
from functions.api.operation import PREFIX, Kind, Operation
from functions.api.operations import OPERATIONS
from functions.services.api_schemas.incidents import Accepted
from infra import api_client

FILE: Final = Path(__file__).parents[1] / "functions" / "api" / "openapi.json"
_VERSION: Final = "1.0.0"
_REF: Final = "#/components/schemas/{name}"
_PROBLEM: Final = {
    "title": "Problem",
    "description": "What is wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {
            "type": "string",
            "description": "In one sentence: the key, the offending value and what is allowed.",
        },
        "request_id": {"type": "string", "description": "As in the header X-Request-Id, and in the logs."},
        "starting": {"type": "boolean", "description": "Its source has never answered yet, and may still be starting."},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "allowed", "given"],
                "properties": {"path": {"type": "string"}, "allowed": {"type": "string"}, "given": {}},
            },
        },
    },
}
_HEADERS: Final[dict[str, Any]] = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
_LATER: Final = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}


def document(operations: Sequence[Operation] = OPERATIONS) -> dict[str, Any]:
    """The document."""
    types = [one for operation in operations for one in (operation.answers, operation.takes) if one is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = dict(zip(map(_key, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "aia",
            "version": _VERSION,
            "description": "What the system knows, and what `aia` can do. See docs/api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"session": []}, {}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, operations))],
        "paths": paths,
        "components": {
            "schemas": {name: _tidy(one) for name, one in sorted(components.items())} | {"Problem": _PROBLEM},
            "responses": _problems(),
            "headers": {"RequestId": {"description": "Of this request.", "schema": {"type": "string"}}},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, an identity token of Google, or the session of the local system.",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "aia_session"},
            },
        },
    }


def text() -> str:
    """The document as it is checked in."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _key(one: Any) -> str:  # noqa: ANN401 - a type
    return repr(one)


def _tag(operation: Operation) -> str:
    return operation.path.split("/")[1]


def _operation(operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [_tag(operation)],
        "x-role": operation.role.name.lower(),
        "parameters": [*_path(operation), *(one.document for one in operation.parameters), *_once(operation)],
        "responses": dict(_responses(operation, known)),
    }
    if operation.takes is not None:
        content = {Kind.JSON.value: {"schema": known[_key(operation.takes)]}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _path(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        schema = {"type": "integer", "minimum": 0} if operation.converts.get(name) == "int" else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _once(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.once:
        summary = "Sent again under it within a day, the request has the answer of the first time."
        schema = {"type": "string", "minLength": 1, "maxLength": LONGEST}
        yield {"name": HEADER, "in": "header", "required": False, "description": summary, "schema": schema}


def _responses(operation: Operation, known: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    headers = dict(_HEADERS)
    if operation.method == "GET" and operation.kind is Kind.JSON:
        headers["ETag"] = {"description": "For If-None-Match.", "schema": {"type": "string"}}
        yield "304", {"description": "As it was.", "headers": _HEADERS}
    if operation.status == HTTPStatus.ACCEPTED and operation.answers is not Accepted:
        headers["Location"] = {"description": "Where it is shown as it goes on.", "schema": {"type": "string"}}
    schema = known[_key(operation.answers)]
    yield (
        str(operation.status),
        {
            "description": operation.summary,
            "headers": headers,
            "content": {operation.kind.value: {"schema": schema}},
        },
    )
    for status in _refusals(operation):
        yield str(status.value), {"$ref": f"#/components/responses/{status.value}"}


def _problems() -> dict[str, Any]:
    """Every refusal there is, by its status."""
    found = {}
    for status in sorted({status for one in OPERATIONS for status in _refusals(one)}):
        later = _LATER if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} else {}
        found[str(status.value)] = {
            "description": status.phrase,
            "headers": _HEADERS | later,
            "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
    return found


def _refusals(operation: Operation) -> Iterator[HTTPStatus]:
    yield from (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    yield HTTPStatus.REQUEST_TIMEOUT
    if operation.method != "GET":
        yield HTTPStatus.CONFLICT
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if operation.once:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    yield HTTPStatus.MISDIRECTED_REQUEST
    yield HTTPStatus.TOO_MANY_REQUESTS
    yield HTTPStatus.SERVICE_UNAVAILABLE


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with the first line of what a type says of itself; the rest is for who reads the sources."""
    if "description" in schema:
        schema = schema | {"description": schema["description"].strip().partition("\n")[0]}
    return schema


def main() -> int:
    """Write the document, and the client."""
    FILE.write_text(text(), encoding="utf-8")
    print(FILE)
    api_client.FOLDER.mkdir(exist_ok=True)
    for path, found in api_client.formatted().items():
        path.write_text(found, encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
