"""The replay over the wire: Google's publisher against a Pub/Sub endpoint, and load jobs against the warehouse."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from google.cloud.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PublishRequest, PublishResponse

from core.errors import UnavailableError
from functions.adapters.bus import BATCH_BYTES, batches
from functions.adapters.ports import PubsubMessage
from infra.local.past.load import load_rows
from infra.local.replay.flights import FLIGHTS
from infra.local.replay.history import History
from infra.local.replay.orders import ORDERS, Orders
from infra.local.replay.publish import publish
from infra.local.replay.reference import LABELS, ORDERED, PREDICTIONS, VERSIONS, version_row

pytest_plugins = ["tests.support.servers.warehouse"]
NOW = datetime(2026, 3, 4, 15, 37, 12, tzinfo=UTC)
TOPIC = "projects/aia-local/topics/telemetry"
MAX_BYTES = 10_000_000


class Endpoint:
    """Speaks Pub/Sub's Publish within its limits; keeps every request, refuses some with a status when told to."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.refusals: list[grpc.StatusCode] = []
        self._server = grpc.server(ThreadPoolExecutor(1), options=[("grpc.max_receive_message_length", MAX_BYTES)])
        method = grpc.unary_unary_rpc_method_handler(
            self._publish,
            request_deserializer=PublishRequest.deserialize,
            response_serializer=PublishResponse.serialize,
        )
        service = grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": method})
        self._server.add_generic_rpc_handlers((service,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _publish(self, request: PublishRequest, context: grpc.ServicerContext) -> PublishResponse:
        if self.refusals:
            context.abort(self.refusals.pop(0), "refused")
        if len(request.messages) > 1000:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "more than 1000 messages")
        self.requests.append(PublishRequest.pb(request))
        return PublishResponse(message_ids=[str(number) for number in range(len(request.messages))])


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.stop()


@pytest.fixture
def publisher(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublisherClient]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{endpoint.port}")
    client = PublisherClient()
    yield client
    client.transport.close()


@pytest.fixture(scope="module")
def history() -> History:
    return History.read(FLIGHTS, NOW)


def test_a_day_arrives_whole_in_order_and_in_full_batches(
    history: History, endpoint: Endpoint, publisher: PublisherClient
) -> None:
    messages = list(history.messages(*history.days[100]))
    heard: list[int] = []
    assert publish(messages, publisher, TOPIC, heard.append) == len(messages) > 1000
    received = [message for request in endpoint.requests for message in request.messages]
    assert [(one.data, dict(one.attributes)) for one in received] == [(two.data, two.attributes) for two in messages]
    assert [len(request.messages) for request in endpoint.requests[:-1]] == [1000] * (len(endpoint.requests) - 1)
    assert {request.topic for request in endpoint.requests} == {TOPIC}
    assert heard[-1] == len(messages)
    assert heard[0] == 1000


def test_a_batch_stays_below_what_pubsub_takes(endpoint: Endpoint, publisher: PublisherClient) -> None:
    large = [PubsubMessage(bytes([65 + n % 26]) * 1_000_000, {"table": "flight_predictions"}) for n in range(20)]
    assert publish(large, publisher, TOPIC) == 20
    assert [len(request.messages) for request in endpoint.requests] == [8, 8, 4]
    assert max(request.ByteSize() for request in endpoint.requests) <= BATCH_BYTES


def test_no_messages_make_no_request(endpoint: Endpoint, publisher: PublisherClient) -> None:
    assert publish([], publisher, TOPIC) == 0
    assert endpoint.requests == []


def test_batches_of_nothing_are_none() -> None:
    assert list(batches([])) == []


def test_a_passing_fault_is_tried_again_and_no_message_is_lost_or_doubled(
    endpoint: Endpoint, publisher: PublisherClient
) -> None:
    endpoint.refusals = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
    messages = [PubsubMessage(str(n).encode(), {}) for n in range(1500)]
    publish(messages, publisher, TOPIC)
    received = [message.data for request in endpoint.requests for message in request.messages]
    assert received == [message.data for message in messages]


def test_a_server_that_stays_away_is_named(endpoint: Endpoint, publisher: PublisherClient) -> None:
    endpoint.refusals = [grpc.StatusCode.UNAVAILABLE] * 1000
    with pytest.raises(
        UnavailableError, match=r"Pub/Sub: projects/aia-local/topics/telemetry took no messages for 0\.5 s"
    ):
        publish([PubsubMessage(b"{}", {})], publisher, TOPIC, timeout=0.5)


def test_a_topic_that_is_missing_is_not_tried_again(endpoint: Endpoint, publisher: PublisherClient) -> None:
    endpoint.refusals = [grpc.StatusCode.NOT_FOUND]
    with pytest.raises(NotFound):
        publish([PubsubMessage(b"{}", {})], publisher, TOPIC)
    assert endpoint.requests == []


def load_reference(client: bigquery.Client, history: History) -> int:
    """Load what the model was trained on, as the oldest part of the past does."""
    rows = {
        PREDICTIONS: ("scored_at", history.prediction_rows(*history.reference)),
        LABELS: ("arrived_at", history.label_rows(*history.reference)),
        VERSIONS: ("created_at", version_row(history.reference)),
    }
    return sum(load_rows(client, name, instant, table) for name, (instant, table) in rows.items())


def test_the_reference_is_loaded_once(history: History, client: bigquery.Client) -> None:
    expected = len(history.prediction_rows(*history.reference)) + len(history.label_rows(*history.reference)) + 1
    assert load_reference(client, history) == expected
    assert load_reference(client, history) == 0
    [counts] = client.query_and_wait("""
        SELECT COUNT(*) AS rows_, COUNT(DISTINCT p.prediction_id) AS ids, COUNTIF(p.pressure IS NULL) AS no_pressure,
               COUNTIF(IS_NAN(p.pressure)) AS nan, COUNTIF(l.late) AS late, MIN(p.scored_at) AS first
        FROM telemetry.flight_predictions AS p LEFT JOIN telemetry.flight_labels AS l USING (prediction_id)
    """)
    assert counts.rows_ == counts.ids == len(history.prediction_rows(*history.reference))
    assert counts.no_pressure == history.prediction_rows(*history.reference)["pressure"].null_count
    assert counts.nan == 0
    assert 0.2 < counts.late / counts.rows_ < 0.25
    assert counts.first == history.prediction_rows(*history.reference)["scored_at"][0].as_py()


def test_the_version_says_what_the_model_was_trained_on(history: History, client: bigquery.Client) -> None:
    load_reference(client, history)
    [version] = client.query_and_wait("SELECT * FROM ops.model_versions")
    assert (version.model, version.version) == ("flight-delay", "v1")
    assert (version.reference_start, version.reference_end) == tuple(history.reference)
    assert version.created_at == history.reference.end


def test_a_load_that_was_cut_short_is_completed(history: History, client: bigquery.Client) -> None:
    load_reference(client, history)
    client.query_and_wait("DELETE FROM ops.model_versions WHERE TRUE")
    assert load_reference(client, history) == 1


def test_loaded_rows_and_streamed_messages_have_the_same_shape(history: History, client: bigquery.Client) -> None:
    load_reference(client, history)
    message = next(history.messages(*history.days[0]))
    row = json.loads(message.data)
    assert client.insert_rows_json("telemetry.flight_predictions", [row]) == []
    [found] = client.query_and_wait(
        "SELECT * FROM telemetry.flight_predictions WHERE scored_at >= @end",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter("end", "TIMESTAMP", history.reference.end)]
        ),
    )
    assert dict(found) == row | {"scored_at": datetime.fromisoformat(row["scored_at"])}


def test_older_orders_are_loaded_once(client: bigquery.Client) -> None:
    orders = Orders.read(ORDERS, NOW.date())
    rows = orders.rows(orders.first, orders.first + timedelta(days=20))
    assert load_rows(client, ORDERED, "ordered_at", rows) == len(rows) > 0
    assert load_rows(client, ORDERED, "ordered_at", rows) == 0
    assert load_rows(client, ORDERED, "ordered_at", rows.slice(0, 0)) == 0
