"""The service `google.pubsub.v1.SchemaService`."""

from infra.local.pubsub import names, wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.codecs import MisfitError
from infra.local.pubsub.paging import page
from infra.local.pubsub.rpc import Context, Service, invalid
from infra.local.pubsub.schemas import compiled
from infra.local.pubsub.wire import Proto


class SchemaService:
    """Schemas."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._schemas = broker.schemas

    def service(self) -> Service:
        """The service's methods."""
        methods = {
            "CreateSchema": (self.create, wire.CreateSchemaRequest),
            "GetSchema": (self.get, wire.GetSchemaRequest),
            "ListSchemas": (self.list, wire.ListSchemasRequest),
            "ListSchemaRevisions": (self.list_revisions, wire.ListSchemaRevisionsRequest),
            "CommitSchema": (self.commit, wire.CommitSchemaRequest),
            "RollbackSchema": (self.roll_back, wire.RollbackSchemaRequest),
            "DeleteSchemaRevision": (self.delete_revision, wire.DeleteSchemaRevisionRequest),
            "DeleteSchema": (self.delete, wire.DeleteSchemaRequest),
            "ValidateSchema": (self.validate, wire.ValidateSchemaRequest),
            "ValidateMessage": (self.validate_message, wire.ValidateMessageRequest),
        }
        return Service("google.pubsub.v1.SchemaService", methods)

    async def create(self, request: Proto, _: Context) -> Proto:
        """Create a schema."""
        parent = names.check_project(request.parent)
        return await self._schemas.create(f"{parent}/schemas/{request.schema_id}", request.schema)

    async def get(self, request: Proto, _: Context) -> Proto:
        """A schema, or one revision of it."""
        return _view(self._schemas.revisions(request.name)[0], request.view or wire.SchemaView.FULL)

    async def list(self, request: Proto, _: Context) -> Proto:
        """The schemas of a project."""
        prefix = names.check_project(request.parent) + "/"
        mine = {name: one for name, one in self._schemas.all().items() if name.startswith(prefix)}
        chosen, token = page(sorted(mine), request.page_size, request.page_token)
        schemas = [_view(mine[name], request.view) for name in chosen]
        return wire.ListSchemasResponse(schemas=schemas, next_page_token=token)

    async def list_revisions(self, request: Proto, _: Context) -> Proto:
        """The revisions of a schema, the newest first."""
        revisions = {f"{place:04}": one for place, one in enumerate(self._schemas.revisions(request.name))}
        chosen, token = page(revisions, request.page_size, request.page_token)
        schemas = [_view(revisions[place], request.view) for place in chosen]
        return wire.ListSchemaRevisionsResponse(schemas=schemas, next_page_token=token)

    async def commit(self, request: Proto, _: Context) -> Proto:
        """Add a revision."""
        return await self._schemas.commit(request.name, request.schema)

    async def roll_back(self, request: Proto, _: Context) -> Proto:
        """Add a revision that is an earlier one."""
        return await self._schemas.roll_back(request.name, request.revision_id)

    async def delete_revision(self, request: Proto, _: Context) -> Proto:
        """Delete a revision."""
        return await self._schemas.delete_revision(request.name)

    async def delete(self, request: Proto, _: Context) -> Proto:
        """Delete a schema."""
        await self._broker.delete_schema(request.name)
        return wire.Empty()

    async def validate(self, request: Proto, _: Context) -> Proto:
        """Whether a definition is one."""
        names.check_project(request.parent)
        await compiled(request.schema)
        return wire.ValidateSchemaResponse()

    async def validate_message(self, request: Proto, _: Context) -> Proto:
        """Whether data fits a schema."""
        names.check_project(request.parent)
        schema = request.schema if request.HasField("schema") else self._schemas.revisions(request.name)[0]
        if request.encoding not in (wire.Encoding.JSON, wire.Encoding.BINARY):
            raise invalid("encoding: must be JSON or BINARY")
        try:
            (await compiled(schema)).check(request.message, request.encoding)
        except MisfitError as error:
            raise invalid(f"message: does not fit the schema: {error}") from error
        return wire.ValidateMessageResponse()


def _view(schema: Proto, view: int) -> Proto:
    if view == wire.SchemaView.FULL:
        return schema
    return wire.Schema(
        name=schema.name,
        type_=schema.type_,
        revision_id=schema.revision_id,
        revision_create_time=schema.revision_create_time,
    )
