"""Rows of the tables of telemetry: of a span, of a point of a metric, of a log record; attributes as a mapping."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.settings import OpenTelemetry
from core.settings.generation import Prices
from core.telemetry import buckets as histogram
from core.telemetry import conventions
from core.telemetry.conventions import METRICS, SERVER, Attributes, Value

Row = dict[str, Any]
OLDEST, AHEAD = timedelta(days=7), timedelta(minutes=10)
"""How far the end of a span, the instant of a point or of a log record may lie before and after now."""
_NANO = 1_000_000_000
_TRACE_DIGITS, _SPAN_DIGITS = 32, 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST, _MOST_COUNTED = 2.0**53, 2**63 - 1
_MOST_TOKENS = 10**12
"""Of a call of a model: the warehouse adds them up in 64 bits, and fails beyond."""
_LARGEST_VALUE = 1e100
"""Of a point: sums and differences of such values are numbers, in the warehouse as well, which fails at one that is not."""
SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span as it was sent; instants in nanoseconds since 1970, ids in hexadecimal, `status` 2 for an error."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start: int
    end: int
    status: int
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of a metric as it was sent.

    Attributes:
        metric: the name of the metric.
        unit: of the values.
        kind: `gauge`, `sum` or `histogram`.
        temporality: `delta` or `cumulative`; of a gauge empty.
        monotonic: whether a sum only grows.
        start: instant since which it is counted, in nanoseconds since 1970; 0 where it is not known.
        at: instant of the point.
        value: of a gauge or a sum.
        count: values of a histogram.
        total: their sum.
        buckets: their numbers by bucket; values in the unit.
        attributes: of the series.
    """

    metric: str
    unit: str
    kind: str
    temporality: str
    monotonic: bool
    start: int
    at: int
    value: float | None
    count: int | None
    total: float | None
    buckets: Mapping[int, float]
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A log record as it was sent; `place` is its number in the request."""

    at: int
    severity: int
    event: str
    body: str
    trace_id: str
    span_id: str
    place: int
    attributes: Attributes


def fault_of(span: Span, now: datetime) -> str:
    """Why a span is refused; empty where it is not."""
    ids = ((span.trace_id, _TRACE_DIGITS), (span.span_id, _SPAN_DIGITS))
    if any(len(given) != digits or not given.strip("0") for given, digits in ids):
        return "traceId must be 16 bytes and spanId 8, not all zero"
    if span.end < span.start:
        return "endTimeUnixNano must not be before startTimeUnixNano"
    # A start of 0 is one that was not sent: as a duration it would be decades.
    return fault_of_instant(span.end, now, "endTimeUnixNano") or fault_of_instant(span.start, now, "startTimeUnixNano")


def fault_of_instant(nanoseconds: int, now: datetime, name: str) -> str:
    """Why an instant is refused; empty where it is not."""
    behind = now.timestamp() - nanoseconds / _NANO
    if -AHEAD.total_seconds() <= behind <= OLDEST.total_seconds():
        return ""
    return f"{name} must be at most {OLDEST.days} days before now and {AHEAD.seconds // 60} minutes after"


def fault_of_point(point: Point, now: datetime) -> str:
    """Why a point is refused; empty where it is not."""
    if point.kind != "gauge" and not point.temporality:
        return "aggregationTemporality must be delta (1) or cumulative (2)"
    if point.start > point.at:
        return "startTimeUnixNano must not be after timeUnixNano"
    if any(abs(value or 0.0) > _LARGEST_VALUE for value in (point.value, point.total)):
        return f"values must be -{_LARGEST_VALUE:.0e} to {_LARGEST_VALUE:.0e}"
    if point.monotonic and (point.value or 0.0) < 0:
        return "a sum that only grows must not be below zero"
    return fault_of_instant(point.at, now, "timeUnixNano")


def span_row(span: Span, resource: Attributes, policy: OpenTelemetry) -> Row:
    """The row of a span in `telemetry.spans`."""
    attributes = conventions.renamed({**resource, **span.attributes})
    what = conventions.operation(span.kind, span.name, attributes)
    seconds = (span.end - span.start) / _NANO
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_id or None,
        "ended_at": instant(span.end),
        "service": conventions.service(attributes),
        "span_name": conventions.name_of(span.name),
        "kind": span.kind,
        "operation": what.kind,
        "name": what.name,
        "seconds": seconds,
        "bucket": histogram.index(seconds),
        "failed": span.status == 2 or (span.kind == SERVER and conventions.is_failed(attributes)),  # noqa: PLR2004 - STATUS_CODE_ERROR
        "error_type": _text(attributes.get("error.type")),
        "tokens_in": _integer(attributes.get("gen_ai.usage.input_tokens")),
        "tokens_out": _integer(attributes.get("gen_ai.usage.output_tokens")),
        "dollars": _dollars(attributes, policy.prices),
        "attributes": conventions.stored(attributes, policy.attributes),
    }


def point_row(point: Point, resource: Attributes, policy: OpenTelemetry) -> Row:
    """The row of a point in `telemetry.metric_points`; values of known durations in seconds."""
    attributes = conventions.renamed({**resource, **point.attributes})
    of_operation = METRICS.get(point.metric)
    what = conventions.operation(of_operation, point.metric, attributes) if of_operation else None
    # By everything that was sent: two series that differ only in what is not stored are two all the same.
    series = digest([point.metric, sorted(resource.items()), sorted(point.attributes.items())])
    return {
        "point_id": digest([series, point.at, point.start]),
        "series_id": series,
        "observed_at": instant(point.at),
        "started_at": instant(point.start) if point.start else None,
        "service": conventions.service(attributes),
        "metric": conventions.name_of(point.metric),
        "unit": point.unit[: conventions.LONGEST_NAME],
        "kind": point.kind,
        "temporality": point.temporality or None,
        "monotonic": point.monotonic,
        "operation": what and what.kind,
        "name": what and what.name,
        "failed": conventions.is_failed(attributes),
        "value": point.value,
        "count": None if point.count is None else min(point.count, _MOST_COUNTED),
        "total": point.total,
        "buckets": [{"bucket": bucket, "n": n} for bucket, n in sorted(point.buckets.items())],
        "attributes": conventions.stored(attributes, policy.attributes),
    }


def record_row(record: Record, resource: Attributes, policy: OpenTelemetry) -> Row:
    """The row of a log record in `telemetry.log_records`."""
    attributes = conventions.renamed({**resource, **record.attributes})
    identity = [record.at, record.severity, record.body, record.trace_id, record.span_id, record.place]
    return {
        "record_id": digest([identity, sorted(resource.items()), sorted(record.attributes.items())]),
        "observed_at": instant(record.at),
        "service": conventions.service(attributes),
        "severity": severity(record.severity),
        "event": _text(record.event or attributes.get("event.name")),
        "error_type": _text(attributes.get("error.type")),
        "trace_id": record.trace_id or None,
        "span_id": record.span_id or None,
        "body": record.body if policy.log_bodies and record.body else None,
        "attributes": conventions.stored(attributes, policy.attributes),
    }


def severity(number: int) -> str:
    """The severity of a number of OpenTelemetry, 1 to 24; any other is that of information.

    >>> severity(1), severity(9), severity(17), severity(24), severity(0)
    ('trace', 'info', 'error', 'fatal', 'info')
    """
    return SEVERITIES[(number - 1) // 4] if 1 <= number <= 24 else "info"  # noqa: PLR2004 - SEVERITY_NUMBER_FATAL4


def instant(nanoseconds: int) -> datetime:
    """An instant, to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def digest(identity: Iterable[Any]) -> str:
    """An id that is the same for the same."""
    return hashlib.blake2b(json.dumps(list(identity), separators=(",", ":")).encode(), digest_size=16).hexdigest()


def _dollars(attributes: Attributes, prices: Mapping[str, Prices]) -> float | None:
    """What a call of a model cost: as it says, or by its tokens."""
    given = _number(attributes.get("aia.cost.dollars"))
    if given is not None:
        return given
    price = prices.get(str(attributes.get("gen_ai.request.model", "")))
    if price is None or attributes.get("gen_ai.operation.name") in ("invoke_agent", "execute_tool"):
        return None
    tokens_in = _number(attributes.get("gen_ai.usage.input_tokens")) or 0
    tokens_out = _number(attributes.get("gen_ai.usage.output_tokens")) or 0
    return (tokens_in * price.tokens_in + tokens_out * price.tokens_out) / 1e6


def _number(given: Value | None) -> float | None:
    """A number that is not negative."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(given) if 0 <= given < _LARGEST else None


def _integer(given: Value | None) -> int | None:
    found = _number(given)
    return None if found is None or found > _MOST_TOKENS else int(found)


def _text(given: Value | None) -> str | None:
    return None if given in (None, "") else conventions.name_of(given)
