"""Vertex AI's endpoints and pipeline jobs: the clients, how their resources are read, and the base of actions on a pipeline."""

import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from google.api_core import exceptions as api
from google.cloud.aiplatform_v1.services.endpoint_service import EndpointServiceClient
from google.cloud.aiplatform_v1.services.endpoint_service.transports.grpc import EndpointServiceGrpcTransport
from google.cloud.aiplatform_v1.services.pipeline_service import PipelineServiceClient
from google.cloud.aiplatform_v1.services.pipeline_service.transports.grpc import PipelineServiceGrpcTransport
from google.cloud.aiplatform_v1.types import (
    CreatePipelineJobRequest,
    DeployedModel,
    Endpoint,
    ListPipelineJobsRequest,
    MutateDeployedModelRequest,
    PipelineJob,
    PipelineState,
    UpdateEndpointRequest,
)

from core.errors import ActionError
from core.settings.response import Resource
from functions.adapters.actions.calls import PATIENCE, answers, channel, limits, lookup

CREATED_DESCENDING = "create_time desc"
ENDED = (
    PipelineState.PIPELINE_STATE_SUCCEEDED,
    PipelineState.PIPELINE_STATE_FAILED,
    PipelineState.PIPELINE_STATE_CANCELLED,
)
"""The states that a job never leaves."""
CANCELLED = (PipelineState.PIPELINE_STATE_CANCELLING, PipelineState.PIPELINE_STATE_CANCELLED)
"""The states of a job whose cancellation was requested."""
_SHOWN = ("name", "display_name", "state", "create_time", "labels")
"""The fields of listed jobs that are read: their specifications are large."""


C = TypeVar("C")


class _Clients(ABC, Generic[C]):
    """The base of the clients: the endpoint and the timeout.

    Args:
        endpoint: `host:port` of a server without TLS in Google's place, of every region.
        patience: seconds that an attempt may take, and that a call is repeated for.
    """

    def __init__(self, *, endpoint: str = "", patience: float = PATIENCE) -> None:
        self._endpoint = endpoint
        self._patience = patience
        self._of = functools.cache(self._open)

    @abstractmethod
    def _open(self, region: str) -> C:
        """A client of a region."""

    def _at(self, name: str) -> C:
        """The client of the region in a resource's name."""
        return self._of(_region(name))


class Endpoints(_Clients[EndpointServiceClient]):
    """Vertex AI's endpoints."""

    def get(self, name: str) -> Endpoint:
        """The endpoint, as it is now."""
        with answers(name):
            return self._at(name).get_endpoint(name=name, **limits(self._patience))

    def update(self, read: Endpoint, *paths: str, **changes: Any) -> Endpoint:  # noqa: ANN401 - fields of any type
        """Update fields of the version that was read; a concurrent change since then raises `UnavailableError`."""
        changed = Endpoint(name=read.name, etag=read.etag, **changes)
        request = UpdateEndpointRequest(endpoint=changed, update_mask={"paths": paths})
        with answers(read.name):
            return self._at(read.name).update_endpoint(request=request, **limits(self._patience))

    def mutate(self, endpoint: str, model: DeployedModel, *paths: str) -> str:
        """Change fields of a deployed model of an endpoint, and return the name of the operation without waiting for it.

        It is called once: there is no etag that would keep a repetition from overwriting what somebody else changed meanwhile.
        """
        request = MutateDeployedModelRequest(endpoint=endpoint, deployed_model=model, update_mask={"paths": paths})
        with answers(f"{endpoint}/{model.id}"):
            operation = self._at(endpoint).mutate_deployed_model(
                request=request, **(limits(self._patience) | {"retry": None})
            )
        name: str = operation.operation.name
        return name

    def _open(self, region: str) -> EndpointServiceClient:
        if self._endpoint:
            return EndpointServiceClient(transport=EndpointServiceGrpcTransport(channel=channel(self._endpoint)))
        return EndpointServiceClient(client_options={"api_endpoint": _google(region)})


class Pipelines(_Clients[PipelineServiceClient]):
    """Vertex AI's pipeline jobs."""

    def get(self, name: str) -> PipelineJob:
        """The job; `ActionError` when there is none."""
        with answers(name):
            return self._at(name).get_pipeline_job(name=name, **limits(self._patience))

    def find(self, name: str) -> PipelineJob | None:
        """The job, or None."""
        with answers(name):
            try:
                return self._at(name).get_pipeline_job(name=name, **limits(self._patience))
            except api.NotFound:
                return None

    def list(self, location: str, **fields: str) -> Iterator[PipelineJob]:
        """The jobs whose fields equal these, newest first: their names, states, instants and labels only.

        The API documents filters of equalities joined by AND.
        """
        terms = " AND ".join(f"{name.replace('__', '.')}={_quoted(value)}" for name, value in fields.items())
        request = ListPipelineJobsRequest(
            parent=location, filter=terms, order_by=CREATED_DESCENDING, read_mask={"paths": _SHOWN}
        )
        with answers(f"{location}/pipelineJobs"):
            yield from self._at(location).list_pipeline_jobs(request=request, **limits(self._patience))

    def create(self, location: str, job: PipelineJob, job_id: str) -> bool:
        """Create a job; whether it is new, since one of this id is left as it is."""
        request = CreatePipelineJobRequest(parent=location, pipeline_job=job, pipeline_job_id=job_id)
        with answers(f"{location}/pipelineJobs/{job_id}"):
            try:
                self._at(location).create_pipeline_job(request=request, **limits(self._patience))
            except api.AlreadyExists:
                return False
        return True

    def cancel(self, name: str) -> bool:
        """Request the cancellation of a job; returns whether it is cancelled, now or before, and did not complete."""
        with answers(name):
            try:
                self._at(name).cancel_pipeline_job(name=name, **limits(self._patience))
            except api.FailedPrecondition:  # also the answer to a repetition, when the first answer was lost
                state = self.get(name).state
                if state not in (*ENDED, *CANCELLED):
                    raise
                return state in CANCELLED
        return True

    def _open(self, region: str) -> PipelineServiceClient:
        if self._endpoint:
            return PipelineServiceClient(transport=PipelineServiceGrpcTransport(channel=channel(self._endpoint)))
        return PipelineServiceClient(client_options={"api_endpoint": _google(region)})


def connect_endpoints() -> Endpoints:
    """The endpoints as the environment has them: AIA_VERTEX_ENDPOINT, or Google's own of their regions."""
    return Endpoints(endpoint=os.environ.get("AIA_VERTEX_ENDPOINT", ""))


def connect_pipelines() -> Pipelines:
    """The pipeline jobs as the environment has them: AIA_VERTEX_ENDPOINT, or Google's own of their regions."""
    return Pipelines(endpoint=os.environ.get("AIA_VERTEX_ENDPOINT", ""))


def resource_name(location: str, pipeline: str) -> str:
    """The full name of all runs of a pipeline, whichever target stands for it."""
    return f"//aiplatform.googleapis.com/{location}/pipelineJobs/{pipeline}"


def state_name(state: int) -> str:
    """A state as people say it.

    >>> state_name(PipelineState.PIPELINE_STATE_RUNNING)
    'running'
    """
    name: str = PipelineState(state).name
    return name.removeprefix("PIPELINE_STATE_").lower()


def _region(name: str) -> str:
    match name.split("/"):
        case ["projects", _, "locations", region, *_] if region:
            return region
    raise ActionError(f"{name}: must be a resource `projects/P/locations/L…` of Vertex AI")


def _google(region: str) -> str:
    return f"{region}-aiplatform.googleapis.com"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class PipelineAction:
    """An action on the pipeline of a target.

    Args:
        resources: what targets are in the cloud.
        pipelines: Vertex AI; as the environment has it where none is given.
    """

    def __init__(self, resources: Mapping[str, Resource], pipelines: Pipelines | None = None) -> None:
        self._resources = resources
        self._pipelines = pipelines or connect_pipelines()

    def _where(self, target: str) -> tuple[str, str]:
        """The location and the display name of the target's pipeline; `ActionError` where the settings have none."""
        pipeline = lookup(self._resources, target, "pipeline")
        return lookup(self._resources, target, "location"), pipeline
