"""A writer of metrics before the local Monitoring API; a pytest plugin."""

from collections.abc import Iterator

import pytest

from functions.adapters.metrics import CloudMetrics
from infra.local.monitoring.server import Ports, serve
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.written_metrics import writer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ports(clock: FakeClock) -> Iterator[Ports]:
    with serve(clock=clock) as ports:
        yield ports


@pytest.fixture
def metrics(ports: Ports, clock: FakeClock) -> CloudMetrics:
    return writer(ports.endpoint, clock)
