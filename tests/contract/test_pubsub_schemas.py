"""Schemas, and messages that must fit them, as the official clients see them."""

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import SchemaServiceClient
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1.types import Encoding, Schema, SchemaView

from tests.contract.pubsub_fixtures import PROJECT, Bus, our_server

PARENT = f"projects/{PROJECT}"
AVRO = json.dumps(
    {
        "type": "record",
        "name": "State",
        "fields": [{"name": "name", "type": "string"}, {"name": "size", "type": "long"}],
    }
)
AVRO_NARROW = json.dumps({"type": "record", "name": "State", "fields": [{"name": "name", "type": "string"}]})
PROTO = (
    'syntax = "proto3"; package a.b; message State { string name = 1; Size size = 2; message Size { int64 n = 1; } }'
)

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with our_server(tmp_path_factory.mktemp("schemas") / "pubsub.sqlite") as running:
        yield running


@pytest.fixture(scope="module")
def schemas(bus: Bus) -> Iterator[SchemaServiceClient]:
    with _client(bus) as client:
        yield client


def _client(bus: Bus) -> SchemaServiceClient:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", bus.host)
        return SchemaServiceClient()


def _create(client: SchemaServiceClient, definition: str = AVRO, kind: Schema.Type = Schema.Type.AVRO) -> Schema:
    schema = {"type_": kind, "definition": definition}
    return client.create_schema(request={"parent": PARENT, "schema": schema, "schema_id": f"schema-{next(_numbers)}"})


def _topic(bus: Bus, schema: str, encoding: Encoding, **settings: str) -> str:
    path = f"{PARENT}/topics/fitted-{next(_numbers)}"
    bus.publisher.create_topic(
        request={"name": path, "schema_settings": {"schema": schema, "encoding": encoding, **settings}}
    )
    return path


def _avro(value: object) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(AVRO)), value)
    return out.getvalue()


def test_a_schema_has_revisions_that_are_listed_restored_and_deleted(schemas: SchemaServiceClient) -> None:
    first = _create(schemas)
    name = first.name
    wanted = {"name": name, "type_": Schema.Type.AVRO, "definition": AVRO_NARROW}
    second = schemas.commit_schema(request={"name": name, "schema": wanted})
    third = schemas.rollback_schema(name=name, revision_id=first.revision_id)
    listed = [one.revision_id for one in schemas.list_schema_revisions(request={"name": name, "page_size": 2})]
    assert listed == [third.revision_id, second.revision_id, first.revision_id]
    assert schemas.get_schema(name=name).definition == AVRO
    assert schemas.get_schema(name=f"{name}@{second.revision_id}").definition == AVRO_NARROW
    assert schemas.get_schema(request={"name": name, "view": SchemaView.BASIC}).definition == ""
    schemas.delete_schema_revision(request={"name": f"{name}@{second.revision_id}"})
    with pytest.raises(exceptions.NotFound):
        schemas.get_schema(name=f"{name}@{second.revision_id}")
    assert name in {one.name for one in schemas.list_schemas(parent=PARENT)}
    schemas.delete_schema(name=name)
    with pytest.raises(exceptions.NotFound):
        schemas.get_schema(name=name)


def test_a_schema_cannot_change_its_type_or_lose_its_only_revision(schemas: SchemaServiceClient) -> None:
    schema = _create(schemas)
    wanted = {"name": schema.name, "type_": Schema.Type.PROTOCOL_BUFFER, "definition": PROTO}
    with pytest.raises(exceptions.InvalidArgument):
        schemas.commit_schema(request={"name": schema.name, "schema": wanted})
    with pytest.raises(exceptions.FailedPrecondition):
        schemas.delete_schema_revision(request={"name": f"{schema.name}@{schema.revision_id}"})


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        (Schema.Type.AVRO, '{"type": "recor"}'),
        (Schema.Type.AVRO, "message State {}"),
        (Schema.Type.PROTOCOL_BUFFER, "message State { strin name = 1; }"),
        (Schema.Type.PROTOCOL_BUFFER, 'syntax = "proto3"; message A {} message B {}'),
        (Schema.Type.PROTOCOL_BUFFER, 'syntax = "proto3"; import "google/protobuf/any.proto"; message A {}'),
    ],
)
def test_a_definition_that_is_none_is_refused(schemas: SchemaServiceClient, kind: Schema.Type, definition: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        schemas.validate_schema(parent=PARENT, schema={"type_": kind, "definition": definition})


AVRO_CASES = [
    (Encoding.JSON, b'{"name": "Ohio", "size": 3}', b'{"name": "Ohio", "size": "three"}'),
    (Encoding.JSON, b'{"name": "Ohio", "size": 3}', b'{"name": "Ohio"}'),
    (Encoding.JSON, b'{"name": "Ohio", "size": 3}', b"\xff"),
    (Encoding.BINARY, _avro({"name": "Ohio", "size": 3}), _avro({"name": "Ohio", "size": 3}) + b"x"),
    (Encoding.BINARY, _avro({"name": "Ohio", "size": 3}), b"\x08Oh"),
]
PROTO_CASES = [
    (Encoding.JSON, b'{"name": "Ohio", "size": {"n": "3"}}', b'{"name": "Ohio", "size": 3}'),
    (Encoding.JSON, b"{}", b'{"nam": "Ohio"}'),
    (Encoding.BINARY, b"\x0a\x04Ohio", b"\x0a\x09Ohio"),
]


@pytest.mark.parametrize(
    ("kind", "definition", "case"),
    [
        *((Schema.Type.AVRO, AVRO, case) for case in AVRO_CASES),
        *((Schema.Type.PROTOCOL_BUFFER, PROTO, case) for case in PROTO_CASES),
    ],
)
def test_a_message_is_published_if_it_fits(
    bus: Bus, schemas: SchemaServiceClient, kind: Schema.Type, definition: str, case: Any
) -> None:
    encoding, fits, misfits = case
    schema = _create(schemas, definition, kind)
    topic = _topic(bus, schema.name, encoding)
    subscription = bus.subscription(topic)
    with pytest.raises(exceptions.InvalidArgument):
        bus.send(topic, [{"data": fits}, {"data": misfits}])
    bus.send(topic, [{"data": fits}])
    [received] = bus.pull(subscription, 1)
    assert dict(received.message.attributes) == {
        "googclient_schemaencoding": encoding.name,
        "googclient_schemaname": schema.name,
        "googclient_schemarevisionid": schema.revision_id,
    }
    asked = {"parent": PARENT, "name": schema.name, "encoding": encoding}
    schemas.validate_message(request={**asked, "message": fits})
    with pytest.raises(exceptions.InvalidArgument):
        schemas.validate_message(request={**asked, "message": misfits})


def test_a_topic_takes_only_the_revisions_that_it_names(bus: Bus, schemas: SchemaServiceClient) -> None:
    first = _create(schemas)
    wanted = {"name": first.name, "type_": Schema.Type.AVRO, "definition": AVRO_NARROW}
    second = schemas.commit_schema(request={"name": first.name, "schema": wanted})
    topic = _topic(bus, first.name, Encoding.JSON, last_revision_id=first.revision_id)
    narrow = [{"data": b'{"name": "Ohio"}'}]
    with pytest.raises(exceptions.InvalidArgument):
        bus.send(topic, narrow)
    settings = {"first_revision_id": second.revision_id, "last_revision_id": second.revision_id}
    paths = [f"schema_settings.{field}" for field in settings]
    bus.publisher.update_topic(
        request={"topic": {"name": topic, "schema_settings": settings}, "update_mask": FieldMask(paths=paths)}
    )
    assert bus.publisher.get_topic(topic=topic).schema_settings.schema == first.name
    bus.send(topic, narrow)


def test_a_topic_of_no_schema_is_refused_and_one_whose_schema_was_deleted_takes_nothing(
    bus: Bus, schemas: SchemaServiceClient
) -> None:
    with pytest.raises(exceptions.NotFound):
        _topic(bus, f"{PARENT}/schemas/none", Encoding.JSON)
    schema = _create(schemas)
    with pytest.raises(exceptions.InvalidArgument):
        _topic(bus, schema.name, Encoding.ENCODING_UNSPECIFIED)
    topic = _topic(bus, schema.name, Encoding.JSON)
    schemas.delete_schema(name=schema.name)
    assert bus.publisher.get_topic(topic=topic).schema_settings.schema == "_deleted-schema_"
    with pytest.raises(exceptions.FailedPrecondition):
        bus.send(topic, [{"data": b'{"name": "Ohio", "size": 3}'}])


def test_schemas_outlive_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "pubsub.sqlite"
    with our_server(data) as bus, _client(bus) as schemas:
        schema = _create(schemas, PROTO, Schema.Type.PROTOCOL_BUFFER)
        topic = _topic(bus, schema.name, Encoding.JSON)
        bus.kill()
    with our_server(data) as bus, _client(bus) as schemas:
        assert schemas.get_schema(name=schema.name) == schema
        with pytest.raises(exceptions.InvalidArgument):
            bus.send(topic, [{"data": b'{"size": 3}'}])
