"""The function otlp: bodies that are small when they are sent and large when they are read, times that are no durations, slow senders."""

import gzip
import io
import json
import math
from collections.abc import Callable
from datetime import timedelta

import flask
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from werkzeug.test import EnvironBuilder

from core.telemetry.conventions import LONGEST_NAME
from functions.otlp.body import MOST_PARTS, TooLargeError, decoded
from functions.otlp.parts import parts_of_protobuf
from functions.otlp.respond import AT_ONCE
from tests.support.builders.budget import examples
from tests.support.fakes.otlp import NOW, Otlp, nanoseconds, span, traces

PROTOBUF, JSON = "application/x-protobuf", "application/json"
MANY = MOST_PARTS + 1
FEW = 2001
KIND = ExportTraceServiceRequest.DESCRIPTOR


def field(number: int, body: bytes) -> bytes:
    """A field of protobuf that has a size."""
    size, digits = len(body), bytearray([number << 3 | 2])
    while size > 127:
        digits.append(size & 127 | 128)
        size >>= 7
    return bytes([*digits, size]) + body


def empty_spans(number: int) -> bytes:
    """Spans without anything, two bytes each."""
    return field(1, field(2, field(2, b"") * number))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (empty_spans(FEW), PROTOBUF),
        (empty_spans(FEW) + b"\x0a", PROTOBUF),
        (field(1, field(2, field(2, field(9, b"") * FEW))), PROTOBUF),
        (b'{"resourceSpans": [' + b"{}," * FEW + b"{}]}", JSON),
        (b'{"x": [' + b"[]," * FEW + b"[]]}", JSON),
    ],
    ids=["spans", "spans and a field that is cut", "attributes", "objects", "lists"],
)
def test_more_parts_than_are_read_are_refused_before_they_are_parsed(
    body: bytes, content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.otlp.body.MOST_PARTS", FEW - 1)
    with pytest.raises(TooLargeError, match="must have at most 2000 spans, points, records"):
        decoded(body, "traces", content_type)


def test_a_small_body_of_many_spans_is_answered_with_the_limit() -> None:
    body = gzip.compress(empty_spans(MANY))
    assert len(body) < 2000
    built = EnvironBuilder(
        method="POST", path="/v1/traces", data=body, content_type=PROTOBUF, headers={"Content-Encoding": "gzip"}
    )
    assert Otlp().answer(flask.Request(built.get_environ())).status_code == 413


def _parts(message: ExportTraceServiceRequest) -> int:
    """The messages in a message, by the parser."""

    def inner(one: object) -> int:
        return sum(
            sum(1 + inner(each) for each in (value if isinstance(value, list) else [value]))
            for kind, value in ((kind, _listed(kind, value)) for kind, value in one.ListFields())  # type: ignore[attr-defined] - of protobuf
            if kind.message_type is not None
        )

    return inner(message)


def _listed(kind: object, value: object) -> object:
    return list(value) if kind.is_repeated else value  # type: ignore[attr-defined, call-overload] - of protobuf


@given(
    st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers() | st.text(max_size=200), max_size=5), max_size=5)
)
@settings(max_examples=examples(30))
def test_parts_are_counted_as_the_parser_finds_them(attributes: list[dict[str, int | str]]) -> None:
    sent = traces(*(span(NOW) for _ in attributes))
    for one, given_attributes in zip(sent.resource_spans[0].scope_spans[0].spans, attributes, strict=True):
        for name, value in given_attributes.items():
            one.attributes.add(key=name).value.string_value = str(value)
    assert parts_of_protobuf(sent.SerializeToString(), KIND, MANY) == _parts(sent)


@pytest.mark.parametrize(
    "body", [b"\xff" * 100_000, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b" * 50, b"\x0a\x05"]
)
def test_counting_ends_whatever_the_bytes_are(body: bytes) -> None:
    assert parts_of_protobuf(body, KIND, MANY) <= 1


@pytest.mark.parametrize(
    "start", [0, nanoseconds(NOW - timedelta(days=8))], ids=["not sent", "older than what is taken"]
)
def test_a_span_that_began_before_what_is_taken_is_no_duration(start: int) -> None:
    otlp, sent = Otlp(), traces(span(NOW))
    sent.resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano = start
    answer = otlp.answer(_posted("/v1/traces", sent.SerializeToString()))
    partial = ExportTraceServiceResponse.FromString(answer.data).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message.startswith("spans: startTimeUnixNano must be at most 7 days before now")


def test_a_series_that_begins_after_its_point_is_refused() -> None:
    otlp, sent = Otlp(), ExportMetricsServiceRequest()
    metric = sent.resource_metrics.add().scope_metrics.add().metrics.add(name="x")
    metric.gauge.data_points.add(time_unix_nano=nanoseconds(NOW), start_time_unix_nano=2**64 - 1, as_int=1)
    otlp.answer(_posted("/v1/metrics", sent.SerializeToString()))
    assert otlp.metrics.values["aia_telemetry_items_total", "refused", "metrics"] == 1


@pytest.mark.parametrize(
    ("value", "monotonic", "stored"),
    [(1e100, True, [1e100]), (-1e100, False, [-1e100]), (math.nan, True, [None])]
    + [(value, True, []) for value in (1.1e100, math.inf, -math.inf, -1.0)],
)
def test_a_value_that_the_warehouse_cannot_add_up_is_refused_and_none_measures_nothing(
    *, value: float, monotonic: bool, stored: list[float | None]
) -> None:
    otlp, sent, at = Otlp(), ExportMetricsServiceRequest(), nanoseconds(NOW)
    total = sent.resource_metrics.add().scope_metrics.add().metrics.add(name="n" * 10_000).sum
    total.aggregation_temporality, total.is_monotonic = 2, monotonic
    total.data_points.add(time_unix_nano=at, as_double=value)
    total.data_points.add(time_unix_nano=at, flags=1)  # its series has ended
    answer = otlp.answer(_posted("/v1/metrics", sent.SerializeToString()))
    assert (answer.status_code, b"must" in answer.data) == (200, not stored)
    rows = otlp.bus.by_table.get("metric_points", [])
    assert [json.loads(msgspec.json.encode(row))["value"] for row in rows] == stored
    assert all(len(row["metric"]) == LONGEST_NAME for row in rows)


def test_tokens_of_a_call_that_nobody_could_have_paid_for_are_not_known() -> None:
    otlp = Otlp()
    for tokens in (10**12, 10**12 + 1, 2**62):
        model = {"gen_ai__operation__name": "chat", "gen_ai__usage__input_tokens": tokens}
        otlp.answer(_posted("/v1/traces", traces(span(NOW, **model)).SerializeToString()))
    assert [row["tokens_in"] for row in otlp.rows("spans")] == [10**12, None, None]


class _Drips(io.BytesIO):
    """A body that looks, while it is read, at what happens meanwhile."""

    def __init__(self, body: bytes, meanwhile: Callable[[], None]) -> None:
        super().__init__(body)
        self._meanwhile = meanwhile

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override] - werkzeug reads so
        self._meanwhile()
        return super().readinto(buffer)

    def read(self, size: int | None = -1, /) -> bytes:
        self._meanwhile()
        return super().read(size)


def test_a_sender_whose_bytes_drip_takes_no_place_from_others() -> None:
    otlp, body = Otlp(), traces(span(NOW)).SerializeToString()
    places, free = otlp.answer.keywords["telemetry"].places, list[bool]()

    def look() -> None:
        taken = [places.acquire(blocking=False) for _ in range(AT_ONCE)]
        free.append(all(taken))
        places.release(sum(taken))

    environ = EnvironBuilder(method="POST", path="/v1/traces", content_type=PROTOBUF).get_environ()
    request = flask.Request(environ | {"CONTENT_LENGTH": str(len(body)), "wsgi.input": _Drips(body, look)})
    assert otlp.answer(request).status_code == 200
    assert free
    assert all(free)


@pytest.mark.parametrize("path", ["/v1/traces", "/"])
def test_nothing_is_read_of_a_body_without_credentials(path: str) -> None:
    otlp, read = Otlp(token="right"), list[int]()
    environ = EnvironBuilder(method="POST", path=path, content_type=PROTOBUF).get_environ()
    body = _Drips(b"x" * 100, lambda: read.append(1))
    request = flask.Request(environ | {"CONTENT_LENGTH": "100", "wsgi.input": body})
    assert (otlp.answer(request).status_code, read) == (401, [])


def _posted(path: str, body: bytes) -> flask.Request:
    built = EnvironBuilder(method="POST", path=path, data=body, content_type=PROTOBUF)
    return flask.Request(built.get_environ())
