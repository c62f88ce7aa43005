"""The function otlp: what SDKs, browsers and collectors send becomes rows, and everything else is refused with its reason."""

import gzip
import json
import math
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import flask
import msgspec
import pytest
from google.api_core import exceptions
from google.cloud.bigquery import SchemaField
from google.pubsub_v1.types import Subscription
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from werkzeug.test import EnvironBuilder

from core.errors import QuotaError, UnavailableError
from core.settings import OpenTelemetry
from core.settings.generation import Prices
from functions.adapters.bus import _port_errors
from functions.otlp.body import LARGEST, LARGEST_UNPACKED
from functions.otlp.respond import AT_ONCE
from infra.local.pubsub.rows import RowFormat
from infra.local.warehouse import read_definitions
from tests.support.builders.budget import examples
from tests.support.fakes.otlp import NOW, Otlp, attributes, nanoseconds, span, traces

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACES = traces(span(NOW)).SerializeToString()
HEXADECIMAL = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "5B8EFFF798038103D269B633813FC60C",
                            "spanId": "EEE19B7EC3C1B174",
                            "parentSpanId": "",
                            "name": "query",
                            "kind": 3,
                            "startTimeUnixNano": str(nanoseconds(NOW - timedelta(seconds=2))),
                            "endTimeUnixNano": nanoseconds(NOW),
                            "status": {"code": 2},
                            "attributes": [
                                {"key": "db.system.name", "value": {"stringValue": "neo4j"}},
                                {"key": "db.operation.name", "value": {"stringValue": "MATCH"}},
                                {"key": "error.type", "value": {"stringValue": "timeout"}},
                                {"key": "rows", "value": {"intValue": "12"}},
                            ],
                            "aFieldOfTheFuture": {"x": [1]},
                        }
                    ]
                }
            ],
        }
    ]
}


def post(otlp: Otlp, body: bytes, path: str = "/v1/traces", content_type: str = PROTOBUF, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    method = named.pop("method", "POST")
    built = EnvironBuilder(method=method, path=path, data=body, content_type=content_type, headers=named)
    return otlp.answer(flask.Request(built.get_environ()))


def refused(answer: Any, status: int) -> str:
    """The reason of an answer in protobuf."""
    assert answer.status_code == status
    found = Status.FromString(answer.data)
    assert found.code != code_pb2.OK
    return str(found.message)


def test_a_span_becomes_a_row() -> None:
    otlp = Otlp()
    request = traces(span(NOW, http__route="/carts/{id}", http__request__method="GET", http__response__status_code=503))
    answer = post(otlp, request.SerializeToString())
    assert (answer.status_code, answer.content_type) == (200, PROTOBUF)
    assert ExportTraceServiceResponse.FromString(answer.data) == ExportTraceServiceResponse()
    assert otlp.rows("spans") == [
        {
            "trace_id": b"t".hex() * 16,
            "span_id": b"1".hex() * 8,
            "parent_span_id": None,
            "ended_at": NOW,
            "service": "shop",
            "span_name": "GET /carts/{id}",
            "kind": "server",
            "operation": "request",
            "name": "/carts/{id}",
            "seconds": 0.25,
            "bucket": -17,
            "failed": True,
            "error_type": None,
            "tokens_in": None,
            "tokens_out": None,
            "dollars": None,
            "attributes": '{"service.name":"shop","http.route":"/carts/{id}","http.request.method":"GET","http.response.status_code":503}',
        }
    ]
    assert otlp.metrics.values["aia_telemetry_items_total", "taken", "traces"] == 1
    assert otlp.metrics.values["aia_function_requests_total", "otlp", "done"] == 1


def test_json_has_hexadecimal_ids_integers_as_texts_and_fields_that_nobody_knows() -> None:
    otlp = Otlp()
    answer = post(otlp, json.dumps(HEXADECIMAL).encode(), content_type=JSON)
    assert (answer.status_code, json.loads(answer.data)) == (200, {})
    [row] = otlp.rows("spans")
    assert (row["trace_id"], row["span_id"]) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (row["operation"], row["name"], row["seconds"], row["error_type"]) == (
        "database",
        "neo4j/MATCH",
        2.0,
        "timeout",
    )
    assert "rows" not in row["attributes"]


def test_gzip_is_read_and_the_same_request_again_has_the_same_rows() -> None:
    otlp = Otlp()
    for _ in range(2):
        assert post(otlp, gzip.compress(TRACES), content_encoding="gzip").status_code == 200
    first, second = otlp.rows("spans")
    assert first == second


def test_what_is_wrong_is_refused_and_the_rest_is_taken() -> None:
    otlp = Otlp()
    old, ahead = span(NOW - timedelta(days=8)), span(NOW + timedelta(minutes=11))
    without, backwards = span(NOW, span_id=b""), span(NOW, seconds=-1)
    sent = traces(old, ahead, without, backwards, span(NOW)).SerializeToString()
    answer = post(otlp, sent)
    partial = ExportTraceServiceResponse.FromString(answer.data).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 4)
    assert partial.error_message == "spans: endTimeUnixNano must be at most 7 days before now and 10 minutes after"
    assert len(otlp.rows("spans")) == 1
    assert otlp.metrics.values["aia_telemetry_items_total", "refused", "traces"] == 4


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"body": b"\xff\xff"}, 400, "body: must be ExportTraceServiceRequest in protobuf"),
        ({"body": b"x", "content_encoding": "gzip"}, 400, "body: must be gzip"),
        ({"body": gzip.compress(TRACES)[:-9], "content_encoding": "gzip"}, 400, "body: must be gzip"),
        ({"body": TRACES, "content_encoding": "br"}, 400, "content-encoding: must be gzip or identity, got 'br'"),
        ({"body": TRACES, "path": "/v1/profiles"}, 404, "path: must be one of /v1/traces, /v1/metrics, /v1/logs"),
        ({"body": b"", "method": "GET"}, 405, "method: must be POST, got GET"),
        ({"body": b"x" * (LARGEST + 1)}, 413, f"body: must be at most {LARGEST} bytes"),
        (
            {"body": gzip.compress(b"\0" * (LARGEST_UNPACKED + 1)), "content_encoding": "gzip"},
            413,
            f"body: must be at most {LARGEST_UNPACKED} bytes when it is unpacked",
        ),
    ],
)
def test_a_request_that_is_wrong_is_answered_with_the_reason(sent: dict[str, Any], status: int, reason: str) -> None:
    otlp = Otlp()
    assert refused(post(otlp, **sent), status).startswith(reason)
    assert otlp.bus.by_table == {}
    assert otlp.metrics.values["aia_function_requests_total", "otlp", "refused"] == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "in JSON"),
        (b"[]", "in JSON"),
        (b'{"resourceSpans": 3}', "in JSON"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}', "traceId must be hexadecimal"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "body: must be"),
        (b'{"resourceSpans":' + b"[" * 100 + b"]" * 100 + b"}", "nested at most"),
    ],
)
def test_json_that_is_wrong_is_answered_in_json(body: bytes, reason: str) -> None:
    answer = post(Otlp(), body, content_type=JSON)
    assert (answer.status_code, answer.content_type) == (400, JSON)
    assert json.loads(answer.data)["code"] == code_pb2.INVALID_ARGUMENT
    assert reason in json.loads(answer.data)["message"]


def test_another_content_type_is_refused() -> None:
    answer = post(Otlp(), TRACES, content_type="text/plain")
    assert answer.status_code == 415
    assert json.loads(answer.data)["message"].endswith("got 'text/plain'")


def test_a_body_that_says_that_it_is_too_large_is_not_read() -> None:
    built = EnvironBuilder(method="POST", path="/v1/traces", content_type=PROTOBUF, data=b"")
    environ = built.get_environ() | {"CONTENT_LENGTH": str(LARGEST + 1), "wsgi.input": None}
    assert refused(Otlp().answer(flask.Request(environ)), 413)


def test_without_the_token_nothing_is_read() -> None:
    otlp = Otlp(token="t0ken")
    for credentials in ("", "Bearer other", "Basic x"):
        answer = post(otlp, b"\xff", Authorization=credentials)
        assert "token" in refused(answer, 401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="otlp"'
    assert post(otlp, TRACES, Authorization="Bearer t0ken").status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"), [(UnavailableError("bus: down"), 503), (QuotaError("bus: quota"), 429)], ids=["down", "full"]
)
def test_without_the_bus_the_sender_is_told_when_to_come_again(fault: Exception, status: int) -> None:
    otlp = Otlp()
    otlp.bus.fault = fault
    answer = post(otlp, TRACES)
    assert refused(answer, status)
    assert answer.headers["Retry-After"] == "5"
    otlp.bus.fault = None
    assert post(otlp, TRACES).status_code == 200
    assert len(otlp.rows("spans")) == 1


def test_a_bus_whose_quota_is_used_up_is_told_from_one_that_does_not_answer() -> None:
    for fault, expected in (
        (exceptions.ResourceExhausted("quota"), QuotaError),
        (exceptions.Unknown("x"), UnavailableError),
    ):
        with pytest.raises(UnavailableError) as found, _port_errors("projects/p/topics/telemetry"):
            raise fault
        assert type(found.value) is expected


def test_rows_of_every_signal_fit_their_tables() -> None:
    """As a subscription of BigQuery takes them: by the schema, and nothing beyond it."""
    otlp, at = Otlp(OpenTelemetry(log_bodies=True)), nanoseconds(NOW)
    request, logged = metrics(), ExportLogsServiceRequest()
    total = request.resource_metrics[0].scope_metrics[0].metrics.add(name="x").histogram
    total.aggregation_temporality = 2
    total.data_points.add(time_unix_nano=at, count=2**63, sum=math.nan, explicit_bounds=[1.0], bucket_counts=[1, 1])
    record = logged.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=at)
    record.body.string_value = "hello"
    model = {"gen_ai__operation__name": "chat", "gen_ai__usage__input_tokens": 7.0}
    for signal, message in (("traces", traces(span(NOW, **model))), ("metrics", request), ("logs", logged)):
        assert post(otlp, message.SerializeToString(), f"/v1/{signal}").status_code == 200
    schemas = {one.id: [SchemaField.from_api_repr(column) for column in one.schema] for one in read_definitions()}
    config = Subscription.pb()(bigquery_config={"use_table_schema": True})
    for table, rows in otlp.bus.by_table.items():
        [row] = rows
        sent = SimpleNamespace(message=SimpleNamespace(data=msgspec.json.encode(row)))
        stored = json.loads(RowFormat(schemas[f"telemetry.{table}"], config).row(sent))
        assert stored.keys() == {
            name for name, value in json.loads(msgspec.json.encode(row)).items() if value is not None
        }
    assert len(otlp.bus.by_table) == 3


def test_too_many_at_once_are_told_to_come_again() -> None:
    otlp = Otlp()
    places = otlp.answer.keywords["telemetry"].places
    for _ in range(AT_ONCE):
        places.acquire()
    answer = post(otlp, TRACES)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    places.release()
    assert post(otlp, TRACES).status_code == 200


def test_a_page_of_an_origin_of_the_settings_may_send() -> None:
    otlp = Otlp(OpenTelemetry(allowed_origins=("https://shop.example",)))
    asked = post(otlp, b"", method="OPTIONS", Origin="https://shop.example")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "https://shop.example")
    assert "content-type" in asked.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" in post(otlp, TRACES, Origin="https://shop.example").headers
    for method in ("OPTIONS", "POST"):
        other = post(otlp, TRACES, method=method, Origin="https://evil.example")
        assert "Access-Control-Allow-Origin" not in other.headers


SECRETS = {
    "gen_ai__input__messages": "my salary is",
    "gen_ai__output__messages": "you earn",
    "gen_ai__system_instructions": "be kind",
    "gen_ai__tool__call__arguments": "{}",
    "db__query__text": "MATCH (p {name: 'Ann'})",
    "url__query": "token=abc",
    "url__full": "https://ann:hunter2@shop.example/a?token=abc",
    "http__url": "https://shop.example/?q=1",
    "http__request__header__authorization": "Bearer abc",
    "enduser__id": "ann",
    "client__address": "10.0.0.1",
    "exception__message": "for ann",
}


def test_prompts_query_strings_statements_and_people_are_not_stored() -> None:
    otlp = Otlp()
    assert post(otlp, traces(span(NOW, http__route="/a", **SECRETS)).SerializeToString()).status_code == 200
    [row] = otlp.rows("spans")
    assert json.loads(row["attributes"]) == {"service.name": "shop", "http.route": "/a"}
    assert not any(str(secret) in repr(row) for secret in SECRETS.values() if len(str(secret)) > 3)


def test_what_the_settings_name_is_stored_without_secrets() -> None:
    kept = ("url.full", "gen_ai.input.messages", "note")
    otlp = Otlp(OpenTelemetry(attributes=kept))
    sent = span(NOW, note="password=hunter2 fine", **SECRETS)
    assert post(otlp, traces(sent).SerializeToString()).status_code == 200
    assert json.loads(otlp.rows("spans")[0]["attributes"]) == {
        "service.name": "shop",
        "url.full": "https://shop.example/a",
        "gen_ai.input.messages": "my salary is",
        "note": "password=[hidden] fine",
    }


def test_a_call_of_a_model_has_its_tokens_and_what_they_cost() -> None:
    prices = {"gemini": Prices(tokens_in=1.0, tokens_out=4.0)}
    asked = {
        "gen_ai__operation__name": "chat",
        "gen_ai__request__model": "gemini",
        "gen_ai__usage__input_tokens": 1000,
        "gen_ai__usage__output_tokens": 500,
    }
    otlp = Otlp(OpenTelemetry(prices=prices))
    whole = traces(span(NOW, kind=3, **asked), span(NOW, kind=3, aia__cost__dollars=0.5, **asked))
    assert post(otlp, whole.SerializeToString()).status_code == 200
    found = [(row["operation"], row["name"], row["tokens_in"], row["dollars"]) for row in otlp.rows("spans")]
    assert found == [("model", "gemini", 1000, 0.003), ("model", "gemini", 1000, 0.5)]


def metrics() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(service__name="shop", browser__mobile=True))
    group.scope_metrics.add()
    return request


def test_points_of_every_kind_become_rows() -> None:
    otlp, request, at = Otlp(), metrics(), nanoseconds(NOW)
    given = request.resource_metrics[0].scope_metrics[0].metrics
    given.add(name="queue").gauge.data_points.add(time_unix_nano=at, as_int=3)
    total = given.add(name="aia.frame.dropped").sum
    total.aggregation_temporality, total.is_monotonic = 2, True
    total.data_points.add(time_unix_nano=at, start_time_unix_nano=at - 60_000_000_000, as_double=7.0)
    explicit = given.add(name="http.server.request.duration", unit="ms").histogram
    explicit.aggregation_temporality = 1
    bounds = {"explicit_bounds": [100.0, 200.0], "bucket_counts": [0, 10, 0]}
    explicit.data_points.add(time_unix_nano=at, count=10, sum=1500.0, attributes=attributes(http__route="/a"), **bounds)
    exponential = given.add(name="aia.frame.duration", unit="s").exponential_histogram
    exponential.aggregation_temporality = 1
    point = exponential.data_points.add(time_unix_nano=at, count=4, sum=0.1, scale=4, zero_count=1)
    point.positive.offset = -96
    point.positive.bucket_counts.extend([1, 2])
    given.add(name="old").summary.data_points.add(time_unix_nano=at)
    answer = post(otlp, request.SerializeToString(), "/v1/metrics")
    assert b"old: must be a gauge, a sum or a histogram, not a summary" in answer.data
    queue, dropped, requests, frames = otlp.rows("metric_points")
    assert (queue["kind"], queue["value"], queue["operation"]) == ("gauge", 3.0, None)
    assert (dropped["kind"], dropped["temporality"], dropped["value"]) == ("sum", "cumulative", 7.0)
    assert (dropped["operation"], dropped["name"], dropped["started_at"]) == (
        "frame",
        "mobile",
        NOW - timedelta(minutes=1),
    )
    assert (requests["operation"], requests["name"], requests["count"], requests["total"]) == ("request", "/a", 10, 1.5)
    assert sum(one["n"] for one in requests["buckets"]) == pytest.approx(10)
    assert {one["bucket"] for one in requests["buckets"]} == set(range(-27, -18))
    assert frames["buckets"] == [{"bucket": -240, "n": 1.0}, {"bucket": -48, "n": 3.0}]
    assert len({row["series_id"] for row in otlp.rows("metric_points")}) == 4


@pytest.mark.parametrize(
    ("bounds", "counts"),
    [([1.0], [1]), ([2.0, 1.0], [1, 1, 1]), ([-1.0], [1, 1]), ([float("nan")], [1, 1]), ([float("inf")], [1, 1])],
)
def test_a_histogram_that_contradicts_itself_is_refused(bounds: list[float], counts: list[int]) -> None:
    otlp, request = Otlp(), metrics()
    explicit = request.resource_metrics[0].scope_metrics[0].metrics.add(name="x").histogram
    explicit.aggregation_temporality = 2
    explicit.data_points.add(time_unix_nano=nanoseconds(NOW), explicit_bounds=bounds, bucket_counts=counts)
    answer = post(otlp, request.SerializeToString(), "/v1/metrics")
    assert answer.status_code == 200
    assert b"must" in answer.data
    assert otlp.bus.by_table == {}


@pytest.mark.parametrize(("policy", "body"), [(False, None), (True, "paid with [hidden]")])
def test_a_log_record_has_its_severity_and_its_body_only_where_the_settings_say_so(
    *, policy: bool, body: str | None
) -> None:
    otlp, request = Otlp(OpenTelemetry(log_bodies=policy)), ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes(service__name="shop"))
    record = group.scope_logs.add().log_records.add(observed_time_unix_nano=nanoseconds(NOW), severity_number=17)
    record.body.string_value = "paid with sk_live_0123456789abcdef"
    assert post(otlp, request.SerializeToString(), "/v1/logs").status_code == 200
    [row] = otlp.rows("log_records")
    assert (row["service"], row["severity"], row["body"], row["observed_at"]) == ("shop", "error", body, NOW)


@given(
    st.binary(max_size=300),
    st.sampled_from(["/v1/traces", "/v1/metrics", "/v1/logs"]),
    st.sampled_from([PROTOBUF, JSON]),
)
@settings(max_examples=examples(60))
def test_no_bytes_make_it_fail(body: bytes, path: str, content_type: str) -> None:
    assert post(Otlp(), body, path, content_type).status_code in (200, 400)
