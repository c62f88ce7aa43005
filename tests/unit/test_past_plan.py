"""Which parts of the past are computed: every day once, the newest first, however often the stack is stopped."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnreadableError
from infra.local.past.plan import (
    DAY,
    NAME,
    TRACKS,
    Part,
    Plan,
    extended,
    has_begun,
    next_part,
    progress,
    reached_name,
    read_plan,
    with_part,
    write_plan,
    write_reached,
)

NOW = datetime(2026, 3, 4, 15, 37, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)
WEEK = 7 * DAY
JOBS: dict[str, str] = yaml.safe_load(Path("infra/monitoring.yaml").read_text())["jobs"]
FIRST, SIZE = 10 * DAY, 30 * DAY


def fresh(days: int) -> Plan:
    """The plan of a first start with so many days before the last midnight, and a week of rows before them."""
    return extended(Plan(), MIDNIGHT - days * DAY - WEEK, NOW, window=WEEK)


def parts(plan: Plan, track: str = "model") -> list[Part]:
    """The parts that a track computes, in their order."""
    found = []
    while part := next_part(plan, track, first=FIRST, size=SIZE):
        found.append(part)
        plan = with_part(plan, track, part)
    return found


def test_the_newest_days_come_first_and_a_short_rest_is_taken_along() -> None:
    found = parts(fresh(45))
    assert [(part.start, part.end) for part in found] == [
        (MIDNIGHT - 10 * DAY, NOW),
        (MIDNIGHT - 52 * DAY, MIDNIGHT - 10 * DAY),
    ]
    assert found[0].instants == tuple(MIDNIGHT - ago * DAY for ago in range(10, -1, -1))
    assert found[1].instants == tuple(MIDNIGHT - ago * DAY for ago in range(45, 10, -1))


@pytest.mark.parametrize("job", JOBS)
def test_charts_end_before_the_first_live_tick_of_every_job(job: str) -> None:
    for minute in range(60):
        now = MIDNIGHT + timedelta(hours=9, minutes=minute, seconds=30)
        end = Part(index=0, start=MIDNIGHT, end=now, instants=()).charts_end
        assert now - timedelta(minutes=16) < end < croniter(JOBS[job], now, ret_type=datetime).get_prev()


@given(days=st.integers(1, 300), hours=st.integers(0, 23), gap=st.integers(0, 40))
def test_every_midnight_is_computed_once_and_every_row_lies_in_one_part(days: int, hours: int, gap: int) -> None:
    now = MIDNIGHT + timedelta(hours=hours)
    plan = extended(Plan(), MIDNIGHT - days * DAY - WEEK, now, window=WEEK)
    newest = next_part(plan, "model", first=FIRST, size=SIZE)
    assert newest is not None
    plan = extended(with_part(plan, "model", newest), now, now + gap * DAY, window=WEEK)
    found = [newest, *parts(plan)]
    instants = sorted(at for part in found for at in part.instants)
    assert instants == list(plan.instants)
    assert len(set(instants)) == len(instants)
    spans = sorted((part.start, part.end) for part in found)
    assert spans[0][0] == MIDNIGHT - days * DAY - WEEK
    assert spans[-1][1] == now + gap * DAY
    assert all(one[1] == two[0] for one, two in itertools.pairwise(spans))


def test_a_later_span_comes_before_what_is_left_of_an_earlier_one() -> None:
    plan = fresh(45)
    first = next_part(plan, "model", first=FIRST, size=SIZE)
    assert first is not None
    plan = extended(with_part(plan, "model", first), NOW + timedelta(hours=1), NOW + 2 * DAY, window=WEEK)
    found = parts(plan)
    assert [part.index for part in found] == [1, 0]
    assert found[0].instants == (MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)


def test_a_span_of_which_nothing_is_in_goes_on_and_another_one_follows_it() -> None:
    later = extended(fresh(20), NOW, NOW + DAY, window=WEEK)
    assert [(span.start, span.end) for span in later.spans] == [(MIDNIGHT - 20 * DAY - WEEK, NOW + DAY)]
    assert extended(later, NOW, NOW, window=WEEK) == later
    part = next_part(later, "model", first=FIRST, size=SIZE)
    assert part is not None
    begun = with_part(later, "model", part, charts=False)
    two = extended(begun, NOW, NOW + 2 * DAY, window=WEEK)
    assert [(span.start, span.end) for span in two.spans[1:]] == [(NOW + DAY, NOW + 2 * DAY)]
    assert extended(begun, NOW, NOW + DAY, window=WEEK) == begun


def test_rows_are_in_before_the_charts_are() -> None:
    plan = fresh(45)
    assert not any(span.is_loaded(track) for span in plan.spans for track in TRACKS)
    for track in TRACKS:
        part = next_part(plan, track, first=FIRST, size=SIZE)
        assert part is not None
        assert (part.is_newest, part.is_oldest) == (True, False)
        plan = with_part(plan, track, part, charts=False)
        assert next_part(plan, track, first=FIRST, size=SIZE) == part, "its charts are still to come"
    assert all(span.is_loaded(track) for span in plan.spans for track in TRACKS)
    assert not has_begun(plan)
    for track in TRACKS:
        part = next_part(plan, track, first=FIRST, size=SIZE)
        assert part is not None
        plan = with_part(plan, track, part)
    assert has_begun(plan)
    assert has_begun(Plan())


def test_a_midnight_of_just_now_is_left_to_the_live_tick() -> None:
    plan = extended(Plan(), MIDNIGHT - 10 * DAY, MIDNIGHT + timedelta(minutes=5), window=WEEK)
    assert plan.instants[-1] == MIDNIGHT - DAY
    assert parts(plan)[0].instants[-1] == MIDNIGHT - DAY
    later = extended(Plan(), MIDNIGHT - 10 * DAY, MIDNIGHT + timedelta(minutes=16), window=WEEK)
    assert parts(later)[0].instants[-1] == MIDNIGHT


def test_the_oldest_part_of_all_is_the_last_one() -> None:
    plan = extended(with_part(fresh(45), "model", parts(fresh(45))[0]), NOW, NOW + 2 * DAY, window=WEEK)
    assert [part.is_oldest for part in parts(plan)] == [False, True]
    assert [part.is_newest for part in parts(plan)] == [True, False]


def test_progress_is_that_of_the_slowest_track() -> None:
    plan = fresh(45)
    assert progress(plan) == (0, 46)
    for track, days in (("model", 0), ("business", 11)):
        part = next_part(plan, track, first=FIRST, size=SIZE)
        assert part is not None
        plan = with_part(plan, track, part)
        assert progress(plan)[0] == days
    while part := next_part(plan, "model", first=FIRST, size=SIZE):
        plan = with_part(plan, "model", part)
    assert progress(plan) == (11, 46)
    assert progress(Plan()) == (0, 0)


def test_the_plan_is_kept_in_the_folder_and_a_broken_one_is_said(tmp_path: Path) -> None:
    assert read_plan(tmp_path) == Plan()
    part = next_part(fresh(45), "model", first=FIRST, size=SIZE)
    assert part is not None
    plan = with_part(with_part(fresh(45), "model", part), "business", part)
    write_plan(tmp_path, plan)
    assert read_plan(tmp_path) == fresh(45)
    write_reached(tmp_path, "model", plan)
    assert read_plan(tmp_path) == with_part(fresh(45), "model", part)
    write_reached(tmp_path, "business", plan)
    assert read_plan(tmp_path) == plan
    for name in (NAME, reached_name("model")):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(UnreadableError, match="truncated"):
            read_plan(tmp_path)
        (tmp_path / name).unlink()
