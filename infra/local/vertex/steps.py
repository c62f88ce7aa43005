"""How a job changes: when it begins, when one of its tasks does, and when it ends."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

from google.cloud.aiplatform_v1.types import Artifact, Execution, PipelineState, PipelineTaskDetail
from google.rpc.code_pb2 import CANCELLED, INTERNAL
from google.rpc.status_pb2 import Status

from infra.local.vertex.change import TaskChange

PipelineJob: TypeAlias = Any
"""Vertex AI's job: its types say that its fields take no instants and no numbers of states, which they do."""
PENDING, RUNNING = PipelineState.PIPELINE_STATE_PENDING, PipelineState.PIPELINE_STATE_RUNNING
CANCELLING, CANCELLED_STATE = PipelineState.PIPELINE_STATE_CANCELLING, PipelineState.PIPELINE_STATE_CANCELLED
ENDED = (PipelineState.PIPELINE_STATE_SUCCEEDED, PipelineState.PIPELINE_STATE_FAILED, CANCELLED_STATE)
CPU, MEMORY = "cpu_peak", "memory_peak"
"""Metadata of a task's execution that Vertex AI does not have: what was measured here."""
_TASK: Any = PipelineTaskDetail.State
_TASKS = {state.name: state for state in _TASK}


def begin(job: PipelineJob) -> None:
    """It runs."""
    job.state = RUNNING
    job.start_time = job.update_time = datetime.now(UTC)


def cancel(job: PipelineJob) -> None:
    """Its cancellation is asked for; what does not run yet is cancelled by that."""
    if job.state == PENDING:
        end(job, CANCELLED_STATE)
    elif job.state == RUNNING:
        job.state = CANCELLING
        job.update_time = datetime.now(UTC)


def end(job: PipelineJob, state: int, error: str = "") -> None:
    """It has ended, and its tasks that run with it."""
    if job.state in ENDED:
        return
    job.state = PipelineState(state)
    job.end_time = job.update_time = datetime.now(UTC)
    if error:
        job.error = Status(code=CANCELLED if state == CANCELLED_STATE else INTERNAL, message=error)
    for task in job.job_detail.task_details:
        if task.state == _TASK.RUNNING:
            task.state = _TASK.CANCELLED if state == CANCELLED_STATE else _TASK.FAILED
            task.end_time = job.end_time
            if error:
                task.error = Status(code=INTERNAL, message=error)


def apply(job: PipelineJob, change: TaskChange) -> None:
    """A task has begun or ended; of a job that has ended nothing changes."""
    if job.state in ENDED:
        return
    details = job.job_detail.task_details
    found = next((task for task in details if task.task_name == change.task), None)
    if found is None:
        details.append(PipelineTaskDetail(task_id=len(details) + 1, task_name=change.task, create_time=change.at))
        found = details[-1]
    found.state = _TASKS[change.state]
    if change.state == "RUNNING":
        found.start_time = change.at
        return
    found.end_time = change.at
    if change.error:
        found.error = Status(code=INTERNAL, message=change.error)
    if change.cpu_peak is not None and change.memory_peak is not None:
        found.execution = Execution(metadata={CPU: change.cpu_peak, MEMORY: change.memory_peak})
    for name, uri in change.artifacts.items():
        found.outputs[name] = PipelineTaskDetail.ArtifactList(artifacts=[Artifact(display_name=name, uri=uri)])
