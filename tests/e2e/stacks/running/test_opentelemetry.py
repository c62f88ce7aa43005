"""OpenTelemetry over a running stack: from the port of SDKs and the topic of Collectors to the tables and the minutes of services."""

import gzip
import re
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from core.events import Tick
from infra import stage
from tests.support.fakes.otlp import attributes, nanoseconds, span, traces
from tests.support.servers.stack import LocalStack, eventually

pytestmark = pytest.mark.timeout(480)  # the first test starts the stack


def send(stack: LocalStack, signal: str, message: Message) -> None:
    request = urllib.request.Request(
        f"{stack.url('otlp')}/v1/{signal}",
        data=message.SerializeToString(),
        headers={"Content-Type": "application/x-protobuf"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def publish(stack: LocalStack, signal: str, message: Message) -> None:
    """As the exporter `googlecloudpubsub` of the Collector does."""
    named = {"ce-type": f"org.opentelemetry.otlp.{signal}.v1", "ce-specversion": "1.0", "ce-id": str(uuid4())}
    encoding = {"content-type": "application/protobuf", "content-encoding": "gzip"}
    stack.send("otlp", gzip.compress(message.SerializeToString()), **named, **encoding)


def frames(service: str, at: datetime) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(service__name=service, browser__mobile=True))
    histogram = group.scope_metrics.add().metrics.add(name="aia.frame.duration", unit="s").histogram
    histogram.aggregation_temporality = 1
    histogram.data_points.add(
        time_unix_nano=nanoseconds(at), count=9, sum=0.2, explicit_bounds=[0.016, 0.033], bucket_counts=[4, 5, 0]
    )
    return request


def test_a_span_and_a_metric_become_rows_and_minutes(stack: LocalStack) -> None:
    service, now = f"shop-{uuid4().hex[:8]}", datetime.now(UTC)
    send(stack, "traces", traces(span(now, span_id=uuid4().bytes[:8], http__route="/a"), service=service))
    publish(stack, "metrics", frames(service, now))
    for table in ("spans", "metric_points"):
        sql = f"SELECT name FROM telemetry.{table} WHERE service = @service"
        eventually(lambda sql=sql: stack.rows(sql, service=service), f"row in {table}")
    stack.publish("ticks", Tick(job="service_rollup", scheduled_at=now + timedelta(minutes=2)), job="service_rollup")
    minutes = "SELECT operation, name, calls FROM marts.service_minutes WHERE service = @service ORDER BY operation"
    found = eventually(lambda: stack.rows(minutes, service=service), "minutes of the service")
    assert found == [
        {"operation": "frame", "name": "mobile", "calls": 9.0},
        {"operation": "request", "name": "/a", "calls": 1.0},
    ]


@pytest.mark.long  # two minutes until what was sent is measured
def test_the_programs_of_the_guide_are_what_makes_their_areas_seen(stack: LocalStack) -> None:
    """And nothing else that is set up here is not seen; capacity takes its first five minutes."""
    areas = {"Agents", "Knowledge graph", "3D rendering"}
    assert {sights(stack)[area] for area in areas} == {"not set up"}
    section = (stage.ROOT / "docs" / "opentelemetry.md").read_text().split("## Try it")[1].split("\n## ")[0]
    for program in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
        text = program.replace("http://127.0.0.1:8080", stack.url("page"))
        text = text.replace("http://127.0.0.1:4318", stack.url("otlp"))
        done = subprocess.run([sys.executable, "-c", text], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")

    def seen() -> bool:
        found = {area: sight for area, sight in sights(stack).items() if area != "Capacity"}
        return {found[area] for area in areas} == {"seen here"} and not {"not seen", "not known"} & {*found.values()}

    eventually(seen, "areas that are seen here", within=240, every=3)


def sights(stack: LocalStack) -> dict[str, str]:
    return {area["name"]: area["sight"] for area in stack.get("/v1/coverage")["areas"]}
