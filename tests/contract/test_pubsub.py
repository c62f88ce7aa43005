"""What the official clients see of Pub/Sub: of our server and of Google's emulator alike."""

import base64
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.message import Message
from google.protobuf.field_mask_pb2 import FieldMask

from tests.contract.pubsub_fixtures import PATIENCE, PROJECT, Bus, await_that, endpoint, google_emulator, our_server


@pytest.fixture(scope="module", params=["ours", "google"])
def bus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    folder = tmp_path_factory.mktemp("pubsub")
    server = our_server(folder / "pubsub.sqlite") if request.param == "ours" else google_emulator(folder)
    with server as running:
        yield running


@pytest.fixture
def ours(bus: Bus, request: pytest.FixtureRequest) -> Bus:
    """Only our server: `DIFFERENCES` says what Google's emulator does instead."""
    if bus.kind == "google":
        pytest.skip(f"Google's emulator {DIFFERENCES[request.node.originalname]}")
    return bus


def test_a_topic_is_made_once_found_listed_and_deleted(bus: Bus) -> None:
    topic = bus.topic()
    with pytest.raises(exceptions.AlreadyExists):
        bus.publisher.create_topic(name=topic)
    assert bus.publisher.get_topic(topic=topic).name == topic
    assert topic in {one.name for one in bus.publisher.list_topics(project=f"projects/{PROJECT}")}
    bus.publisher.delete_topic(topic=topic)
    with pytest.raises(exceptions.NotFound):
        bus.publisher.get_topic(topic=topic)


@pytest.mark.parametrize("name", ["1x", "ab", "googx", "a/b", "a" * 256, "späte"])
def test_a_name_that_is_none_is_refused(bus: Bus, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        bus.publisher.create_topic(name=f"projects/{PROJECT}/topics/{name}")


def test_a_message_comes_back_as_it_was_published(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    number = bus.publish(topic, "naïve ☂\0".encode(), colour="bleu", empty="")
    [received] = bus.pull(subscription, 1)
    assert received.message.data == "naïve ☂\0".encode()
    assert dict(received.message.attributes) == {"colour": "bleu", "empty": ""}
    assert received.message.message_id == number
    assert received.message.publish_time.timestamp() > 0


def test_each_subscription_gets_its_own_copy(bus: Bus) -> None:
    topic = bus.topic()
    subscriptions = [bus.subscription(topic) for _ in range(2)]
    bus.publish(topic, b"one")
    assert [[one.message.data for one in bus.pull(path, 1)] for path in subscriptions] == [[b"one"], [b"one"]]


def test_a_subscription_gets_nothing_from_before_its_time(bus: Bus) -> None:
    topic = bus.topic()
    bus.publish(topic, b"early")
    subscription = bus.subscription(topic)
    bus.publish(topic, b"late")
    assert [one.message.data for one in bus.pull(subscription, 1)] == [b"late"]
    assert bus.waiting(subscription) == []


def test_an_acknowledged_message_does_not_come_again_and_a_refused_one_does(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    bus.publish(topic, b"one")
    [received] = bus.pull(subscription, 1, acknowledge=False)
    assert bus.waiting(subscription) == []
    bus.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0)
    [again] = bus.pull(subscription, 1)
    assert again.message.message_id == received.message.message_id
    assert bus.waiting(subscription) == []


def test_a_message_comes_again_when_its_deadline_has_passed(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    bus.publish(topic, b"one")
    [received] = bus.pull(subscription, 1, acknowledge=False)
    bus.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=1)
    assert [one.message.data for one in bus.pull(subscription, 1)] == [b"one"]


def test_a_pull_waits_for_a_first_message(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    timer = threading.Timer(0.3, bus.publish, (topic, b"late"))
    timer.start()
    received: list[Any] = []
    while not received:
        received = list(bus.subscriber.pull(subscription=subscription, max_messages=5, timeout=30).received_messages)
    timer.join()
    assert [one.message.data for one in received] == [b"late"]


def test_a_streaming_pull_gets_everything_once_it_is_acknowledged(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    got: list[bytes] = []

    def handle(message: Message) -> None:
        got.append(message.data)
        message.ack_with_response().result(timeout=PATIENCE)

    future = bus.subscriber.subscribe(subscription, handle)
    sent = [str(number).encode() for number in range(500)]
    for one in [bus.publisher.publish(topic, data) for data in sent]:
        one.result(timeout=PATIENCE)
    await_that(lambda: len(got) >= len(sent), "500 messages")
    future.cancel()
    future.result(timeout=PATIENCE)
    assert sorted(got) == sorted(sent)


def test_a_streaming_pull_gets_again_what_it_refused(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    attempts: list[str] = []

    def handle(message: Message) -> None:
        attempts.append(message.message_id)
        (message.nack if len(attempts) < 3 else message.ack)()

    future = bus.subscriber.subscribe(subscription, handle)
    number = bus.publish(topic, b"one")
    await_that(lambda: len(attempts) >= 3, "three deliveries")
    future.cancel()
    future.result(timeout=PATIENCE)
    assert set(attempts) == {number}


def test_a_push_carries_the_documented_envelope(bus: Bus) -> None:
    topic = bus.topic()
    with endpoint() as place:
        subscription = bus.subscription(topic, push_config={"push_endpoint": place.url})
        number = bus.publish(topic, b"\0\xff", colour="bleu")
        [body] = place.wait(1)
    message = body["message"]
    assert body["subscription"] == subscription
    assert base64.b64decode(message["data"]) == b"\0\xff"
    assert message["attributes"] == {"colour": "bleu"}
    assert message["messageId"] == message["message_id"] == number
    assert message["publishTime"] == message["publish_time"]


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_push_that_fails_comes_again_and_one_that_succeeds_does_not(bus: Bus, status: int) -> None:
    topic = bus.topic()
    with endpoint([status, 200]) as place:
        bus.subscription(topic, push_config={"push_endpoint": place.url})
        bus.publish(topic, b"one")
        first, second = place.wait(2)
        bus.publish(topic, b"two")
        third = place.wait(3)[2]
    assert first["message"]["messageId"] == second["message"]["messageId"]
    assert base64.b64decode(third["message"]["data"]) == b"two"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_each_documented_status_acknowledges_a_push(bus: Bus, status: int) -> None:
    topic = bus.topic()
    with endpoint([status]) as place:
        path = bus.subscription(topic, push_config={"push_endpoint": place.url})
        bus.publish(topic, b"one")
        place.wait(1)
        bus.publish(topic, b"two")
        bodies = place.wait(2)
        bus.subscriber.modify_push_config(subscription=path, push_config={})
    assert {base64.b64decode(body["message"]["data"]) for body in bodies} == {b"one", b"two"}
    assert bus.waiting(path) == []


def test_a_push_subscription_can_become_a_pull_subscription_and_back(bus: Bus) -> None:
    topic = bus.topic()
    with endpoint() as place:
        subscription = bus.subscription(topic, push_config={"push_endpoint": place.url})
        bus.subscriber.modify_push_config(subscription=subscription, push_config={})
        bus.publish(topic, b"pulled")
        assert [one.message.data for one in bus.pull(subscription, 1)] == [b"pulled"]
        bus.subscriber.modify_push_config(subscription=subscription, push_config={"push_endpoint": place.url})
        bus.publish(topic, b"pushed")
        [body] = place.wait(1)
    assert base64.b64decode(body["message"]["data"]) == b"pushed"


def test_a_message_that_fails_too_often_ends_as_a_dead_letter(bus: Bus) -> None:
    topic, dead = bus.topic(), bus.topic()
    parked = bus.subscription(dead)
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    retry = {"minimum_backoff": {"seconds": 0}, "maximum_backoff": {"seconds": 0}}
    with endpoint([500]) as place:
        path = bus.subscription(
            topic, push_config={"push_endpoint": place.url}, dead_letter_policy=policy, retry_policy=retry
        )
        bus.publish(topic, b"poison", colour="bleu")
        [letter] = bus.pull(parked, 1)
    assert letter.message.data == b"poison"
    assert letter.message.attributes["colour"] == "bleu"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == path.rsplit("/", 1)[1]
    assert letter.message.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == PROJECT
    assert int(letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"]) >= 5
    assert len(place.bodies) >= 5


def test_a_pushed_message_says_which_delivery_it_is(ours: Bus) -> None:
    topic, dead = ours.topic(), ours.topic()
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    with endpoint([500, 500, 204]) as place:
        ours.subscription(topic, push_config={"push_endpoint": place.url}, dead_letter_policy=policy)
        ours.publish(topic, b"one")
        attempts = [body.get("deliveryAttempt") for body in place.wait(3)]
    assert attempts == [1, 2, 3]


def test_a_pulled_message_says_which_delivery_it_is(bus: Bus) -> None:
    topic, dead = bus.topic(), bus.topic()
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    subscription = bus.subscription(topic, dead_letter_policy=policy)
    bus.publish(topic, b"one")
    attempts = []
    for _ in range(3):
        [received] = bus.pull(subscription, 1, acknowledge=False)
        attempts.append(received.delivery_attempt)
        bus.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[received.ack_id], ack_deadline_seconds=0)
    assert attempts == [1, 2, 3]


def test_the_subscriptions_of_a_topic_are_listed_in_pages(bus: Bus) -> None:
    topic = bus.topic()
    made = {bus.subscription(topic) for _ in range(5)}
    listed = list(bus.publisher.list_topic_subscriptions(request={"topic": topic, "page_size": 2}))
    assert set(listed) == made
    assert len(listed) == len(made)


def test_a_subscription_is_found_changed_and_deleted(bus: Bus) -> None:
    subscription = bus.subscription(bus.topic())
    wanted = {"name": subscription, "ack_deadline_seconds": 33}
    bus.subscriber.update_subscription(
        request={"subscription": wanted, "update_mask": FieldMask(paths=["ack_deadline_seconds"])}
    )
    assert bus.subscriber.get_subscription(subscription=subscription).ack_deadline_seconds == 33
    bus.subscriber.delete_subscription(subscription=subscription)
    with pytest.raises(exceptions.NotFound):
        bus.subscriber.get_subscription(subscription=subscription)


@pytest.mark.parametrize("path", ["topic", "filter", "nonsense"])
def test_a_field_that_cannot_change_is_refused(bus: Bus, path: str) -> None:
    wanted = {"name": bus.subscription(bus.topic())}
    with pytest.raises(exceptions.InvalidArgument):
        bus.subscriber.update_subscription(request={"subscription": wanted, "update_mask": FieldMask(paths=[path])})


def test_a_subscription_outlives_its_topic_and_keeps_what_it_has(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic)
    bus.publish(topic, b"one")
    bus.publisher.delete_topic(topic=topic)
    assert bus.subscriber.get_subscription(subscription=subscription).topic == "_deleted-topic_"
    assert [one.message.data for one in bus.pull(subscription, 1)] == [b"one"]


def test_what_is_left_out_has_the_documented_defaults(bus: Bus) -> None:
    topic = bus.topic()
    path = bus.subscription(topic, retry_policy={}, dead_letter_policy={"dead_letter_topic": topic})
    made = bus.subscriber.get_subscription(subscription=path)
    assert made.ack_deadline_seconds == 10
    assert made.message_retention_duration.days == 7
    assert made.dead_letter_policy.max_delivery_attempts == 5
    assert made.retry_policy.minimum_backoff.total_seconds() == 10
    assert made.retry_policy.maximum_backoff.total_seconds() == 600


@pytest.mark.parametrize(
    ("details", "error"),
    [
        ({"ack_deadline_seconds": 601}, exceptions.InvalidArgument),
        ({"retry_policy": {"minimum_backoff": {"seconds": 601}}}, exceptions.InvalidArgument),
        (
            {"retry_policy": {"minimum_backoff": {"seconds": 60}, "maximum_backoff": {"seconds": 5}}},
            exceptions.InvalidArgument,
        ),
        ({"push_config": {"push_endpoint": "nowhere"}}, exceptions.InvalidArgument),
        ({"dead_letter_policy": {"dead_letter_topic": f"projects/{PROJECT}/topics/none"}}, exceptions.NotFound),
        ({"topic": f"projects/{PROJECT}/topics/none"}, exceptions.NotFound),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(bus: Bus, details: dict[str, Any], error: type[Exception]) -> None:
    path = f"projects/{PROJECT}/subscriptions/refused"
    with pytest.raises(error):
        bus.subscriber.create_subscription(request={"name": path, "topic": bus.topic(), **details})


def test_a_policy_with_too_few_attempts_is_refused(bus: Bus) -> None:
    topic = bus.topic()
    with pytest.raises(exceptions.OutOfRange):
        bus.subscription(topic, dead_letter_policy={"dead_letter_topic": topic, "max_delivery_attempts": 4})


@pytest.mark.parametrize("messages", [[], [{}]])
def test_nothing_cannot_be_published(bus: Bus, messages: list[dict[str, str]]) -> None:
    topic = bus.topic()
    with pytest.raises(exceptions.InvalidArgument):
        bus.send(topic, messages)


def test_publishing_to_no_topic_is_refused(bus: Bus) -> None:
    with pytest.raises(exceptions.NotFound):
        bus.publish(f"projects/{PROJECT}/topics/none", b"one")


@pytest.mark.parametrize("ack_ids", [[], ["nonsense"]])
def test_an_acknowledgement_of_nothing_is_refused(bus: Bus, ack_ids: list[str]) -> None:
    subscription = bus.subscription(bus.topic())
    with pytest.raises(exceptions.InvalidArgument):
        bus.subscriber.acknowledge(subscription=subscription, ack_ids=ack_ids)


def test_a_filter_lets_through_what_it_says(ours: Bus) -> None:
    topic = ours.topic()
    subscription = ours.subscription(topic, filter='attributes.job = "drift" OR hasPrefix(attributes.job, "health")')
    for job in ("drift", "drifter", "health_check", "other"):
        ours.publish(topic, b"tick", job=job)
    ours.publish(topic, b"tick")
    jobs = [one.message.attributes["job"] for one in ours.pull(subscription, 2)]
    assert jobs == ["drift", "health_check"]
    assert ours.waiting(subscription) == []


def test_a_filter_that_is_none_is_refused_with_what_was_expected(ours: Bus) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="expected '=', got the end"):
        ours.subscription(ours.topic(), filter="attributes.job")


@pytest.mark.parametrize(
    "attributes", [{"googleish": "x"}, {"k" * 257: "x"}, {"k": "x" * 1025}, {f"k{n}": "x" for n in range(101)}]
)
def test_attributes_beyond_the_documented_limits_are_refused(ours: Bus, attributes: dict[str, str]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        ours.publish(ours.topic(), b"one", **attributes)


TRANSFORMS = [{"javascript_udf": {"function_name": "f", "code": "function f(message, metadata) { return message; }"}}]


@pytest.mark.parametrize(
    ("details", "named"),
    [
        ({"cloud_storage_config": {"bucket": "bucket"}}, "cloud_storage"),
        ({"message_transforms": TRANSFORMS}, "message_transforms"),
    ],
)
def test_what_our_server_does_not_have_is_refused_and_named(ours: Bus, details: dict[str, Any], named: str) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match=named):
        ours.subscription(ours.topic(), **details)


def test_a_topic_that_would_be_transformed_or_filled_from_elsewhere_is_refused(ours: Bus) -> None:
    path = f"projects/{PROJECT}/topics/elsewhere"
    ingestion = {
        "aws_kinesis": {"stream_arn": "s", "consumer_arn": "c", "aws_role_arn": "r", "gcp_service_account": "g"}
    }
    for details in ({"message_transforms": TRANSFORMS}, {"ingestion_data_source_settings": ingestion}):
        with pytest.raises(exceptions.MethodNotImplemented, match=next(iter(details))):
            ours.publisher.create_topic(request={"name": path, **details})


def test_a_deadline_below_the_documented_least_is_refused(ours: Bus) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="10 to 600, got 5"):
        ours.subscription(ours.topic(), ack_deadline_seconds=5)


def test_an_ordering_key_is_carried(bus: Bus) -> None:
    topic = bus.topic()
    subscription = bus.subscription(topic, enable_message_ordering=True)
    bus.send(topic, [{"data": b"one", "ordering_key": "key"}])
    [received] = bus.pull(subscription, 1)
    assert received.message.ordering_key == "key"


DIFFERENCES = {
    "test_a_pushed_message_says_which_delivery_it_is": "leaves deliveryAttempt out of what it pushes",
    "test_a_filter_lets_through_what_it_says": "accepts filters and ignores them",
    "test_a_filter_that_is_none_is_refused_with_what_was_expected": "accepts any text as a filter",
    "test_attributes_beyond_the_documented_limits_are_refused": "does not check attributes",
    "test_what_our_server_does_not_have_is_refused_and_named": "has these, or keeps them without effect",
    "test_a_topic_that_would_be_transformed_or_filled_from_elsewhere_is_refused": "has these, or keeps them without effect",
    "test_a_deadline_below_the_documented_least_is_refused": "accepts any deadline up to 600 s",
}
