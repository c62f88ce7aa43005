"""Vertex AI's services `EndpointService` and `PipelineService` for tests: resources that behave as documented.

An endpoint's update respects mask and etag, and a split adds up to 100 over what is deployed. Pipeline jobs come of a
specification or of a template of Artifact Registry; they are listed by filters, in pages; a cancelled one goes through
CANCELLING, and everything moves on only when the test says so.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import grpc
from google.cloud.aiplatform_v1.types import (
    CancelPipelineJobRequest,
    CreatePipelineJobRequest,
    DeployedModel,
    Endpoint,
    GetEndpointRequest,
    GetPipelineJobRequest,
    ListPipelineJobsRequest,
    ListPipelineJobsResponse,
    MutateDeployedModelRequest,
    PipelineJob,
    PipelineState,
    UpdateEndpointRequest,
)
from google.longrunning.operations_pb2 import Operation  # type: ignore[import-untyped]  # published without types
from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from infra.local.vertex.listing import listed
from infra.local.vertex.refusal import RefusalError
from tests.support.servers.grpc_wire import GrpcServer, Method, Refused

LOCATION = "projects/p/locations/europe-west4"
ENDPOINT = f"{LOCATION}/endpoints/77"
BORN = datetime(2026, 11, 1, tzinfo=UTC)
QUEUED = PipelineState.PIPELINE_STATE_QUEUED
PENDING = PipelineState.PIPELINE_STATE_PENDING
RUNNING = PipelineState.PIPELINE_STATE_RUNNING
SUCCEEDED = PipelineState.PIPELINE_STATE_SUCCEEDED
FAILED = PipelineState.PIPELINE_STATE_FAILED
CANCELLING = PipelineState.PIPELINE_STATE_CANCELLING
CANCELLED = PipelineState.PIPELINE_STATE_CANCELLED
_PAGE = 2
"""Jobs of a page, so that few of them make several."""
_EDITABLE = ("display_name", "description", "labels", "traffic_split")
_MUTABLE = tuple(
    f"{kind}.{field}"
    for kind in ("dedicated_resources", "automatic_resources")
    for field in ("min_replica_count", "max_replica_count")
)
_TEMPLATE = re.compile(r"https://[\w-]+-kfp\.pkg\.dev/[\w-]+/[\w-]+/[\w-]+/[\w.:-]+")


class VertexEndpoints(GrpcServer):
    """The server of one endpoint, `ENDPOINT`: three versions of a model are deployed, the newest has the traffic."""

    def __init__(self) -> None:
        methods = {
            "GetEndpoint": Method(self._get, GetEndpointRequest, Endpoint),
            "UpdateEndpoint": Method(self._update, UpdateEndpointRequest, Endpoint),
            "MutateDeployedModel": Method(self._mutate, MutateDeployedModelRequest, Operation),
        }
        services = {"google.cloud.aiplatform.v1.EndpointService": methods}
        super().__init__(services, "Permission 'aiplatform.endpoints.update' denied")
        # In another order than they were deployed in: the ids of deployed models are no sequence.
        models = [deployed("30", version=3), deployed("10", version=1), deployed("20", version=2)]
        self.endpoint_resource = Endpoint(
            name=ENDPOINT, display_name="flights", etag="e0", deployed_models=models, traffic_split={"30": 100}
        )

    def set(self, **fields: object) -> None:
        """Somebody changes fields of the endpoint."""
        for name, value in fields.items():
            setattr(self.endpoint_resource, name, value)
        self.endpoint_resource.etag += "'"

    def replicas(self, model: str, available: int, message: str = "") -> None:
        """Vertex AI tells how many replicas a deployed model has."""
        for one in self.endpoint_resource.deployed_models:
            if one.id == model:
                one.status = DeployedModel.Status(available_replica_count=available, message=message)

    def _get(self, request: GetEndpointRequest) -> Endpoint:
        if request.name != ENDPOINT:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"The Endpoint {request.name} does not exist.")
        return self.endpoint_resource

    def _update(self, request: UpdateEndpointRequest) -> Endpoint:
        now = self._get(GetEndpointRequest(name=request.endpoint.name))
        paths = list(request.update_mask.paths)
        if not paths or any(path.partition(".")[0] not in _EDITABLE for path in paths):
            raise invalid(f"update_mask: must name fields that can be changed, got {paths}")
        if request.endpoint.etag and request.endpoint.etag != now.etag:
            raise Refused(grpc.StatusCode.ABORTED, f"etag {request.endpoint.etag} does not match {now.etag}")
        wanted = Endpoint(now)
        FieldMask(paths=paths).MergeMessage(Endpoint.pb(request.endpoint), Endpoint.pb(wanted), True, True)  # noqa: FBT003 - of protobuf
        _check_split(wanted)
        self.endpoint_resource = wanted
        wanted.etag = f"{now.etag}+"
        self.effects += 1
        return wanted

    def _mutate(self, request: MutateDeployedModelRequest) -> Operation:
        now = self._get(GetEndpointRequest(name=request.endpoint))
        model = next((one for one in now.deployed_models if one.id == request.deployed_model.id), None)
        if model is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"DeployedModel {request.deployed_model.id} does not exist.")
        paths = list(request.update_mask.paths)
        if not paths or any(path not in _MUTABLE or path.partition(".")[0] not in model for path in paths):
            raise invalid(f"update_mask: must name fields that can be changed, got {paths}")
        wanted = DeployedModel(model)
        given = DeployedModel.pb(request.deployed_model)
        FieldMask(paths=paths).MergeMessage(given, DeployedModel.pb(wanted), True, True)  # noqa: FBT003 - of protobuf
        own = getattr(wanted, paths[0].partition(".")[0])
        if not 1 <= own.min_replica_count <= own.max_replica_count:
            raise invalid(f"min_replica_count: must be 1 to the maximum, got {own.min_replica_count}")
        models = [wanted if one.id == wanted.id else one for one in now.deployed_models]
        self.endpoint_resource = Endpoint(now)
        self.endpoint_resource.deployed_models = models
        self.effects += 1
        return Operation(name=f"{request.endpoint}/operations/{self.effects}")


class VertexPipelines(GrpcServer):
    """The server of pipeline jobs; those of the pipeline `nightly` are the ones tests are about."""

    def __init__(self) -> None:
        methods = {
            "CreatePipelineJob": Method(self._create, CreatePipelineJobRequest, PipelineJob),
            "GetPipelineJob": Method(self._get, GetPipelineJobRequest, PipelineJob),
            "ListPipelineJobs": Method(self._list, ListPipelineJobsRequest, ListPipelineJobsResponse),
            "CancelPipelineJob": Method(self._cancel, CancelPipelineJobRequest, Empty),
        }
        services = {"google.cloud.aiplatform.v1.PipelineService": methods}
        super().__init__(services, "Permission 'aiplatform.pipelineJobs.create' denied")
        self.jobs: dict[str, PipelineJob] = {}
        self.refusal: Refused | None = None
        """What every job to create is answered with instead."""

    def add(self, job_id: str, state: int, *, pipeline: str = "nightly") -> PipelineJob:
        """A job that somebody created before."""
        job = PipelineJob(
            name=f"{LOCATION}/pipelineJobs/{job_id}",
            display_name=pipeline,
            state=state,
            create_time=BORN + timedelta(hours=len(self.jobs)),
            pipeline_spec={"schemaVersion": "2.1.0", "pipelineInfo": {"name": pipeline}},
            runtime_config={"gcs_output_directory": "gs://shop/runs", "parameter_values": {"days": 60}},
            service_account="trainer@p.iam.gserviceaccount.com",
            network="projects/1/global/networks/private",
            labels={"team": "shop", "vertex-ai-pipelines-run-billing-id": str(len(self.jobs))},
        )
        self.jobs[job.name] = job
        return job

    def move(self, origin: Iterable[int], goal: int) -> None:
        """Every job in one of the states goes to another."""
        for job in self.jobs.values():
            if job.state in origin:
                job.state = PipelineState(goal)

    def _create(self, request: CreatePipelineJobRequest) -> PipelineJob:
        given = request.pipeline_job
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,127}", request.pipeline_job_id):
            raise invalid(f"pipeline_job_id: got {request.pipeline_job_id!r}")
        if self.refusal is not None:
            raise self.refusal
        if not given.runtime_config.gcs_output_directory or not (given.pipeline_spec or given.template_uri):
            raise invalid("pipeline_job: pipeline_spec and runtime_config.gcs_output_directory are required")
        if given.template_uri and not given.pipeline_spec and not _TEMPLATE.fullmatch(given.template_uri):
            raise invalid(f"pipeline_job.template_uri: must be of Artifact Registry, got {given.template_uri!r}")
        check_labels(given.labels)
        if given.state or given.name or given.create_time:
            raise invalid("pipeline_job: an output-only field is given")
        name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        if name in self.jobs:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, f"PipelineJob {name} already exists")
        job = PipelineJob(given)
        job.name, job.state, job.create_time = name, PENDING, BORN + timedelta(hours=len(self.jobs))
        self.jobs[name] = job
        self.effects += 1
        return job

    def _get(self, request: GetPipelineJobRequest | CancelPipelineJobRequest) -> PipelineJob:
        if request.name not in self.jobs:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"The PipelineJob {request.name} does not exist.")
        return self.jobs[request.name]

    def _cancel(self, request: CancelPipelineJobRequest) -> Empty:
        job = self._get(request)
        if job.state not in (QUEUED, PENDING, RUNNING):
            state = PipelineState(job.state).name
            message = f'The PipelineJob "{job.name}" is in state {state} and cannot be canceled.'
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, message)
        job.state = PipelineState(CANCELLING)
        self.effects += 1
        return Empty()

    def _list(self, request: ListPipelineJobsRequest) -> ListPipelineJobsResponse:
        asked = ListPipelineJobsRequest(request)
        asked.page_size = _PAGE
        try:
            return listed(self.jobs.values(), asked)
        except RefusalError as refusal:
            raise invalid(str(refusal)) from refusal


def deployed(model: str, *, version: int, name: str = "flight-delay") -> DeployedModel:
    """A version of a model, deployed in its turn, with one replica."""
    return DeployedModel(
        id=model,
        model=f"{LOCATION}/models/{name}@{version}",
        display_name=f"{name}-{version}",
        create_time=BORN + timedelta(days=version),
        status={"available_replica_count": 1},
    )


def _check_split(endpoint: Endpoint) -> None:
    split = dict(endpoint.traffic_split)
    if split and sum(split.values()) != 100:
        raise invalid(f"traffic_split: must add up to 100, got {split}")
    unknown = set(split) - {model.id for model in endpoint.deployed_models}
    if unknown:
        raise invalid(f"traffic_split: {sorted(unknown)} are not deployed")
    check_labels(endpoint.labels)


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that no resource may have."""
    for name, value in labels.items():
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", name) or not re.fullmatch(r"[a-z0-9_-]{0,64}", value):
            raise invalid(f"labels: got {name}={value}")


def invalid(message: str) -> Refused:
    """The refusal of an argument."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)
