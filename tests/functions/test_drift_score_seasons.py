"""What is learnt of a reference whose hours differ: every hour of the week is known, and windows of some hours do not alarm."""

import math
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from core.drift import hour_of_week, score
from core.settings import Features
from functions.drift_score.baseline import Baseline, learn
from functions.drift_score.statements import SECOND
from functions.drift_score.window import Window, thresholds
from tests.support.builders.budget import ALL, some
from tests.support.builders.drift import MODEL
from tests.support.builders.flights import DAY, TRAINED

WEEK, ROWS, WEEKS, EVERY = 168, 40, 3, 1 if ALL else 4
"""Hours, rows an hour, the length of the reference, and every which hour has rows."""
RHYTHM = replace(
    MODEL,
    features=Features(numeric=("load",)),
    label=None,
    accuracy_floor=None,
    drift=replace(MODEL.drift, seasonal=True),
    minimum_rows=30,
)
Columns = dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]
SINCE = TRAINED - 7 * WEEKS * DAY


@cache
def columns() -> Columns:
    """A load with a daily rhythm, over the reference and the week after it."""
    rng = np.random.default_rng(4)
    hours = np.arange(0, WEEK * (WEEKS + 1), 1 / ROWS)
    hours = hours[hours // 1 % EVERY == 0]
    load = np.sin(2 * math.pi * hours / 24) + rng.normal(size=hours.size)
    return {"load": load, MODEL.score: rng.random(hours.size), SECOND: SINCE.timestamp() + 3600 * hours}


def part(first: int, last: int) -> Columns:
    at = columns()[SECOND] - SINCE.timestamp()
    inside = (at >= 3600 * first) & (at < 3600 * last)
    return {name: column[inside] for name, column in columns().items()}


def learnt(length: int) -> Baseline:
    model = replace(RHYTHM, window=timedelta(hours=length))
    reference = Window(model=model, version="1", start=SINCE, end=TRAINED)
    return learn(reference, part(0, WEEK * WEEKS), WEEK * WEEKS * ROWS // EVERY)


@pytest.mark.parametrize("length", some([1, 6], 1))
def test_windows_of_some_hours_do_not_alarm_in_a_week_of_a_daily_rhythm(length: int) -> None:
    profile = learnt(length).profile
    assert profile.calibration is not None
    assert len(profile.calibration.slots) == WEEK / EVERY
    alarms = 0
    for hour in range(WEEK * WEEKS, WEEK * (WEEKS + 1), EVERY):
        slot = hour_of_week(SINCE + timedelta(hours=hour + length))
        alarms += bool(score(profile, part(hour, hour + length), thresholds=thresholds(RHYTHM), slot=slot).drifted)
    assert alarms <= 2
