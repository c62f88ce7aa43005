"""A writer of metrics, and what the local Monitoring API has of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import grpc
from google.cloud.monitoring_v3 import MetricServiceClient, types
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from functions.adapters.metrics import CloudMetrics
from functions.adapters.ports import Clock
from infra.local.monitoring.server import Ports, serve
from tests.support.fakes.clock import START, FakeClock

ROOT = Path(__file__).resolve().parents[2]


UP = "aia_probe_up"


SENT = "aia_notifications_total"


def writer(endpoint: str, clock: Clock, *, location: str = "us-central1") -> CloudMetrics:
    return CloudMetrics(function="api", project="p1", location=location, endpoint=endpoint, clock=clock)


def notify(metrics: CloudMetrics, by: float = 1.0) -> None:
    metrics.count(SENT, by, channel="log", outcome="sent")


def read(ports: Ports, name: str, kind: str = "gauge", now: datetime = START) -> list[types.TimeSeries]:
    """The series of a metric on the server."""
    interval = {"start_time": now - timedelta(days=2), "end_time": now + timedelta(days=1)}
    request = {
        "name": "projects/p1",
        "filter": f'metric.type = "prometheus.googleapis.com/{name}/{kind}"',
        "interval": interval,
    }
    with grpc.insecure_channel(ports.endpoint) as channel:
        client = MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))
        return list(client.list_time_series(request=request))


def values(ports: Ports, name: str, kind: str = "gauge", now: datetime = START) -> list[float]:
    """The values of a metric of one series, oldest first."""
    return [point.value.double_value for one in read(ports, name, kind, now) for point in one.points][::-1]


def instants(series: types.TimeSeries) -> list[datetime]:
    """The ends of a series' points, newest first."""
    return [cast("datetime", point.interval.end_time) for point in series.points]


def new_clock() -> FakeClock:
    return FakeClock()


def new_ports(clock: FakeClock) -> Iterator[Ports]:
    with serve(clock=clock) as ports:
        yield ports


def new_metrics(ports: Ports, clock: FakeClock) -> CloudMetrics:
    return writer(ports.endpoint, clock)
