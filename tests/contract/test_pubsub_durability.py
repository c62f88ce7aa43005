"""What our server keeps when it is killed, and how much it holds in memory."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from google.api_core import exceptions

from tests.contract.pubsub_fixtures import Bus, Endpoint, await_that, endpoint, our_server

RETRY = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 1}}


@dataclass(slots=True)
class Known:
    """What was made, and what the server said that it had, before it was killed."""

    poisoned: Endpoint
    flooded: str = ""
    taken: list[str] = field(default_factory=list)
    acknowledged: str = ""
    parked: str = ""
    unreachable: str = ""


Lives = tuple[Known, Bus]


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    """What the server knew when it was killed amid publishing, and the server that was started again."""
    data = tmp_path_factory.mktemp("killed") / "pubsub.sqlite"
    with endpoint([500]) as poisoned:
        known = Known(poisoned)
        with our_server(data) as bus:
            _acknowledge_one(bus, known)
            _fail_three_times(bus, known)
            known.unreachable = bus.subscription(bus.topic(), push_config={"push_endpoint": "http://127.0.0.1:9/"})
            bus.publish(bus.subscriber.get_subscription(subscription=known.unreachable).topic, b"one")
            _kill_while_publishing(bus, known)
        with our_server(data) as bus:
            yield known, bus


def _acknowledge_one(bus: Bus, known: Known) -> None:
    topic = bus.topic()
    known.acknowledged = bus.subscription(topic, ack_deadline_seconds=600, filter="NOT attributes:skip")
    for number in range(3):
        bus.publish(topic, str(number).encode())
    done, *_ = bus.pull(known.acknowledged, 3, acknowledge=False)
    bus.subscriber.acknowledge(subscription=known.acknowledged, ack_ids=[done.ack_id])


def _fail_three_times(bus: Bus, known: Known) -> None:
    topic, dead = bus.topic(), bus.topic()
    known.parked = bus.subscription(dead)
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    push = {"push_endpoint": known.poisoned.url}
    bus.subscription(topic, push_config=push, dead_letter_policy=policy, retry_policy=RETRY)
    bus.publish(topic, b"poison")
    known.poisoned.wait(3)


def _kill_while_publishing(bus: Bus, known: Known) -> None:
    topic = bus.topic()
    known.flooded = bus.subscription(topic)
    publishers = [Thread(target=_publish_until_refused, args=(bus, topic, known.taken)) for _ in range(4)]
    for publisher in publishers:
        publisher.start()
    await_that(lambda: len(known.taken) > 2_000, "2,000 messages taken")
    bus.kill()
    for publisher in publishers:
        publisher.join()


def _publish_until_refused(bus: Bus, topic: str, taken: list[str]) -> None:
    """Publish batch after batch; what the server says it has is kept."""
    with suppress(exceptions.GoogleAPIError):
        while True:
            taken += bus.send(topic, [{"data": str(number).encode()} for number in range(20)])


def test_nothing_the_server_took_is_lost_and_numbers_grow_on(lives: Lives) -> None:
    known, bus = lives
    kept = _drain(bus, known.flooded)
    assert set(known.taken) <= set(kept)
    assert len(kept) == len(set(kept))
    later = [int(bus.publish(bus.topic(), b"one")) for _ in range(10)]
    assert [*sorted(map(int, kept)), *later] == sorted({*map(int, kept), *later})


def test_topics_subscriptions_and_what_is_not_acknowledged_outlive_it(lives: Lives) -> None:
    known, bus = lives
    subscription = bus.subscriber.get_subscription(subscription=known.acknowledged)
    assert subscription.ack_deadline_seconds == 600
    bus.publish(subscription.topic, b"skipped", skip="")
    bus.publish(subscription.topic, b"later")
    assert [one.message.data for one in bus.pull(known.acknowledged, 3)] == [b"1", b"2", b"later"]


def test_failed_deliveries_are_counted_on(lives: Lives) -> None:
    known, bus = lives
    [letter] = bus.pull(known.parked, 1)
    attempts = [body["deliveryAttempt"] for body in known.poisoned.bodies]
    assert attempts[:3] == [1, 2, 3]
    assert attempts[-1] == 5
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_a_push_that_nobody_took_is_delivered_when_somebody_does(lives: Lives) -> None:
    known, bus = lives
    with endpoint() as place:
        bus.subscriber.modify_push_config(subscription=known.unreachable, push_config={"push_endpoint": place.url})
        [body] = place.wait(1)
    assert body["message"]["data"] == "b25l"


def test_a_backlog_is_kept_on_disk_not_in_memory(tmp_path: Path) -> None:
    with our_server(tmp_path / "pubsub.sqlite") as bus:
        topic = bus.topic()
        subscription = bus.subscription(topic)
        size, count, before = 160_000, 160, _peak(bus)
        for _ in range(count):
            bus.send(topic, [{"data": b"x" * size}] * 5)
        assert sum(len(bus.pull(subscription, 5)) for _ in range(count)) == 5 * count
        assert _peak(bus) - before < 100 * 1024**2 < 5 * count * size


def _drain(bus: Bus, subscription: str) -> list[str]:
    numbers: list[str] = []
    while received := bus.look(subscription, 1000):
        numbers += [one.message.message_id for one in received]
        bus.subscriber.acknowledge(subscription=subscription, ack_ids=[one.ack_id for one in received])
    return numbers


def _peak(bus: Bus) -> int:
    """The most memory the server ever had, in bytes."""
    assert bus.process
    status = Path(f"/proc/{bus.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
