"""What our server keeps when it is killed, and how much it holds in memory."""

from contextlib import suppress
from pathlib import Path
from threading import Thread

from google.api_core import exceptions

from tests.contract.pubsub_fixtures import Bus, await_that, endpoint, our_server


def _publish_until_refused(bus: Bus, topic: str, taken: list[str]) -> None:
    """Publish batch after batch; what the server says it has is kept."""
    with suppress(exceptions.GoogleAPIError):
        while True:
            taken += bus.send(topic, [{"data": str(number).encode()} for number in range(20)])


def test_nothing_the_server_took_is_lost_when_it_is_killed_while_publishing(tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    taken: list[str] = []
    with our_server(data) as bus:
        topic = bus.topic()
        subscription = bus.subscription(topic)
        publishers = [Thread(target=_publish_until_refused, args=(bus, topic, taken)) for _ in range(4)]
        for publisher in publishers:
            publisher.start()
        await_that(lambda: len(taken) > 2_000, "2,000 messages taken")
        bus.kill()
        for publisher in publishers:
            publisher.join()
    with our_server(data) as bus:
        kept = _drain(bus, subscription)
    assert set(taken) <= set(kept)
    assert len(kept) == len(set(kept))


def test_topics_subscriptions_and_what_is_not_acknowledged_outlive_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    with our_server(data) as bus:
        topic = bus.topic()
        subscription = bus.subscription(topic, ack_deadline_seconds=600, filter="NOT attributes:skip")
        for number in range(3):
            bus.publish(topic, str(number).encode())
        done, *_ = bus.pull(subscription, 3, acknowledge=False)
        bus.subscriber.acknowledge(subscription=subscription, ack_ids=[done.ack_id])
        bus.topic()  # committed after the acknowledgement, and answered
        bus.kill()
    with our_server(data) as bus:
        bus.publish(topic, b"skipped", skip="")
        bus.publish(topic, b"later")
        again = [one.message.data for one in bus.pull(subscription, 3)]
        assert bus.subscriber.get_subscription(subscription=subscription).ack_deadline_seconds == 600
    assert again == [b"1", b"2", b"later"]


def test_numbers_of_messages_grow_over_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    numbers = []
    for _ in range(2):
        with our_server(data) as bus:
            topic = bus.topic()
            bus.subscription(topic)
            numbers += [int(bus.publish(topic, b"one")) for _ in range(10)]
    assert numbers == sorted(set(numbers))


def test_failed_deliveries_are_counted_over_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    retry = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 1}}
    with endpoint([500]) as place:
        with our_server(data) as bus:
            topic, dead = bus.topic(), bus.topic()
            parked = bus.subscription(dead)
            policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
            bus.subscription(
                topic, push_config={"push_endpoint": place.url}, dead_letter_policy=policy, retry_policy=retry
            )
            bus.publish(topic, b"poison")
            place.wait(3)
            bus.topic()  # whatever was to be written is, when this is answered
            bus.kill()
        with our_server(data) as bus:
            [letter] = bus.pull(parked, 1)
    attempts = [body["deliveryAttempt"] for body in place.bodies]
    assert attempts[:3] == [1, 2, 3]
    assert attempts[-1] == 5
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_a_push_that_nobody_takes_is_delivered_when_somebody_does(tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    with our_server(data) as bus:
        topic = bus.topic()
        subscription = bus.subscription(topic, push_config={"push_endpoint": "http://127.0.0.1:9/"})
        bus.publish(topic, b"one")
        bus.kill()
    with endpoint() as place, our_server(data) as bus:
        bus.subscriber.modify_push_config(subscription=subscription, push_config={"push_endpoint": place.url})
        [body] = place.wait(1)
    assert body["message"]["data"] == "b25l"


def test_a_backlog_is_kept_on_disk_not_in_memory(tmp_path: Path) -> None:
    with our_server(tmp_path / "pubsub.sqlite") as bus:
        topic = bus.topic()
        subscription = bus.subscription(topic)
        size, before = 160_000, _peak(bus)
        for _ in range(60):
            bus.send(topic, [{"data": b"x" * size}] * 20)
        assert sum(len(bus.pull(subscription, 20)) for _ in range(60)) == 1_200
        assert _peak(bus) - before < 150 * 1024**2 < 1_200 * size


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
