"""Telemetry as it is sent, and the function that takes it, over a bus in memory or as a server on loopback."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from werkzeug.serving import WSGIRequestHandler, make_server

from core.settings import OpenTelemetry, Settings
from functions.adapters.ports import Data
from functions.otlp.main import build
from functions.otlp.respond import NAME
from functions.runtime.authenticator import Authenticator
from tests.support.fakes.ports import MemoryPorts
from tests.support.fakes.recorders import RecordingMetrics

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000) * 1_000_000


def attributes(**given: Any) -> list[KeyValue]:
    """Attributes; two underscores stand for a dot."""
    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
    return [
        KeyValue(key=name.replace("__", "."), value=AnyValue(**{kinds[type(value)]: value}))
        for name, value in given.items()
    ]


def span(at: datetime, *, seconds: float = 0.25, span_id: bytes = b"1" * 8, kind: int = 2, **given: Any) -> Span:
    """A span that ended at an instant; by default of a server."""
    return Span(
        trace_id=b"t" * 16,
        span_id=span_id,
        name="GET /carts/{id}",
        kind=kind,
        start_time_unix_nano=nanoseconds(at - timedelta(seconds=seconds)),
        end_time_unix_nano=nanoseconds(at),
        attributes=attributes(**given),
    )


def traces(*spans: Span, service: str = "shop") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(attributes(service__name=service))
    group.scope_spans.add().spans.extend(spans)
    return request


@dataclass
class Rows:
    """Keeps the rows that are published, by table, and raises what a test wants."""

    by_table: dict[str, list[Data]] = field(default_factory=dict)
    fault: Exception | None = None

    def publish_rows(self, topic: str, rows: Sequence[Data], **attributes: str) -> None:
        assert topic == "telemetry"
        if self.fault:
            raise self.fault
        self.by_table.setdefault(attributes["table"], []).extend(rows)


@dataclass
class Otlp:
    """The function, its bus and its metrics."""

    policy: OpenTelemetry = field(default_factory=OpenTelemetry)
    token: str = ""
    now: datetime | None = NOW
    bus: Rows = field(default_factory=Rows)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    answer: Any = field(init=False)

    def __post_init__(self) -> None:
        ports = MemoryPorts(
            function=NAME,
            metrics=self.metrics,
            settings=Settings(jobs={}, opentelemetry=self.policy),
            clock=lambda: self.now or datetime.now(UTC),
        )
        self.answer = build(ports, Authenticator(token=self.token), lambda: self.bus)

    def rows(self, table: str) -> list[Data]:
        return self.bus.by_table.get(table, [])


class Quiet(WSGIRequestHandler):
    """Logs no requests."""

    def log_request(self, *_: object) -> None: ...


@contextmanager
def served(otlp: Otlp) -> Iterator[str]:
    """The function behind a server on loopback; its address."""
    app = flask.Flask("otlp")
    app.add_url_rule("/<path:_path>", view_func=lambda _path: otlp.answer(flask.request), methods=["POST", "OPTIONS"])
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
