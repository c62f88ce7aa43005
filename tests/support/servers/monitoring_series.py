"""Series for the local Monitoring API, and what it shows."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from google.cloud.monitoring_v3 import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from infra.local.monitoring.server import Ports, serve
from tests.support.fakes.clock import START, FakeClock

ROOT = Path(__file__).resolve().parents[2]


SECOND = timedelta(seconds=1)


GAUGE = "prometheus.googleapis.com/aia_probe_up/gauge"


COUNTER = "prometheus.googleapis.com/aia_notifications_total/counter"


LABELS = {"location": "us-central1", "cluster": "c", "namespace": "aia", "job": "health_check", "instance": "i-1"}


def gauge(value: float = 1.0, at: datetime = START, **changes: object) -> dict[str, Any]:
    """A gauge as the adapter writes it, with the changes of a test."""
    series: dict[str, Any] = {
        "metric": {"type": GAUGE, "labels": {"probe": "api"}},
        "resource": {"type": "prometheus_target", "labels": LABELS},
        "metric_kind": "GAUGE",
        "value_type": "DOUBLE",
        "points": [{"interval": {"end_time": at}, "value": {"double_value": value}}],
    }
    return series | changes


def counter(value: float, start: datetime, end: datetime, **changes: object) -> dict[str, Any]:
    """A counter as the adapter writes it."""
    points = [{"interval": {"start_time": start, "end_time": end}, "value": {"double_value": value}}]
    metric = {"type": COUNTER, "labels": {"channel": "log", "outcome": "sent"}}
    return gauge(metric=metric, metric_kind="CUMULATIVE", points=points) | changes


def write(client: MetricServiceClient, *series: dict[str, Any], name: str = "projects/p1") -> None:
    client.create_time_series(request={"name": name, "time_series": list(series)})


def values(client: MetricServiceClient, kind: str = GAUGE, *, more: str = "", now: datetime = START) -> list[float]:
    """What is kept of a metric, oldest first, by the label that differs."""
    interval = {"start_time": now - timedelta(days=2), "end_time": now + timedelta(days=1)}
    request = {"name": "projects/p1", "filter": f'metric.type = "{kind}"{more}', "interval": interval}
    return [point.value.double_value for one in client.list_time_series(request=request) for point in one.points][::-1]


def page(ports: Ports) -> list[str]:
    with urllib.request.urlopen(f"http://{ports.target}/metrics") as answer:
        return str(answer.read().decode()).splitlines()


def shown(ports: Ports) -> list[str]:
    return [line for line in page(ports) if not line.startswith("#")]


def points(*intervals: dict[str, Any], **value: object) -> list[dict[str, Any]]:
    return [{"interval": interval, "value": value or {"double_value": 1.0}} for interval in intervals]


def new_clock() -> FakeClock:
    return FakeClock()


def new_ports(clock: FakeClock) -> Iterator[Ports]:
    with serve(clock=clock) as ports:
        yield ports


def new_client(ports: Ports) -> Iterator[MetricServiceClient]:
    with grpc.insecure_channel(ports.endpoint) as channel:
        yield MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))
