"""Who is told: routes by severity, class, target, money and hour; rotations by the clock."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.incidents.model import Impact, Incident, State
from core.incidents.routing import RoutingFacts, applies, channels, on_call, routing_facts, stakeholders, within
from core.settings.people import Category, Hours, People, Person, Rotation, Route, When

NOW = datetime(2026, 1, 2, 9, tzinfo=UTC)  # a Friday
DRIFT = RoutingFacts(severity=Severity.ERROR, category="drift", target="model/m", dollars_per_hour=500.0)
NIGHT = Hours(since=time(22), until=time(6))
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
ADA = Person(name="ada", channels=("ada-phone", "log"))
BOB = Person(name="bob", channels=("bob-phone",))
CYD = Person(name="cyd", channels=("cyd-phone",))
WEEKLY = Rotation(name="ml", start=START, every=timedelta(weeks=1), people=(ADA, BOB, CYD))
TIMES = st.times().map(lambda at: at.replace(tzinfo=None))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (When(), True),
        (When(severity=frozenset({Severity.ERROR})), True),
        (When(severity=frozenset({Severity.CRITICAL})), False),
        (When(category=frozenset({Category.DRIFT, Category.COST})), True),
        (When(category=frozenset({Category.COST})), False),
        (When(targets=("table/*", "model/*")), True),
        (When(targets=("table/*",)), False),
        (When(dollars_per_hour=500.0), True),
        (When(dollars_per_hour=500.01), False),
        (When(hours=Hours(since=time(9), until=time(10))), True),
        (When(hours=NIGHT), False),
    ],
)
def test_everything_that_is_given_must_be_so(when: When, expected: bool) -> None:  # noqa: FBT001 - what is expected
    assert applies(when, DRIFT, NOW) is expected


def test_an_impact_that_is_not_known_is_not_large_enough() -> None:
    unknown = replace(DRIFT, dollars_per_hour=None)
    assert not applies(When(dollars_per_hour=0.0), unknown, NOW)
    assert applies(When(), unknown, NOW)


def test_every_route_that_matches_counts_and_each_stakeholder_once() -> None:
    people = People(
        routes=(
            Route(when=When(targets=("model/*",)), to=("technical", "operations")),
            Route(when=When(targets=("table/*",)), to=("business",)),
            Route(when=When(dollars_per_hour=100.0), to=("executive", "technical")),
        )
    )
    assert stakeholders(DRIFT, people, NOW) == ("technical", "operations", "executive")
    assert stakeholders(DRIFT, People(), NOW) == ()


def test_the_facts_of_an_incident_are_its_own() -> None:
    incident = Incident(
        id="i",
        target="model/m",
        title="t",
        state=State.OPEN,
        severity=Severity.ERROR,
        category="drift",
        opened_at=NOW,
    )
    assert routing_facts(incident) == replace(DRIFT, dollars_per_hour=None)
    cost = Impact(dollars_per_hour=500.0, low=400.0, high=600.0, targets=("model/m",), reason="")
    assert routing_facts(replace(incident, impact=cost)) == DRIFT


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(2, 21, 59), False),
        (at(2, 22), True),
        (at(3, 0), True),
        (at(3, 5, 59), True),
        (at(3, 6), False),
    ],
)
def test_hours_over_midnight_end_on_the_next_day(now: datetime, expected: bool) -> None:  # noqa: FBT001 - what is expected
    assert within(NIGHT, now) is expected


def test_hours_belong_to_the_day_on_which_they_begin() -> None:
    friday_night = replace(NIGHT, days=frozenset({4}))
    assert within(friday_night, at(2, 23))
    assert within(friday_night, at(3, 5))
    assert not within(friday_night, at(2, 5))
    assert not within(friday_night, at(3, 23))
    sunday_night = replace(NIGHT, days=frozenset({6}))
    assert within(sunday_night, at(5, 5))


def test_hours_are_those_of_utc() -> None:
    tokyo = datetime(2026, 1, 3, 8, tzinfo=timezone(timedelta(hours=9)))
    assert within(replace(NIGHT, days=frozenset({4})), tokyo)


def test_hours_that_end_when_they_begin_are_a_whole_day() -> None:
    friday = Hours(since=time(9), until=time(9), days=frozenset({4}))
    assert [within(friday, one) for one in (at(2, 8, 59), at(2, 9), at(3, 8, 59), at(3, 9))] == [
        False,
        True,
        True,
        False,
    ]


@given(TIMES, TIMES, st.frozensets(st.integers(0, 6)), st.timedeltas(timedelta(0), timedelta(days=31)))
def test_hours_begin_on_a_given_day_and_end_within_one(
    since: time, until: time, days: frozenset[int], after: timedelta
) -> None:
    now = NOW + after
    begins = [datetime.combine(now.date() - timedelta(days=back), since, UTC) for back in (0, 1)]
    over = timedelta(days=0 if since < until else 1)
    spans = [(begin, datetime.combine(begin.date() + over, until, UTC)) for begin in begins if begin.weekday() in days]
    hours = Hours(since=since, until=until, days=days)
    assert within(hours, now) == any(begin <= now < end for begin, end in spans)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START - timedelta(days=365), ADA),
        (START - timedelta(microseconds=1), ADA),
        (START, ADA),
        (START + timedelta(weeks=1, microseconds=-1), ADA),
        (START + timedelta(weeks=1), BOB),
        (START + timedelta(weeks=2), CYD),
        (START + timedelta(weeks=3), ADA),
        (START + timedelta(weeks=3 * 1000 + 1), BOB),
    ],
)
def test_people_are_on_call_one_after_the_other(now: datetime, expected: Person) -> None:
    assert on_call(WEEKLY, now) is expected


def test_a_tier_means_channels_and_whoever_is_on_call_each_once() -> None:
    people = People(rotations={"ml": WEEKLY})
    assert channels(("log", "ml", "pager", "log"), people, START) == ("log", "ada-phone", "pager")
    assert channels(("ml", "log"), people, START) == ("ada-phone", "log")
    assert channels(("ml",), people, START + timedelta(weeks=1)) == ("bob-phone",)
    assert channels((), people, START) == ()
