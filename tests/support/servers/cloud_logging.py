"""Cloud Logging on loopback: `google.logging.v2.LoggingServiceV2`, as far as lines are listed.

Of the query language it knows comparisons of the severity, the time, the resource and texts, AND (also left out), OR, NOT,
parentheses and comments; anything else is refused, as the service would refuse what is wrong.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import grpc
from google.cloud.audit.audit_log_pb2 import AuditLog
from google.cloud.logging_v2 import types
from google.protobuf.any_pb2 import Any as AnyMessage

from tests.support.servers.google_server import Wire, serving

PROJECT = "shop"
PAGE = 50
"""Entries of a page, where nobody asks for fewer."""
_SEVERITIES = {
    name: 100 * number
    for number, name in enumerate(
        ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
    )
}
Test = Callable[[types.LogEntry], bool]

_TOKEN = re.compile(r'\s*(?:--[^\n]*\n?\s*)*(?:([()])|("(?:[^"\\]|\\.)*"|[^\s()"<>=!:]+)|(>=|<=|!=|=|>|<|:))?')


@dataclass
class Logging(Wire):
    """The service; entries are kept in the order they came.

    Attributes:
        pauses: how many answers hold no entry and a token, as when a search takes its time.
        answers: how many requests are answered before the service falls silent.
    """

    entries: list[types.LogEntry] = field(default_factory=list)
    pauses: int = 0
    answers: int = 1_000_000

    def write(self, at: datetime, severity: str, text: str = "", *, service: str = "checkout", **payload: Any) -> None:
        """Keep an entry of a Cloud Run service."""
        self.entries.append(
            types.LogEntry(
                log_name=f"projects/{PROJECT}/logs/run.googleapis.com%2Fstderr",
                resource={"type": "cloud_run_revision", "labels": {"service_name": service}},
                timestamp=at,
                severity=_SEVERITIES[severity],
                **({"text_payload": text} if text else payload),
            )
        )

    def list_entries(self, request: Any, context: grpc.ServicerContext) -> types.ListLogEntriesResponse:
        self.answers -= 1
        if self.answers < 0:
            self.over.wait()
        if list(request.resource_names) != [f"projects/{PROJECT}"]:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Permission 'logging.logEntries.list' denied.")
        if self.pauses:
            self.pauses -= 1
            return types.ListLogEntriesResponse(next_page_token=request.page_token or "0")
        try:
            test = compiled(request.filter)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"Unparseable filter: {error}")
        found = sorted(filter(test, self.entries), key=_at, reverse=request.order_by == "timestamp desc")
        first = int(request.page_token or 0)
        after = first + min(request.page_size or PAGE, PAGE)
        token = str(after) if after < len(found) else ""
        return types.ListLogEntriesResponse(entries=found[first:after], next_page_token=token)


def audited(method: str, message: str) -> AnyMessage:
    """The payload of an audit log."""
    packed = AnyMessage()
    packed.Pack(AuditLog(method_name=method, status={"code": 7, "message": message}))
    return packed


@contextmanager
def cloud_logging() -> Iterator[Logging]:
    """The service on a free port."""
    service = Logging()
    methods = {
        "ListLogEntries": (
            service.list_entries,
            types.ListLogEntriesRequest.deserialize,
            types.ListLogEntriesResponse.serialize,
        )
    }
    with serving(service, "google.logging.v2.LoggingServiceV2", methods):
        yield service


def compiled(text: str) -> Test:
    """A filter as a test of entries."""
    tokens = [next(part for part in found.groups() if part) for found in _TOKEN.finditer(text) if any(found.groups())]
    test = _any(tokens)
    if tokens:
        raise ValueError(f"unexpected {tokens[0]}")
    return test


def _any(tokens: list[str]) -> Test:
    tests = [_every(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        tests.append(_every(tokens))
    return lambda entry: any(test(entry) for test in tests)


def _every(tokens: list[str]) -> Test:
    tests = [_one(tokens)]
    while tokens and tokens[0] not in ("OR", ")"):
        if tokens[0] == "AND":
            tokens.pop(0)
        tests.append(_one(tokens))
    return lambda entry: all(test(entry) for test in tests)


def _one(tokens: list[str]) -> Test:
    if not tokens:
        raise ValueError("unexpected end")
    first = tokens.pop(0)
    if first == "NOT":
        inner = _one(tokens)
        return lambda entry: not inner(entry)
    if first == "(":
        inner = _any(tokens)
        if not tokens or tokens.pop(0) != ")":
            raise ValueError("missing )")
        return inner
    if len(tokens) < 2:
        raise ValueError(f"{first}: no comparison")
    return _comparison(first, tokens.pop(0), tokens.pop(0).strip('"'))


def _comparison(name: str, sign: str, value: str) -> Test:
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda one, other: one == other,
        "!=": lambda one, other: one != other,
        ">=": lambda one, other: one >= other,
        "<=": lambda one, other: one <= other,
        ">": lambda one, other: one > other,
        "<": lambda one, other: one < other,
        ":": lambda one, other: other in one,
    }
    if sign not in compare:
        raise ValueError(f"unexpected {sign}")
    read, spelt = _field(name, value)
    return lambda entry: compare[sign](read(entry), spelt)


def _field(name: str, value: str) -> tuple[Callable[[types.LogEntry], Any], Any]:
    match name.split("."):
        case ["severity"] if value in _SEVERITIES:
            return lambda entry: int(entry.severity), _SEVERITIES[value]
        case ["timestamp"]:
            return _at, datetime.fromisoformat(value)
        case ["resource", "type"]:
            return lambda entry: entry.resource.type, value
        case ["resource", "labels", label]:
            return lambda entry: entry.resource.labels.get(label, ""), value
        case ["logName"]:
            return lambda entry: entry.log_name, value
        case ["textPayload"]:
            return lambda entry: entry.text_payload, value
    raise ValueError(f"unknown {name}={value}")


def _at(entry: types.LogEntry) -> datetime:
    return cast("datetime", entry.timestamp)
