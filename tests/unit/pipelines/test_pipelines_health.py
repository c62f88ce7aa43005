"""The health of a pipeline: bounds, and what each part does to it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import PipelineRun, RunStatus
from core.pipelines.health import HealthReason, health
from core.pipelines.state import PipelineState
from tests.support.builders.runs import AT, DAY, PIPELINE, days, events, line_of, whole

FAILED, SUCCEEDED = RunStatus.FAILED, RunStatus.SUCCEEDED


def outcomes(*statuses: RunStatus) -> PipelineState:
    return line_of(event for number, status in enumerate(statuses) for event in whole(number, status=status))


def after(line: PipelineState, intervals: float = 1.0) -> float:
    """The score so many days after the last start."""
    found = health(line, line.starts[-1] + intervals * DAY).score
    assert found is not None
    return found


@given(st.lists(events(runs=9), max_size=40), st.integers(-5, 400))
def test_it_lies_between_0_and_1(told_of_it: list[PipelineRun], hours: int) -> None:
    found = health(line_of(told_of_it), AT + timedelta(hours=hours))
    for part in (found.score, found.success, found.duration, found.regularity):
        assert part is None or 0 <= part <= 1
    assert (found.score is None) is (found.success is None) is (found.reason is HealthReason.NO_RUNS)


def test_without_an_end_nothing_is_known() -> None:
    assert health(PipelineState(name=PIPELINE), AT).score is None
    assert health(line_of(whole(0)[:1]), AT).reason is HealthReason.NO_RUNS
    assert health(outcomes(RunStatus.CANCELLED), AT).score is None


def test_all_is_well_when_every_run_succeeds_in_time() -> None:
    found = health(days([10] * 8), AT + 8 * DAY)
    assert (found.score, found.success, found.duration, found.regularity) == (1, 1, 1, 1)
    assert found.reason is HealthReason.HEALTHY


def test_only_failures_leave_nothing_however_punctual() -> None:
    found = health(outcomes(*[FAILED] * 8), AT + 8 * DAY)
    assert (found.score, found.regularity, found.reason) == (0, 1, HealthReason.FAILURES)


def test_a_newer_failure_weighs_more_than_an_older_one() -> None:
    newest, oldest = outcomes(*[SUCCEEDED] * 7, FAILED), outcomes(FAILED, *[SUCCEEDED] * 7)
    assert after(newest) < after(oldest) < 1


def test_a_failure_is_forgotten_after_twenty_runs() -> None:
    assert after(outcomes(FAILED, *[SUCCEEDED] * 20)) == 1


@pytest.mark.parametrize(("minutes", "duration"), [(10, 1), (15, 1), (30, 0.5), (60, 0.25)])
def test_longer_than_usual_costs_in_proportion(minutes: float, duration: float) -> None:
    found = health(days([10] * 6 + [minutes]), AT + 7 * DAY)
    assert (found.duration, found.score) == (duration, duration)
    assert found.reason is (HealthReason.HEALTHY if duration == 1 else HealthReason.SLOW)


@pytest.mark.parametrize(("intervals", "regularity"), [(0, 1), (1.5, 1), (2.75, 0.5), (4, 0), (9, 0)])
def test_waiting_costs_from_one_and_a_half_intervals_on(intervals: float, regularity: float) -> None:
    line = days([10] * 7)
    assert after(line, intervals) == regularity
    if regularity < 1:
        assert health(line, line.starts[-1] + intervals * DAY).reason is HealthReason.OVERDUE


def test_the_weekend_of_what_runs_on_working_days_costs_nothing() -> None:
    line = line_of(event for number in range(23) if number % 7 not in (2, 3) for event in whole(number))
    friday = line.starts[-1]
    assert friday == AT + 22 * DAY
    for waited, regularity in ((3, 1), (3.5, 1), (4.75, 0.5), (6, 0)):
        assert health(line, friday + waited * DAY).regularity == regularity, waited


def test_of_a_pipeline_that_is_no_longer_started_nothing_is_said() -> None:
    found = health(days([10] * 7), AT + 17 * DAY)
    assert (found.score, found.regularity, found.reason) == (None, None, HealthReason.RETIRED)
    assert health(days([10] * 7), AT + 16 * DAY).score == 0
