"""What is inferred of a log: its features, the task by its labels, the reference and the windows."""

import itertools
import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from core.onboarding import Hours, OnboardingError, label_role, roles, schedule, schedule_of
from core.settings import Model, parse_model
from core.settings.models import Task

START = datetime(2024, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def log(days: float, a_day: int, start: datetime = START) -> Hours:
    seconds = start.timestamp() + np.arange(int(days * a_day)) * (86400 / a_day)
    return Hours.of((seconds * 1e6).astype(np.int64))


def test_each_column_is_a_feature_or_has_a_reason() -> None:
    rows, random = 2000, np.random.default_rng(1)
    found = roles(
        {
            "age": random.normal(40, 9, rows),
            "plan": np.array(["a", "b"] * (rows // 2), dtype=object),
            "number": np.arange(rows),
            "hash": random.integers(2**54, 2**60, rows),
            "unit": np.full(rows, 3.0),
            "note": np.full(rows, np.nan),
            "at": np.array(["2024-03-01"] * rows, dtype="datetime64[D]"),
            "account": np.array([2**61 + 1, None] * (rows // 2), dtype=object),
        }
    )
    assert (found.numeric, found.categorical) == (("age",), ("plan",))
    assert dict(found.left_out) == {
        "number": "almost every row has its own value, as of an identifier",
        "hash": "whole numbers beyond 2^53, as of an identifier or a hash",
        "unit": "constant",
        "note": "empty",
        "at": "times",
        "account": "whole numbers beyond 2^53, as of an identifier or a hash",
    }
    assert found.identifiers == ("number", "hash")


@pytest.mark.parametrize(
    ("labels", "scores", "task"),
    [
        ([0, 1, 1.0], [0.1, 0.9, 0.8], Task.BINARY),
        ([True, False, None], [0.1, 0.9, 0.8], Task.BINARY),
        ([12.5, 3.0, 8.0], [11.0, 2.0, 9.0], Task.REGRESSION),
        ([0, 1, 1], [3.0, 14.0, 9.0], None),
        (["a", "b", "c"], [0.1, 0.9, 0.8], None),
        (["a", "b", "b"], [3.0, 14.0, 9.0], None),
        ([None, None, None], [0.1, 0.9, 0.8], None),
    ],
)
def test_the_task_follows_from_the_labels(labels: list[object], scores: list[float], task: Task | None) -> None:
    found = label_role(np.array(labels, dtype=object), np.array(scores))
    assert found.task is task
    assert bool(found.reason) == (task is None)


def test_of_two_words_the_one_with_higher_scores_is_positive() -> None:
    found = label_role(np.array(["no", "yes", "no"], dtype=object), np.array([0.2, 0.7, 0.4]))
    assert (found.task, found.positive) == (Task.BINARY, "yes")


def test_the_first_third_is_the_reference_and_each_day_after_it_a_window() -> None:
    found = schedule(log(90, 250), now=NOW)
    assert (found.until, found.days, found.reference_rows) == (date(2024, 3, 31), 30, 7500)
    assert (found.window, found.minimum_rows, len(found.ends)) == (timedelta(days=1), 200, 60)
    assert found.ends[-1] == START + timedelta(days=90)


@pytest.mark.parametrize(
    ("days", "a_day", "window"),
    [
        (90, 40, timedelta(days=7)),
        (90, 1, timedelta(days=28)),
        (3, 20_000, timedelta(hours=1)),
        (900, 300, timedelta(days=1)),
    ],
)
def test_windows_are_as_long_as_they_need_to_have_rows(days: int, a_day: int, window: timedelta) -> None:
    found = schedule(log(days, a_day), now=NOW)
    assert found.window == window
    assert 1 <= len(found.ends) <= 61
    assert list(found.ends) == sorted(set(found.ends))
    assert 30 <= found.minimum_rows <= 200


def test_no_window_ends_later_than_now() -> None:
    now = START + timedelta(days=89, hours=23, minutes=30)
    assert schedule(log(90, 250), now=now).ends[-1] == now


def test_a_log_of_two_days_has_a_reference() -> None:
    found = schedule(log(1, 300, START + timedelta(hours=20)), now=NOW)
    assert (found.until, found.days) == (date(2024, 3, 2), 1)


@pytest.mark.parametrize(
    ("days", "until"), [(0.5, None), (1 / 250, None), (90, date(2024, 3, 1)), (90, date(2024, 6, 1))]
)
def test_a_log_without_a_day_before_another_is_refused(days: float, until: date | None) -> None:
    with pytest.raises(OnboardingError, match="got"):
        schedule(log(days, 250), now=NOW, until=until)


def model(reference: dict[str, object]) -> Model:
    columns = {"timestamp": "at", "id": "id", "score": "p", "features": {"numeric": ["age"]}}
    return parse_model(
        {"name": "churn", "owner": "growth", "table": "a.b", **columns, "reference": reference, "window": "1d"}
    )


def test_a_log_that_goes_on_keeps_its_reference_and_gets_further_windows() -> None:
    first = schedule(log(90, 250), now=NOW)
    found = schedule_of(model({"days": first.days, "until": first.until.isoformat()}), log(95, 250), now=NOW)
    assert (found.until, found.days, found.window, found.reference_rows) == (first.until, 30, first.window, 7500)
    assert found.ends[-1] == START + timedelta(days=95)


@pytest.mark.parametrize("days", [91, 95, 100, 149.5])
def test_each_further_window_of_a_log_that_goes_on_is_scored(days: float) -> None:
    first = schedule(log(90, 250), now=NOW)
    known = model({"days": first.days, "until": first.until.isoformat()})
    found = schedule_of(known, log(days, 250), now=NOW, since=first.ends[-1])
    assert [one - first.ends[-1] for one in found.ends] == [
        *(timedelta(days=number) for number in range(1, math.ceil(days) - 90)),
        timedelta(days=days - 90),
    ]


def test_further_windows_are_as_dense_as_they_can_be_however_long_the_past_is() -> None:
    first = schedule(log(600, 300), now=NOW)
    known = model({"days": first.days, "until": first.until.isoformat()})
    assert {later - one for one, later in itertools.pairwise(first.ends[:-1])} == {timedelta(days=7)}
    ten = schedule_of(known, log(610, 300), now=NOW, since=first.ends[-1])
    assert len(ten.ends) == 10
    many = schedule_of(known, log(650, 300), now=NOW, since=first.ends[-1])
    assert len(many.ends) == 50
    assert many.ends[-1] == START + timedelta(days=650)


def test_no_window_is_scored_again_of_a_log_without_further_rows() -> None:
    first = schedule(log(90, 250), now=NOW)
    known = model({"days": first.days, "until": first.until.isoformat()})
    assert schedule_of(known, log(90, 250), now=NOW, since=first.ends[-1]).ends == ()
    assert schedule_of(known, log(90, 250), now=NOW, since=START).ends == first.ends


@pytest.mark.parametrize(
    ("reference", "fault"),
    [({"days": 30}, "reference.until: must be given"), ({"days": 30, "until": "2024-05-30"}, "ends 2024-05-30")],
)
def test_a_log_without_rows_after_the_reference_of_its_model_is_refused(
    reference: dict[str, object], fault: str
) -> None:
    with pytest.raises(OnboardingError, match=fault):
        schedule_of(model(reference), log(90, 250), now=NOW)
