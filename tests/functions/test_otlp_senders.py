"""Senders that nobody changed, over HTTP: OpenTelemetry's SDK for Python, and the examples of the guide."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
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
from tests.support.fakes.otlp import Otlp, served

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
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


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
