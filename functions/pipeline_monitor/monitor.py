"""Events about runs, and ticks: save, measure, publish findings and write the history, in this order.

A run is saved in one conditional write. Everything else is derived from the saved state, not from the event, and has
the same result when repeated: so a fault at any point is repaired when the event is delivered again, or at the next
tick.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from core.detection import NoVerdict, Observation
from core.errors import ActionError, AiaError, QueryError, UnavailableError, UnreadableError
from core.events import PipelineRun, RegistryChange, RunStatus, Tick
from core.pipelines.baseline import is_forgotten, is_retired
from core.pipelines.health import health
from core.pipelines.judge import SOURCE, condition_pipeline, keys, of_absence, of_runs, of_time, of_unreadable
from core.pipelines.run import Run, Span
from core.pipelines.state import EventOutcome, PipelineState, Step, advance, written
from core.pipelines.usage import measured, unmeasured
from core.settings import PipelineSettings
from functions.adapters.job_usage import JobUsage
from functions.adapters.logs import fields
from functions.adapters.pipelines import COLLECTION, fitted, pipeline_data, read_pipeline
from functions.adapters.ports import Bus, Data, Document, Metrics, Store, Warehouse
from functions.adapters.registries.port import ModelRegistry
from functions.adapters.store import every, update
from functions.adapters.vertex_runs import Jobs
from functions.pipeline_monitor.read import Logged
from functions.pipeline_monitor.registered import RegisteredVersions
from functions.pipeline_monitor.registries import RegistryChecks
from functions.services.detection import Snapshot, Tracker

_WRITE_RUNS = Path(__file__).with_name("write_runs.sql").read_text()
_OUTCOMES = tuple(status for status in RunStatus if status.is_over)
NAME = "pipeline_monitor"
_NEWS = (EventOutcome.ENDED, EventOutcome.CHANGED)
log = logging.getLogger(__name__)


def write_history(store: Store, warehouse: Warehouse, pipeline: PipelineState) -> None:
    """Write the runs of a pipeline that have changed since they were written; idempotent."""
    for run in filter(None, map(pipeline.get, pipeline.unwritten)):
        warehouse.query(
            _WRITE_RUNS, pipeline=pipeline.name, run_id=run.run_id, first=run.first, last=run.last, rows=rows(run)
        )
        update(store, COLLECTION, pipeline.name, partial(_without, run))


def rows(run: Run) -> list[Data]:
    """The rows of a run: one for the whole run, whose stage is empty, and one per stage that was executed."""
    return [_row(run, "", run.span), *(_row(run, stage.name, stage.span) for stage in run.executed)]


def _row(run: Run, stage: str, span: Span) -> Data:
    return {
        "stage": stage,
        "status": span.status.value,
        "first_at": run.first,
        "started_at": span.start,
        "ended_at": span.end,
        "seconds": span.seconds,
        "error": span.error,
    }


def _without(run: Run, data: Data | None) -> Data | None:
    if data is None:
        return None
    pipeline = read_pipeline(data)
    after = written(pipeline, run)
    return None if after == pipeline else pipeline_data(after)


def count_run(metrics: Metrics, pipeline: PipelineState, run: Run) -> None:
    """Count a run whose end has just become known."""
    metrics.count("aia_pipeline_runs_total", pipeline=pipeline.name, outcome=run.span.status)


def measure(metrics: Metrics, pipeline: PipelineState, now: datetime) -> None:
    """Set the gauges; unknown values are not set.

    Args:
        metrics: where they are set.
        pipeline: the state of the pipeline.
        now: the instant of evaluation.
    """
    for outcome in _OUTCOMES:  # a missing outcome is a zero, not a gap
        metrics.count("aia_pipeline_runs_total", 0, pipeline=pipeline.name, outcome=outcome)
    metrics.gauge("aia_pipeline_running", len(pipeline.running(now)), pipeline=pipeline.name)
    score = health(pipeline, now).score
    if score is not None:
        metrics.gauge("aia_pipeline_health_ratio", score, pipeline=pipeline.name)
    if pipeline.succeeded and (end := pipeline.succeeded[-1].span.end) is not None:
        metrics.gauge("aia_pipeline_success_timestamp_seconds", end.timestamp(), pipeline=pipeline.name)
    _measure_durations(metrics, pipeline)


def _measure_durations(metrics: Metrics, pipeline: PipelineState) -> None:
    stages: dict[str, float] = {}
    for run in pipeline.ended:
        stages |= {stage.name: stage.span.seconds for stage in run.executed if stage.span.seconds is not None}
    for name, seconds in stages.items():
        metrics.gauge("aia_pipeline_stage_seconds", seconds, pipeline=pipeline.name, stage=name)
    if pipeline.ended and (seconds_of_run := pipeline.ended[-1].span.seconds) is not None:
        metrics.gauge("aia_pipeline_run_seconds", seconds_of_run, pipeline=pipeline.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """Dependencies of the function.

    `project` is the one whose Vertex AI jobs are logged, `settings` say what is expected. `registries` are those that are checked, opened
    at the first tick; without one the conditions of those that there were end.
    """

    store: Store
    bus: Bus
    warehouse: Warehouse
    metrics: Metrics
    jobs: Jobs
    usage: JobUsage
    project: str
    settings: PipelineSettings = field(default_factory=PipelineSettings)
    registered: RegisteredVersions | None = None
    registries: Callable[[], Sequence[ModelRegistry]] = list

    @property
    def no_verdict(self) -> NoVerdict:
        """When it becomes a finding that nothing is known of a pipeline."""
        return NoVerdict(after=self.settings.no_verdict_after, severity=self.settings.no_verdict_severity)

    @property
    def tracker(self) -> Tracker:
        """Counts verdicts and publishes the findings."""
        return Tracker(self.store, self.bus)


def handle(monitor: Monitor, event: PipelineRun | Logged | RegistryChange | Tick) -> None:
    """Handle an event; idempotent, also for an old one.

    Raises:
        UnavailableError: a dependency does not answer; everything else is done.
    """
    match event:
        case Tick():
            look(monitor, event)
            _look_at_registries(monitor, event.scheduled_at)
        case RegistryChange():
            if monitor.registered:
                monitor.registered.take(event)
        case Logged():
            follow_logged(monitor, event)
        case PipelineRun():
            follow(monitor, event)


def _look_at_registries(monitor: Monitor, at: datetime) -> None:
    """Check the registries, and take new versions from MLflow where it answers."""
    answering = RegistryChecks(registries=monitor.registries, tracker=monitor.tracker).look(at)
    if monitor.registered and monitor.registered.registry.name in answering:
        monitor.registered.poll()


def follow(monitor: Monitor, *events: PipelineRun) -> None:
    """Apply events about one run, measure, publish findings and write the history; without an event nothing is done."""
    if not events:
        return
    steps, pipeline = _counted(monitor.store, events)
    for step in steps:
        if step.outcome is EventOutcome.FORGOTTEN:
            log.info("older than the stored runs: %s", events[0].id, extra=fields(pipeline=step.pipeline.name))
        elif step.outcome is EventOutcome.ENDED and step.run is not None:
            count_run(monitor.metrics, step.pipeline, step.run)
    if pipeline.last is not None and any(step.outcome in _NEWS for step in steps):
        measure(monitor.metrics, pipeline, pipeline.last)  # otherwise a tick has already measured, at a later instant
    if pipeline.unwritten:
        _record(monitor, of_runs(pipeline))
    monitor.tracker.publish_unsent(SOURCE)
    write_history(monitor.store, monitor.warehouse, pipeline)


def follow_logged(monitor: Monitor, logged: Logged) -> None:
    """Apply a log entry about a job; if the job has ended or it is about a task, with its details from Vertex AI."""
    event = logged.event
    if event is None:
        return
    own = () if logged.of_task else (event,)  # the name of the pipeline is not known from an entry about a task
    if not logged.location or not (event.status.is_over or logged.of_task):
        follow(monitor, *own)
        return
    name = f"projects/{monitor.project}/locations/{logged.location}/pipelineJobs/{logged.job_id}"
    try:
        more = monitor.jobs(name, event)
    except ActionError as error:
        log.warning("tasks of the run not read: %s", error)
        more = []
    except UnavailableError:
        follow(monitor, *own)  # the end of the run is known nevertheless
        raise
    follow(monitor, *own, *more)


def look(monitor: Monitor, tick: Tick) -> None:
    """Measure every pipeline again, and detect overdue and hung runs."""
    at, faults = tick.scheduled_at, list[AiaError]()
    known = monitor.tracker.read(SOURCE)
    documents = {document.key: document for document in every(monitor.store, COLLECTION)}
    for name in sorted({*documents, *monitor.settings.expected}):
        try:
            _look_at(monitor, documents.get(name), PipelineState(name=name), at, known)
        except AiaError as error:
            log.warning("retried at the next tick: %s: %s", name, error)
            faults.append(error)
    _end(monitor, {condition_pipeline(key) for key in known} - {*documents, *monitor.settings.expected}, at, known)
    monitor.tracker.publish_unsent(SOURCE)
    if faults:
        raise faults[0]


def _end(monitor: Monitor, names: Iterable[str], at: datetime, known: Snapshot) -> None:
    """End the conditions of pipelines of which nothing is kept, and that nobody expects."""
    for name in sorted(names):
        pipeline = PipelineState(name=name)
        _record(monitor, (one for one in of_absence(pipeline, at) if one.spec.key in known), known)
        monitor.tracker.forget(keys(pipeline.target), known)


def _look_at(
    monitor: Monitor, document: Document | None, pipeline: PipelineState, at: datetime, known: Snapshot
) -> None:
    """Look at a pipeline; where it has no document, no run of it has been reported, and it is expected."""
    try:
        pipeline = read_pipeline(document.data) if document else pipeline
    except UnreadableError as error:
        log.error("%s: %s", pipeline.name, error)  # noqa: TRY400 - the message says what is wrong
        _record(monitor, (of_unreadable(pipeline, str(error), at, monitor.no_verdict),), known)
        return
    is_expected = pipeline.name in monitor.settings.expected
    if document and is_retired(pipeline, at) and not is_expected:
        _retire(monitor, document, pipeline, at, known)
        return
    if document:
        measure(monitor.metrics, pipeline, at)
        follow(monitor, *_used(monitor, pipeline, at))
    # A finding published before the history had the run is the same now: it depends only on runs that ended.
    ended = of_runs(pipeline) if pipeline.unwritten else ()
    _record(monitor, (*ended, *of_time(pipeline, at, monitor.no_verdict, is_expected=is_expected)), known)
    write_history(monitor.store, monitor.warehouse, pipeline)


def _used(monitor: Monitor, pipeline: PipelineState, at: datetime) -> list[PipelineRun]:
    """What the stages of a run that has just settled used of their machines; nothing where that cannot be read, which delays nothing."""
    asked = unmeasured(pipeline, at)
    if asked is None:
        return []
    run, stages = asked
    try:
        found = monitor.usage(stages.keys(), run.first, run.span.end or at)
    except (QueryError, UnavailableError) as error:
        log.warning("use of machines not read: %s", error, extra=fields(pipeline=pipeline.name, run=run.run_id))
        return []
    reports = (measured(pipeline, run, stages[job], usage) for job, usage in found.items() if job in stages)
    return [report for report in reports if report is not None]


def _retire(monitor: Monitor, document: Document, pipeline: PipelineState, at: datetime, known: Snapshot) -> None:
    """Resolve the conditions of a retired pipeline; delete them once their findings are published, and the pipeline once it is forgotten."""
    _record(monitor, of_absence(pipeline, at), known)
    write_history(monitor.store, monitor.warehouse, pipeline)
    if monitor.tracker.forget(keys(pipeline.target), known) and is_forgotten(pipeline, at):
        monitor.store.delete(document, COLLECTION)


def _record(monitor: Monitor, observations: Iterable[Observation], known: Snapshot | None = None) -> None:
    """Count verdicts; most of them change nothing and write nothing."""
    for observation in observations:
        monitor.tracker.record(observation, known)


def _counted(store: Store, events: Sequence[PipelineRun]) -> tuple[list[Step], PipelineState]:
    """The outcome of each event, and the state after all of them is saved."""
    taken: list[Step] = []
    before = after = PipelineState(name=events[0].pipeline)

    def change(data: Data | None) -> Data | None:
        nonlocal before, after
        before = pipeline = PipelineState(name=events[0].pipeline) if data is None else read_pipeline(data)
        taken.clear()
        for event in events:
            taken.append(advance(pipeline, event))
            pipeline = taken[-1].pipeline
        after = fitted(pipeline)
        return None if after == before else pipeline_data(after)

    update(store, COLLECTION, events[0].pipeline, change)
    waiting = {run_id for pipeline in (before, *(step.pipeline for step in taken)) for run_id in pipeline.unwritten}
    if lost := sorted(run_id for run_id in waiting if after.get(run_id) is None):
        log.warning("not written to the history, and dropped: %s", ", ".join(lost), extra=fields(pipeline=after.name))
    return taken, after
