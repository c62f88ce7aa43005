"""Schemas and their revisions: https://cloud.google.com/pubsub/docs/schemas."""

import secrets
import time
from collections.abc import Iterable
from typing import Final

import grpc

from infra.local.pubsub import names, wire
from infra.local.pubsub.codecs import Codec, MisfitError, compile_schema
from infra.local.pubsub.rpc import RefusalError, invalid, missing, unfit
from infra.local.pubsub.store import Store
from infra.local.pubsub.wire import Proto

KIND: Final = "schema"
DELETED: Final = "_deleted-schema_"
"""The schema of a topic whose schema was deleted."""
MAX_REVISIONS: Final = 20
MAX_DEFINITION_BYTES: Final = 300_000


class Schemas:
    """All schemas, each a list of revisions, the oldest first.

    Args:
        store: has the revisions.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._revisions: dict[str, list[Proto]] = {}
        self._codecs: dict[str, Codec] = {}
        revisions = [wire.Schema.FromString(data) for data in store.resources(KIND)]
        for revision in sorted(revisions, key=lambda one: one.revision_create_time.ToNanoseconds()):
            self._revisions.setdefault(revision.name, []).append(revision)

    def all(self) -> dict[str, Proto]:
        """The latest revision of each schema, by name."""
        return {name: revisions[-1] for name, revisions in self._revisions.items()}

    def revisions(self, name: str) -> list[Proto]:
        """The revisions of a schema, the newest first; refused when there is none of that name."""
        schema, _, revision = name.partition("@")
        chosen = [one for one in self._revisions.get(schema, []) if revision in ("", one.revision_id)]
        if not chosen:
            raise missing(f"schema: must exist, got {name!r}")
        return chosen[::-1]

    async def create(self, name: str, asked: Proto) -> Proto:
        """A schema with its first revision."""
        names.check(name, "schemas")
        if name in self._revisions:
            raise RefusalError(grpc.StatusCode.ALREADY_EXISTS, f"schema: {name!r} already exists")
        return await self._add(name, asked)

    async def commit(self, name: str, asked: Proto) -> Proto:
        """A further revision."""
        current = self.revisions(name)
        if asked.type_ != current[0].type_:
            raise invalid("schema.type: must be that of the earlier revisions")
        if len(current) >= MAX_REVISIONS:
            raise unfit(f"schema: must have at most {MAX_REVISIONS} revisions, delete one first")
        return await self._add(name, asked)

    async def roll_back(self, name: str, revision: str) -> Proto:
        """A further revision, with the definition of an earlier one."""
        return await self.commit(name, self.revisions(f"{name}@{revision}")[0])

    async def delete(self, name: str) -> None:
        """Delete a schema with its revisions."""
        self.revisions(name)
        gone = self._revisions.pop(name)
        await self._store.remove_resources(KIND, [_key(one) for one in gone])

    async def delete_revision(self, name: str) -> Proto:
        """Delete one revision, named SCHEMA@REVISION, which must not be the only one."""
        schema, _, revision = name.partition("@")
        if not revision:
            raise invalid(f"name: must be SCHEMA@REVISION, got {name!r}")
        gone = self.revisions(name)[0]
        if len(self._revisions[schema]) == 1:
            raise unfit("name: is the only revision: delete the schema instead")
        self._revisions[schema].remove(gone)
        await self._store.remove_resources(KIND, [_key(gone)])
        return self._revisions[schema][-1]

    def check_settings(self, settings: Proto) -> None:
        """Refuse settings of a topic that name what is not there."""
        if settings.schema == DELETED:
            return
        if settings.encoding not in (wire.Encoding.JSON, wire.Encoding.BINARY):
            raise invalid("schema_settings.encoding: must be JSON or BINARY")
        self.revisions(settings.schema)
        for revision in (settings.first_revision_id, settings.last_revision_id):
            if revision:
                self.revisions(f"{settings.schema}@{revision}")

    async def check(self, settings: Proto, messages: Iterable[Proto]) -> None:
        """Refuse messages that fit no revision of a topic's schema; those that fit one get its name as attributes."""
        if settings.schema == DELETED:
            raise unfit("topic: its schema was deleted")
        allowed = _between(self.revisions(settings.schema), settings)
        for message in messages:
            revision = await self._fitting(allowed, message.data, settings.encoding)
            message.attributes["googclient_schemaencoding"] = wire.Encoding.Name(settings.encoding)
            message.attributes["googclient_schemaname"] = revision.name
            message.attributes["googclient_schemarevisionid"] = revision.revision_id

    async def _fitting(self, revisions: list[Proto], data: bytes, encoding: int) -> Proto:
        faults: list[str] = []
        for revision in revisions:
            try:
                (await self._codec(revision)).check(data, encoding)
            except MisfitError as error:
                faults.append(str(error))
            else:
                return revision
        raise invalid(
            f"messages: data does not fit the topic's schema: {faults[0] if faults else 'it has no revision'}"
        )

    async def _codec(self, revision: Proto) -> Codec:
        key = _key(revision)
        if key not in self._codecs:
            self._codecs[key] = await compile_schema(revision.type_, revision.definition)
        return self._codecs[key]

    async def _add(self, name: str, asked: Proto) -> Proto:
        codec = await compiled(asked)
        revision = wire.Schema(name=name, type_=asked.type_, definition=asked.definition)
        revision.revision_id = secrets.token_hex(4)
        revision.revision_create_time.FromNanoseconds(time.time_ns())
        await self._store.save_resource(KIND, _key(revision), revision.SerializeToString())
        self._codecs[_key(revision)] = codec
        self._revisions.setdefault(name, []).append(revision)
        return revision


async def compiled(asked: Proto) -> Codec:
    """The codec of a schema that somebody asks for.

    Raises:
        RefusalError: it is wrong, or not to be had here.
    """
    if len(asked.definition.encode()) > MAX_DEFINITION_BYTES:
        raise invalid(f"schema.definition: must be at most {MAX_DEFINITION_BYTES} bytes")
    return await compile_schema(asked.type_, asked.definition)


def _between(newest_first: list[Proto], settings: Proto) -> list[Proto]:
    """The revisions that settings allow."""
    ids = [one.revision_id for one in newest_first]
    start = ids.index(settings.last_revision_id) if settings.last_revision_id in ids else 0
    end = ids.index(settings.first_revision_id) + 1 if settings.first_revision_id in ids else len(ids)
    return newest_first[start:end]


def _key(revision: Proto) -> str:
    return f"{revision.name}@{revision.revision_id}"
