"""Versions of models in the model registry of Vertex AI: each one a version of the model whose id is the model's name.

Vertex AI numbers versions itself. The version that we name is found by its label, and the description of the version has
the whole of it. A label takes 64 characters of a few kinds, so that it has a hash of the name.
"""

import os
from typing import ClassVar

from google.api_core import exceptions as api
from google.cloud.aiplatform_v1.services.model_service import ModelServiceClient
from google.cloud.aiplatform_v1.services.model_service.transports.grpc import ModelServiceGrpcTransport
from google.cloud.aiplatform_v1.types import (
    ListModelsRequest,
    ListModelVersionsRequest,
    MergeVersionAliasesRequest,
    Model,
    UploadModelRequest,
)

from core.errors import ActionError, UnavailableError, UnreadableError
from core.settings import VertexRegistry
from core.versions import AliasName, Version
from functions.adapters import request_deadline
from functions.adapters.actions.calls import PATIENCE, answers, channel, digest, limits
from functions.adapters.registries import record
from functions.adapters.registries.port import Entry

LABEL = "aia-version"
LONGEST_ID = 63
"""Characters of the id of a model."""
_DIGITS = 16
_UPLOAD = 12.0
"""How many times as long an upload may take as a call: Vertex AI reads the artifact and the image."""


class VertexModels:
    """The model registry of a project and region; see the port.

    Args:
        settings: the project, the region, and what serves the models.
        endpoint: `host:port` of a server without TLS in Google's place; by the environment where none is given.
        patience: seconds that a call is repeated for, and that each attempt may take.
    """

    name: ClassVar[str] = "vertex"

    def __init__(self, settings: VertexRegistry, *, endpoint: str = "", patience: float = PATIENCE) -> None:
        self._settings = settings
        self._patience = patience
        self._location = f"projects/{settings.project}/locations/{settings.location}"
        self._client = _open(settings.location, endpoint or os.environ.get("AIA_VERTEX_ENDPOINT", ""))

    def check(self) -> None:
        """Return where the service lists models; it is asked for one."""
        request = ListModelsRequest(parent=self._location, page_size=1)
        with answers(f"{self._location}/models"):
            self._client.list_models(request=request, **limits(self._patience))

    def register(self, version: Version) -> Entry:
        """Register a version, unless it is there."""
        entries = self._entries(version.model)
        if entries and (found := _named(entries, version.version)):
            return found
        self._upload(version, exists=entries is not None)
        if found := self.get(version.model, version.version):
            return found
        raise UnavailableError(f"{self._name(version.model)}: {version.version} was uploaded and is not shown yet")

    def get(self, model: str, version: str) -> Entry | None:
        """A version, or None; of several of one name, the oldest."""
        return _named(self.versions(model), version)

    def versions(self, model: str) -> list[Entry]:
        """The versions of a model, oldest first."""
        return self._entries(model) or []

    def set_alias(self, model: str, alias: AliasName, version: str | None) -> None:
        """Give an alias to a version, or remove it."""
        entries = self.versions(model)
        if version is None:
            for entry in entries:
                if alias in entry.aliases:
                    self._merge(entry, f"-{alias}")
            return
        found = _named(entries, version)
        if found is None:
            raise ActionError(f"{self._name(model)}: must have version {version!r}, has none of this name")
        if alias not in found.aliases:
            self._merge(found, alias)

    def _merge(self, entry: Entry, alias: str) -> None:
        request = MergeVersionAliasesRequest(name=entry.uri, version_aliases=[alias])
        with answers(entry.uri):
            self._client.merge_version_aliases(request=request, **limits(self._patience))

    def _upload(self, version: Version, *, exists: bool) -> None:
        """Upload a version and wait for the end of the operation; one that was lost on the way is found by its label."""
        name = self._name(version.model)
        request = UploadModelRequest(parent=self._location, model=self._model(version))
        if exists:
            request.parent_model = name
        else:
            request.model_id = _model_id(version.model)
        with answers(name):
            operation = self._client.upload_model(request=request, timeout=request_deadline.within(self._patience))
            try:
                operation.result(timeout=request_deadline.within(_UPLOAD * self._patience))  # type: ignore[no-untyped-call] # api_core has no type here
            except TimeoutError as error:
                raise UnavailableError(f"{name}: {version.version} is still being uploaded") from error

    def _model(self, version: Version) -> Model:
        image = self._settings.image
        return Model(
            display_name=version.model,
            version_description=record.encode(version),
            labels={LABEL: digest(version.version)},
            artifact_uri=version.artifact_uri if version.artifact_uri.startswith("gs://") else "",
            **({"container_spec": {"image_uri": image}} if image else {}),
        )

    def _entries(self, model: str) -> list[Entry] | None:
        """The versions, oldest first; None where there is no such model."""
        request = ListModelVersionsRequest(name=self._name(model), order_by="create_time")
        with answers(request.name):
            try:
                return [
                    _entry(one) for one in self._client.list_model_versions(request=request, **limits(self._patience))
                ]
            except api.NotFound:
                return None

    def _name(self, model: str) -> str:
        return f"{self._location}/models/{_model_id(model)}"


def _open(location: str, endpoint: str) -> ModelServiceClient:
    if endpoint:
        return ModelServiceClient(transport=ModelServiceGrpcTransport(channel=channel(endpoint)))
    return ModelServiceClient(client_options={"api_endpoint": f"{location}-aiplatform.googleapis.com"})


def _model_id(model: str) -> str:
    """The id of a model: its name, or where that is too long, its beginning and a hash of it.

    >>> _model_id("flight-delay"), len(_model_id("a" * 100))
    ('flight-delay', 63)
    """
    if len(model) <= LONGEST_ID:
        return model
    return f"{model[: LONGEST_ID - _DIGITS - 1]}-{digest(model)[:_DIGITS]}"


def _named(entries: list[Entry], version: str) -> Entry | None:
    return next((one for one in entries if one.version and one.version.version == version), None)


def _entry(model: Model) -> Entry:
    fault = "" if LABEL in model.labels else f"label {LABEL}: must be given"
    version = None
    if not fault:
        try:
            version = record.decode(model.version_description)
        except UnreadableError as error:
            fault = str(error)
    uri = f"{model.name.partition('@')[0]}@{model.version_id}"
    aliases = tuple(sorted(model.version_aliases))
    return Entry(version=version, number=model.version_id, uri=uri, aliases=aliases, fault=fault)
