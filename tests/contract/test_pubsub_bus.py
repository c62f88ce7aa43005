"""The Bus port over the official client, against our server."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import UnavailableError
from core.events import Finding, Severity, Status
from functions.adapters.bus import BATCH_MESSAGES, open_bus
from functions.adapters.events import decode
from functions.adapters.ports import BulkBus, RowBus
from tests.contract.pubsub_fixtures import PROJECT, Bus, endpoint, google_emulator, our_server

FINDING = Finding(
    target="model/flight-delay",
    kind="drift",
    status=Status.FIRING,
    severity=Severity.ERROR,
    observed_at=datetime(2013, 12, 31, tzinfo=UTC),
    source="drift_score",
    summary="distance has drifted",
    value=0.4,
    threshold=0.2,
)


@pytest.fixture(scope="module", params=["ours", "google"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    folder = tmp_path_factory.mktemp("bus")
    running = our_server(folder / "pubsub.sqlite") if request.param == "ours" else google_emulator(folder)
    with running as bus:
        yield bus


@pytest.fixture
def bus(server: Bus, monkeypatch: pytest.MonkeyPatch) -> BulkBus:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
    return open_bus(PROJECT, patience=3)


def test_a_published_event_arrives_whole_with_what_filters_need(server: Bus, bus: BulkBus) -> None:
    topic = server.topic()
    subscription = server.subscription(topic)
    bus.publish(topic.rsplit("/", 1)[1], FINDING, table="findings")
    [received] = server.pull(subscription, 1)
    assert decode(received.message.data, Finding) == FINDING
    assert dict(received.message.attributes) == {
        "type": "finding",
        "version": "1",
        "id": FINDING.id,
        "severity": "error",
        "table": "findings",
    }


def test_rows_arrive_as_json_each_with_the_attributes_of_its_table(server: Bus, bus: RowBus) -> None:
    topic = server.topic()
    subscription = server.subscription(topic, filter='attributes.table = "experience"')
    rows = [
        {"event_id": f"e{n}", "observed_at": FINDING.observed_at, "value": n / 4, "failed": None}
        for n in range(BATCH_MESSAGES + 3)
    ]
    bus.publish_rows(topic.rsplit("/", 1)[1], rows, table="experience")
    bus.publish_rows(topic.rsplit("/", 1)[1], rows[:1], table="another")
    taken = [json.loads(one.message.data) for one in server.pull(subscription, len(rows))]
    assert sorted(taken, key=lambda row: row["value"]) == [
        row | {"observed_at": "2013-12-31T00:00:00Z"} for row in rows
    ]


def test_a_published_event_reaches_a_push_endpoint(server: Bus, bus: BulkBus) -> None:
    topic = server.topic()
    with endpoint() as place:
        server.subscription(topic, push_config={"push_endpoint": place.url})
        bus.publish(topic.rsplit("/", 1)[1], FINDING)
        [body] = place.wait(1)
    assert decode(base64.b64decode(body["message"]["data"]), Finding) == FINDING


def test_many_events_arrive_whole_each_with_what_filters_need(server: Bus, bus: BulkBus) -> None:
    topic = server.topic()
    subscription = server.subscription(topic)
    events = [
        replace(FINDING, observed_at=FINDING.observed_at + timedelta(seconds=n)) for n in range(2 * BATCH_MESSAGES + 3)
    ]
    bus.publish_all(topic.rsplit("/", 1)[1], events)
    received = server.pull(subscription, len(events))
    assert len(received) == len(events)
    taken = [decode(one.message.data, Finding) for one in sorted(received, key=lambda one: int(one.message.message_id))]
    assert taken == events
    assert {one.message.attributes["severity"] for one in received} == {"error"}
    assert {one.message.attributes["id"] for one in received} == {event.id for event in events}


def test_of_no_events_nothing_is_asked_of_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    open_bus(PROJECT, patience=1).publish_all("findings", [])


def test_many_events_for_a_topic_that_is_not_there_name_it(bus: BulkBus) -> None:
    with pytest.raises(UnavailableError, match="bus: projects/aia-local/topics/none at 127"):
        bus.publish_all("none", [FINDING] * 3)


def test_a_topic_that_is_not_there_is_named(bus: BulkBus) -> None:
    with pytest.raises(UnavailableError, match="bus: projects/aia-local/topics/none at 127"):
        bus.publish("none", FINDING)


def test_a_bus_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(UnavailableError, match=r"bus: projects/aia-local/topics/findings at 127\.0\.0\.1:9"):
        open_bus(PROJECT, patience=1).publish("findings", FINDING)
