"""What the rule for late starts makes of usual schedules: as `docs/pipelines.md` has it, with nothing wrongly called late."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.builders.schedules import SCHEDULES, Outcome, Schedule, outcome

GUIDE = (Path(__file__).parents[3] / "docs" / "pipelines.md").read_text(encoding="utf-8")
NAMES = [schedule.name for schedule in SCHEDULES]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=NAMES)
def test_after_two_cycles_no_start_that_is_in_time_is_called_late(schedule: Schedule) -> None:
    found = outcome(schedule)
    assert found.false == 0
    assert f"| {schedule.name} | {found.row}\n" in GUIDE


@pytest.mark.long  # one seed of each is in the test before
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("schedule", [one for one in SCHEDULES if "off" in one.name], ids=lambda one: one.name)
def test_whatever_chance_does_to_the_starts(schedule: Schedule, seed: int) -> None:
    assert outcome(schedule, seed).false == 0


def test_a_row_says_how_long_a_stop_stays_untold() -> None:
    hours = tuple(timedelta(hours=number) for number in (1, 2, 5))
    assert Outcome(0, hours).row == "0 | 2 h, at most 5 h |"
    assert Outcome(3, hours[:1]).row == "3 | 1 h |"
    assert Outcome(0, ()).row == "0 | never detected |"
