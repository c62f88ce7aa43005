"""How long messages have waited, as our server tells Prometheus."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from infra.local.pubsub.metrics import NAME, render, serve
from tests.contract.pubsub_fixtures import PROJECT, Bus, await_that, endpoint, our_server

NOBODY = "http://127.0.0.1:9"


def age(data: Path, subscription: str, now: float) -> float:
    """What is told of a subscription at an instant."""
    name = subscription.rsplit("/", 1)[1]
    labels = f'{{project_id="{PROJECT}",subscription_id="{name}"}} '
    [line] = [line for line in render(data, now).splitlines() if line.startswith(NAME + labels)]
    return float(line.removeprefix(NAME + labels))


def published_at(number: str) -> float:
    return int(number) / 1e6


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "a folder #1" / "pubsub.sqlite"


def test_the_oldest_message_that_waits_counts_until_it_is_acknowledged(data: Path) -> None:
    with our_server(data) as bus:
        topic = bus.topic()
        subscription, other = bus.subscription(topic), bus.subscription(topic, filter="attributes:other")
        first, second = (bus.publish(topic, body) for body in (b"first", b"second"))
        now = published_at(second) + 60
        assert age(data, subscription, now) == pytest.approx(now - published_at(first), abs=0.06)
        bus.pull(subscription, 1)
        await_that(lambda: age(data, subscription, now) < 60.1, "only the second waits")
        bus.pull(subscription, 1)
        await_that(lambda: age(data, subscription, now) == 0, "nothing waits")
        assert age(data, other, now) == 0


def test_a_message_that_is_refused_again_and_again_goes_on_waiting(data: Path) -> None:
    with our_server(data) as bus, endpoint((500, 500, 204)) as place:
        topic = bus.topic()
        retry = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 1}}
        details = {"push_config": {"push_endpoint": place.url}, "retry_policy": retry}
        subscription = bus.subscription(topic, **details)
        now = published_at(bus.publish(topic, b"hard")) + 300
        place.wait(2)
        assert age(data, subscription, now) == pytest.approx(300, abs=0.06)
        place.wait(3)
        await_that(lambda: age(data, subscription, now) == 0, "it was taken")


def test_it_is_served_for_prometheus_and_before_the_file_is_there_it_says_so(data: Path) -> None:
    with serve(0, data) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url)
        assert refused.value.code == 503
        refused.value.close()
        with our_server(data) as bus:
            _waiting(bus)
            with urllib.request.urlopen(url) as answer:
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                assert f"# TYPE {NAME} gauge" in answer.read().decode()


def _waiting(bus: Bus) -> None:
    topic = bus.topic()
    bus.subscription(topic, push_config={"push_endpoint": NOBODY})
    bus.publish(topic, b"in vain")
