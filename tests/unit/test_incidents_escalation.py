"""Who is told: routes by severity, class, target, money and hour; rotations by the clock."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.incidents.model import Impact, Incident, State
from core.incidents.on_call import on_call
from core.incidents.routing import RoutingFacts, applies, channels, routing_facts, stakeholders, within
from core.settings.people import Category, Hours, Override, People, Person, Rotation, Route, When

NOW = datetime(2026, 1, 2, 9, tzinfo=UTC)  # a Friday
DRIFT = RoutingFacts(severity=Severity.ERROR, category="drift", target="model/m", dollars_per_hour=500.0)
NIGHT = Hours(since=time(22), until=time(6))
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
ADA = Person(name="ada", channels=("ada-phone", "log"))
BOB = Person(name="bob", channels=("bob-phone",))
CYD = Person(name="cyd", channels=("cyd-phone",))
WEEKLY = Rotation(name="ml", start=START, every=timedelta(weeks=1), people=(ADA, BOB, CYD))
TIMES = st.times().map(lambda at: at.replace(tzinfo=None))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Mondays at 09:00 in Berlin: 08:00 UTC in winter, 07:00 UTC in summer.
        (utc("2026-03-23T07:59"), ADA),
        (utc("2026-03-23T08:00"), BOB),
        (utc("2026-03-30T06:59"), BOB),
        (utc("2026-03-30T07:00"), CYD),
        (utc("2026-10-19T06:59"), ADA),
        (utc("2026-10-19T07:00"), BOB),
        (utc("2026-10-26T07:00"), BOB),
        (utc("2026-10-26T07:59"), BOB),
        (utc("2026-10-26T08:00"), CYD),
    ],
)
def test_shifts_change_at_the_same_local_time_all_year(now: datetime, expected: Person) -> None:
    rotation = replace(WEEKLY, start=datetime(2026, 3, 16, 8, tzinfo=UTC), time_zone="Europe/Berlin")
    assert on_call(rotation, now) is expected


@pytest.mark.parametrize(
    ("start", "now", "expected"),
    [
        # Daily at 02:30: on 29 March the clocks skip it at 01:00 UTC, on 25 October they show it at 00:30 and at 01:30.
        (utc("2026-03-28T01:30"), utc("2026-03-29T00:59"), ADA),
        (utc("2026-03-28T01:30"), utc("2026-03-29T01:00"), BOB),
        (utc("2026-10-24T00:30"), utc("2026-10-25T00:29"), ADA),
        (utc("2026-10-24T00:30"), utc("2026-10-25T00:30"), BOB),
        (utc("2026-10-24T00:30"), utc("2026-10-25T01:15"), BOB),
        (utc("2026-10-24T00:30"), utc("2026-10-26T01:29"), BOB),
        (utc("2026-10-24T00:30"), utc("2026-10-26T01:30"), CYD),
        # It may start at the second of the two.
        (utc("2026-10-25T01:30"), utc("2026-10-26T01:29"), ADA),
        (utc("2026-10-25T01:30"), utc("2026-10-26T01:30"), BOB),
    ],
)
def test_a_shift_that_changes_while_the_clocks_do_changes_once(
    start: datetime, now: datetime, expected: Person
) -> None:
    rotation = replace(WEEKLY, start=start, every=timedelta(days=1), time_zone="Europe/Berlin")
    assert on_call(rotation, now) is expected


CHRISTMAS = Override(start=datetime(2026, 12, 24, tzinfo=UTC), until=datetime(2026, 12, 27, tzinfo=UTC), person="cyd")
OUTSIDER = Override(
    start=datetime(2026, 12, 25, tzinfo=UTC), until=datetime(2026, 12, 26, tzinfo=UTC), person="dan", channels=("dan",)
)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (CHRISTMAS.start - timedelta(microseconds=1), ("ada-phone", "log")),
        (CHRISTMAS.start, ("cyd-phone",)),
        (OUTSIDER.start, ("dan",)),
        (OUTSIDER.until, ("cyd-phone",)),
        (CHRISTMAS.until - timedelta(microseconds=1), ("cyd-phone",)),
        (CHRISTMAS.until, ("ada-phone", "log")),
    ],
)
def test_an_override_puts_somebody_else_on_call_for_its_time(now: datetime, expected: tuple[str, ...]) -> None:
    rotation = replace(WEEKLY, start=datetime(2026, 12, 21, tzinfo=UTC), overrides=(CHRISTMAS, OUTSIDER))
    assert channels(("ml",), People(rotations={"ml": rotation}), now) == expected


def test_hours_follow_the_local_clock_and_its_changes() -> None:
    office = Hours(since=time(9), until=time(17), days=frozenset(range(5)), time_zone="Europe/Berlin")
    winter, summer = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 7, 6, tzinfo=UTC)
    assert [within(office, winter.replace(hour=hour)) for hour in (7, 8, 15, 16)] == [False, True, True, False]
    assert [within(office, summer.replace(hour=hour)) for hour in (6, 7, 14, 15)] == [False, True, True, False]
    sunday = Hours(since=time(0), until=time(0), days=frozenset({6}), time_zone="Asia/Tokyo")
    assert [within(sunday, at(3, 14, 59)), within(sunday, at(3, 15)), within(sunday, at(4, 15))] == [False, True, False]


def test_hours_that_occur_twice_are_within_twice_and_skipped_ones_never() -> None:
    night = Hours(since=time(2), until=time(3), time_zone="Europe/Berlin")
    autumn = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    spring = [datetime(2026, 3, 29, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    assert [within(night, now) for now in autumn] == [True, True, False]
    assert [within(night, now) for now in spring] == [False, False, False]


def test_a_tier_means_channels_and_whoever_is_on_call_each_once() -> None:
    people = People(rotations={"ml": WEEKLY})
    assert channels(("log", "ml", "pager", "log"), people, START) == ("log", "ada-phone", "pager")
    assert channels(("ml", "log"), people, START) == ("ada-phone", "log")
    assert channels(("ml",), people, START + timedelta(weeks=1)) == ("bob-phone",)
    assert channels((), people, START) == ()
