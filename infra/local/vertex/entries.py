"""Log entries of jobs and tasks, as Vertex AI writes them: which logs, resources and labels there are is documented.

Beside them what a task used of its machine, which Vertex AI shows in Cloud Monitoring, is reported as an event about the stage.

References:
    Cloud Logging, Google Cloud platform logs, Vertex AI API.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState, PipelineTaskDetail

from core.events import PipelineRun, RunStatus
from core.instants import stamp
from functions.adapters.events import encode
from functions.adapters.vertex_tasks import DEFAULT_MACHINE
from infra.local.vertex.steps import CPU, MEMORY

_TYPE = "type.googleapis.com/google.cloud.aiplatform.logging"
_FAILED = (PipelineState.PIPELINE_STATE_FAILED, PipelineTaskDetail.State.FAILED)


def entries(before: PipelineJob, after: PipelineJob) -> list[bytes]:
    """The log entries of a change of a job: of its state, and of the states of its tasks."""
    found = []
    known = {task.task_name: task.state for task in before.job_detail.task_details}
    for task in after.job_detail.task_details:
        if known.get(task.task_name) != task.state:
            payload = {"@type": f"{_TYPE}.PipelineJobTaskLogEntry", "taskName": task.task_name}
            found.append(_entry(after, "pipeline_job_task_events", task.state, payload))
            found += _used(after, task)
    if before.state != after.state:
        payload = {"@type": f"{_TYPE}.PipelineJobLogEntry", "pipelineName": pipeline_name(after)}
        found.append(_entry(after, "pipeline_job_events", after.state, payload))
    return found


def _used(job: PipelineJob, task: Any) -> Iterator[bytes]:  # noqa: ANN401 - its types say that its instants are none
    """What a task used, where it has succeeded and was measured."""
    peaks = PipelineTaskDetail.to_dict(task).get("execution", {}).get("metadata") or {}
    if task.state != PipelineTaskDetail.State.SUCCEEDED or CPU not in peaks:
        return
    start, end = (datetime.fromtimestamp(at.timestamp(), UTC) for at in (task.start_time, task.end_time))
    used = PipelineRun(
        pipeline=pipeline_name(job),
        run_id=job.name.rpartition("/")[2],
        status=RunStatus.SUCCEEDED,
        observed_at=end,
        stage=task.task_name,
        started_at=start,
        ended_at=end,
        machine=DEFAULT_MACHINE,
        cpu_peak=peaks[CPU],
        memory_peak=peaks[MEMORY],
    )
    yield encode(used)


def pipeline_name(job: PipelineJob) -> str:
    """The name of a job's pipeline, as its specification has it."""
    return str(PipelineJob.to_dict(job)["pipeline_spec"]["pipelineInfo"]["name"])


def _entry(job: PipelineJob, log: str, state: int, payload: Mapping[str, str]) -> bytes:
    _, project, _, location, _, job_id = job.name.split("/")
    name = PipelineState(state).name if log == "pipeline_job_events" else PipelineTaskDetail.State(state).name
    labels = {"pipeline_job_id": job_id, "location": location, "resource_container": f"projects/{project}"}
    entry = {
        "insertId": uuid.uuid4().hex,
        "logName": f"projects/{project}/logs/aiplatform.googleapis.com%2F{log}",
        "resource": {"type": "aiplatform.googleapis.com/PipelineJob", "labels": labels},
        "labels": {"template_uri": job.template_uri, "template_metadata_version": job.template_metadata.version},
        "severity": "ERROR" if state in _FAILED else "INFO",
        "timestamp": stamp(datetime.now(UTC)),
        "jsonPayload": {**payload, "state": name},
    }
    return json.dumps(entry).encode()
