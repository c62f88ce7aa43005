"""The local Monitoring API with a client and a clock; a pytest plugin."""

from collections.abc import Iterator

import grpc
import pytest
from google.cloud.monitoring_v3 import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from infra.local.monitoring.server import Ports, serve
from tests.support.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ports(clock: FakeClock) -> Iterator[Ports]:
    with serve(clock=clock) as ports:
        yield ports


@pytest.fixture
def client(ports: Ports) -> Iterator[MetricServiceClient]:
    with grpc.insecure_channel(ports.endpoint) as channel:
        yield MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))
