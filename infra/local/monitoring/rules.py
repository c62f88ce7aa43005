"""Validation of one time series, as CreateTimeSeries does it, with the messages of the API where they are known.

Sources: the reference of `TimeSeries` and `TimeInterval` in google.monitoring.v3, the quotas page of Cloud Monitoring
(200 series a request, one point each 5 s, 1,024 characters a label value), and the errors that its clients report.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.metrics import RESOURCE_LABELS
from infra.local.monitoring.pb import MetricDescriptor, Pb

SERIES_A_REQUEST = 200
LABEL_VALUE_CHARACTERS = 1024
PERIOD = timedelta(seconds=5)
OLDEST = timedelta(hours=25)
NEWEST = timedelta(minutes=5)

_TYPE = re.compile(r"prometheus\.googleapis\.com/[a-zA-Z_:][a-zA-Z0-9_:]*/(gauge|counter)")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KINDS = {"gauge": MetricDescriptor.MetricKind.GAUGE, "counter": MetricDescriptor.MetricKind.CUMULATIVE}
_VALUE_TYPES = {
    "bool_value": MetricDescriptor.ValueType.BOOL,
    "int64_value": MetricDescriptor.ValueType.INT64,
    "double_value": MetricDescriptor.ValueType.DOUBLE,
    "string_value": MetricDescriptor.ValueType.STRING,
    "distribution_value": MetricDescriptor.ValueType.DISTRIBUTION,
}
_SERVED = {MetricDescriptor.ValueType.DOUBLE, MetricDescriptor.ValueType.INT64}


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval of a point; of a gauge, both ends are one instant."""

    start: datetime
    end: datetime


def interval(point: Pb) -> Interval:
    """The interval of a point; a start that is missing is its end."""
    end = point.interval.end_time.ToDatetime(tzinfo=UTC)
    start = point.interval.start_time.ToDatetime(tzinfo=UTC) if point.interval.HasField("start_time") else end
    return Interval(start, end)


def metric_kind(series: Pb) -> int:
    """The kind a series is written as; gauge when it does not say."""
    return int(series.metric_kind or MetricDescriptor.MetricKind.GAUGE)


def value_type(series: Pb) -> int:
    """The type of the series' point."""
    return int(_VALUE_TYPES[series.points[0].value.WhichOneof("value")])


def refusal(series: Pb, project: str, now: datetime, known: Pb | None, last: Interval | None) -> str:
    """Why the API would refuse to write a series, or nothing.

    Args:
        series: as the request has it.
        project: of the request.
        now: the server's clock.
        known: the descriptor of the metric, if it was written before.
        last: the interval of the newest point of the same series, if there is one.
    """
    return (
        _metric(series)
        or _resource(series.resource, project)
        or _labels("metric", series.metric.labels)
        or _labels("resource", series.resource.labels)
        or _value(series)
        or _descriptor(series, known)
        or _time(series, now)
        or (_order(interval(series.points[0]), last, gauge=_is_gauge(series)) if last else "")
    )


def _is_gauge(series: Pb) -> bool:
    return bool(metric_kind(series) == MetricDescriptor.MetricKind.GAUGE)


def _invalid(field: str, given: object, why: str) -> str:
    return f"Field {field} had an invalid value of {str(given)!r}: {why}"


def _metric(series: Pb) -> str:
    match = _TYPE.fullmatch(series.metric.type)
    if match is None:
        return _invalid("metric.type", series.metric.type, "must be prometheus.googleapis.com/NAME/gauge or /counter")
    if _KINDS[match[1]] != metric_kind(series):
        kind = MetricDescriptor.MetricKind.Name(metric_kind(series))
        return _invalid("metricKind", kind, f"it does not agree with the suffix /{match[1]} of {series.metric.type}")
    return ""


def _resource(resource: Pb, project: str) -> str:
    if resource.type != "prometheus_target":
        return _invalid("resource.type", resource.type, "a Prometheus metric is written on prometheus_target")
    if unknown := sorted(set(resource.labels) - set(RESOURCE_LABELS)):
        return f"Unrecognized resource labels for prometheus_target: ({' '.join(unknown)})."
    if missing := sorted(set(RESOURCE_LABELS) - {"project_id"} - set(resource.labels)):
        return f"The set of resource labels is incomplete. Missing labels: ({' '.join(missing)})."
    if resource.labels.get("project_id", project) != project:
        return _invalid("resource.labels.project_id", resource.labels["project_id"], f"the request is for {project!r}")
    if not resource.labels["location"]:
        return _invalid("resource.labels.location", "", "unrecognized region or location")
    return ""


def _labels(owner: str, labels: Mapping[str, str]) -> str:
    for key, value in labels.items():
        if not _LABEL.fullmatch(key):
            return _invalid(f"{owner}.labels", key, "a label key is letters, digits and underscores")
        if len(value) > LABEL_VALUE_CHARACTERS:
            why = f"must be at most {LABEL_VALUE_CHARACTERS} characters, got {len(value)}"
            return _invalid(f"{owner}.labels[{key}]", value[:20] + "...", why)
    return ""


def _value(series: Pb) -> str:
    if len(series.points) != 1:
        return _invalid("points", len(series.points), "Only one point can be written per TimeSeries per request.")
    if series.points[0].value.WhichOneof("value") is None:
        return _invalid("points[0].value", "", "a point must have a value")
    given = value_type(series)
    if given not in _SERVED or series.value_type not in {0, given}:
        return _invalid("valueType", _type_name(given), "must be the type of the point: INT64 or DOUBLE")
    return ""


def _descriptor(series: Pb, known: Pb | None) -> str:
    if known is None or known.value_type == value_type(series):
        return ""
    must, got = _type_name(known.value_type), _type_name(value_type(series))
    return _invalid("valueType", got, f"Value type for metric {series.metric.type} must be {must}, but is {got}.")


def _type_name(value: int) -> str:
    return str(MetricDescriptor.ValueType.Name(value))


def _time(series: Pb, now: datetime) -> str:
    given = interval(series.points[0])
    if given.end > now + NEWEST:
        return _invalid(_END, given.end, "Data points cannot be written more than 5 minutes in the future.")
    if given.end < now - OLDEST:
        return _invalid(_END, given.end, "Data points cannot be written more than 25 hours in the past.")
    if _is_gauge(series) and given.start != given.end:
        return _invalid(_START, given.start, "The start time must be equal to the end time for the gauge metric.")
    if not _is_gauge(series) and given.start >= given.end:
        return _invalid(_START, given.start, "The start time must be before the end time for the non-gauge metric.")
    return ""


def _order(given: Interval, last: Interval, *, gauge: bool) -> str:
    overlaps = not gauge and given.start != last.start and given.start <= last.end
    if given.end <= last.end or overlaps:
        return (
            "Points must be written in order. One or more of the points specified had an older start time than the "
            "most recent point."
        )
    if given.end - last.end < PERIOD:
        return (
            "One or more points were written more frequently than the maximum sampling period configured for the "
            f"metric. {{Youngest Existing: {last.end.isoformat()!r}, New: {given.end.isoformat()!r}}}"
        )
    return ""


_START = "points[0].interval.start_time"
_END = "points[0].interval.end_time"
