"""What waits, for how long, and how pushes were answered, as our server tells Prometheus."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.pubsub import answers
from infra.local.pubsub.metrics import AGE, UNDELIVERED, render, serve
from infra.local.pubsub.tally import BOUNDS, COUNT, LATENCIES, Tally
from tests.contract.pubsub_fixtures import PROJECT, Bus, await_that, endpoint, our_server

NOBODY = "http://127.0.0.1:9"


def told(text: str, metric: str, subscription: str, **labels: str) -> float:
    """The one value of a metric for a subscription."""
    name = subscription.rsplit("/", 1)[1]
    own = {"project_id": PROJECT, "subscription_id": name, **labels}
    head = metric + "{" + ",".join(f'{label}="{value}"' for label, value in own.items()) + "} "
    [line] = [line for line in text.splitlines() if line.startswith(head)]
    return float(line.removeprefix(head))


def age(data: Path, subscription: str, now: float) -> float:
    """For how long a subscription's oldest message has waited at an instant."""
    return told(render(data, now), AGE, subscription)


def waiting(data: Path, subscription: str) -> float:
    """How many messages of a subscription wait."""
    return told(render(data, 0), UNDELIVERED, subscription)


def published_at(number: str) -> float:
    return int(number) / 1e6


@contextmanager
def pushing(data: Path) -> Iterator[tuple[Bus, int]]:
    """Our server, and the port of its metrics."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with our_server(data, options=("--metrics-port", str(port))) as bus:
        yield bus, port


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bus, int, Path]]:
    """A server for tests that have topics of their own, the port of its metrics, and its file."""
    data = tmp_path_factory.mktemp("a folder #1") / "pubsub.sqlite"
    with pushing(data) as (bus, port):
        yield bus, port, data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "a folder #1" / "pubsub.sqlite"


def test_the_oldest_message_that_waits_counts_until_it_is_acknowledged(running: tuple[Bus, int, Path]) -> None:
    bus, _, data = running
    topic = bus.topic()
    subscription, other = bus.subscription(topic), bus.subscription(topic, filter="attributes:other")
    first, second = (bus.publish(topic, body) for body in (b"first", b"second"))
    now = published_at(second) + 60
    assert age(data, subscription, now) == pytest.approx(now - published_at(first), abs=0.06)
    assert waiting(data, subscription) == 2
    bus.pull(subscription, 1)
    await_that(lambda: age(data, subscription, now) < 60.1, "only the second waits")
    bus.pull(subscription, 1)
    await_that(lambda: age(data, subscription, now) == 0, "nothing waits")
    assert age(data, other, now) == waiting(data, subscription) == waiting(data, other) == 0


def test_a_message_that_is_refused_again_and_again_goes_on_waiting(running: tuple[Bus, int, Path]) -> None:
    bus, _, data = running
    with endpoint((500, 500, 204)) as place:
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
    with serve(0, data, Tally()) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url)
        assert refused.value.code == 503
        refused.value.close()
        with our_server(data) as bus:
            _waiting(bus)
            with urllib.request.urlopen(url) as answer:
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                assert f"# TYPE {AGE} gauge" in answer.read().decode()


def _waiting(bus: Bus) -> None:
    topic = bus.topic()
    bus.subscription(topic, push_config={"push_endpoint": NOBODY})
    bus.publish(topic, b"in vain")


@pytest.mark.parametrize(
    ("status", "response_class", "response_code"),
    [
        (204, "ack", "success"),
        (102, "ack", "success"),
        (301, "invalid", "unknown"),
        (403, "remote_server_4xx", "permission_denied"),
        (418, "remote_server_4xx", "failed_precondition"),
        (500, "remote_server_5xx", "internal"),
        (503, "remote_server_5xx", "unavailable"),
        (599, "remote_server_5xx", "internal"),
    ],
)
def test_a_status_is_told_in_the_words_of_pubsub(status: int, response_class: str, response_code: str) -> None:
    answer = answers.of_status(status, "http://there")
    assert (answer.response_class, answer.response_code) == (response_class, response_code)
    assert bool(answer.fault) == (response_class != "ack")


@pytest.mark.parametrize(
    ("error", "response_class"),
    [
        (TimeoutError(), "deadline_exceeded"),
        (httpx.InvalidURL("no"), "invalid"),
        (httpx.ConnectError("no"), "unreachable"),
        (httpx.RemoteProtocolError("no"), "unreachable"),
    ],
)
def test_no_answer_is_told_by_its_reason(error: Exception, response_class: str) -> None:
    answer = answers.of_error(error, "http://there")
    assert answer.response_class == response_class
    assert answer.fault.startswith("http://there: ")


def to(url: str) -> dict[str, Any]:
    """The details of a subscription that pushes, and tries again soon."""
    retry = {"minimum_backoff": {"seconds": 0}, "maximum_backoff": {"seconds": 1}}
    return {"push_config": {"push_endpoint": url}, "retry_policy": retry}


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def count(port: int, subscription: str, response_class: str, response_code: str) -> float:
    """How many pushes of a subscription were answered so."""
    return told(scrape(port), COUNT, subscription, response_class=response_class, response_code=response_code)


def test_pushes_are_counted_by_their_answers_and_timed(running: tuple[Bus, int, Path]) -> None:
    bus, port, _ = running
    with endpoint((500, 404, 204)) as place:
        subscription = bus.subscription(bus.topic("counted"), **to(place.url))
        assert (
            count(port, subscription, "ack", "success")
            == count(port, subscription, "remote_server_5xx", "internal")
            == 0
        )
        bus.publish(f"projects/{PROJECT}/topics/counted", b"hard")
        await_that(lambda: count(port, subscription, "ack", "success") == 1, "the push is counted")
        text = scrape(port)
        assert told(text, COUNT, subscription, response_class="remote_server_5xx", response_code="internal") == 1
        assert told(text, COUNT, subscription, response_class="remote_server_4xx", response_code="not_found") == 1
        for code in ("success", "internal", "not_found"):
            assert told(text, f"{LATENCIES}_count", subscription, response_code=code) == 1
            assert 0 < told(text, f"{LATENCIES}_sum", subscription, response_code=code) < 60e6


def test_an_endpoint_that_does_not_answer_or_is_not_there_is_counted(running: tuple[Bus, int, Path]) -> None:
    bus, port, _ = running
    with socket.create_server(("127.0.0.1", 0)) as silent:
        topic = bus.topic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        slow = bus.subscription(topic, ack_deadline_seconds=10, **to(url))
        away = bus.subscription(topic, **to(NOBODY))
        bus.publish(topic, b"in vain")
        await_that(lambda: count(port, away, "unreachable", "unavailable") >= 1, "nobody is there")
        await_that(
            lambda: count(port, slow, "deadline_exceeded", "deadline_exceeded") >= 1, "it takes too long", every=0.2
        )
        took = told(scrape(port), f"{LATENCIES}_sum", slow, response_code="deadline_exceeded")
        assert took == pytest.approx(10e6, rel=0.3)


def test_counts_begin_anew_with_the_server_and_are_there_before_the_first_push(data: Path) -> None:
    with pushing(data) as (bus, port), endpoint() as place:
        topic = bus.topic()
        subscription = bus.subscription(topic, **to(place.url))
        bus.publish(topic, b"one")
        await_that(lambda: count(port, subscription, "ack", "success") == 1, "the push is counted")
    with pushing(data) as (_, port):
        assert count(port, subscription, "ack", "success") == 0


def test_a_subscription_that_is_gone_or_never_pushed_has_no_counts(running: tuple[Bus, int, Path]) -> None:
    bus, port, _ = running
    with endpoint() as place:
        topic = bus.topic()
        pulled, pushed = bus.subscription(topic), bus.subscription(topic, **to(place.url))
        assert pushed.rsplit("/", 1)[1] in scrape(port).split(COUNT, 1)[1]
        assert pulled.rsplit("/", 1)[1] not in scrape(port).split(COUNT, 1)[1]
        bus.subscriber.delete_subscription(subscription=pushed)
        assert f'subscription_id="{pushed.rsplit("/", 1)[1]}"' not in scrape(port)


def test_buckets_hold_what_was_at_most_their_bound() -> None:
    tally = Tally()
    name = f"projects/{PROJECT}/subscriptions/timed"
    tally.open(name)
    for seconds in (0.0004, 0.001, 0.0011, 700.0):
        tally.add(name, answers.ACK, seconds)
    tally.add("projects/p/subscriptions/unknown", answers.ACK, 1.0)
    text = tally.render()
    buckets = {bound: told(text, f"{LATENCIES}_bucket", name, response_code="success", le=bound) for bound in _bounds()}
    assert (buckets["1000"], buckets["2000"], buckets[str(BOUNDS[-1])], buckets["+Inf"]) == (2, 3, 3, 4)
    assert told(text, f"{LATENCIES}_sum", name, response_code="success") == pytest.approx(700_002_500)
    assert "unknown" not in text


def _bounds() -> list[str]:
    return [*map(str, BOUNDS), "+Inf"]
