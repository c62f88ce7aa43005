"""Vertex AI's service `ModelService` for tests: models and their versions behave as documented.

A version is uploaded by an operation, which the test may hold; versions are numbered from 1, the first one is the default.
An alias belongs to one version of a model: a version that gets it takes it from the other one.
"""

import re
from collections.abc import Iterator

import grpc
from google.cloud.aiplatform_v1.types import (
    ListModelsRequest,
    ListModelsResponse,
    ListModelVersionsRequest,
    ListModelVersionsResponse,
    MergeVersionAliasesRequest,
    Model,
    UploadModelRequest,
    UploadModelResponse,
)
from google.longrunning.operations_pb2 import GetOperationRequest, Operation

from tests.support.servers.grpc_wire import GrpcServer, Method, Refused
from tests.support.servers.vertex import BORN, check_labels, invalid

LOCATION = "projects/aia-test/locations/europe-west4"
_PAGE = 2
"""Versions of a page, so that few of them make several."""
_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
_ALIAS = re.compile(r"-?[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
_DEFAULT = "default"


class VertexModelServer(GrpcServer):
    """The server of the models of one project and region."""

    def __init__(self) -> None:
        methods = {
            "UploadModel": Method(self._upload, UploadModelRequest, Operation),
            "ListModels": Method(self._newest, ListModelsRequest, ListModelsResponse),
            "ListModelVersions": Method(self._list, ListModelVersionsRequest, ListModelVersionsResponse),
            "MergeVersionAliases": Method(self._merge, MergeVersionAliasesRequest, Model),
        }
        operations = {"GetOperation": Method(self._operation, GetOperationRequest, Operation)}
        services = {
            "google.cloud.aiplatform.v1.ModelService": methods,
            "google.longrunning.Operations": operations,
        }
        super().__init__(services, "Permission 'aiplatform.models.upload' denied")
        self.models: dict[str, list[Model]] = {}
        self.operations: dict[str, Operation] = {}

    def add_foreign(self, name: str) -> None:
        """Somebody uploads a version without our labels."""
        self._add(f"{LOCATION}/models/{name}", Model(display_name=name, version_description="by hand"))

    def _upload(self, request: UploadModelRequest) -> Operation:
        given = request.model
        if request.parent != LOCATION:
            raise invalid(f"parent: got {request.parent!r}")
        if not 1 <= len(given.display_name) <= 128:
            raise invalid("model.display_name: must be of 1 to 128 characters")
        if given.version_id or given.name:
            raise invalid("model: an output-only field is given")
        if given.artifact_uri and not given.artifact_uri.startswith("gs://"):
            raise invalid(f"model.artifact_uri: must be in Cloud Storage, got {given.artifact_uri!r}")
        check_labels(given.labels)
        return self._done(self._add(self._parent(request), Model(given)))

    def _parent(self, request: UploadModelRequest) -> str:
        """The name of the model that the version belongs to."""
        if request.parent_model:
            if request.parent_model not in self.models:
                raise Refused(grpc.StatusCode.NOT_FOUND, f"The Model {request.parent_model} does not exist.")
            return str(request.parent_model)
        if not _ID.fullmatch(request.model_id):
            raise invalid(f"model_id: got {request.model_id!r}")
        name = f"{LOCATION}/models/{request.model_id}"
        if name in self.models:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"The Model {name} already exists.")
        return name

    def _add(self, name: str, model: Model) -> Model:
        versions = self.models.setdefault(name, [])
        model.name, model.version_id = name, str(len(versions) + 1)
        model.version_create_time = BORN
        if not versions:
            model.version_aliases = [*model.version_aliases, _DEFAULT]
        versions.append(model)
        self.effects += 1
        return model

    def _done(self, model: Model) -> Operation:
        operation = Operation(name=f"{LOCATION}/operations/{len(self.operations) + 1}", done=True)
        answer = UploadModelResponse(model=model.name, model_version_id=model.version_id)
        operation.response.Pack(UploadModelResponse.pb(answer))
        self.operations[operation.name] = operation
        return Operation(name=operation.name)  # it is still running when the call is answered

    def _operation(self, request: GetOperationRequest) -> Operation:
        if request.name not in self.operations:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Operation {request.name} does not exist.")
        return self.operations[request.name]

    def _list(self, request: ListModelVersionsRequest) -> ListModelVersionsResponse:
        if request.order_by not in ("", "create_time", "create_time desc"):
            raise invalid(f"order_by: got {request.order_by!r}")
        if request.name not in self.models:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"The Model {request.name} does not exist.")
        found = self.models[request.name]
        found = found[::-1] if request.order_by.endswith("desc") else found
        first = int(request.page_token or 0)
        more = str(first + _PAGE) if first + _PAGE < len(found) else ""
        return ListModelVersionsResponse(models=found[first : first + _PAGE], next_page_token=more)

    def _newest(self, request: ListModelsRequest) -> ListModelsResponse:
        """A page of the models, each as its newest version."""
        if request.parent != LOCATION:
            raise invalid(f"parent: got {request.parent!r}")
        newest = [versions[-1] for versions in self.models.values()]
        return ListModelsResponse(models=newest[: request.page_size or _PAGE])

    def _merge(self, request: MergeVersionAliasesRequest) -> Model:
        name, _, number = request.name.partition("@")
        target = next((one for one in self.models.get(name, []) if one.version_id == number), None)
        if target is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"The Model {request.name} does not exist.")
        for alias in request.version_aliases:
            if not _ALIAS.fullmatch(alias):
                raise invalid(f"version_aliases: got {alias!r}")
            if alias == f"-{_DEFAULT}":
                raise invalid("version_aliases: a model must have a default version")
            for one in self._losing_alias(name, target, alias):
                one.version_aliases = [other for other in one.version_aliases if other != alias.removeprefix("-")]
            if not alias.startswith("-") and alias not in target.version_aliases:
                target.version_aliases = [*target.version_aliases, alias]
        self.effects += 1
        return target

    def _losing_alias(self, name: str, target: Model, alias: str) -> Iterator[Model]:
        yield from [target] if alias.startswith("-") else [one for one in self.models[name] if one is not target]
