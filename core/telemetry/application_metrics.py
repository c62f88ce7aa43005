"""The metrics of applications that are no operations: levels, as of memory and queues, and rates of counters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from core.telemetry.summary import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationMetric:
    """A metric of a service over some minutes.

    Attributes:
        service: the service.
        metric: its name, as it was sent.
        is_counter: whether it only grows; else it has a level.
        series: how many there are, by instances and attributes.
        total: of a counter how much they rose, else the sum of their newest values.
        highest: the highest of these values; None of a counter.
        known: the metrics that there are, also those beyond the limits of the settings.
    """

    service: str
    metric: str
    is_counter: bool
    series: int
    total: float
    highest: float | None
    known: int


def application_readings(rows: Sequence[ApplicationMetric], *, seconds: float) -> Iterator[Reading]:
    """The metrics of some rows, and how many others are not measured: other than operations, they cannot be added up.

    Args:
        rows: each metric of a service once.
        seconds: how long counters rose.

    Examples:
        >>> memory = ApplicationMetric(service="shop", metric="process.memory.usage", is_counter=False, series=2, total=6.0, highest=4.0, known=3)
        >>> [(labels.get("statistic"), value) for _, value, labels in application_readings([memory], seconds=300)]
        [(None, 2.0), ('sum', 6.0), ('mean', 3.0), ('max', 4.0)]
    """
    beyond = max((one.known for one in rows), default=0) - len(rows)
    yield Reading("aia_telemetry_unnamed", float(max(beyond, 0)), {"limit": "metrics"})
    for one in rows:
        yield from (reading for reading in _readings(one, seconds) if isfinite(reading.value))


def _readings(one: ApplicationMetric, seconds: float) -> Iterator[Reading]:
    labels = {"service": one.service, "metric": one.metric}
    if one.is_counter:
        yield Reading("aia_service_metric_per_second", one.total / seconds, labels)
        return
    yield Reading("aia_service_metric_value", one.total, labels | {"statistic": "sum"})
    yield Reading("aia_service_metric_value", one.total / one.series, labels | {"statistic": "mean"})
    if one.highest is not None:
        yield Reading("aia_service_metric_value", one.highest, labels | {"statistic": "max"})
