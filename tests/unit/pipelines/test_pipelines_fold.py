"""Runs put together from what is told of them: the order plays no part, and neither does how often it is told."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import PipelineRun, RunStatus
from core.pipelines.run import MOST_STAGES, Run, fold
from core.pipelines.state import (
    KEPT,
    LOST_AFTER,
    MOST_UNDER_WAY,
    MOST_UNWRITTEN,
    PAUSES,
    EventOutcome,
    Past,
    PipelineState,
    advance,
    counted,
    lighter,
    written,
)
from tests.support.builders.runs import AT, DAY, MINUTE, PIPELINE, days, events, line_of, told, whole

RUNNING, SUCCEEDED, CANCELLED, FAILED = (
    RunStatus.RUNNING,
    RunStatus.SUCCEEDED,
    RunStatus.CANCELLED,
    RunStatus.FAILED,
)


def folded(*told_of_it: PipelineRun) -> Run:
    run: Run | None = None
    for event in told_of_it:
        run = fold(run, event)
    assert run is not None
    return run


@given(st.lists(events(), min_size=1, max_size=9), st.randoms())
def test_the_order_plays_no_part(told_of_it: list[PipelineRun], rng: Random) -> None:
    shuffled = list(told_of_it)
    rng.shuffle(shuffled)
    assert line_of(shuffled).runs == line_of(told_of_it).runs
    assert set(line_of(shuffled).unwritten) == set(line_of(told_of_it).unwritten)


@given(st.lists(events(), min_size=1, max_size=6), st.data())
def test_an_event_that_comes_again_changes_nothing(told_of_it: list[PipelineRun], data: st.DataObject) -> None:
    line = line_of(told_of_it)
    again = data.draw(st.sampled_from(told_of_it))
    step = advance(line, again)
    assert step.outcome is EventOutcome.UNCHANGED
    assert step.pipeline is line


@given(st.lists(events(runs=1), min_size=1, max_size=9))
def test_a_run_that_is_over_stays_so_and_is_counted_once(told_of_it: list[PipelineRun]) -> None:
    line, outcomes, over = PipelineState(name=PIPELINE), [], False
    for event in told_of_it:
        step = advance(line, event)
        line = step.pipeline
        outcomes.append(step.outcome)
        assert line.runs[0].span.status.is_over >= over
        over = line.runs[0].span.status.is_over
    assert outcomes.count(EventOutcome.ENDED) == over
    ends = [event for event in told_of_it if event.status.is_over and not event.stage]
    assert over is bool(ends)
    if ends:
        assert line.runs[0].span.told_at == max(event.observed_at for event in ends)


def test_every_order_of_a_whole_run_gives_its_durations() -> None:
    story = [*whole(0, 10, read=4, train=5)]
    for order in permutations(story):
        run = folded(*order)
        assert (run.span.status, run.span.seconds) == (SUCCEEDED, 600)
        assert [(stage.name, stage.span.seconds) for stage in run.in_order] == [("read", 240), ("train", 300)]


def test_running_told_late_does_not_bring_a_run_back() -> None:
    run = folded(told(FAILED, 5, error="no rows"), told(RUNNING, 9))
    assert (run.span.status, run.span.error, run.span.end) == (FAILED, "no rows", AT + 5 * MINUTE)


def test_of_two_ends_the_one_that_was_seen_last_counts() -> None:
    for order in permutations([told(FAILED, 5, error="no rows"), told(SUCCEEDED, 8), told(FAILED, 6)]):
        run = folded(*order)
        assert (run.span.status, run.span.error, run.span.end) == (SUCCEEDED, "", AT + 8 * MINUTE)


def test_an_end_of_which_more_is_said_takes_the_place_of_the_same_end() -> None:
    end = told(FAILED, 9)
    more = replace(end, started_at=AT, ended_at=AT + 8 * MINUTE, error="out of memory")
    for order in permutations([end, more]):
        run = folded(*order)
        assert (run.span.end, run.span.error, run.span.seconds) == (AT + 8 * MINUTE, "out of memory", 480)


def test_a_start_nobody_told_is_when_it_was_first_seen_running() -> None:
    assert folded(told(SUCCEEDED, 9)).span.seconds is None
    assert folded(told(SUCCEEDED, 9), told(RUNNING, 4), told(RUNNING, 2)).span.seconds == 420
    assert folded(told(SUCCEEDED, 9), told(RUNNING, 4), told(SUCCEEDED, 9, start=1)).span.seconds == 480
    assert folded(told(SUCCEEDED, 9), told(SUCCEEDED, 6, stage="read", start=3)).span.seconds == 360


def test_what_contradicts_itself_has_no_duration() -> None:
    late = replace(told(SUCCEEDED, 9), ended_at=AT + 2 * MINUTE)
    assert folded(late, told(RUNNING, 4)).span.seconds is None


def test_an_event_about_another_run_is_refused() -> None:
    with pytest.raises(ValueError, match="run_id: must be 'r0', got 'r7'"):
        fold(folded(told(RUNNING)), told(RUNNING, run="r7"))


@given(st.permutations(range(MOST_STAGES + 4)))
def test_of_many_stages_the_first_by_name_are_kept_whatever_the_order(order: list[int]) -> None:
    run = folded(*(told(RUNNING, 1, stage=f"s{number:03d}") for number in order))
    assert [stage.name for stage in run.stages] == [f"s{number:03d}" for number in range(MOST_STAGES)]


def test_the_newest_runs_are_kept_and_older_ones_are_not_taken_up_again() -> None:
    line = days([10.0] * (KEPT + 3))
    for run in line.runs:
        line = written(line, run)
    assert [run.run_id for run in line.runs] == [f"r{number}" for number in range(3, KEPT + 3)]
    assert line.unwritten == ()
    step = advance(line, whole(1)[-1])
    assert (step.outcome, step.pipeline, step.run) == (EventOutcome.FORGOTTEN, line, None)


def test_runs_the_history_does_not_have_are_kept_a_little_longer() -> None:
    line = days([10.0] * (KEPT + 30))
    assert len(line.runs) == KEPT + MOST_UNWRITTEN
    assert set(line.unwritten) == {run.run_id for run in line.runs}


def test_what_is_under_way_is_kept_beside_what_ended() -> None:
    count = 4 * KEPT
    line = line_of(told(RUNNING, number / 60, run=f"r{number}") for number in range(count))
    assert len(line.running(AT + MINUTE)) == count
    ended = line
    for number in range(count):
        step = advance(ended, told(SUCCEEDED, 60 + number / 60, run=f"r{number}"))
        ended = step.pipeline
        assert step.run is not None
        assert (step.outcome, step.run.span.seconds) == (EventOutcome.ENDED, 3600)
    assert len(ended.runs) == KEPT + MOST_UNWRITTEN


def test_of_very_many_under_way_those_with_the_newest_news_are_kept() -> None:
    line = line_of([*whole(0), *(told(RUNNING, 20 + number, run=f"w{number}") for number in range(MOST_UNDER_WAY + 3))])
    assert len(line.runs) == MOST_UNDER_WAY + 1
    assert line.get("r0") is not None
    assert line.get("w2") is None
    assert line.forgotten is None


@pytest.mark.parametrize("by", [1, 7])
def test_what_is_dropped_because_all_is_too_large_is_not_counted_again(by: int) -> None:
    line = line_of([told(RUNNING, 99_999, run="way"), *(event for number in range(20) for event in whole(number))])
    smaller = lighter(line, by)
    assert [run.run_id for run in smaller.runs] == [*(f"r{number}" for number in range(by, 20)), "way"]
    for number in range(20):
        step = advance(smaller, whole(number)[-1])
        assert step.outcome is (EventOutcome.FORGOTTEN if number < by else EventOutcome.UNCHANGED)


def test_of_too_much_that_is_under_way_the_oldest_goes_and_one_run_always_stays() -> None:
    line = line_of([*whole(0), *(told(RUNNING, 20 + number, run=f"w{number}") for number in range(4))])
    assert [run.run_id for run in lighter(line, 3).runs] == ["r0", "w3"]
    assert len(lighter(line, 99).runs) == 1


def test_of_a_run_that_only_its_end_is_told_of_the_end_says_when_it_runs() -> None:
    line = line_of([told(SUCCEEDED, 9, run="end"), told(SUCCEEDED, 7, run="both", start=5)])
    assert line.starts == (AT + 5 * MINUTE, AT + 9 * MINUTE)


def test_pauses_between_runs_that_are_kept_no_longer_are_known() -> None:
    hours = [hour for day in range(19) if day % 7 < 5 for hour in range(day * 24 + 8, day * 24 + 19)]
    starts = [AT + timedelta(hours=hour) for hour in hours]
    line = line_of(told(SUCCEEDED, hour * 60 + 1, run=f"r{hour}", start=hour * 60) for hour in hours)
    assert line.starts == tuple(starts[-(KEPT + MOST_UNWRITTEN + 1) :])
    assert line.past.since == starts[0]
    assert max(pause.length for pause in line.past.pauses) == timedelta(hours=62)
    assert len(line.past.pauses) == PAUSES


def test_a_pause_is_remembered_for_five_weeks() -> None:
    starts = [AT, AT + 3 * DAY, *(AT + number * DAY for number in range(4, 50))]
    early, late = (counted(Past(), starts, AT + number * DAY) for number in (38, 39))
    assert early.pauses[0].length == 3 * DAY
    assert late.pauses[0].length == DAY
    assert counted(early, starts, AT + 38 * DAY) is early
    assert counted(early, [AT], AT + 5 * DAY).until == AT + 38 * DAY, "what is counted is not counted again"


def test_what_changed_since_it_was_written_is_written_again() -> None:
    line = line_of(whole(0))
    before = line.runs[0]
    assert line.unwritten == ("r0",)
    assert written(line, before).unwritten == ()
    changed = line_of([told(SUCCEEDED, 3, stage="read", start=1)], line)
    assert written(changed, before).unwritten == ("r0",)
    by_others = written(changed, changed.runs[0])
    assert by_others.unwritten == ()
    assert written(by_others, before).unwritten == ("r0",), "what was known before came into the history last"
    assert line_of([told(SUCCEEDED, 3, stage="read", start=1)], written(line, before)).unwritten == ("r0",)


def test_a_run_whose_runner_died_is_not_running_for_ever() -> None:
    line = line_of([told(RUNNING)])
    assert len(line.running(AT + LOST_AFTER - timedelta(seconds=1))) == 1
    assert line.running(AT + LOST_AFTER) == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"observed_at": AT.replace(tzinfo=None)}, "observed_at: must carry a time zone"),
        ({"started_at": AT + MINUTE}, "started_at: must not be after 2026-01-02T03:00:00Z, got 2026-01-02T03:01:00Z"),
        ({"ended_at": AT}, "ended_at: must not be given while running"),
        ({"started_at": AT.replace(year=1)}, "started_at: must be a year 1971 to 9998"),
    ],
)
def test_an_event_refuses_what_cannot_be(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(told(RUNNING), **values)  # type: ignore[arg-type]
