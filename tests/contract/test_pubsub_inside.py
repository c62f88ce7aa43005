"""What cannot be seen from outside our server: what it leaves behind, holds in memory, and does not do again."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from infra.local.pubsub import bigquery, wire
from infra.local.pubsub.backlog import MAX_TAKEN_BYTES, Item
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.journal import Entry
from infra.local.pubsub.leases import deliver, resolve
from infra.local.pubsub.server import opened
from infra.local.pubsub.streaming import streaming_pull
from infra.local.pubsub.subscription import Live
from infra.local.pubsub.wire import Proto

TOPIC = "projects/p/topics/topic"
HOUR = 3600 * 1_000_000


def at_work(path: Path, work: Callable[[Broker], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with opened(path, "p") as broker:
            if TOPIC not in broker.topics:
                await broker.create_topic(wire.Topic(name=TOPIC))
            await work(broker)

    asyncio.run(whole())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "pubsub.sqlite"


async def subscribe(broker: Broker, name: str = "subscription", **details: object) -> Live:
    path = f"projects/p/subscriptions/{name}"
    await broker.create_subscription(wire.Subscription(name=path, topic=TOPIC, **details))
    return broker.subscriptions[path]


async def publish(broker: Broker, *data: bytes) -> list[str]:
    return await broker.publish(TOPIC, [wire.PubsubMessage(data=one) for one in data])


async def streamed(live: Live) -> Proto:
    async def silence() -> AsyncIterator[Proto]:
        await asyncio.Event().wait()
        yield

    first = wire.StreamingPullRequest(subscription=live.config.name, stream_ack_deadline_seconds=10)
    return await anext(streaming_pull(live, first, silence()))


def test_a_stream_that_is_cancelled_leaves_no_task_behind(data: Path) -> None:
    async def work(broker: Broker) -> None:
        live = await subscribe(broker)
        before = asyncio.all_tasks()
        reading = asyncio.create_task(streamed(live))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) > len(before) + 1
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    at_work(data, work)


@pytest.mark.parametrize("steps", range(8))
def test_nobody_looking_at_the_same_time_makes_a_stream_miss_a_message(data: Path, steps: int) -> None:
    async def work(broker: Broker) -> None:
        live = await subscribe(broker)
        live.backlog.take(1)  # from now on what is published is kept in memory
        reading = asyncio.create_task(streamed(live))
        for _ in range(steps):  # the stream comes that far
            await asyncio.sleep(0)
        live.backlog.offer(1, wire.PubsubMessage(data=b"one"), 3)
        other = live.backlog.wait(0)  # looks, has no room, and waits for the next change
        other.send(None)
        answer = await asyncio.wait_for(reading, 10)
        assert [one.message.data for one in answer.received_messages] == [b"one"]
        other.close()

    at_work(data, work)


def test_what_became_too_old_while_the_server_was_away_is_not_delivered(data: Path) -> None:
    async def before(broker: Broker) -> None:
        await subscribe(broker, message_retention_duration={"seconds": 600})
        await publish(broker, b"old")

    async def after(broker: Broker) -> None:
        await publish(broker, b"new")
        (live,) = broker.subscriptions.values()
        assert [item.message.data for item in live.backlog.take(10)] == [b"new"]

    at_work(data, before)
    with sqlite3.connect(data) as database:
        database.execute("UPDATE queue SET id = id - ?", (HOUR,))
    database.close()
    at_work(data, after)


def test_what_becomes_too_old_in_memory_is_not_delivered(data: Path) -> None:
    async def work(broker: Broker) -> None:
        live = await subscribe(broker, message_retention_duration={"seconds": 600})
        await publish(broker, b"one", b"two")
        first, second = live.backlog.take(2)
        first.id -= HOUR
        live.backlog.out = {item.id: item for item in (first, second)}
        live.backlog.give_back([first.id, second.id])
        await broker.expire()
        assert live.backlog.take(10) == [second]

    at_work(data, work)


def test_an_acknowledgement_counts_only_where_it_was_given_out(data: Path) -> None:
    async def work(broker: Broker) -> None:
        here, there = await subscribe(broker, "here"), await subscribe(broker, "there")
        await publish(broker, b"both")
        (given,) = deliver(here, here.backlog.take(1), 10)
        deliver(there, there.backlog.take(1), 10)
        assert resolve(there, [given.ack_id]).numbers == {}
        assert list(resolve(here, [given.ack_id]).numbers.values()) == list(here.backlog.out)

    at_work(data, work)


def test_an_update_that_changes_nothing_does_not_interrupt_deliveries(data: Path) -> None:
    async def work(broker: Broker) -> None:
        endpoint = {"push_endpoint": "http://127.0.0.1:9/"}
        live = await subscribe(broker, push_config=endpoint)
        same = live._task
        await broker.update_subscription(
            wire.Subscription(name=live.config.name, push_config=endpoint), ["push_config"]
        )
        assert live._task is same
        endpoint = {"push_endpoint": "http://127.0.0.1:10/"}
        await broker.update_subscription(
            wire.Subscription(name=live.config.name, push_config=endpoint), ["push_config"]
        )
        assert live._task is not same

    at_work(data, work)


def test_what_cannot_be_written_fails_alone(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(broker: Broker) -> None:
        live = await subscribe(broker)
        writes = [broker._store.write(Entry(rows=[(live.number, number, b"x")])) for number in (1, 2**70, 2)]
        faults = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(fault) for fault in faults] == [type(None), OverflowError, type(None)]
        assert await asyncio.wait_for(publish(broker, b"next"), 10)

    at_work(data, work)
    assert "not written" in caplog.text


def test_a_batch_of_rows_ends_at_a_number_of_bytes() -> None:
    items = [Item(number, None, size=MAX_TAKEN_BYTES // 4) for number in range(3)]
    assert bigquery.TableSink._room(items) == MAX_TAKEN_BYTES // 4
    assert bigquery.TableSink._room([*items, *items]) <= 0
    assert bigquery.TableSink._room([Item(1, None)] * bigquery.MAX_ROWS) == 0
