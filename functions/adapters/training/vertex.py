"""Trainings as pipeline jobs of Vertex AI, in the project of the function."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from google.api_core import exceptions as api
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState

from core.errors import QuotaError, UnavailableError
from core.retraining.start import Training
from functions.adapters.actions.calls import short
from functions.adapters.actions.vertex import ENDED, Pipelines, connect_pipelines
from functions.adapters.training.port import Ending

_NEWEST = 100
"""Trainings of a model that are looked at for one that has not ended."""


class VertexTrainings:
    """Starts trainings and other jobs on Vertex AI; see the ports.

    Args:
        project: whose pipeline jobs they are.
        pipelines: Vertex AI; as the environment has it where none is given.
    """

    def __init__(self, project: str, pipelines: Pipelines | None = None) -> None:
        self._project = project
        self._pipelines = pipelines or connect_pipelines()

    def created_at(self, training: Training) -> datetime | None:
        """When the job of this training was created, or None."""
        job = self._find(training)
        return None if job is None else _as_datetime(job.create_time)

    def ended(self, training: Training) -> Ending | None:
        """How the job ended, or None where it has not, or is not there."""
        job = self._find(training)
        if job is None or job.state not in ENDED:
            return None
        return Ending(_as_datetime(job.end_time), job.state == PipelineState.PIPELINE_STATE_SUCCEEDED)

    def running(self, training: Training) -> str:
        """The id of another job of the same display name that has not ended, of the newest ones."""
        with _quotas():
            jobs = self._pipelines.list(self._location(training), display_name=training.display_name)
            newest = [(short(job.name), job.state) for job in itertools.islice(jobs, _NEWEST)]
        return next((name for name, state in newest if state not in ENDED and name != training.job_id), "")

    def start(self, training: Training) -> datetime:
        """Create the job, unless it is there; when it was created."""
        with _quotas():
            self._pipelines.create(self._location(training), _job(training), training.job_id)
        created_at = self.created_at(training)
        if created_at is None:
            raise UnavailableError(f"{training.job_id}: was created and is not shown yet")
        return created_at

    def _find(self, training: Training) -> PipelineJob | None:
        with _quotas():
            return self._pipelines.find(f"{self._location(training)}/pipelineJobs/{training.job_id}")

    def _location(self, training: Training) -> str:
        return f"projects/{self._project}/locations/{training.pipeline.region}"


def _job(training: Training) -> PipelineJob:
    pipeline = training.pipeline
    return PipelineJob(
        display_name=training.display_name,
        labels=dict(training.labels),
        template_uri=pipeline.template,
        runtime_config={"gcs_output_directory": pipeline.root, "parameter_values": dict(training.parameters)},
        service_account=pipeline.service_account,
    )


@contextmanager
def _quotas() -> Iterator[None]:
    """Distinguish an exhausted quota, which a person may have to raise, from a transient failure."""
    try:
        yield
    except UnavailableError as error:
        if isinstance(error.__cause__, api.TooManyRequests):
            raise QuotaError(str(error)) from error
        raise


def _as_datetime(instant: Any) -> datetime:  # noqa: ANN401 - the client's own class, whose types say otherwise
    """Without the nanoseconds of the client's own class."""
    return datetime.fromtimestamp(instant.timestamp(), UTC)
