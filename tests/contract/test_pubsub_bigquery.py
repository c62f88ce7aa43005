"""Subscriptions that write a table: our server and the official clients against BigQuery's emulator."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud import bigquery

from tests.contract.pubsub_fixtures import PROJECT, Bus, await_that, our_server

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]

RETRY = {"minimum_backoff": {"seconds": 0}, "maximum_backoff": {"seconds": 1}}
SCHEMA = [
    bigquery.SchemaField("id", "STRING", mode="REQUIRED"),
    bigquery.SchemaField("at", "TIMESTAMP"),
    bigquery.SchemaField("number", "INT64"),
    bigquery.SchemaField("ratio", "FLOAT64"),
    bigquery.SchemaField("good", "BOOL"),
    bigquery.SchemaField("day", "DATE"),
]
GOOD = {"id": "a", "at": "2026-01-02T03:04:05.678901Z", "number": 7, "ratio": 0.5, "good": True, "day": "2026-01-02"}
MISFITS = [
    b"no JSON",
    b"[]",
    b'{"number": 7}',
    b'{"id": null}',
    b'{"id": 7}',
    b'{"id": "x", "number": 1.5}',
    b'{"id": "x", "number": 9223372036854775808}',
    b'{"id": "x", "ratio": "half"}',
    b'{"id": "x", "good": 2}',
    b'{"id": "x", "at": "yesterday"}',
    b'{"id": "x", "day": "2026-02-30"}',
    b'{"id": "x", "unknown": 1}',
    b'{"id": "\xff"}',
]


@pytest.fixture(scope="module")
def warehouse(place: "Place") -> bigquery.Client:
    client = place.client(PROJECT)
    client.create_dataset("pubsub", exists_ok=True)
    return client


@pytest.fixture(scope="module")
def bus(place: "Place", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with our_server(tmp_path_factory.mktemp("pubsub") / "pubsub.sqlite", place.environment) as running:
        yield running


def _table(client: bigquery.Client, name: str, schema: list[bigquery.SchemaField]) -> str:
    path = f"{PROJECT}.pubsub.{name}"
    client.create_table(bigquery.Table(path, schema=schema))
    return path


def _rows(client: bigquery.Client, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in client.query_and_wait(f"SELECT * FROM `{table}` ORDER BY 1")]


def _count(client: bigquery.Client, table: str) -> int:
    [row] = client.query_and_wait(f"SELECT COUNT(*) AS n FROM `{table}`")
    return int(row["n"])


def _writing(bus: Bus, topic: str, table: str, **details: object) -> str:
    """A subscription that writes a table; the one where its dead letters are kept."""
    dead = bus.topic()
    parked = bus.subscription(dead)
    bus.subscription(
        topic,
        bigquery_config={"table": table, **({"use_table_schema": True} | details)},
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
        retry_policy=RETRY,
    )
    return parked


def test_a_message_becomes_a_row_with_the_tables_types(bus: Bus, warehouse: bigquery.Client) -> None:
    topic, table = bus.topic(), _table(warehouse, "types", SCHEMA)
    _writing(bus, topic, table)
    bus.publish(topic, json.dumps(GOOD).encode())
    bus.publish(topic, b'{"id": "b"}')
    await_that(lambda: _count(warehouse, table) >= 2, "two rows", every=0.1)
    first, second = _rows(warehouse, table)
    assert first["at"].isoformat() == "2026-01-02T03:04:05.678901+00:00"
    assert (first["number"], first["ratio"], first["good"], first["day"].isoformat()) == (7, 0.5, True, "2026-01-02")
    assert {name for name, value in second.items() if value is not None} == {"id"}


def test_misfits_end_as_dead_letters_and_hold_nothing_back(bus: Bus, warehouse: bigquery.Client) -> None:
    topic, table = bus.topic(), _table(warehouse, "misfits", SCHEMA)
    parked = _writing(bus, topic, table)
    for number, misfit in enumerate(MISFITS):
        bus.publisher.publish(topic, misfit)
        bus.publish(topic, json.dumps(GOOD | {"id": str(number)}).encode())
    await_that(lambda: _count(warehouse, table) >= len(MISFITS), "the good rows", every=0.1)
    letters = bus.pull(parked, len(MISFITS))
    assert sorted(letter.message.data for letter in letters) == sorted(MISFITS)
    assert _count(warehouse, table) == len(MISFITS)


def test_many_rows_are_written_once_each(bus: Bus, warehouse: bigquery.Client) -> None:
    topic, table = bus.topic(), _table(warehouse, "many", SCHEMA)
    _writing(bus, topic, table)
    for start in range(0, 5_000, 500):
        numbers = range(start, start + 500)
        bus.send(topic, [{"data": json.dumps(GOOD | {"id": f"{number:05}"}).encode()} for number in numbers])
    await_that(lambda: _count(warehouse, table) >= 5_000, "5,000 rows", every=0.1)
    assert [row["id"] for row in _rows(warehouse, table)] == [f"{number:05}" for number in range(5_000)]


def test_a_filter_keeps_rows_of_other_tables_out(bus: Bus, warehouse: bigquery.Client) -> None:
    topic, table = bus.topic(), _table(warehouse, "filtered", SCHEMA)
    bus.subscription(
        topic, bigquery_config={"table": table, "use_table_schema": True}, filter='attributes.table = "mine"'
    )
    bus.publish(topic, b'{"id": "theirs"}', table="theirs")
    bus.publish(topic, b'{"id": "mine"}', table="mine")
    await_that(lambda: _count(warehouse, table) >= 1, "a row", every=0.1)
    assert [row["id"] for row in _rows(warehouse, table)] == ["mine"]


def test_unknown_fields_are_dropped_where_that_is_asked_for(bus: Bus, warehouse: bigquery.Client) -> None:
    topic, table = bus.topic(), _table(warehouse, "dropped", SCHEMA)
    _writing(bus, topic, table, drop_unknown_fields=True)
    bus.publish(topic, b'{"id": "a", "unknown": {"deep": [1]}, "number": "12"}')
    await_that(lambda: _count(warehouse, table) >= 1, "a row", every=0.1)
    assert _rows(warehouse, table)[0]["number"] == 12


def test_metadata_is_written_where_that_is_asked_for(bus: Bus, warehouse: bigquery.Client) -> None:
    names = ("subscription_name", "message_id", "data", "attributes")
    columns = [bigquery.SchemaField(name, "STRING") for name in names]
    table = _table(warehouse, "metadata", [*columns, bigquery.SchemaField("publish_time", "TIMESTAMP")])
    topic = bus.topic()
    _writing(bus, topic, table, use_table_schema=False, write_metadata=True)
    number = bus.publish(topic, b"anything", colour="bleu")
    await_that(lambda: _count(warehouse, table) >= 1, "a row", every=0.1)
    [row] = _rows(warehouse, table)
    assert (row["message_id"], row["data"], json.loads(row["attributes"])) == (number, "anything", {"colour": "bleu"})
    assert row["publish_time"] is not None


def test_a_column_that_is_added_is_written_from_then_on(bus: Bus, warehouse: bigquery.Client) -> None:
    topic, table = bus.topic(), _table(warehouse, "grown", SCHEMA[:1])
    dead = bus.topic()
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 100}
    config = {"table": table, "use_table_schema": True}
    retry = {"minimum_backoff": {"seconds": 1}, "maximum_backoff": {"seconds": 1}}
    bus.subscription(topic, bigquery_config=config, dead_letter_policy=policy, retry_policy=retry)
    bus.publish(topic, b'{"id": "a"}')
    await_that(lambda: _count(warehouse, table) >= 1, "the first row", every=0.1)
    warehouse.query_and_wait(f"ALTER TABLE `{table}` ADD COLUMN number INT64")
    known = warehouse.get_table(table)  # the emulator alters its data, and has to be told of the schema as well
    known.schema = [*SCHEMA[:1], bigquery.SchemaField("number", "INT64")]
    warehouse.update_table(known, ["schema"])
    bus.publish(topic, b'{"id": "b", "number": 7}')
    await_that(lambda: _count(warehouse, table) >= 2, "the second row", every=0.1)
    assert [row["number"] for row in _rows(warehouse, table)] == [None, 7]


def test_rows_wait_while_the_warehouse_is_away_and_while_the_server_is(own_place: "Place", tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    client = own_place.client(PROJECT)
    client.create_dataset("pubsub")
    table = _table(client, "away", SCHEMA)
    with our_server(data, own_place.environment) as bus:
        topic = bus.topic()
        parked = _writing(bus, topic, table)
        bus.publish(topic, b'{"id": "before"}')
        await_that(lambda: _count(client, table) >= 1, "the first row", every=0.1)
        own_place.emulator.kill()
        sent = [bus.publisher.publish(topic, json.dumps({"id": f"during-{number}"}).encode()) for number in range(500)]
        bus.publish(topic, b'{"id": "last"}')
        for one in sent:
            one.result(timeout=30)
        bus.kill()
    own_place.emulator.start()
    with our_server(data, own_place.environment) as bus:
        await_that(lambda: _count(client, table) >= 502, "every row", every=0.1)
        assert bus.waiting(parked) == []
    ids = {row["id"] for row in _rows(client, table)}
    assert ids == {"before", "last"} | {f"during-{number}" for number in range(500)}
