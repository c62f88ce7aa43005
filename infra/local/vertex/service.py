"""The supported methods of `google.cloud.aiplatform.v1.PipelineService`, and their gRPC handlers."""

from collections.abc import Callable
from typing import Any

import grpc
from google.cloud.aiplatform_v1.types import (
    CancelPipelineJobRequest,
    CreatePipelineJobRequest,
    GetPipelineJobRequest,
    ListPipelineJobsRequest,
    ListPipelineJobsResponse,
    PipelineJob,
    PipelineState,
)
from google.protobuf.empty_pb2 import Empty

from infra.local.vertex import listing, requests, steps
from infra.local.vertex.jobs import Jobs
from infra.local.vertex.refusal import RefusalError
from infra.local.vertex.runner import Runner
from infra.local.vertex.templates import Templates

NAME = "google.cloud.aiplatform.v1.PipelineService"


class Service:
    """The methods over the jobs of a file.

    Args:
        jobs: that there are.
        templates: that a job may name.
        runner: runs the jobs.
    """

    def __init__(self, jobs: Jobs, templates: Templates, runner: Runner) -> None:
        self._jobs = jobs
        self._templates = templates
        self._runner = runner

    def create(self, request: CreatePipelineJobRequest) -> PipelineJob:
        """Create a job, which waits until those before it have ended."""
        name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        job = None if self._jobs.find(name) else requests.created(request, self._templates)
        if job is None or not self._jobs.create(job):
            raise RefusalError(grpc.StatusCode.ALREADY_EXISTS, f"PipelineJob {name} already exists")
        self._runner.wake()
        return job

    def get(self, request: GetPipelineJobRequest) -> PipelineJob:
        """A job, with its tasks."""
        return self._found(request.name)

    def list(self, request: ListPipelineJobsRequest) -> ListPipelineJobsResponse:
        """A page of jobs."""
        return listing.listed(self._jobs.every(), request)

    def cancel(self, request: CancelPipelineJobRequest) -> Empty:
        """Cancel a job; one that has ended cannot be."""
        before = self._found(request.name)
        if before.state not in (steps.PENDING, steps.RUNNING):
            state = PipelineState(before.state).name
            message = f'The PipelineJob "{before.name}" is in state {state} and cannot be canceled.'
            raise RefusalError(grpc.StatusCode.FAILED_PRECONDITION, message)
        self._jobs.change(request.name, steps.cancel)
        self._runner.cancel(request.name)
        return Empty()

    def _found(self, name: str) -> PipelineJob:
        job = self._jobs.find(name)
        if job is None:
            raise RefusalError(grpc.StatusCode.NOT_FOUND, f"The PipelineJob {name} does not exist.")
        return job


def handlers(service: Service) -> grpc.GenericRpcHandler:
    """The service as a gRPC server takes it; every other method is UNIMPLEMENTED."""
    methods = {
        "CreatePipelineJob": _method(service.create, CreatePipelineJobRequest, PipelineJob.serialize),
        "GetPipelineJob": _method(service.get, GetPipelineJobRequest, PipelineJob.serialize),
        "ListPipelineJobs": _method(service.list, ListPipelineJobsRequest, ListPipelineJobsResponse.serialize),
        "CancelPipelineJob": _method(service.cancel, CancelPipelineJobRequest, Empty.SerializeToString),
    }
    return grpc.method_handlers_generic_handler(NAME, methods)


def _method(
    call: Callable[[Any], Any],
    request: Any,  # noqa: ANN401 - a class of messages
    serialize: Callable[[Any], bytes],
) -> "grpc.RpcMethodHandler[Any, Any]":
    def answer(message: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - messages
        try:
            return call(message)
        except RefusalError as refusal:
            context.abort(refusal.code, str(refusal))

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=request.deserialize, response_serializer=serialize
    )
