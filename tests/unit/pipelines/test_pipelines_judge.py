"""What is concluded of a pipeline: failures, slowness, lateness, runs without end."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import Outcome, Verdict
from core.events import PipelineRun, RunStatus, Severity
from core.incidents.policy import classify
from core.pipelines.baseline import bottleneck, rhythm, usual_of_run
from core.pipelines.judge import PipelineKind, PipelineReason, of_absence, of_runs, of_time
from core.pipelines.state import KEPT, PipelineState
from core.settings.people import Category
from tests.support.builders.runs import AT, DAY, MINUTE, PIPELINE, days, events, line_of, told, whole

FAILED, SUCCEEDED, CANCELLED, RUNNING = (
    RunStatus.FAILED,
    RunStatus.SUCCEEDED,
    RunStatus.CANCELLED,
    RunStatus.RUNNING,
)
GOOD, BAD, NOT_KNOWN = Outcome.GOOD, Outcome.BAD, Outcome.NOT_KNOWN


def verdicts(line: PipelineState, now: datetime | None = None) -> dict[PipelineKind, Verdict]:
    found = of_runs(line) if now is None else of_time(line, now)
    return {PipelineKind(one.spec.kind): one.verdict for one in found}


def test_nothing_is_concluded_of_a_pipeline_without_runs() -> None:
    assert of_runs(PipelineState(name=PIPELINE)) == ()
    found = verdicts(PipelineState(name=PIPELINE), AT)
    overdue = found[PipelineKind.OVERDUE]
    assert (overdue.outcome, overdue.reason) == (NOT_KNOWN, PipelineReason.NO_RUN)
    assert found[PipelineKind.HUNG].outcome is GOOD


@pytest.mark.parametrize(
    ("status", "outcome"), [(RUNNING, NOT_KNOWN), (CANCELLED, NOT_KNOWN), (SUCCEEDED, GOOD), (FAILED, GOOD)]
)
def test_whether_it_is_late_is_known_once_a_run_has_succeeded_or_failed(status: RunStatus, outcome: Outcome) -> None:
    line = line_of([told(status, 10)])
    assert verdicts(line, AT + timedelta(hours=1))[PipelineKind.OVERDUE].outcome is outcome


def test_a_failure_is_told_with_its_stage_and_its_error_until_the_next_success() -> None:
    line = line_of(
        [*whole(0), told(FAILED, 3000, run="r1", stage="train", error="out of memory"), told(FAILED, 3001, run="r1")]
    )
    found = verdicts(line)[PipelineKind.FAILED]
    assert (found.outcome, found.reason, found.severity) == (BAD, PipelineReason.LAST_FAILED, Severity.ERROR)
    assert found.summary == "etl: run r1 failed in train: out of memory"
    assert found.evidence == {"run": "r1", "stage": "train", "error": "out of memory"}
    better = verdicts(line_of(whole(4), line))[PipelineKind.FAILED]
    assert (better.outcome, better.summary) == (GOOD, "etl: run r4 succeeded in 10 min")


def test_three_failures_in_a_row_are_critical() -> None:
    line = line_of(event for number in range(3) for event in whole(number, status=FAILED))
    found = verdicts(line)[PipelineKind.FAILED]
    assert (found.severity, found.value) == (Severity.CRITICAL, 3)
    assert found.summary == "etl: run r2 failed, 3 times in a row"


def test_a_cancelled_run_says_neither() -> None:
    line = line_of([*whole(0, status=FAILED), *whole(1, status=CANCELLED)])
    assert verdicts(line)[PipelineKind.FAILED].evidence["run"] == "r0"
    assert of_runs(line_of(whole(0, status=CANCELLED))) == ()


def test_an_older_failure_that_becomes_known_late_is_no_news() -> None:
    line = line_of([*whole(1), *whole(0, status=FAILED)])
    assert verdicts(line)[PipelineKind.FAILED].outcome is GOOD


@pytest.mark.parametrize(
    ("last", "outcome", "reason"),
    [
        ((10, 10), GOOD, PipelineReason.AS_USUAL),
        ((10, 21), NOT_KNOWN, PipelineReason.UNDECIDED),
        ((21, 21), BAD, PipelineReason.LONGER),
        ((21, 21, 10), NOT_KNOWN, PipelineReason.UNDECIDED),
        ((21, 21, 10, 10), GOOD, PipelineReason.AS_USUAL),
        ((19.9, 19.9), GOOD, PipelineReason.AS_USUAL),
    ],
)
def test_a_pipeline_is_slow_after_two_runs_and_fast_after_two(
    *, last: tuple[float, ...], outcome: Outcome, reason: PipelineReason
) -> None:
    found = verdicts(days([10] * 5 + list(last)))[PipelineKind.SLOW]
    assert (found.outcome, found.reason) == (outcome, reason)


def test_slowness_is_told_with_where_the_time_went() -> None:
    line = days([10] * 5 + [30, 30], read=[1] * 7, train=[8] * 5 + [28, 28])
    slow, stage = verdicts(line)[PipelineKind.SLOW], verdicts(line)[PipelineKind.STAGE_SLOW]
    assert slow.summary == "etl: run r6 took 30 min, usual is 10 min"
    assert (slow.value, slow.threshold, slow.unit) == (1800, 1200, "seconds")
    assert slow.evidence["bottleneck"] == "train took 28 min, 96.6% of all stages"
    assert slow.evidence["grown"] == "train from 8 min to 28 min"
    assert (stage.outcome, stage.value, stage.threshold) == (BAD, 1680, 960)
    assert stage.summary == "etl: stage train of run r6 took 28 min, usual is 8 min"


def test_what_takes_no_time_may_take_twice_that() -> None:
    line = days([0.1] * 5 + [0.9] * 2, read=[0.05] * 5 + [0.5] * 2)
    assert (verdicts(line)[PipelineKind.SLOW].outcome, verdicts(line)[PipelineKind.STAGE_SLOW].outcome) == (GOOD, GOOD)


def test_with_few_runs_nothing_is_usual() -> None:
    line = days([10, 10, 10, 10, 300])
    assert usual_of_run(line.succeeded[:4]) is None
    assert set(verdicts(line)) == {PipelineKind.FAILED}


def test_a_failed_run_says_nothing_of_how_long_it_takes() -> None:
    line = line_of(whole(9, 500, FAILED), days([10] * 6))
    assert verdicts(line)[PipelineKind.SLOW].outcome is GOOD


@given(st.lists(events(runs=8), max_size=40), st.randoms(use_true_random=False))
def test_conclusions_are_the_same_in_every_order(told_of_it: list[PipelineRun], rng: Random) -> None:
    shuffled = rng.sample(told_of_it, len(told_of_it))
    now = AT + DAY
    assert of_runs(line_of(shuffled)) == of_runs(line_of(told_of_it))
    assert of_time(line_of(shuffled), now) == of_time(line_of(told_of_it), now)


@pytest.mark.parametrize(
    ("waited", "outcome", "reason"),
    [
        (1.0, GOOD, PipelineReason.IN_TIME),
        (2.0, GOOD, PipelineReason.IN_TIME),
        (2.003, GOOD, PipelineReason.IN_TIME),
        (2.004, BAD, PipelineReason.LATE),
        (9.9, BAD, PipelineReason.LATE),
        (10.1, GOOD, PipelineReason.RETIRED),
    ],
)
def test_a_pipeline_with_a_rhythm_may_be_late_until_it_is_retired(
    *, waited: float, outcome: Outcome, reason: PipelineReason
) -> None:
    line = days([10] * 7)
    found = verdicts(line, line.starts[-1] + waited * DAY)[PipelineKind.OVERDUE]
    assert (found.outcome, found.reason) == (outcome, reason)


def test_a_pipeline_without_a_rhythm_is_never_late() -> None:
    starts = [0, 1, 5, 6, 20, 21, 50]
    line = line_of(event for number in starts for event in whole(number))
    found = rhythm(line.starts)
    assert found is not None
    assert not found.is_regular
    assert verdicts(line, AT + 300 * DAY)[PipelineKind.OVERDUE].reason is PipelineReason.IRREGULAR
    assert verdicts(days([10] * 5), AT + 300 * DAY)[PipelineKind.OVERDUE].reason is PipelineReason.IRREGULAR


def test_a_pipeline_that_tells_only_its_ends_may_be_late_as_well() -> None:
    line = line_of(told(SUCCEEDED, number * 1440, run=f"r{number}") for number in range(7))
    assert verdicts(line, AT + 8 * DAY)[PipelineKind.OVERDUE].reason is PipelineReason.IN_TIME
    late = verdicts(line, AT + 9 * DAY)[PipelineKind.OVERDUE]
    assert (late.outcome, late.summary) == (BAD, "etl: last started 3 d ago, usually every 1 d")


def test_one_outage_is_not_usual_and_what_pauses_again_and_again_is_told_with_its_pauses() -> None:
    once = line_of(event for number in range(30) if number not in (9, 10, 11, 12) for event in whole(number))
    assert rhythm(once.starts, once.past) == rhythm([AT + number * DAY for number in range(30)])
    weekdays = line_of(event for number in range(23) if number % 7 not in (2, 3) for event in whole(number))
    found = verdicts(weekdays, AT + 27 * DAY)[PipelineKind.OVERDUE]
    assert (found.outcome, found.threshold) == (BAD, (4 * DAY).total_seconds() + 300)
    assert found.summary == "etl: last started 5 d ago, usually every 1 d with pauses of up to 3 d"


def test_in_a_short_history_any_pause_may_be_usual() -> None:
    starts = [AT + number * DAY for number in (0, 1, 2, 3, 4, 7, 8)]
    short, longer = rhythm(starts), rhythm([*starts, *(AT + number * DAY for number in range(9, 16))])
    assert short is not None
    assert longer is not None
    assert (short.pause, longer.pause) == (3 * DAY, DAY)


def test_a_run_under_way_of_which_stages_are_told_retires_no_pipeline() -> None:
    line = line_of([told(RUNNING, 11_000, run="r9", stage="train"), told(RUNNING, 24_000, run="r9")], days([10] * 7))
    assert verdicts(line, AT + 17 * DAY)[PipelineKind.OVERDUE].reason is PipelineReason.LATE


def test_a_run_that_does_not_end_is_told_by_what_is_usual() -> None:
    line = line_of([told(RUNNING, 20_000, run="r9")], days([10] * 6))
    start = AT + 20_000 * MINUTE
    assert verdicts(line, start + 39 * MINUTE)[PipelineKind.HUNG].outcome is GOOD
    found = verdicts(line, start + 41 * MINUTE)[PipelineKind.HUNG]
    assert (found.outcome, found.reason) == (BAD, PipelineReason.ENDLESS)
    assert found.summary == "etl: run r9 has not ended after 41 min, usual is 10 min"
    assert verdicts(line, start + 8 * DAY)[PipelineKind.HUNG].reason is PipelineReason.ALL_ENDED


def test_where_nothing_is_usual_a_run_may_take_a_day() -> None:
    line = line_of([told(RUNNING)])
    assert verdicts(line, AT + DAY)[PipelineKind.HUNG].outcome is GOOD
    assert verdicts(line, AT + DAY + MINUTE)[PipelineKind.HUNG].outcome is BAD


def test_when_nothing_is_told_any_more_nothing_holds() -> None:
    found = of_absence(days([10]), AT + 99 * DAY)
    assert {one.spec.kind for one in found} == set(PipelineKind)
    assert {one.verdict.outcome for one in found} == {GOOD}


@pytest.mark.parametrize("kind", PipelineKind)
def test_what_is_noticed_is_of_the_class_of_pipelines(kind: PipelineKind) -> None:
    assert classify(f"pipeline/{PIPELINE}", kind, "pipeline_monitor", Severity.ERROR).category is Category.PIPELINE


def test_the_bottleneck_is_the_stage_that_took_the_most() -> None:
    line = days([10] * 6, read=[2, 2, 2, 2, 2, 5], train=[6] * 6)
    found = bottleneck(line.succeeded[-1], line.succeeded[:-1])
    assert found is not None
    assert (found.stage, found.seconds, round(found.share, 3)) == ("train", 360, 0.545)
    assert found.grown is not None
    assert (found.grown.stage, found.grown.seconds, found.grown.usual, found.grown.factor) == ("read", 300, 120, 2.5)
    assert bottleneck(days([10]).succeeded[0], []) is None
    instant = bottleneck(days([10], read=[0]).succeeded[0], [])
    assert instant is not None
    assert instant.share == 1


def test_no_time_at_all_grows_infinitely() -> None:
    line = days([10] * 6, read=[0, 0, 0, 0, 0, 5])
    found = bottleneck(line.succeeded[-1], line.succeeded[:-1])
    assert found is not None
    assert found.grown is not None
    assert found.grown.factor == float("inf")


def test_while_others_come_and_go_a_run_without_an_end_stays_told_of() -> None:
    line = line_of([told(RUNNING, 0, run="endless")])
    for number in range(1, KEPT + 100):
        line = line_of([told(RUNNING, number, run=f"r{number}"), told(SUCCEEDED, number + 0.2, run=f"r{number}")], line)
    found = verdicts(line, line.starts[-1])[PipelineKind.HUNG]
    assert (found.outcome, found.evidence["runs"]) == (BAD, "endless")


def test_intervals_say_how_often_it_runs() -> None:
    assert rhythm([AT + n * DAY for n in range(5)]) is None
    found = rhythm([AT + n * timedelta(hours=1) for n in (0, 1, 2, 3, 4, 5, 9)])
    assert found is not None
    assert (found.interval, found.is_regular) == (timedelta(hours=1), True)


def test_runs_one_after_the_other_are_no_schedule() -> None:
    for minutes, is_regular in ((9, False), (10, True)):
        found = rhythm([AT + n * minutes * MINUTE for n in range(9)])
        assert found is not None
        assert found.is_regular is is_regular
