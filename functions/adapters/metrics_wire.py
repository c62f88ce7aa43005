"""A point of a metric as Cloud Monitoring takes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.metrics import Metric, MetricKind
from functions.adapters.writer import SHARED, writer

_KINDS = {MetricKind.GAUGE: "GAUGE", MetricKind.COUNTER: "CUMULATIVE"}


@dataclass(slots=True)
class Series:
    """One series of this process.

    Attributes:
        metric: of the catalogue.
        labels: names to values.
        start: just before a counter began to count.
        value: the newest.
        at: the instant a gauge's value is about, where it was given.
        fresh: whether the value has not been sent.
        sent: the end of the newest point that was sent.
        turn: grows with the number of the flush that last tried to send it, by one more if it did.
    """

    metric: Metric
    labels: dict[str, str]
    start: datetime
    value: float = 0.0
    at: datetime | None = None
    fresh: bool = False
    sent: datetime | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """A value on its way; a shared one is about an instant, whichever instance writes it."""

    series: Series
    value: float
    end: datetime
    shared: bool


class Wire:
    """Google's client and the resource that this process writes as."""

    def __init__(self, function: str, project: str, location: str, endpoint: str) -> None:
        from google.cloud.monitoring_v3 import MetricServiceClient, types  # noqa: PLC0415 - paid at the first flush

        self._series = types.TimeSeries.pb()
        self._request = types.CreateTimeSeriesRequest
        self._client = MetricServiceClient(transport=_insecure(endpoint)) if endpoint else MetricServiceClient()
        self._project = project
        labels = {
            "project_id": project,
            "location": location,
            "cluster": "__run__",
            "namespace": "aia",
            "job": function,
        }
        # Built after the web server has forked, so that no two processes share an instance.
        self._own, self._shared = (
            {"type": "prometheus_target", "labels": labels | {"instance": name}} for name in (writer(function), SHARED)
        )

    def write(self, points: Sequence[Point], seconds: float) -> None:
        """Send points in one call, at most 200; what the client raises is raised."""
        request = self._request.pb()(
            name=f"projects/{self._project}", time_series=[self._encode(point) for point in points]
        )
        self._client.create_time_series(request=self._request.wrap(request), timeout=seconds)

    def _encode(self, point: Point) -> Any:  # noqa: ANN401 - a raw protobuf message: the client's wrappers are slow
        metric = point.series.metric
        interval = {"end_time": point.end}
        if metric.kind is MetricKind.COUNTER:
            interval["start_time"] = point.series.start
        return self._series(
            metric={"type": f"prometheus.googleapis.com/{metric.name}/{metric.kind}", "labels": point.series.labels},
            resource=self._shared if point.shared else self._own,
            metric_kind=_KINDS[metric.kind],
            value_type="DOUBLE",
            unit=metric.unit,
            description=metric.help,
            points=[{"interval": interval, "value": {"double_value": point.value}}],
        )


def _insecure(endpoint: str) -> Any:  # noqa: ANN401 - the client's transport, which carries no types
    import grpc  # noqa: PLC0415 - paid at the first flush
    from google.cloud.monitoring_v3.services.metric_service.transports import (  # noqa: PLC0415 - paid at the first flush
        MetricServiceGrpcTransport,
    )

    return MetricServiceGrpcTransport(channel=grpc.insecure_channel(endpoint))
