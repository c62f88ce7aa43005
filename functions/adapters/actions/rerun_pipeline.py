"""Run a pipeline again when its newest run failed or was cancelled: a new job with the same inputs.

The job's id follows from the key, so that a repetition finds it; a label names the run that it repeats.
"""

from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState

from core.actions.plan import Health, Plan, Step, Verification
from core.errors import ActionError
from core.events import ActionRequest
from functions.adapters.actions.calls import digest, short
from functions.adapters.actions.vertex import ENDED, PipelineAction, resource_name, state_name

RERUN_OF = "aia-rerun-of"
"""The label of a job that names the one it repeats."""
_GIVEN = (
    "display_name",
    "pipeline_spec",
    "runtime_config",
    "encryption_spec",
    "service_account",
    "network",
    "reserved_ip_ranges",
    "psc_interface_config",
    "template_uri",
    "preflight_validations",
)
"""The inputs of a job; the other fields are results. Labels are copied separately."""
_BILLING = "vertex-ai-pipelines-run-billing-id"
"""A label that Vertex AI sets on each run."""


class RerunPipeline(PipelineAction):
    """The action `rerun_pipeline`; see the port."""

    def plan(self, request: ActionRequest) -> Plan:
        """Which run would be repeated; nothing where the newest runs or has succeeded."""
        location, pipeline = self._where(request.target)
        newest = self._newest(location, pipeline)
        if newest is None:
            raise ActionError(f"{location}: no run of pipeline {pipeline} to repeat")
        if newest.state not in ENDED or newest.state == PipelineState.PIPELINE_STATE_SUCCEEDED:
            return Plan(
                summary=f"pipeline {pipeline}: its newest run {short(newest.name)} is {state_name(newest.state)}"
            )
        return Plan(
            summary=f"pipeline {pipeline}: {short(newest.name)} is {state_name(newest.state)}, run again",
            steps=(Step(what=f"runs like {short(newest.name)}", before=state_name(newest.state), after="a new one"),),
            touched=1,
            resource=resource_name(location, pipeline),
            state={"pipeline": pipeline, "location": location, "job": newest.name},
        )

    def apply(self, plan: Plan, key: str) -> str:
        """Create the job, where the run is still the newest; returns the job's name, without waiting for its end."""
        location, repeated = plan.state["location"], plan.state["job"]
        job_id = f"aia-rerun-{digest(key)}"
        name = f"{location}/pipelineJobs/{job_id}"
        if self._pipelines.find(name):
            return f"{name} was created under this key before"
        newest = self._newest(location, plan.state["pipeline"])
        if newest is None or newest.name != repeated:
            current = short(newest.name) if newest else None
            raise ActionError(f"{repeated}: somebody ran it again: the newest run must be this, got {current}")
        self._pipelines.create(location, _again(self._pipelines.get(repeated)), job_id)
        return name

    def verify(self, plan: Plan) -> Verification:
        """Good when the new run has succeeded, pending until it has ended."""
        job = self._repetition(plan)
        if job is None:
            return Verification(health=Health.BAD, detail=f"there is no new run of {short(plan.state['job'])}")
        detail = f"{short(job.name)} is {state_name(job.state)}"
        if job.state not in ENDED:
            return Verification(health=Health.PENDING, detail=detail)
        good = job.state == PipelineState.PIPELINE_STATE_SUCCEEDED
        return Verification(health=Health.GOOD if good else Health.BAD, detail=detail)

    def undo(self, plan: Plan) -> str:
        """Cancel the new run; `ActionError` when it ran to its end."""
        job = self._repetition(plan)
        if job is None:
            return f"nothing to undo: there is no new run of {short(plan.state['job'])}"
        if job.state == PipelineState.PIPELINE_STATE_SUCCEEDED:
            raise ActionError(f"{job.name}: ran to its end, which cannot be undone")
        if job.state in ENDED or job.state == PipelineState.PIPELINE_STATE_CANCELLING:
            return f"{short(job.name)} is {state_name(job.state)} already"
        self._pipelines.cancel(job.name)
        return f"{short(job.name)} was asked to end"

    def _newest(self, location: str, pipeline: str) -> PipelineJob | None:
        return next(self._pipelines.list(location, display_name=pipeline), None)

    def _repetition(self, plan: Plan) -> PipelineJob | None:
        of = {f"labels__{RERUN_OF}": digest(plan.state["job"])}
        return next(self._pipelines.list(plan.state["location"], display_name=plan.state["pipeline"], **of), None)


def _again(job: PipelineJob) -> PipelineJob:
    """A job with the same inputs."""
    labels = {name: value for name, value in job.labels.items() if name != _BILLING}
    given = {field: getattr(job, field) for field in _GIVEN if field in job}
    return PipelineJob(**given, labels={**labels, RERUN_OF: digest(job.name)})
