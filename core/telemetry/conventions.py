"""Semantic conventions: which attributes are stored, and which operation a span or a metric is about.

An attribute that is not listed is dropped: prompts, responses, query strings, statements, headers and identifiers of people are
never stored unless the settings name them. Older names of the conventions are read as the newer ones.

Source: OpenTelemetry, "Semantic conventions" 1.37 (https://opentelemetry.io/docs/specs/semconv/).
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from core.text import clean

Value = str | bool | int | float
Attributes = Mapping[str, Value]
LONGEST_NAME = 120
"""Characters of a service, of a route and of any other name."""
LONGEST_TEXT = 300
"""Characters of an attribute."""
OTHER = "other"
"""The kind of a span that is none of the operations; the rollup leaves it out."""
UNKNOWN = "unknown"
"""A service or an operation without a name."""

NEWER: Mapping[str, str] = {
    "http.method": "http.request.method",
    "http.status_code": "http.response.status_code",
    "db.system": "db.system.name",
    "db.operation": "db.operation.name",
    "net.peer.name": "server.address",
    "peer.service": "service.peer.name",
    "gen_ai.system": "gen_ai.provider.name",
    "gen_ai.usage.prompt_tokens": "gen_ai.usage.input_tokens",
    "gen_ai.usage.completion_tokens": "gen_ai.usage.output_tokens",
    "deployment.environment": "deployment.environment.name",
}
"""Older names of attributes."""

STORED = frozenset(
    {
        *("service.name", "service.version", "service.namespace", "deployment.environment.name", "service.peer.name"),
        *("http.request.method", "http.route", "http.response.status_code", "url.template", "server.address"),
        *("rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "error.type"),
        *("db.system.name", "db.operation.name", "db.collection.name", "db.query.summary"),
        *("messaging.system", "messaging.destination.name", "messaging.operation.type", "messaging.operation.name"),
        *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model"),
        *("gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.tool.name", "gen_ai.tool.type"),
        *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.response.finish_reasons"),
        *("browser.mobile", "browser.platform", "event.name", "aia.device", "aia.cost.dollars"),
    }
)
"""The attributes that are stored."""
ADDRESSES = frozenset({"url.full", "http.url", "http.target", "url.path"})
"""Where the settings name one of these, it is stored without credentials, query and fragment."""
SERVER, CLIENT, PRODUCER, CONSUMER, INTERNAL = "server", "client", "producer", "consumer", "internal"
KINDS = (INTERNAL, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER)
"""Kinds of spans by their number."""
METRICS: Mapping[str, str] = {
    "http.server.request.duration": SERVER,
    "http.client.request.duration": CLIENT,
    "rpc.server.duration": SERVER,
    "rpc.client.duration": CLIENT,
    "db.client.operation.duration": CLIENT,
    "messaging.process.duration": CONSUMER,
    "gen_ai.client.operation.duration": CLIENT,
    "aia.frame.duration": INTERNAL,
    "aia.frame.dropped": INTERNAL,
}
"""Metrics of operations, with the kind of span that each stands for."""
FRAMES = "aia.frame."
LOAD_SPAN = "documentLoad"
"""The span of a page load, as the instrumentation of browsers names it."""


class Operation(NamedTuple):
    """What a span or a metric is about.

    Attributes:
        kind: `request` (answered), `call` (of another service), `database`, `message`, `agent`, `tool`, `model`, `load` and `frame`
            (of a browser), or `other`.
        name: the route, the called service, the database and its operation, the destination, the agent, the tool, the model or the
            kind of device.
    """

    kind: str
    name: str


def renamed(attributes: Attributes) -> dict[str, Value]:
    """The attributes by their newer names; a newer one that is there as well counts.

    >>> renamed({"http.method": "GET", "http.request.method": "PUT", "db.system": "neo4j"})
    {'http.request.method': 'PUT', 'db.system.name': 'neo4j'}
    """
    older = {NEWER[name]: given for name, given in attributes.items() if name in NEWER}
    return {**older, **{name: given for name, given in attributes.items() if name not in NEWER}}


def stored(attributes: Attributes, also: Collection[str] = ()) -> dict[str, Value]:
    """The attributes that are stored: those of the list, and those that the settings name.

    >>> stored({"http.route": "/a", "url.query": "q=1", "url.full": "https://u:p@x/a?q=1"}, ["url.full"])
    {'http.route': '/a', 'url.full': 'https://x/a'}
    """
    kept = ((name, given) for name, given in attributes.items() if name in STORED or name in also)
    return {name: _short(_address(given) if name in ADDRESSES else given) for name, given in kept}


def operation(kind: str, span_name: str, attributes: Attributes) -> Operation:
    """What a span is about, by its renamed attributes.

    >>> operation("server", "GET /carts/{id}", {"http.route": "/carts/{id}"})
    Operation(kind='request', name='/carts/{id}')
    >>> operation("client", "MATCH", {"db.system.name": "neo4j", "db.operation.name": "MATCH"})
    Operation(kind='database', name='neo4j/MATCH')
    >>> operation("internal", "x", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"})
    Operation(kind='tool', name='search')
    """
    found = _generative(attributes) or _called(attributes) or _browser(span_name, attributes)
    return found or _by_kind(kind, attributes)


def service(resource: Attributes) -> str:
    """The name of the service that sent it."""
    return name_of(resource.get("service.name"))


def device(attributes: Attributes) -> str:
    """`desktop`, `mobile` or `tablet`, or that it is not known."""
    given = attributes.get("aia.device")
    if given in ("desktop", "mobile", "tablet"):
        return str(given)
    mobile = attributes.get("browser.mobile")
    return UNKNOWN if mobile is None else "mobile" if mobile is True else "desktop"


def is_failed(attributes: Attributes) -> bool:
    """Whether the attributes say that the operation failed: an error type, or an answer of 5xx."""
    status = attributes.get("http.response.status_code")
    return bool(attributes.get("error.type")) or (isinstance(status, int) and status >= 500)  # noqa: PLR2004 - of HTTP


def name_of(*given: Value | None) -> str:
    r"""The first name that there is, short and printable; else that it is not known.

    >>> name_of(None, "\x00", " GET\n/carts "), name_of("", None)
    ('GET /carts', 'unknown')
    """
    for one in given:
        if one not in (None, "") and (text := clean(str(one), LONGEST_NAME)):
            return text
    return UNKNOWN


def _generative(a: Attributes) -> Operation | None:
    done = a.get("gen_ai.operation.name")
    if done is None:
        return None
    if done in ("invoke_agent", "create_agent"):
        return Operation("agent", name_of(a.get("gen_ai.agent.name"), a.get("gen_ai.agent.id")))
    if done == "execute_tool":
        return Operation("tool", name_of(a.get("gen_ai.tool.name")))
    return Operation("model", name_of(a.get("gen_ai.request.model"), a.get("gen_ai.response.model")))


def _called(a: Attributes) -> Operation | None:
    if system := a.get("db.system.name"):
        return Operation("database", name_of(f"{system}/{name_of(a.get('db.operation.name'))}"))
    if a.get("messaging.system"):
        return Operation("message", name_of(a.get("messaging.destination.name")))
    return None


def _browser(span_name: str, a: Attributes) -> Operation | None:
    if span_name == LOAD_SPAN:
        return Operation("load", device(a))
    return Operation("frame", device(a)) if span_name.startswith(FRAMES) else None


def _by_kind(kind: str, a: Attributes) -> Operation:
    called = f"{a['rpc.service']}/{a.get('rpc.method', '')}" if a.get("rpc.service") else None
    if kind == SERVER:
        return Operation("request", name_of(a.get("http.route"), called))
    if kind in (CLIENT, PRODUCER):
        return Operation("call", name_of(a.get("service.peer.name"), a.get("server.address"), a.get("rpc.service")))
    return Operation(OTHER, "")


def _short(given: Value) -> Value:
    return given[:LONGEST_TEXT] if isinstance(given, str) else given


def _address(given: Value) -> Value:
    try:
        split = urlsplit(str(given))
        return split._replace(netloc=split.netloc.rpartition("@")[2], query="", fragment="").geturl()
    except ValueError:
        return ""
