"""Verdicts on the conditions of a pipeline: failed, slow, overdue and hung runs, and slow stages.

A verdict is computed from all runs that are kept, so it does not depend on the order in which they were reported.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, ConditionState, Hysteresis, NoVerdict, Observation, Outcome, Verdict, count
from core.events import RunStatus, Severity
from core.pipelines.baseline import TOLERATED, Growth, Rhythm, bottleneck, growths, is_retired, rhythm, usual_of_run
from core.pipelines.run import Run
from core.pipelines.state import LOST_AFTER, PipelineState
from core.text import number, percent

SOURCE = "pipeline_monitor"
FACTOR = 2.0
"""How many times as long as usual is slow."""
SLOWER_BY, STAGE_SLOWER_BY = 60.0, 30.0
"""Seconds by which a run, or a stage, must be longer than usual besides: what takes no time may take twice that."""
SLOWNESS = Hysteresis(fire_after=2, recover_after=2)
"""Runs in a row that make a pipeline slow, or fast again."""
IN_A_ROW = 3
"""So many failures in a row are critical."""
Seen = tuple[bool, float, float, str]
"""Whether a run is slow, its seconds, the baseline, and both as text."""
HUNG_FACTOR, HUNG_BY = 4.0, timedelta(minutes=30)
"""How many times as long as usual a run may take, and by how much longer, before it counts as hung."""
HUNG_AFTER = timedelta(days=1)
"""How long it may take without a baseline."""


class PipelineKind(StrEnum):
    """Kinds of findings about a pipeline."""

    FAILED = "pipeline_failed"
    SLOW = "pipeline_slow"
    STAGE_SLOW = "stage_slow"
    OVERDUE = "pipeline_overdue"
    HUNG = "pipeline_hung"


class PipelineReason(StrEnum):
    """Reason of a verdict."""

    LAST_FAILED = "last_failed"
    LAST_SUCCEEDED = "last_succeeded"
    LONGER = "longer"
    """Two runs in a row took far longer than usual."""
    AS_USUAL = "as_usual"
    """Two runs in a row did not."""
    UNDECIDED = "undecided"
    """The last run differs from those before: not known."""
    IRREGULAR = "irregular"
    """It has no rhythm, so it cannot be late."""
    IN_TIME = "in_time"
    LATE = "late"
    RETIRED = "retired"
    """It has not run for so long that it counts as retired."""
    ENDLESS = "endless"
    """A run takes several times as long as usual and has not ended."""
    ALL_ENDED = "all_ended"
    """No run takes too long."""
    NO_RUN = "no_run"
    """No run has succeeded or failed yet: not known."""
    UNREADABLE = "unreadable"
    """What is kept of its runs cannot be read: not known."""


def spec(target: str, kind: PipelineKind, no_verdict: NoVerdict | None = None) -> ConditionSpec:
    """A condition of a pipeline; every verdict on it uses all runs that are kept."""
    runbook = f"pipelines.md#{kind}"
    return ConditionSpec(
        target=target,
        kind=kind,
        source=SOURCE,
        runbook=runbook,
        repeat=True,
        cumulative=True,
        no_verdict=no_verdict,
    )


def keys(target: str) -> tuple[str, ...]:
    """The keys of all conditions of a pipeline."""
    return tuple(spec(target, kind).key for kind in PipelineKind)


def condition_pipeline(key: str) -> str:
    """The name of the pipeline that a condition is of, by its key.

    >>> condition_pipeline("pipeline/nightly:features:pipeline_failed")
    'nightly:features'
    """
    return key.removeprefix("pipeline/").rpartition(":")[0]


def spell(seconds: float) -> str:
    """A duration for people.

    >>> spell(4.25), spell(75), spell(7_300)
    ('4.25 s', '75 s', '2 h 1 min')
    """
    return number(seconds, "seconds")


def last_error(run: Run) -> tuple[str, str]:
    """The stage that failed last and its error, or the error of the run; empty if unknown."""
    failed = [stage for stage in run.in_order if stage.span.status is RunStatus.FAILED]
    stage = max(failed, key=lambda candidate: candidate.span.told_at, default=None)
    own = stage.span.error if stage else ""
    return (stage.name if stage else ""), (own or run.span.error)


def of_runs(pipeline: PipelineState) -> tuple[Observation, ...]:
    """Verdicts from the completed runs; none without a completed run."""
    counted = counted_runs(pipeline)
    observations = [_failed(pipeline, counted), _slow(pipeline), _stage_slow(pipeline)]
    return tuple(observation for observation in observations if observation is not None)


def counted_runs(pipeline: PipelineState) -> tuple[Run, ...]:
    """The runs that succeeded or failed, in the order in which they ended."""
    return tuple(run for run in pipeline.ended if run.span.status is not RunStatus.CANCELLED)


def _failed(pipeline: PipelineState, counted: Sequence[Run]) -> Observation | None:
    if not counted or (at := counted[-1].span.end) is None:
        return None
    last = counted[-1]
    failed = last.span.status is RunStatus.FAILED
    verdict = _failure(pipeline, counted) if failed else _success(pipeline, last)
    return Observation(spec=spec(pipeline.target, PipelineKind.FAILED), verdict=verdict, at=at)


def _success(pipeline: PipelineState, last: Run) -> Verdict:
    text = f"{pipeline.name}: run {last.run_id} succeeded{_took(last)}"
    return Verdict(outcome=Outcome.GOOD, reason=PipelineReason.LAST_SUCCEEDED, summary=text)


def _failure(pipeline: PipelineState, counted: Sequence[Run]) -> Verdict:
    last = counted[-1]
    streak = next(
        (n for n, run in enumerate(reversed(counted)) if run.span.status is not RunStatus.FAILED), len(counted)
    )
    stage, error = last_error(last)
    where = f" in {stage}" if stage else ""
    again = f", {streak} times in a row" if streak > 1 else ""
    return Verdict(
        outcome=Outcome.BAD,
        reason=PipelineReason.LAST_FAILED,
        summary=f"{pipeline.name}: run {last.run_id} failed{where}{again}{f': {error}' if error else ''}",
        severity=Severity.CRITICAL if streak >= IN_A_ROW else Severity.ERROR,
        value=float(streak),
        unit="runs",
        evidence={"run": last.run_id} | ({"stage": stage} if stage else {}) | ({"error": error} if error else {}),
    )


def _slow(pipeline: PipelineState) -> Observation | None:
    def seen(run: Run, earlier: Sequence[Run]) -> Seen | None:
        usual, seconds = usual_of_run(earlier), run.span.seconds
        if usual is None or seconds is None:
            return None
        text = f"run {run.run_id} took {spell(seconds)}, usual is {spell(usual)}"
        return seconds > usual * FACTOR and seconds > usual + SLOWER_BY, seconds, usual, text

    return _by_duration(pipeline, PipelineKind.SLOW, seen)


def _stage_slow(pipeline: PipelineState) -> Observation | None:
    def seen(run: Run, earlier: Sequence[Run]) -> Seen | None:
        if usual_of_run(earlier) is None:
            return None
        slow = [growth for growth in growths(run, earlier) if _is_slow(growth)]
        if not slow:
            return False, 0.0, 0.0, f"no stage of run {run.run_id} took far longer than usual"
        worst = slow[0]
        text = f"stage {worst.stage} of run {run.run_id} took {spell(worst.seconds)}, usual is {spell(worst.usual)}"
        return True, worst.seconds, worst.usual, text

    return _by_duration(pipeline, PipelineKind.STAGE_SLOW, seen)


def _is_slow(growth: Growth) -> bool:
    return growth.factor > FACTOR and growth.seconds > growth.usual + STAGE_SLOWER_BY


def _by_duration(
    pipeline: PipelineState, kind: PipelineKind, seen: Callable[[Run, Sequence[Run]], Seen | None]
) -> Observation | None:
    """Compare each successful run with those before it, in the order in which they ended."""
    state, newest = ConditionState(), None
    runs = pipeline.succeeded
    for index, run in enumerate(runs):
        comparison, end = seen(run, runs[:index]), run.span.end
        if comparison is not None and end is not None:
            state = count(state, bad=comparison[0], at=end, hysteresis=SLOWNESS)
            newest = run, comparison
    if newest is None or state.at is None:
        return None
    run, (slow, seconds, usual, text) = newest
    decided = slow is state.firing
    verdict = Verdict(
        outcome=Outcome.of(bad=slow) if decided else Outcome.NOT_KNOWN,
        reason=(PipelineReason.LONGER if slow else PipelineReason.AS_USUAL) if decided else PipelineReason.UNDECIDED,
        summary=f"{pipeline.name}: {text}",
        value=seconds if slow else None,
        threshold=usual * FACTOR if slow else None,
        unit="seconds",
        evidence=_where(run, runs) | {"run": run.run_id},
    )
    return Observation(spec=spec(pipeline.target, kind), verdict=verdict, at=state.at)


def _where(run: Run, runs: Sequence[Run]) -> dict[str, str]:
    longest = bottleneck(run, runs[: runs.index(run)])
    if longest is None:
        return {}
    most = {"bottleneck": f"{longest.stage} took {spell(longest.seconds)}, {percent(longest.share)} of all stages"}
    if longest.grown is None:
        return most
    return most | {
        "grown": f"{longest.grown.stage} from {spell(longest.grown.usual)} to {spell(longest.grown.seconds)}"
    }


def _took(run: Run) -> str:
    return "" if run.span.seconds is None else f" in {spell(run.span.seconds)}"


def of_time(
    pipeline: PipelineState, now: datetime, no_verdict: NoVerdict | None = None, *, is_expected: bool = False
) -> tuple[Observation, ...]:
    """Verdicts from the time that has passed.

    Args:
        pipeline: the state of the pipeline; one without a run where none has been reported.
        now: the instant of the tick.
        no_verdict: when it becomes a finding that nothing is known of the pipeline.
        is_expected: whether the settings name it: then it never counts as retired.
    """
    overdue, hung = _overdue(pipeline, now, is_expected=is_expected), _hung(pipeline, now)
    return (
        Observation(spec=spec(pipeline.target, PipelineKind.OVERDUE, no_verdict), verdict=overdue, at=now),
        Observation(spec=spec(pipeline.target, PipelineKind.HUNG), verdict=hung, at=now),
    )


def of_unreadable(pipeline: PipelineState, fault: str, now: datetime, no_verdict: NoVerdict | None) -> Observation:
    """The verdict on a pipeline whose runs cannot be read.

    Args:
        pipeline: its name.
        fault: why.
        now: the instant of the tick.
        no_verdict: when it becomes a finding that nothing is known of the pipeline.
    """
    text = f"{pipeline.name}: its runs cannot be read: {fault}"
    verdict = Verdict(outcome=Outcome.NOT_KNOWN, reason=PipelineReason.UNREADABLE, summary=text)
    return Observation(spec=spec(pipeline.target, PipelineKind.OVERDUE, no_verdict), verdict=verdict, at=now)


def of_absence(pipeline: PipelineState, now: datetime) -> tuple[Observation, ...]:
    """Verdicts for a retired pipeline: nothing fires any more."""
    text = f"{pipeline.name}: no longer reported"
    verdict = Verdict(outcome=Outcome.GOOD, reason=PipelineReason.RETIRED, summary=text)
    return tuple(Observation(spec=spec(pipeline.target, kind), verdict=verdict, at=now) for kind in PipelineKind)


def _overdue(pipeline: PipelineState, now: datetime, *, is_expected: bool) -> Verdict:
    starts = pipeline.starts
    cadence = rhythm(starts, pipeline.past)
    if cadence is None and not counted_runs(pipeline):
        text = f"{pipeline.name}: no run has succeeded or failed yet"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=PipelineReason.NO_RUN, summary=text)
    if cadence is None or not cadence.is_regular:
        text = f"{pipeline.name}: has no regular schedule"
        return Verdict(outcome=Outcome.GOOD, reason=PipelineReason.IRREGULAR, summary=text)
    waited = now - starts[-1]
    ago = spell(waited.total_seconds())
    if is_retired(pipeline, now) and not is_expected:
        text = f"{pipeline.name}: has not run for {ago} and counts as retired"
        return Verdict(outcome=Outcome.GOOD, reason=PipelineReason.RETIRED, summary=text)
    late = waited > cadence.late_after
    return Verdict(
        outcome=Outcome.of(bad=late),
        reason=PipelineReason.LATE if late else PipelineReason.IN_TIME,
        summary=f"{pipeline.name}: last started {ago} ago, usually every {_usually(cadence)}",
        severity=Severity.ERROR,
        value=waited.total_seconds(),
        threshold=cadence.late_after.total_seconds(),
        unit="seconds",
    )


def _usually(cadence: Rhythm) -> str:
    interval, pause = spell(cadence.interval.total_seconds()), spell(cadence.pause.total_seconds())
    return f"{interval} with pauses of up to {pause}" if cadence.pause > cadence.interval * TOLERATED else interval


def _hung(pipeline: PipelineState, now: datetime) -> Verdict:
    taken = {run.run_id: (now - run.span.start).total_seconds() for run in pipeline.running(now) if run.span.start}
    usual = usual_of_run(pipeline.succeeded) if taken else None
    limit = HUNG_AFTER.total_seconds() if usual is None else max(usual * HUNG_FACTOR, usual + HUNG_BY.total_seconds())
    endless = [run_id for run_id, seconds in taken.items() if seconds > limit]
    if not endless:
        text = f"{pipeline.name}: no run takes too long"
        return Verdict(outcome=Outcome.GOOD, reason=PipelineReason.ALL_ENDED, summary=text)
    worst = max(endless, key=lambda run_id: taken[run_id])
    known = "" if usual is None else f", usual is {spell(usual)}"
    return Verdict(
        outcome=Outcome.BAD,
        reason=PipelineReason.ENDLESS,
        summary=f"{pipeline.name}: run {worst} has not ended after {spell(taken[worst])}{known}",
        value=taken[worst],
        threshold=limit,
        unit="seconds",
        evidence={
            "runs": ", ".join(endless[:5]),
            "dropped": f"{spell(LOST_AFTER.total_seconds())} after its last report",
        },
    )
