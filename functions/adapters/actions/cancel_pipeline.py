"""Cancel the runs of a pipeline: every job of its display name that has not ended.

Cancelling is idempotent, so that no key is stored. Runs that start after the plan are not cancelled.
"""

import json
from collections.abc import Sequence

from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState

from core.actions.plan import Health, Plan, Step, Verification
from core.errors import ActionError
from core.events import ActionRequest
from functions.adapters.actions.calls import short
from functions.adapters.actions.vertex import CANCELLED, PipelineAction, resource_name, state_name

RUNNING = (
    PipelineState.PIPELINE_STATE_QUEUED,
    PipelineState.PIPELINE_STATE_PENDING,
    PipelineState.PIPELINE_STATE_RUNNING,
)
"""The states of a job that can be cancelled, in the order of its lifecycle: a job that advances is listed twice."""


class CancelPipeline(PipelineAction):
    """The action `cancel_pipeline`; see the port."""

    def plan(self, request: ActionRequest) -> Plan:
        """Which runs would be cancelled; nothing where no run is active."""
        location, pipeline = self._where(request.target)
        jobs = {
            job.name: state
            for state in RUNNING
            for job in self._pipelines.list(location, display_name=pipeline, state=PipelineState(state).name)
        }
        steps = [
            Step(what=f"run {short(name)}", before=state_name(state), after="cancelled") for name, state in jobs.items()
        ]
        return Plan(
            summary=f"pipeline {pipeline}: {len(jobs)} runs cancelled"
            if jobs
            else f"pipeline {pipeline}: no run is active",
            steps=tuple(steps),
            touched=len(jobs),
            resource=resource_name(location, pipeline),
            state={"pipeline": pipeline, "jobs": json.dumps(sorted(jobs))},
        )

    def apply(self, plan: Plan, key: str) -> str:  # noqa: ARG002 - of the port; the jobs' own states tell what is done
        """Ask the runs to end, without waiting for it; `ActionError` when all of them ended by themselves."""
        jobs = self._find(plan)
        cancelled = [short(job.name) for job in jobs if job.state in CANCELLED]
        asked = [short(job.name) for job in jobs if job.state in RUNNING and self._pipelines.cancel(job.name)]
        if not cancelled and not asked:
            raise ActionError(f"pipeline {plan.state['pipeline']}: all runs ended after the plan was made")
        return f"asked to end: {', '.join(asked) or 'none'}; before: {', '.join(cancelled) or 'none'}"

    def verify(self, plan: Plan) -> Verification:
        """Good when none of the runs runs any more; bad when one ran to its end before it could be cancelled."""
        jobs = self._find(plan)
        finished = _names(jobs, PipelineState.PIPELINE_STATE_SUCCEEDED)
        if finished:
            return Verification(health=Health.BAD, detail=f"ran to the end: {finished}")
        ended = (PipelineState.PIPELINE_STATE_CANCELLED, PipelineState.PIPELINE_STATE_FAILED)
        running = [job for job in jobs if job.state not in ended]
        if running:
            detail = ", ".join(f"{short(job.name)} is {state_name(job.state)}" for job in running)
            return Verification(health=Health.PENDING, detail=detail)
        return Verification(health=Health.GOOD, detail=f"none of them runs: {_names(jobs, *ended) or 'all deleted'}")

    def undo(self, plan: Plan) -> str:
        """Refused: a cancelled run does not go on."""
        raise ActionError(f"pipeline {plan.state['pipeline']}: a cancelled run does not go on; use rerun_pipeline")

    def _find(self, plan: Plan) -> list[PipelineJob]:
        """The runs, less those that were deleted since."""
        jobs = (self._pipelines.find(name) for name in json.loads(plan.state["jobs"]))
        return [job for job in jobs if job is not None]


def _names(jobs: Sequence[PipelineJob], *states: int) -> str:
    return ", ".join(short(job.name) for job in jobs if job.state in states)
