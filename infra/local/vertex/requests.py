"""Requests to create jobs: what Vertex AI refuses, and the job that comes of the others."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud.aiplatform_v1.types import (
    CreatePipelineJobRequest,
    PipelineJob,
    PipelineState,
    PipelineTemplateMetadata,
)

from infra.local.vertex.refusal import invalid
from infra.local.vertex.templates import Template, Templates

_ID = re.compile(r"[a-z][a-z0-9-]{0,127}")
_PARENT = re.compile(r"projects/[^/]+/locations/[a-z]+-[a-z]+\d+")
_KEY, _LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
_LONGEST_NAME, _MOST_LABELS = 128, 64
_OUTPUT_ONLY = ("name", "create_time", "start_time", "end_time", "state", "error")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "NUMBER_INTEGER": (int, float),
    "NUMBER_DOUBLE": (int, float),
    "LIST": (list,),
    "STRUCT": (dict,),
}


def created(request: CreatePipelineJobRequest, templates: Templates) -> PipelineJob:
    """The job of a request.

    Raises:
        RefusalError: with the field, the value and what is allowed.
    """
    given = request.pipeline_job
    if not _PARENT.fullmatch(request.parent):
        raise invalid(f"parent: must be projects/PROJECT/locations/REGION, got {request.parent!r}")
    if not _ID.fullmatch(request.pipeline_job_id):
        raise invalid(f"pipeline_job_id: must match {_ID.pattern}, got {request.pipeline_job_id!r}")
    for name in _OUTPUT_ONLY:
        if name in given:
            raise invalid(f"pipeline_job.{name}: must not be given, it is output only")
    _check_labels(given)
    if not given.runtime_config.gcs_output_directory.startswith("gs://"):
        raise invalid("pipeline_job.runtime_config.gcs_output_directory: must be gs://BUCKET/FOLDER")
    template = templates.find(given.template_uri)
    spec = template.spec
    _check_parameters(spec, PipelineJob.to_dict(given)["runtime_config"].get("parameter_values", {}))
    return _job(request, template, spec)


def _job(request: CreatePipelineJobRequest, template: Template, spec: dict[str, Any]) -> PipelineJob:
    job: Any = PipelineJob(request.pipeline_job)  # its types say that its fields take no instants
    job.name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
    job.state = PipelineState.PIPELINE_STATE_PENDING
    job.create_time = job.update_time = datetime.now(UTC)
    job.pipeline_spec = {"pipelineInfo": spec["pipelineInfo"], "schemaVersion": spec["schemaVersion"]}
    job.template_metadata = PipelineTemplateMetadata(version=template.version)
    found: PipelineJob = job
    return found


def _check_labels(job: PipelineJob) -> None:
    if len(job.display_name) > _LONGEST_NAME:
        raise invalid(f"pipeline_job.display_name: must have at most {_LONGEST_NAME} characters")
    if len(job.labels) > _MOST_LABELS:
        raise invalid(f"pipeline_job.labels: must be at most {_MOST_LABELS}, got {len(job.labels)}")
    for key, value in job.labels.items():
        if not _KEY.fullmatch(key) or not _LABEL.fullmatch(value):
            raise invalid(
                f"pipeline_job.labels: must be small letters, digits, dashes and underscores, got {key}={value}"
            )


def _check_parameters(spec: dict[str, Any], values: Mapping[str, Any]) -> None:
    inputs = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    if unknown := sorted(values.keys() - inputs.keys()):
        raise invalid(f"parameter_values: must be parameters of the pipeline, {sorted(inputs)}, got {unknown}")
    required = {name for name, one in inputs.items() if "defaultValue" not in one and not one.get("isOptional")}
    if missing := sorted(required - values.keys()):
        raise invalid(f"parameter_values: must have {missing}")
    for name, value in values.items():
        kind = inputs[name]["parameterType"]
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "BOOLEAN"):
            raise invalid(f"parameter_values.{name}: must be {kind}, got {value!r:.80}")
