"""What is concluded from the time that has passed: whether a run is late, and whether one does not end."""

from datetime import datetime, timedelta

from core.detection import Observation, Outcome, Verdict
from core.events import Severity
from core.pipelines.conditions import Kind, Reason, spec
from core.pipelines.retired import is_retired
from core.pipelines.state import LOST_AFTER, PipelineState
from core.pipelines.text import spell
from core.pipelines.usual import TOLERATED, Rhythm, rhythm, usual_of_run

HUNG_FACTOR, HUNG_BY = 4.0, timedelta(minutes=30)
"""How many times as long as usual a run may take, and by how much longer, before it counts as one that does not end."""
HUNG_AFTER = timedelta(days=1)
"""How long it may take where nothing is usual."""


def of_time(line: PipelineState, now: datetime) -> tuple[Observation, ...]:
    """Conclude from the time that has passed.

    Args:
        line: what is remembered of the pipeline.
        now: the instant of the tick.
    """
    found = ((Kind.OVERDUE, _overdue(line, now)), (Kind.HUNG, _hung(line, now)))
    return tuple(Observation(spec=spec(line.target, kind), verdict=verdict, at=now) for kind, verdict in found)


def of_absence(line: PipelineState, now: datetime) -> tuple[Observation, ...]:
    """Conclude for a pipeline that is retired: nothing holds any more."""
    text = f"{line.name}: no longer reported"
    verdict = Verdict(outcome=Outcome.GOOD, reason=Reason.RETIRED, summary=text)
    return tuple(Observation(spec=spec(line.target, kind), verdict=verdict, at=now) for kind in Kind)


def _overdue(line: PipelineState, now: datetime) -> Verdict:
    starts = line.starts
    found = rhythm(starts, line.past)
    if found is None or not found.is_regular:
        text = f"{line.name}: has no regular schedule"
        return Verdict(outcome=Outcome.GOOD, reason=Reason.IRREGULAR, summary=text)
    waited = now - starts[-1]
    ago = spell(waited.total_seconds())
    if is_retired(line, now):
        text = f"{line.name}: has not run for {ago} and counts as retired"
        return Verdict(outcome=Outcome.GOOD, reason=Reason.RETIRED, summary=text)
    late = waited > found.late_after
    return Verdict(
        outcome=Outcome.of(bad=late),
        reason=Reason.LATE if late else Reason.IN_TIME,
        summary=f"{line.name}: last started {ago} ago, usually every {_usually(found)}",
        severity=Severity.ERROR,
        value=waited.total_seconds(),
        threshold=found.late_after.total_seconds(),
        unit="seconds",
    )


def _usually(found: Rhythm) -> str:
    interval, pause = spell(found.interval.total_seconds()), spell(found.pause.total_seconds())
    return f"{interval} with pauses of up to {pause}" if found.pause > found.interval * TOLERATED else interval


def _hung(line: PipelineState, now: datetime) -> Verdict:
    usual = usual_of_run(line.succeeded)
    limit = HUNG_AFTER.total_seconds() if usual is None else max(usual * HUNG_FACTOR, usual + HUNG_BY.total_seconds())
    taken = {run.run_id: (now - run.span.start).total_seconds() for run in line.running(now) if run.span.start}
    endless = [run_id for run_id, seconds in taken.items() if seconds > limit]
    if not endless:
        text = f"{line.name}: no run takes too long"
        return Verdict(outcome=Outcome.GOOD, reason=Reason.ALL_ENDED, summary=text)
    worst = max(endless, key=lambda run_id: taken[run_id])
    known = "" if usual is None else f", usual is {spell(usual)}"
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.ENDLESS,
        summary=f"{line.name}: run {worst} has not ended after {spell(taken[worst])}{known}",
        value=taken[worst],
        threshold=limit,
        unit="seconds",
        evidence={
            "runs": ", ".join(endless[:5]),
            "dropped": f"{spell(LOST_AFTER.total_seconds())} after its last report",
        },
    )
