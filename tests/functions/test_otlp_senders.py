"""Senders that nobody changed: OpenTelemetry's SDK for Python and the examples of the guide over HTTP, the Collector's exporter to Pub/Sub."""

import gzip
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from core.telemetry.buckets import quantile, value
from core.telemetry.conventions import METRICS, STORED
from tests.support.fakes.otlp import NOW, Otlp, attributes, nanoseconds, served, span, traces
from tests.support.fakes.ports import posted, push

RESOURCE = Resource.create({"service.name": "planner"})
TOKEN = {"Authorization": "Bearer t0ken"}
GUIDE = (Path(__file__).parents[2] / "docs" / "opentelemetry.md").read_text()


@pytest.fixture
def otlp() -> Otlp:
    return Otlp(token="t0ken", now=None)


def test_the_sdk_sends_spans(otlp: Otlp) -> None:
    with served(otlp) as url:
        provider = TracerProvider(resource=RESOURCE)
        exporter = OTLPSpanExporter(f"{url}/v1/traces", headers=TOKEN, compression=Compression.Gzip)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        with tracer.start_as_current_span("invoke_agent planner") as task:
            task.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"})
            with tracer.start_as_current_span("query", kind=SpanKind.CLIENT) as query:
                query.set_attributes({"db.system.name": "neo4j", "db.operation.name": "MATCH", "db.query.text": "x"})
                query.set_status(StatusCode.ERROR)
        provider.shutdown()
    query_row, task_row = otlp.rows("spans")
    assert (query_row["operation"], query_row["name"], query_row["failed"]) == ("database", "neo4j/MATCH", True)
    assert (task_row["operation"], task_row["name"], task_row["failed"]) == ("agent", "planner", False)
    assert query_row["parent_span_id"] == task_row["span_id"]
    assert query_row["trace_id"] == task_row["trace_id"]
    assert {row["service"] for row in (query_row, task_row)} == {"planner"}
    assert "db.query.text" not in query_row["attributes"]


def measured(otlp: Otlp, record: Callable[[MeterProvider], None], temporality: AggregationTemporality) -> None:
    with served(otlp) as url:
        exporter = OTLPMetricExporter(
            f"{url}/v1/metrics", headers=TOKEN, preferred_temporality={Histogram: temporality}
        )
        view = View(instrument_name="aia.frame.*", aggregation=ExponentialBucketHistogramAggregation())
        provider = MeterProvider([PeriodicExportingMetricReader(exporter)], resource=RESOURCE, views=[view])
        record(provider)
        provider.shutdown()


@pytest.mark.parametrize("temporality", [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE])
def test_the_sdk_sends_metrics(otlp: Otlp, temporality: AggregationTemporality) -> None:
    def record(provider: MeterProvider) -> None:
        meter = provider.get_meter("test")
        meter.create_counter("orders").add(3)
        requests = meter.create_histogram("http.server.request.duration", "s")
        frames = meter.create_histogram("aia.frame.duration", "s")
        for number in range(1, 101):
            requests.record(number / 1000, {"http.route": "/a"})
            frames.record(number / 1000, {"aia.device": "mobile"})

    measured(otlp, record, temporality)
    rows = {row["metric"]: row for row in otlp.rows("metric_points")}
    assert (rows["orders"]["kind"], rows["orders"]["value"], rows["orders"]["monotonic"]) == ("sum", 3.0, True)
    frames, requests = rows["aia.frame.duration"], rows["http.server.request.duration"]
    assert (frames["operation"], frames["name"], frames["count"]) == ("frame", "mobile", 100)
    assert (requests["operation"], requests["name"]) == ("request", "/a")
    assert frames["temporality"] == temporality.name.lower()
    found = quantile({one["bucket"]: one["n"] for one in frames["buckets"]}, 0.95)
    assert found == pytest.approx(0.095, rel=0.0435)
    assert sum(one["n"] for one in requests["buckets"]) == pytest.approx(100)
    assert all(value(one["bucket"]) <= 0.11 for one in requests["buckets"])


def test_the_sdk_sends_log_records(otlp: Otlp) -> None:
    with served(otlp) as url:
        provider = LoggerProvider(resource=RESOURCE)
        exporter = OTLPLogExporter(f"{url}/v1/logs", headers=TOKEN)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger("test").emit(severity_number=SeverityNumber.ERROR, body="no seat", event_name="full")
        provider.shutdown()
    [row] = otlp.rows("log_records")
    assert (row["service"], row["severity"], row["event"], row["body"]) == ("planner", "error", "full", None)


def example(language: str) -> str:
    """The first of a language; those of the section `Try it` are run against a whole system (tests/e2e/stacks/running)."""
    return str(re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[0])


@pytest.mark.parametrize(
    ("language", "command", "expected"),
    [
        ("python", [sys.executable, "-c"], ("planner", "agent", "planner")),
        ("sh", ["sh", "-c"], ("shop", "request", "/carts/{id}")),
    ],
)
def test_the_examples_of_the_guide_run(language: str, command: list[str], expected: tuple[str, ...]) -> None:
    otlp = Otlp(now=None)
    with served(otlp) as url:
        text = example(language).replace("http://127.0.0.1:4318", url)
        done = subprocess.run([*command, text], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    [row] = otlp.rows("spans")
    assert (row["service"], row["operation"], row["name"]) == expected


def test_the_guide_lists_what_is_stored() -> None:

    named = set(re.findall(r"`([^`\s]+)`", GUIDE))
    assert named >= STORED
    assert named >= METRICS.keys()


def scraped() -> ExportMetricsServiceRequest:
    """Metrics as the receivers of PostgreSQL and Redis document them: a sum that may fall, one that grows, and a gauge."""
    request = ExportMetricsServiceRequest()
    at, start = nanoseconds(NOW), nanoseconds(NOW - timedelta(hours=1))
    for service, instance in (("postgresql", "db:5432"), ("redis", "cache:6379")):
        group = request.resource_metrics.add()
        group.resource.attributes.extend(attributes(service__name=service, service__instance__id=instance))
        metrics = group.scope_metrics.add().metrics
        if service == "redis":
            metrics.add(name="redis.memory.used", unit="By").gauge.data_points.add(time_unix_nano=at, as_int=900)
            continue
        for name, grows in (("postgresql.backends", False), ("postgresql.commits", True)):
            sent = metrics.add(name=name, unit="1").sum
            sent.aggregation_temporality, sent.is_monotonic = 2, grows
            for number, database in enumerate(("shop", "ml"), 3):
                named = attributes(db__namespace=f"{database}|public")
                sent.data_points.add(time_unix_nano=at, start_time_unix_nano=start, as_int=number, attributes=named)
    return request


def logs() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=nanoseconds(NOW), severity_number=17)
    return request


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_the_collector_publishes_every_signal(compression: str) -> None:
    """With the attributes that `googlecloudpubsubexporter/exporter.go` writes, from v0.60 to v0.159."""
    otlp = Otlp()
    for signal, message in (("traces", traces(span(NOW))), ("metrics", scraped()), ("logs", logs())):
        plain = message.SerializeToString()
        named = {
            "ce-specversion": "1.0",
            "ce-id": "0d0c6f0c-9f0d-4f5e-8a6c-3f1c2f6e7a11",
            "ce-source": "/opentelemetry/collector/googlecloudpubsub/0.159.0",
            "ce-time": "2026-03-01T12:00:00.123456789Z",
            "ce-type": f"org.opentelemetry.otlp.{signal}.v1",
            "content-type": "application/protobuf",
        } | ({"content-encoding": compression} if compression else {})
        data = gzip.compress(plain) if compression else plain
        body = push(data, (NOW + timedelta(hours=2)).isoformat(), attributes=named, orderingKey="shop")
        assert otlp.answer(posted(body)).status_code == 204
    assert [row["service"] for row in otlp.rows("spans")] == ["shop"]
    assert [row["severity"] for row in otlp.rows("log_records")] == ["error"]
    points = otlp.rows("metric_points")
    assert [(row["service"], row["metric"], row["kind"], row["monotonic"], row["value"]) for row in points] == [
        ("postgresql", "postgresql.backends", "sum", False, 3.0),
        ("postgresql", "postgresql.backends", "sum", False, 4.0),
        ("postgresql", "postgresql.commits", "sum", True, 3.0),
        ("postgresql", "postgresql.commits", "sum", True, 4.0),
        ("redis", "redis.memory.used", "gauge", False, 900.0),
    ]
    assert len({row["series_id"] for row in points}) == 5
