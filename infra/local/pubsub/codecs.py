"""Whether data fits a schema: Avro by fastavro, Protocol Buffers by protoc's own descriptors."""

import asyncio
import io
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import fastavro
from fastavro.schema import SchemaParseException
from fastavro.validation import ValidationError, validate
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message, message_factory

from infra.local.pubsub import wire
from infra.local.pubsub.rpc import invalid
from infra.local.pubsub.wire import Proto

JSON: Final = wire.Encoding.JSON
_FILE: Final = "schema.proto"
_AVRO_ERRORS: Final = (ValidationError, ValueError, TypeError, LookupError, AttributeError, EOFError, OverflowError)
"""What fastavro raises on data of another shape: it does not wrap what its own code raises."""


class MisfitError(Exception):
    """Data does not fit the schema; says why."""


class Codec(Protocol):
    """A schema at work."""

    def check(self, data: bytes, encoding: int) -> None:
        """Raise `MisfitError` for data that does not fit."""
        ...


async def compile_schema(kind: int, definition: str) -> Codec:
    """The codec of a definition.

    Raises:
        RefusalError: the definition is wrong.
    """
    if kind == wire.Schema.AVRO:
        return _avro(definition)
    if kind == wire.Schema.PROTOCOL_BUFFER:
        return await _protobuf(definition)
    raise invalid("schema.type: must be AVRO or PROTOCOL_BUFFER")


@dataclass(frozen=True, slots=True)
class _Avro:
    schema: Any

    def check(self, data: bytes, encoding: int) -> None:
        try:
            validate(self._decode(data, encoding), self.schema, raise_errors=True)
        except _AVRO_ERRORS as error:
            raise MisfitError(f"{type(error).__name__}: {error}") from error

    def _decode(self, data: bytes, encoding: int) -> object:
        if encoding == JSON:
            json.loads(data)  # one value, nothing after it
            (value,) = fastavro.json_reader(io.StringIO(data.decode()), self.schema)
            return value
        stream = io.BytesIO(data)
        value = fastavro.schemaless_reader(stream, self.schema, None)
        if stream.read(1):
            raise ValueError("has more bytes than the schema")
        return value


@dataclass(frozen=True, slots=True)
class _Protobuf:
    kind: Proto

    def check(self, data: bytes, encoding: int) -> None:
        try:
            decoded = json_format.Parse(data, self.kind()) if encoding == JSON else self.kind.FromString(data)
        except (json_format.ParseError, message.DecodeError, UnicodeDecodeError) as error:
            raise MisfitError(str(error)) from error
        if missing := decoded.FindInitializationErrors():
            raise MisfitError(f"required fields are absent: {', '.join(missing)}")


def _avro(definition: str) -> Codec:
    try:
        return _Avro(fastavro.parse_schema(json.loads(definition)))
    except (SchemaParseException, *_AVRO_ERRORS) as error:
        raise invalid(f"schema.definition: is no Avro schema: {type(error).__name__}: {error}") from error


async def _protobuf(definition: str) -> Codec:
    file = await _compile(definition)
    if file.dependency:
        raise invalid(f"schema.definition: must import nothing, got {file.dependency[0]!r}")
    if len(file.message_type) != 1:
        raise invalid(f"schema.definition: must have one top-level message, got {len(file.message_type)}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    name = ".".join(filter(None, (file.package, file.message_type[0].name)))
    return _Protobuf(message_factory.GetMessageClass(pool.FindMessageTypeByName(name)))


async def _compile(definition: str) -> Proto:
    """What protoc makes of a definition, in a process of its own, which may crash alone."""
    with tempfile.TemporaryDirectory(prefix="schema-") as name:
        folder = Path(name)
        (folder / _FILE).write_text(definition)
        command = ("-m", "grpc_tools.protoc", f"-I{folder}", f"--descriptor_set_out={folder / 'out'}", _FILE)
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=asyncio.subprocess.PIPE)
        _, faults = await process.communicate()
        if process.returncode:
            raise invalid(f"schema.definition: {faults.decode(errors='replace').strip() or 'is no proto file'}")
        return descriptor_pb2.FileDescriptorSet.FromString((folder / "out").read_bytes()).file[0]
