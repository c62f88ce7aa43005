"""Cron expressions: the same ones are taken as by the library that computes their instants."""

from datetime import UTC, datetime

import pytest
from croniter import CroniterBadDateError, CroniterError, croniter
from hypothesis import given
from hypothesis import strategies as st

from core.settings.cron import fault


def numbers(low: int, high: int, *names: str) -> st.SearchStrategy[str]:
    """A field: a star, a number or a range, perhaps with a step, or a list of them; also a little out of bounds."""
    one = st.integers(max(0, low - 1), high + 1).map(str)
    one = one | st.sampled_from(names) if names else one
    span = st.builds("{}-{}".format, one, one)
    stepped = st.builds("{}/{}".format, st.just("*") | span, st.integers(0, 20))
    return st.lists(st.just("*") | one | span | stepped, min_size=1, max_size=2).map(",".join)


EXPRESSIONS = st.tuples(
    numbers(0, 59), numbers(0, 23), numbers(1, 31), numbers(1, 12, "JAN", "dec"), numbers(0, 6, "sun", "SAT")
).map(" ".join)


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "*/15 * * * *",
        "0 4 * * mon-fri",
        "5,35 0-6/2 1 JAN,jul *",
        "0 0 29 2 *",
        "0 0 31 2 mon",
        "0 0 * * 7",
    ],
)
def test_schedules_are_taken(expression: str) -> None:
    assert fault(expression) is None
    assert croniter.is_valid(expression)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "must have five fields"),
        ("* * * * * *", "must have five fields"),
        ("@hourly", "must have five fields"),
        ("60 * * * *", "minute must be 0 to 59"),
        ("* 24 * * *", "hour must be 0 to 23"),
        ("* * 0 * *", "day of month must be 1 to 31"),
        ("* * * 13 *", "month must be 1 to 12"),
        ("* * * * 8", "day of week must be 0 to 7"),
        ("* * * * mon-", "day of week must be 0 to 7"),
        ("*/0 * * * *", "minute must be 0 to 59"),
        ("30-10 * * * *", "minute must be 0 to 59"),
        ("5-5 9 * * *", "minute must be 0 to 59"),
        ("1,,2 * * * *", "minute must be 0 to 59"),
        ("-1 * * * *", "minute must be 0 to 59"),
        ("0 0 30 2 *", "day of month must be one that its months have"),
        ("0 0 31 4,6,9,11 *", "day of month must be one that its months have"),
    ],
)
def test_what_is_no_schedule_is_told_why(expression: str, reason: str) -> None:
    assert (fault(expression) or "").startswith(reason)


@given(EXPRESSIONS)
def test_what_is_taken_has_a_next_instant(expression: str) -> None:
    if fault(expression) is not None:
        return
    try:
        assert croniter(expression, datetime(2026, 1, 1, tzinfo=UTC), ret_type=datetime).get_next() > datetime(
            2026, 1, 1, tzinfo=UTC
        )
    except (CroniterBadDateError, CroniterError) as error:
        pytest.fail(f"{expression}: {error}")


@given(st.text(alphabet="0123456789*/-, abcmonju", max_size=30))
def test_any_text_is_taken_or_told(expression: str) -> None:
    reason = fault(expression)
    assert reason is None or "must" in reason
