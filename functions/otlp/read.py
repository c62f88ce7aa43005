"""From a message of OTLP to rows, and to what is refused of it; the rest of it is taken all the same."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec
from opentelemetry.proto.metrics.v1.metrics_pb2 import DataPointFlags

from core.settings import OpenTelemetry
from core.telemetry import buckets as histogram
from core.telemetry.conventions import KINDS, METRICS, Attributes, Value
from core.telemetry.rows import (
    Point,
    Record,
    Row,
    Span,
    fault_of,
    fault_of_instant,
    fault_of_point,
    point_row,
    record_row,
    span_row,
)
from functions.adapters.redact import redact

TABLES = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}
"""The table of each signal, in the dataset `telemetry`."""
_TEMPORALITY = {1: "delta", 2: "cumulative"}
_SECONDS = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Seconds by unit, where a known duration is sent in another one."""
_TEXTS = ("service", "name", "span_name", "metric", "error_type", "event", "body")
_MOST_BUCKETS = 2000
_LONGEST_BODY = 2000
Proto = Any
"""A message of protobuf: its classes are made when they are imported, without types."""


@dataclass(slots=True)
class Taken:
    """What became of a message.

    Attributes:
        rows: of the table of its signal.
        rejected: how many spans, points or records were refused.
        reason: why the first of them was.
    """

    rows: list[Row] = field(default_factory=list)
    rejected: int = 0
    reason: str = ""

    def refuse(self, reason: str) -> None:
        """Count what is refused."""
        self.rejected += 1
        self.reason = self.reason or reason


def take(message: Proto, signal: str, policy: OpenTelemetry, now: datetime) -> Taken:
    """The rows of a message.

    Args:
        message: the request of a signal.
        signal: `traces`, `metrics` or `logs`.
        policy: what is stored.
        now: when it was received, in UTC.
    """
    taken = Taken()
    {"traces": _traces, "metrics": _metrics, "logs": _logs}[signal](message, policy, now, taken)
    return taken


def _traces(message: Proto, policy: OpenTelemetry, now: datetime, taken: Taken) -> None:
    for group in message.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for sent in scope.spans:
                span = _span(sent)
                if fault := fault_of(span, now):
                    taken.refuse(f"spans: {fault}")
                else:
                    taken.rows.append(_clean(span_row(span, resource, policy)))


def _span(sent: Proto) -> Span:
    return Span(
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        parent_id=sent.parent_span_id.hex(),
        name=sent.name,
        kind=KINDS[sent.kind] if 0 <= sent.kind < len(KINDS) else KINDS[0],
        start=sent.start_time_unix_nano,
        end=sent.end_time_unix_nano,
        status=sent.status.code,
        attributes=_attributes(sent.attributes),
    )


def _metrics(message: Proto, policy: OpenTelemetry, now: datetime, taken: Taken) -> None:
    for group in message.resource_metrics:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                for point, fault in _points(metric):
                    if why := fault or fault_of_point(point, now):
                        taken.refuse(f"{metric.name[:100]}: {why}")
                    else:
                        taken.rows.append(_clean(point_row(point, resource, policy)))


def _points(metric: Proto) -> Iterator[tuple[Point, str]]:
    """The points of a metric, each with the reason why it is refused."""
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    for sent in data.data_points:
        if sent.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:  # the series has ended
            continue
        if kind in ("gauge", "sum"):
            yield _number_point(metric, data, sent, kind), ""
        elif kind == "summary":
            yield _point(metric, data, sent), "must be a gauge, a sum or a histogram, not a summary"
        else:
            yield _histogram(metric, data, sent, exponential=kind == "exponential_histogram")


def _number_point(metric: Proto, data: Proto, sent: Proto, kind: str) -> Point:
    which = sent.WhichOneof("value")
    value = float(getattr(sent, which)) if which else None
    return _point(metric, data, sent, kind=kind, value=value)


def _histogram(metric: Proto, data: Proto, sent: Proto, *, exponential: bool) -> tuple[Point, str]:
    """A histogram in buckets of one scale; of a known duration in seconds."""
    factor = _SECONDS.get(metric.unit, 1.0) if metric.name in METRICS else 1.0
    fault = _fault(sent, exponential=exponential)
    buckets: dict[int, float] = {}
    if exponential and not fault:
        positive = sent.positive
        buckets = histogram.of_exponential(
            sent.scale, float(sent.zero_count), positive.offset, positive.bucket_counts, factor
        )
    elif sent.bucket_counts and not fault:
        bounds = [bound * factor for bound in sent.explicit_bounds]
        least, most = (_end(sent, name, factor) for name in ("min", "max"))
        buckets = histogram.of_explicit(bounds, sent.bucket_counts, least, most)
    total = sent.sum * factor if sent.HasField("sum") else None
    return _point(metric, data, sent, kind="histogram", count=sent.count, total=total, buckets=buckets), fault


def _end(sent: Proto, name: str, factor: float) -> float | None:
    """The smallest or the largest value, where it was sent."""
    value = float(getattr(sent, name))
    return value * factor if sent.HasField(name) and 0 <= value < math.inf else None


def _fault(sent: Proto, *, exponential: bool) -> str:
    """Why a histogram is refused."""
    if exponential:
        counts = sent.positive.bucket_counts
        if any(sent.negative.bucket_counts):
            return "must have no negative values"
        return "" if len(counts) <= _MOST_BUCKETS and -10 <= sent.scale <= 20 else _too_fine()  # noqa: PLR2004 - of the specification
    bounds, counts = sent.explicit_bounds, sent.bucket_counts
    if len(bounds) > _MOST_BUCKETS:
        return _too_fine()
    if counts and len(counts) != len(bounds) + 1:
        return f"bucketCounts must be one more than explicitBounds ({len(bounds)}), got {len(counts)}"
    ascending = all(low < high for low, high in pairwise((-1.0, *bounds)))
    right = ascending and all(0 <= bound < math.inf for bound in bounds)
    return "" if right else "explicitBounds must be finite and ascend from 0 or more"


def _too_fine() -> str:
    return f"must have a scale of -10 to 20 and at most {_MOST_BUCKETS} buckets"


def _point(metric: Proto, data: Proto, sent: Proto, **values: Any) -> Point:  # noqa: ANN401 - fields of a point
    given = {"kind": "gauge", "value": None, "count": None, "total": None, "buckets": {}} | values
    is_gauge = given["kind"] == "gauge"
    return Point(
        metric=metric.name,
        unit=metric.unit,
        temporality="" if is_gauge else _TEMPORALITY.get(data.aggregation_temporality, ""),
        monotonic=bool(getattr(data, "is_monotonic", False)),
        start=sent.start_time_unix_nano,
        at=sent.time_unix_nano,
        attributes=_attributes(sent.attributes),
        **given,
    )


def _logs(message: Proto, policy: OpenTelemetry, now: datetime, taken: Taken) -> None:
    place = 0
    for group in message.resource_logs:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_logs:
            for place, sent in enumerate(scope.log_records, place + 1):  # noqa: B020 - counted on from scope to scope
                record = _record(sent, place)
                if fault := fault_of_instant(record.at, now, "timeUnixNano"):
                    taken.refuse(f"logRecords: {fault}")
                else:
                    taken.rows.append(_clean(record_row(record, resource, policy)))


def _record(sent: Proto, place: int) -> Record:
    body = _value(sent.body)
    return Record(
        at=sent.time_unix_nano or sent.observed_time_unix_nano,
        severity=sent.severity_number,
        event=sent.event_name,
        body="" if body is None else str(body)[:_LONGEST_BODY],
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        place=place,
        attributes=_attributes(sent.attributes),
    )


def _attributes(sent: Iterable[Proto]) -> Attributes:
    """Attributes whose values are simple; the last one of a name counts."""
    found = ((one.key, _value(one.value)) for one in sent)
    return {name: value for name, value in found if value is not None}


def _value(sent: Proto) -> Value | None:
    """A value; a list of values as their text, separated by commas. Nothing of bytes and of what is nested."""
    kind = sent.WhichOneof("value")
    if kind in ("string_value", "int_value", "double_value", "bool_value"):
        value: Value = getattr(sent, kind)
        return value
    if kind == "array_value":
        return ",".join(str(one) for one in map(_flat, sent.array_value.values[:_MOST_BUCKETS]) if one is not None)
    return None


def _flat(sent: Proto) -> Value | None:
    return None if sent.WhichOneof("value") == "array_value" else _value(sent)


def _clean(row: Row) -> Row:
    """A row whose texts are without secrets, its attributes as JSON."""
    attributes = {name: _redacted(one) if isinstance(one, str) else one for name, one in row["attributes"].items()}
    texts = {name: _redacted(row[name]) for name in _TEXTS if row.get(name)}
    return row | texts | {"attributes": msgspec.json.encode(attributes).decode()}


@lru_cache(maxsize=20_000)
def _redacted(text: str) -> str:
    """A text without secrets; those of telemetry are few and come again."""
    return redact(text)
