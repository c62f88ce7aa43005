"""The same services over HTTP and JSON, by the routes of the official client's own REST transport.

`gcloud pubsub` speaks it, and every client without gRPC: https://google.aip.dev/127.
"""

import binascii
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.pubsub_v1.services.publisher.transports.rest_base import _BasePublisherRestTransport
from google.pubsub_v1.services.schema_service.transports.rest_base import _BaseSchemaServiceRestTransport
from google.pubsub_v1.services.subscriber.transports.rest_base import _BaseSubscriberRestTransport

from infra.local.pubsub.rpc import Method, RefusalError, Service, invalid, missing
from infra.local.pubsub.wire import Proto

MAX_BODY: Final = 20 * 1024**2
STATUSES: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}
"""Statuses of HTTP, as google/rpc/code.proto maps them; any other is 500."""
IGNORED: Final = frozenset(
    {"$alt", "alt", "access_token", "callback", "fields", "key", "prettyPrint", "quotaUser", "$apiVersion"}
)
"""Parameters that all Google APIs have, which say nothing about the request."""

_TRANSPORTS: Final = (_BasePublisherRestTransport, _BaseSubscriberRestTransport, _BaseSchemaServiceRestTransport)
_VARIABLE: Final = re.compile(r"\{([\w.]+)=([^}]*)\}")

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The context of a request over HTTP: nobody says how long the caller waits."""

    @staticmethod
    def time_remaining() -> float | None:
        """Not known."""
        return None


@dataclass(frozen=True, slots=True)
class Route:
    """One way to call a method.

    Attributes:
        verb: of HTTP.
        pattern: of the path; its groups are named by place.
        fields: of the request, one for each group.
        body: the field that the body is: `*` is the whole request, empty none.
        call: the method.
        request: the class of its request.
    """

    verb: str
    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    body: str
    call: Method
    request: Proto


class Rest:
    """An ASGI application.

    Args:
        services: what it serves.
    """

    def __init__(self, services: Iterable[Service]) -> None:
        methods = {name: method for service in services for name, method in service.unary.items()}
        self._routes = list(_routes(methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            body = await self._answer(scope, await _body(receive))
            status = 200
        except RefusalError as refusal:
            status = STATUSES.get(refusal.code, 500)
            body = json.dumps(_error(refusal, status), indent=2).encode()
        headers = [(b"content-type", b"application/json; charset=UTF-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, body: bytes) -> bytes:
        route, values = self._find(scope["method"], scope["raw_path"].decode("ascii", "replace"))
        request = _request(route, values, scope["query_string"].decode(), body)
        return json_format.MessageToJson(await route.call(request, Waiting())).encode()

    def _find(self, verb: str, path: str) -> tuple[Route, tuple[str, ...]]:
        for route in self._routes:
            if route.verb == verb and (match := route.pattern.fullmatch(path)):
                return route, tuple(map(unquote, match.groups()))
        raise missing(f"{verb} {path}: this API has no such method")


def _routes(methods: Mapping[str, tuple[Method, Proto]]) -> Iterator[Route]:
    for transport in _TRANSPORTS:
        for name, (call, request) in methods.items():
            base = getattr(transport, f"_Base{name}", None)
            for option in base._get_http_options() if base else ():  # noqa: SLF001 - nothing public has the annotations
                pattern, fields = _compile(option["uri"])
                yield Route(option["method"].upper(), pattern, fields, option.get("body", ""), call, request)


def _compile(template: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """The pattern of a path such as `/v1/{topic=projects/*/topics/*}:publish`, and the fields of its groups."""
    fields = tuple(match[1] for match in _VARIABLE.finditer(template))
    parts = _VARIABLE.split(template)
    literals, values = parts[::3], [value.replace("*", "[^/:]+") for value in parts[2::3]]
    groups = [f"({value}){re.escape(literal)}" for value, literal in zip(values, literals[1:], strict=True)]
    return re.compile(re.escape(literals[0]) + "".join(groups)), fields


def _request(route: Route, values: tuple[str, ...], query: str, body: bytes) -> Proto:
    wanted = _json(body) if route.body == "*" and body else {}
    if route.body not in ("", "*"):
        wanted = {route.body: _json(body)}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in IGNORED:
            _put(wanted, route.request.DESCRIPTOR, key, value)
    for field, value in zip(route.fields, values, strict=True):
        _put(wanted, route.request.DESCRIPTOR, field, value)
    try:
        return json_format.ParseDict(wanted, route.request())
    except (json_format.ParseError, binascii.Error) as error:
        raise invalid(f"request: {error}") from error


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise invalid(f"body: must be JSON: {error}") from error
    if not isinstance(value, dict):
        raise invalid(f"body: must be an object, got {type(value).__name__}")
    return value


def _put(wanted: dict[str, Any], descriptor: Any, path: str, value: str) -> None:  # noqa: ANN401 - protobuf's own has no types
    """Set a field that a path or a parameter names, such as `subscription.name`, in either spelling."""
    name, _, rest = path.partition(".")
    field = next((one for one in descriptor.fields if name in (one.name, one.json_name)), None)
    if field is None:
        raise invalid(f"{path}: {descriptor.name} has no such field")
    key = field.name if field.name in wanted else field.json_name
    if rest and field.message_type:
        inner = wanted.setdefault(key, {})
        if not isinstance(inner, dict):
            raise invalid(f"{name}: must be an object")
        _put(inner, field.message_type, rest, value)
    elif field.is_repeated:
        wanted.setdefault(key, []).append(value)
    else:
        wanted[key] = value == "true" if field.type == FieldDescriptor.TYPE_BOOL else value


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
        if len(body) > MAX_BODY:
            raise invalid(f"body: must be at most {MAX_BODY} bytes")
    return bytes(body)


def _error(refusal: RefusalError, status: int) -> dict[str, Any]:
    error: dict[str, Any] = {"code": status, "message": str(refusal), "status": refusal.code.name}
    if details := json_format.MessageToDict(refusal.status()).get("details"):
        error["details"] = details
    return {"error": error}
