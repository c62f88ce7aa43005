"""How much of its machine a stage used: when that is asked for, and what is learnt of it, as reports about the stage.

What is measured comes minutes late, so the newest successful run is asked about once it has settled; by then nobody adds a point.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import PipelineRun
from core.pipelines.run import Run, Stage
from core.pipelines.state import PipelineState

SETTLED = timedelta(minutes=10)
"""After the end of a run, until everything that was measured of it can be read."""
GIVEN_UP = timedelta(minutes=20)
"""After the end of a run; what could not be read until then stays not known."""
LEAST_SAMPLES = 5
"""Of fewer, taken once a minute, the largest is no peak: what lies between two of them is not seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The largest measured shares of a machine that a job used.

    Attributes:
        cpu: of its vCPUs, 0 to 1.
        memory: of its memory, 0 to 1.
        samples: how many instants were measured.
    """

    cpu: float
    memory: float
    samples: int


def unmeasured(pipeline: PipelineState, now: datetime) -> tuple[Run, Mapping[str, Stage]] | None:
    """The newest successful run, where it has just settled, and its stages whose use is to be asked for, by their jobs.

    Args:
        pipeline: the state of the pipeline.
        now: the instant of the tick.
    """
    run = pipeline.succeeded[-1] if pipeline.succeeded else None
    if run is None or run.span.end is None or not SETTLED <= now - run.span.end < GIVEN_UP:
        return None
    stages = {
        stage.execution.job: stage
        for stage in run.executed
        if stage.execution is not None
        and stage.execution.job
        and (stage.execution.cpu_peak is None or stage.execution.memory_peak is None)
    }
    return (run, stages) if stages else None


def measured(pipeline: PipelineState, run: Run, stage: Stage, usage: Usage) -> PipelineRun | None:
    """The report of what a stage used, with its state as it is known; None where there are too few samples.

    >>> from datetime import UTC
    >>> from core.events import RunStatus
    >>> from core.pipelines.run import fold
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> told = PipelineRun(pipeline="etl", run_id="7", stage="fit", status=RunStatus.SUCCEEDED, observed_at=noon, job="42")
    >>> run = fold(None, told)
    >>> found = measured(PipelineState(name="etl"), run, run.stages[0], Usage(cpu=0.2, memory=0.1, samples=9))
    >>> after = fold(run, found).stages[0]
    >>> after.span == run.stages[0].span, after.execution.cpu_peak, after.execution.job
    (True, 0.2, '42')
    """
    if usage.samples < LEAST_SAMPLES:
        return None
    span = stage.span
    return PipelineRun(
        pipeline=pipeline.name,
        run_id=run.run_id,
        status=span.status,
        observed_at=span.told_at,
        stage=stage.name,
        started_at=span.started_at,
        ended_at=span.ended_at,
        error=span.error,
        cpu_peak=usage.cpu,
        memory_peak=usage.memory,
    )
