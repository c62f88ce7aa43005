"""Public data sets, where they are beside the project: their rare categories do not alarm, and what moves in them is found."""

import pytest

from core.drift import DataQualityIssueKind, Profile, count, quality, score, score_counts
from tests.support.builders import public_data
from tests.support.builders.budget import ALL
from tests.support.builders.public_data import CONSTANT, ELEC2, FLIGHTS, MOVES_AT, RETAIL

WINDOWS, BY_CHANCE = (60, 3) if ALL else (4, 1)
"""Windows of each kind, and how many of them alarm at most, at a rate of one in a hundred."""
WEEK = 336
"""Half hours."""


def beside(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(public_data.found(name) is None, reason=f"{name} is absent: it is not shipped")


@pytest.mark.parametrize("size", [300, 1000, 5000])
@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param(RETAIL, "Description", marks=beside(RETAIL)),
        pytest.param(RETAIL, "CustomerID", marks=beside(RETAIL)),
        pytest.param(FLIGHTS, "flight", marks=beside(FLIGHTS)),
        pytest.param(FLIGHTS, "dest", marks=beside(FLIGHTS)),
    ],
)
def test_halves_of_a_column_do_not_alarm_and_have_no_new_categories(name: str, column: str, size: int) -> None:
    path = public_data.found(name)
    assert path is not None
    alarms = issues = 0
    for seed in range(WINDOWS):
        words = public_data.words(path, column, 2 * size, seed)
        profile, window = Profile.fit({column: words[:size]}), {column: words[size:]}
        report, counts = score(profile, window), count(profile, window)
        assert report.left_out == {}
        assert score_counts(profile, counts).drifted == report.drifted
        alarms += bool(report.drifted)
        issues += bool(quality(profile, counts))
    assert alarms <= BY_CHANCE
    assert issues <= BY_CHANCE


@beside(ELEC2)
def test_what_begins_to_move_on_the_electricity_market_is_found_in_the_same_week_and_not_before() -> None:
    path = public_data.found(ELEC2)
    assert path is not None
    columns = public_data.elec2(path)
    profile = Profile.fit({name: column[:5040] for name, column in columns.items()})
    found = {}
    for start in range(5040, MOVES_AT + WEEK, WEEK):
        week = {name: column[start : start + WEEK] for name, column in columns.items()}
        issues = quality(profile, count(profile, week))
        varying = {one.feature for one in issues if one.kind is DataQualityIssueKind.VARIES}
        found[start] = (varying | {*score(profile, week).drifted}) & {*CONSTANT}
    first = next(start for start, names in found.items() if names)
    assert first <= MOVES_AT < first + WEEK
    assert all(names == {*CONSTANT} for start, names in found.items() if start >= first)
