"""Seek, snapshots, detach and exactly-once delivery, as the official clients see them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError, AcknowledgeStatus
from google.cloud.pubsub_v1.subscriber.message import Message
from google.protobuf.field_mask_pb2 import FieldMask

from tests.contract.pubsub_fixtures import PATIENCE, PROJECT, Bus, await_that, our_server

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with our_server(tmp_path_factory.mktemp("replay") / "pubsub.sqlite") as running:
        yield running


def _snapshot(bus: Bus, subscription: str, name: str) -> str:
    path = f"projects/{PROJECT}/snapshots/{name}"
    bus.subscriber.create_snapshot(request={"name": path, "subscription": subscription, "labels": {"a": "b"}})
    return path


def _data(bus: Bus, subscription: str, count: int) -> list[bytes]:
    data = [one.message.data for one in bus.pull(subscription, count)]
    assert bus.waiting(subscription) == []
    return data


def test_a_seek_forward_acknowledges_what_came_before(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    bus.publish(topic, b"old")
    bus.subscriber.seek(request={"subscription": subscription, "time": datetime.now(UTC) + timedelta(seconds=1)})
    assert bus.waiting(subscription) == []
    bus.subscriber.seek(request={"subscription": subscription, "time": LONG_AGO})
    assert bus.waiting(subscription) == []  # it retains nothing


def test_a_seek_back_delivers_again_what_the_subscription_retained(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic, retain_acked_messages=True)
    for data in (b"1", b"2", b"3"):
        bus.publish(topic, data)
    received = bus.pull(subscription, 3)
    bus.subscriber.seek(request={"subscription": subscription, "time": LONG_AGO})
    assert _data(bus, subscription, 3) == [b"1", b"2", b"3"]
    from_two = received[1].message.publish_time
    bus.subscriber.seek(request={"subscription": subscription, "time": from_two})
    assert {one.message.data for one in bus.pull(subscription, 2)} >= {b"2", b"3"}


def test_a_topic_that_retains_its_messages_gives_them_to_a_later_subscription(bus: Bus) -> None:
    topic = f"projects/{PROJECT}/topics/retaining"
    bus.publisher.create_topic(request={"name": topic, "message_retention_duration": {"seconds": 600}})
    bus.publish(topic, b"no", kind="other")
    bus.publish(topic, b"yes", kind="this")
    subscription = bus.subscription(topic, filter='attributes.kind = "this"')
    assert bus.waiting(subscription) == []
    bus.subscriber.seek(request={"subscription": subscription, "time": LONG_AGO})
    assert _data(bus, subscription, 1) == [b"yes"]


def test_a_snapshot_restores_what_was_unacknowledged_and_what_came_later(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    bus.publish(topic, b"done before")
    bus.pull(subscription, 1)
    bus.publish(topic, b"unacknowledged")
    snapshot = _snapshot(bus, subscription, "whole")
    bus.publish(topic, b"later")
    assert _data(bus, subscription, 2) == [b"unacknowledged", b"later"]
    other = bus.subscription(topic)
    for _ in range(2):
        for path in (subscription, other):
            bus.subscriber.seek(request={"subscription": path, "snapshot": snapshot})
            assert _data(bus, path, 2) == [b"unacknowledged", b"later"]


def test_a_snapshot_is_made_once_found_listed_changed_and_deleted(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    snapshot = _snapshot(bus, subscription, "listed")
    with pytest.raises(exceptions.AlreadyExists):
        _snapshot(bus, subscription, "listed")
    found = bus.subscriber.get_snapshot(snapshot=snapshot)
    assert (found.topic, dict(found.labels)) == (topic, {"a": "b"})
    assert timedelta(days=6) < found.expire_time - datetime.now(UTC) <= timedelta(days=7)
    assert list(bus.publisher.list_topic_snapshots(topic=topic)) == [snapshot]
    assert snapshot in {one.name for one in bus.subscriber.list_snapshots(project=f"projects/{PROJECT}")}
    changed = {"name": snapshot, "labels": {"c": "d"}}
    bus.subscriber.update_snapshot(request={"snapshot": changed, "update_mask": FieldMask(paths=["labels"])})
    assert dict(bus.subscriber.get_snapshot(snapshot=snapshot).labels) == {"c": "d"}
    bus.subscriber.delete_snapshot(snapshot=snapshot)
    with pytest.raises(exceptions.NotFound):
        bus.subscriber.seek(request={"subscription": subscription, "snapshot": snapshot})


def test_a_snapshot_of_another_topic_is_refused(bus: Bus) -> None:
    snapshot = _snapshot(bus, bus.subscription(bus.topic()), "elsewhere")
    with pytest.raises(exceptions.InvalidArgument):
        bus.subscriber.seek(request={"subscription": bus.subscription(bus.topic()), "snapshot": snapshot})


def test_snapshots_and_what_is_retained_outlive_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    with our_server(data) as bus:
        topic = bus.topic()
        subscription = bus.subscription(topic, retain_acked_messages=True)
        other = bus.subscription(topic)
        bus.publish(topic, b"one")
        snapshot = _snapshot(bus, subscription, "durable")
        bus.publish(topic, b"two")
        bus.pull(subscription, 2)
        bus.pull(other, 2)
        bus.topic()  # committed after the acknowledgements, and answered
        bus.kill()
    with our_server(data) as bus:
        assert bus.waiting(subscription) == []
        bus.subscriber.seek(request={"subscription": subscription, "time": LONG_AGO})
        bus.subscriber.seek(request={"subscription": other, "snapshot": snapshot})
        assert [_data(bus, path, 2) for path in (subscription, other)] == [[b"one", b"two"]] * 2


def test_a_detached_subscription_receives_nothing_and_cannot_be_pulled(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    bus.publish(topic, b"one")
    bus.publisher.detach_subscription(request={"subscription": subscription})
    bus.publish(topic, b"two")
    assert bus.subscriber.get_subscription(subscription=subscription).detached
    assert list(bus.publisher.list_topic_subscriptions(topic=topic)) == []
    with pytest.raises(exceptions.FailedPrecondition):
        bus.subscriber.pull(subscription=subscription, max_messages=1)


def test_with_exactly_once_delivery_only_the_latest_delivery_counts(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic, enable_exactly_once_delivery=True)
    bus.publish(topic, b"one")
    [first] = bus.pull(subscription, 1, acknowledge=False)
    bus.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[first.ack_id], ack_deadline_seconds=0)
    [second] = bus.pull(subscription, 1, acknowledge=False)
    with pytest.raises(exceptions.FailedPrecondition) as refused:
        bus.subscriber.acknowledge(subscription=subscription, ack_ids=[first.ack_id, second.ack_id])
    assert dict(refused.value.metadata) == {first.ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    with pytest.raises(exceptions.FailedPrecondition):  # the other was acknowledged all the same
        bus.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[second.ack_id], ack_deadline_seconds=10)
    assert bus.waiting(subscription) == []


def test_a_streaming_client_learns_that_its_acknowledgement_succeeded_or_came_too_late(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic, enable_exactly_once_delivery=True)
    outcomes: dict[bytes, AcknowledgeStatus] = {}
    seen: set[bytes] = set()

    def handle(message: Message) -> None:
        if message.data in seen:  # the redelivery of the late one
            message.ack()
            return
        seen.add(message.data)
        if message.data == b"late":
            lost = {"subscription": subscription, "ack_ids": [message.ack_id], "ack_deadline_seconds": 0}
            bus.subscriber.modify_ack_deadline(request=lost)
        try:
            outcomes[message.data] = message.ack_with_response().result(timeout=PATIENCE)
        except AcknowledgeError as error:
            outcomes[message.data] = error.error_code

    future = bus.subscriber.subscribe(subscription, handle)
    bus.publish(topic, b"in time")
    bus.publish(topic, b"late")
    await_that(lambda: len(outcomes) > 1, "both messages")
    future.cancel()
    future.result(timeout=PATIENCE)
    assert outcomes == {b"in time": AcknowledgeStatus.SUCCESS, b"late": AcknowledgeStatus.INVALID_ACK_ID}


def test_exactly_once_delivery_is_for_pulling_only(bus: Bus) -> None:
    push = {"push_endpoint": "http://127.0.0.1:9/"}
    with pytest.raises(exceptions.InvalidArgument):
        bus.subscription(bus.topic(), enable_exactly_once_delivery=True, push_config=push)
