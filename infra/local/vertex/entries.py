"""Log entries of jobs and tasks, as Vertex AI writes them: which logs, resources and labels there are is documented.

References:
    Cloud Logging, Google Cloud platform logs, Vertex AI API.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState, PipelineTaskDetail

from core.instants import stamp

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
    if before.state != after.state:
        payload = {"@type": f"{_TYPE}.PipelineJobLogEntry", "pipelineName": pipeline_name(after)}
        found.append(_entry(after, "pipeline_job_events", after.state, payload))
    return found


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
