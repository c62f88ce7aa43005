"""What is concluded from the runs that have ended: whether the last one failed, and whether they take longer than usual.

It is concluded from all runs that are kept, so it is the same in whatever order they were told of.
"""

from collections.abc import Callable, Sequence

from core.detection import ConditionState, Hysteresis, Observation, Outcome, Verdict, count
from core.events import RunStatus, Severity
from core.pipelines.bottleneck import Growth, bottleneck, growths
from core.pipelines.conditions import Kind, Reason, spec
from core.pipelines.run import Run
from core.pipelines.state import PipelineState
from core.pipelines.text import last_error, spell
from core.pipelines.usual import usual_of_run

FACTOR = 2.0
"""How many times as long as usual is slow."""
SLOWER_BY, STAGE_SLOWER_BY = 60.0, 30.0
"""Seconds by which a run, or a stage, must be longer than usual besides: what takes no time may take twice that."""
SLOWNESS = Hysteresis(fire_after=2, recover_after=2)
"""Runs in a row that make a pipeline slow, or fast again."""
IN_A_ROW = 3
"""So many failures in a row are critical."""

Seen = tuple[bool, float, float, str]
"""Whether a run is slow, the seconds that make it so, the usual ones, and both in words."""


def of_runs(line: PipelineState) -> tuple[Observation, ...]:
    """Conclude from the runs that have ended; nothing where none has."""
    counted = tuple(run for run in line.ended if run.span.status is not RunStatus.CANCELLED)
    found = [_failed(line, counted), _slow(line), _stage_slow(line)]
    return tuple(one for one in found if one is not None)


def _failed(line: PipelineState, counted: Sequence[Run]) -> Observation | None:
    if not counted or (at := counted[-1].span.end) is None:
        return None
    last = counted[-1]
    failed = last.span.status is RunStatus.FAILED
    verdict = _failure(line, counted) if failed else _success(line, last)
    return Observation(spec=spec(line.target, Kind.FAILED), verdict=verdict, at=at)


def _success(line: PipelineState, last: Run) -> Verdict:
    text = f"{line.name}: run {last.run_id} succeeded{_took(last)}"
    return Verdict(outcome=Outcome.GOOD, reason=Reason.LAST_SUCCEEDED, summary=text)


def _failure(line: PipelineState, counted: Sequence[Run]) -> Verdict:
    last = counted[-1]
    streak = next(
        (n for n, run in enumerate(reversed(counted)) if run.span.status is not RunStatus.FAILED), len(counted)
    )
    stage, error = last_error(last)
    where = f" in {stage}" if stage else ""
    again = f", {streak} times in a row" if streak > 1 else ""
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.LAST_FAILED,
        summary=f"{line.name}: run {last.run_id} failed{where}{again}{f': {error}' if error else ''}",
        severity=Severity.CRITICAL if streak >= IN_A_ROW else Severity.ERROR,
        value=float(streak),
        unit="runs",
        evidence={"run": last.run_id} | ({"stage": stage} if stage else {}) | ({"error": error} if error else {}),
    )


def _slow(line: PipelineState) -> Observation | None:
    def seen(run: Run, earlier: Sequence[Run]) -> Seen | None:
        usual, seconds = usual_of_run(earlier), run.span.seconds
        if usual is None or seconds is None:
            return None
        text = f"run {run.run_id} took {spell(seconds)}, usual is {spell(usual)}"
        return seconds > usual * FACTOR and seconds > usual + SLOWER_BY, seconds, usual, text

    return _by_duration(line, Kind.SLOW, seen)


def _stage_slow(line: PipelineState) -> Observation | None:
    def seen(run: Run, earlier: Sequence[Run]) -> Seen | None:
        if usual_of_run(earlier) is None:
            return None
        slow = [one for one in growths(run, earlier) if _is_slow(one)]
        if not slow:
            return False, 0.0, 0.0, f"no stage of run {run.run_id} took far longer than usual"
        worst = slow[0]
        text = f"stage {worst.stage} of run {run.run_id} took {spell(worst.seconds)}, usual is {spell(worst.usual)}"
        return True, worst.seconds, worst.usual, text

    return _by_duration(line, Kind.STAGE_SLOW, seen)


def _is_slow(growth: Growth) -> bool:
    return growth.factor > FACTOR and growth.seconds > growth.usual + STAGE_SLOWER_BY


def _by_duration(
    line: PipelineState, kind: Kind, seen: Callable[[Run, Sequence[Run]], Seen | None]
) -> Observation | None:
    """Look at each run that succeeded in the light of those before it, in the order in which they ended."""
    state, newest = ConditionState(), None
    runs = line.succeeded
    for index, run in enumerate(runs):
        found, end = seen(run, runs[:index]), run.span.end
        if found is not None and end is not None:
            state = count(state, bad=found[0], at=end, hysteresis=SLOWNESS)
            newest = run, found
    if newest is None or state.at is None:
        return None
    run, (slow, seconds, usual, text) = newest
    decided = slow is state.firing
    verdict = Verdict(
        outcome=Outcome.of(bad=slow) if decided else Outcome.NOT_KNOWN,
        reason=(Reason.LONGER if slow else Reason.AS_USUAL) if decided else Reason.UNDECIDED,
        summary=f"{line.name}: {text}",
        value=seconds if slow else None,
        threshold=usual * FACTOR if slow else None,
        unit="seconds",
        evidence=_where(run, runs) | {"run": run.run_id},
    )
    return Observation(spec=spec(line.target, kind), verdict=verdict, at=state.at)


def _where(run: Run, runs: Sequence[Run]) -> dict[str, str]:
    found = bottleneck(run, runs[: runs.index(run)])
    if found is None:
        return {}
    most = {"bottleneck": f"{found.stage} took {spell(found.seconds)}, {found.share:.0%} of all stages"}
    if found.grown is None:
        return most
    return most | {"grown": f"{found.grown.stage} from {spell(found.grown.usual)} to {spell(found.grown.seconds)}"}


def _took(run: Run) -> str:
    return "" if run.span.seconds is None else f" in {spell(run.span.seconds)}"
