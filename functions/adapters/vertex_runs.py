"""Details of a Vertex AI pipeline job that its log lacks: start, end, tasks and error."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from core.events import PipelineRun, RunStatus
from core.pipelines.execution import Execution
from core.text import clean
from functions.adapters.vertex_tasks import executions


class Jobs(Protocol):
    """Tells of pipeline jobs."""

    def __call__(self, name: str, logged: PipelineRun) -> list[PipelineRun]:
        """The events about a job whose end was logged, or a change of one of whose tasks.

        Args:
            name: `projects/P/locations/L/pipelineJobs/ID`.
            logged: the event from the log; the job is another one meanwhile, where its status is another one.

        Raises:
            UnavailableError: Vertex AI does not answer.
            ActionError: it refuses, and would refuse again; or there is no such job.
        """
        ...


class VertexJobs:
    """Queries Vertex AI. Its client is loaded at the first query, which takes most of a second."""

    def __init__(self) -> None:
        self._pipelines: Any = None

    def __call__(self, name: str, logged: PipelineRun) -> list[PipelineRun]:
        """The events about a job; see `Jobs`."""
        from functions.adapters.actions.vertex import connect_pipelines  # noqa: PLC0415 - only who runs Vertex AI pays

        self._pipelines = self._pipelines or connect_pipelines()
        return [*job_events(self._pipelines.get(name), logged)]


def job_events(job: Any, logged: PipelineRun) -> Iterator[PipelineRun]:  # noqa: ANN401 - Vertex AI's PipelineJob, which is not imported here
    """A job as events: one about the whole run, and one about each started task without subtasks.

    Tasks may share a name, as iterations of a loop do: they are one stage, from the first start to the last end, whose
    outcome is the worst of theirs. A task that was skipped because its result was in the cache is a stage that took no time.
    """
    if _STATES.get(job.state.name.removeprefix("PIPELINE_STATE_")) is not logged.status:
        return
    logged = replace(logged, pipeline=_pipeline(job) or logged.pipeline)
    yield _event(logged, "", _Part(logged.status, job.start_time, job.end_time, job.error.message))
    parents = {task.parent_task_id for task in job.job_detail.task_details}
    stages: dict[str, list[_Part]] = {}
    for task in job.job_detail.task_details:
        status = _STATES.get(task.state.name)
        if status is not None and task.start_time is not None and task.task_id not in parents:
            part = _Part(status, task.start_time, task.end_time, task.error.message)
            stages.setdefault(task.task_name, []).append(part)
    known = executions(job)
    for name, parts in stages.items():
        yield _with_execution(_event(logged, name, _merged(parts)), known.get(name))
    for task in job.job_detail.task_details:
        if task.state.name == "SKIPPED" and task.start_time is not None and task.task_name not in stages:
            cached = _event(logged, task.task_name, _Part(RunStatus.SUCCEEDED, task.start_time, task.start_time, ""))
            yield replace(_with_execution(cached, known.get(task.task_name)), cached=True)


def _with_execution(event: PipelineRun, known: Execution | None) -> PipelineRun:
    if known is None:
        return event
    return replace(event, after=known.after, inputs=known.inputs, machine=known.machine, job=known.job)


_STATES = {status.name: status for status in RunStatus}
"""The states of jobs and tasks as run statuses; a skipped or untriggered task did not run."""
_WORST_LAST = (RunStatus.SUCCEEDED, RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.FAILED)


def _pipeline(job: Any) -> str:  # noqa: ANN401 - as above
    """The name of a job's pipeline, as its specification has it, or the empty text."""
    info = (job.pipeline_spec or {}).get("pipelineInfo") or {}
    return str(info.get("name", ""))


class _Part(NamedTuple):
    """The state of a job or of a task."""

    status: RunStatus
    start: datetime | None
    end: datetime | None
    error: str


def _merged(parts: Sequence[_Part]) -> _Part:
    """Several tasks as one: status and error are those of the worst."""
    worst = max(parts, key=lambda part: (_WORST_LAST.index(part.status), bool(part.error)))
    starts, ends = [part.start for part in parts if part.start], [part.end for part in parts if part.end]
    return worst._replace(start=min(starts, default=None), end=max(ends, default=None))


def _event(logged: PipelineRun, stage: str, part: _Part) -> PipelineRun:
    started_at, ended_at = _as_datetime(part.start), _as_datetime(part.end) if part.status.is_over else None
    if started_at and started_at > (ended_at or logged.observed_at):
        started_at = None  # the clocks of Vertex AI differ: no duration is better than a wrong one
    return replace(
        logged,
        status=part.status,
        # The instant of the log for the whole run, so that this event, which has more details, replaces the logged one.
        observed_at=(ended_at if stage else None) or logged.observed_at,
        stage=stage,
        started_at=started_at,
        ended_at=ended_at,
        error=clean(part.error),
    )


def _as_datetime(instant: datetime | None) -> datetime | None:
    """Without the nanoseconds of the client's own class."""
    return None if instant is None else datetime.fromtimestamp(instant.timestamp(), UTC)
