"""The Bus port over the official client, against our server."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from core.errors import UnavailableError
from core.events import Finding, Severity, Status
from functions.adapters.bus import open_bus
from functions.adapters.events import decode
from functions.adapters.ports import Bus as BusPort
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
def bus(server: Bus, monkeypatch: pytest.MonkeyPatch) -> BusPort:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
    return open_bus(PROJECT, patience=3)


def test_a_published_event_arrives_whole_with_what_filters_need(server: Bus, bus: BusPort) -> None:
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


def test_a_published_event_reaches_a_push_endpoint(server: Bus, bus: BusPort) -> None:
    topic = server.topic()
    with endpoint() as place:
        server.subscription(topic, push_config={"push_endpoint": place.url})
        bus.publish(topic.rsplit("/", 1)[1], FINDING)
        [body] = place.wait(1)
    assert decode(base64.b64decode(body["message"]["data"]), Finding) == FINDING


def test_a_topic_that_is_not_there_is_named(bus: BusPort) -> None:
    with pytest.raises(UnavailableError, match="bus: projects/aia-local/topics/none at 127"):
        bus.publish("none", FINDING)


def test_a_bus_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(UnavailableError, match=r"bus: projects/aia-local/topics/findings at 127\.0\.0\.1:9"):
        open_bus(PROJECT, patience=1).publish("findings", FINDING)
