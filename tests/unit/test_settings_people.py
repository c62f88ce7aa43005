"""Who is told, as the settings say it: rotations, stakeholders and routes."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.settings import Category, Hours, Override, Person, Rotation, Route, Stakeholder, Tier, When, parse
from tests.support.builders import settings as support
from tests.support.builders.settings import JUNK, MODEL, Path, faults, places, told

SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {},
    "models": [MODEL],
    "channels": [{"name": name, "kind": "console"} for name in ("log", "ada", "grace")],
    "rotations": [
        {
            "name": "on-call",
            "start": datetime(2026, 1, 5, 9, tzinfo=UTC),
            "every": "7d",
            "time_zone": "Europe/Berlin",
            "people": [{"name": "Ada", "channels": ["ada", "log"]}, {"name": "Grace", "channels": ["grace"]}],
            "overrides": [
                {"from": "2026-12-24T00:00:00+01:00", "until": "2026-12-27T00:00:00+01:00", "person": "Grace"},
                {
                    "from": "2027-01-01T00:00:00Z",
                    "until": "2027-01-02T00:00:00Z",
                    "person": "Linus",
                    "channels": ["log"],
                },
            ],
        }
    ],
    "stakeholders": {
        "technical": {
            "tiers": [{"to": ["log"], "wait": "10m"}, {"to": ["on-call"]}, {"to": ["ada", "grace"]}, {"to": ["log"]}],
            "page": ["critical"],
            "remind_every": "never",
        },
        "business": {"tiers": [{"to": ["log"]}]},
    },
    "routes": [
        {
            "when": {
                "severity": ["error", "critical"],
                "category": ["drift", "model_quality"],
                "targets": ["model/*", "probe/*-api", "*"],
                "dollars_per_hour": 1000,
                "hours": {"since": "08:00", "until": "18:00", "days": "mon-fri"},
            },
            "to": ["technical", "business"],
        },
        {"to": ["technical"]},
    ],
}
HOURS = ("routes", 0, "when", "hours")


def changed(path: Path, value: object) -> dict[str, Any]:
    return support.changed(SAMPLE, path, value)


def test_a_rotation_is_read_whole() -> None:
    assert dict(parse(SAMPLE).people.rotations) == {
        "on-call": Rotation(
            name="on-call",
            start=datetime(2026, 1, 5, 9, tzinfo=UTC),
            every=timedelta(days=7),
            time_zone="Europe/Berlin",
            people=(Person(name="Ada", channels=("ada", "log")), Person(name="Grace", channels=("grace",))),
            overrides=(
                Override(
                    start=datetime(2026, 12, 23, 23, tzinfo=UTC),
                    until=datetime(2026, 12, 26, 23, tzinfo=UTC),
                    person="Grace",
                ),
                Override(
                    start=datetime(2027, 1, 1, tzinfo=UTC),
                    until=datetime(2027, 1, 2, tzinfo=UTC),
                    person="Linus",
                    channels=("log",),
                ),
            ),
        )
    }


def test_times_are_those_of_utc_unless_a_time_zone_is_given() -> None:
    [rotation] = parse(changed(("rotations", 0, "time_zone"), ...)).people.rotations.values()
    assert rotation.time_zone == "UTC"
    hours = parse(SAMPLE).people.routes[0].when.hours
    assert hours is not None
    assert hours.time_zone == "UTC"
    hours = parse(changed((*HOURS, "time_zone"), "America/New_York")).people.routes[0].when.hours
    assert hours is not None
    assert hours.time_zone == "America/New_York"


@pytest.mark.parametrize(
    ("zone", "given"),
    [
        ("Europe/Berlim", "(perhaps 'Europe/Berlin'), got 'Europe/Berlim'"),
        ("", "got ''"),
        ("Europe", "got 'Europe'"),
        ("../../etc/passwd", "got '../../etc/passwd'"),
        ("right/Europe/Berlin", "got 'right/Europe/Berlin'"),
        ("localtime", "got 'localtime'"),
        ("+01:00", "got '+01:00'"),
        (1, "got 1"),
        (["UTC"], "got 'a list of 1'"),
    ],
)
@pytest.mark.parametrize("path", [("rotations", 0), HOURS])
def test_a_time_zone_that_there_is_not_is_told(path: Path, zone: object, given: str) -> None:
    [fault] = faults(changed((*path, "time_zone"), zone))
    where = "rotations[0]" if path[0] == "rotations" else "routes[0].when.hours"
    assert fault.startswith(f"{where}.time_zone: must be the name of an IANA time zone, as in 'Europe/Berlin'")
    assert fault.endswith(given)


@pytest.mark.parametrize(
    "start",
    [
        "2026-01-05T09:00:00Z",
        "2026-01-05T09:00Z",
        "2026-01-05 10:00:00+01:00",
        datetime(2026, 1, 5, 10, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_an_instant_is_in_utc_however_it_is_spelt(start: object) -> None:
    [rotation] = parse(changed(("rotations", 0, "start"), start)).people.rotations.values()
    assert rotation.start == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert rotation.start.tzinfo is UTC


def test_a_stakeholder_is_read_whole() -> None:
    tiers = (("log",), 10), (("on-call",), 15), (("ada", "grace"), 30), (("log",), 30)
    assert parse(SAMPLE).people.stakeholders["technical"] == Stakeholder(
        name="technical",
        tiers=tuple(Tier(to=to, wait=timedelta(minutes=minutes)) for to, minutes in tiers),
        page=frozenset({Severity.CRITICAL}),
        remind_every=None,
    )


def test_what_a_stakeholder_leaves_out_is_what_its_type_says() -> None:
    people = parse(SAMPLE).people
    assert people.stakeholders["business"] == Stakeholder(
        name="business", tiers=(Tier(to=("log",), wait=timedelta(minutes=5)),)
    )
    remind = parse(changed(("stakeholders", "business", "remind_every"), "30m")).people.stakeholders["business"]
    assert remind.remind_every == timedelta(minutes=30)


def test_a_stakeholder_may_never_go_beyond_its_first_tier() -> None:
    stakeholder = parse(changed(("stakeholders", "technical", "page"), [])).people.stakeholders["technical"]
    assert stakeholder.page == frozenset()


def test_a_route_is_read_whole() -> None:
    first, second = parse(SAMPLE).people.routes
    assert first == Route(
        when=When(
            severity=frozenset({Severity.ERROR, Severity.CRITICAL}),
            category=frozenset({Category.DRIFT, Category.MODEL_QUALITY}),
            targets=("model/*", "probe/*-api", "*"),
            dollars_per_hour=1000.0,
            hours=Hours(since=time(8), until=time(18), days=frozenset(range(5))),
        ),
        to=("technical", "business"),
    )
    assert second == Route(when=When(), to=("technical",))


@pytest.mark.parametrize(
    ("routes", "fault"),
    [
        (
            [{"when": {"severity": ["warning", "critical"]}, "to": ["technical"]}],
            "(routes[0] warning, critical); `to: []` shows it on the page only, got 'no route for info, error'",
        ),
        (
            [
                {"when": {"severity": ["warning", "error", "critical"]}, "to": ["technical"]},
                {"when": {"dollars_per_hour": 1000}, "to": ["business"]},
            ],
            "routes[1] info, warning, error, critical from 1000 dollars per hour); `to: []` shows it on the page only, got 'no route for info'",
        ),
        (
            [],
            "(none); `to: []` shows it on the page only, got 'no route for info, warning, error, critical'",
        ),
    ],
)
def test_a_severity_that_no_route_takes_is_told(routes: list[Any], fault: str) -> None:
    [found] = faults(changed(("routes",), routes))
    assert found.startswith("routes: must take every severity (")
    assert found.endswith(fault)


def test_a_severity_may_be_shown_on_the_page_only_where_that_is_said() -> None:
    routes = [{"when": {"severity": ["error", "critical", "warning"]}, "to": ["technical"]}]
    page = {"when": {"severity": ["info"]}, "to": []}
    assert parse(changed(("routes",), [*routes, page])).people.routes[1].to == ()


def test_without_anybody_to_notify_no_route_is_needed() -> None:
    assert parse({"version": 1, "jobs": {}}).people.routes == ()


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        (..., {0, 1, 2, 3, 4, 5, 6}),
        ("sun", {6}),
        ("mon-mon", {0}),
        ("sat-mon", {5, 6, 0}),
        ("mon-sun", {0, 1, 2, 3, 4, 5, 6}),
        (["tue", "thu"], {1, 3}),
        (["mon-wed", "sat", "tue"], {0, 1, 2, 5}),
    ],
)
def test_days_are_a_day_a_span_or_a_list_of_them(days: object, numbers: set[int]) -> None:
    hours = parse(changed((*HOURS, "days"), days)).people.routes[0].when.hours
    assert hours is not None
    assert hours.days == numbers


@pytest.mark.parametrize("days", ["", "monday", "mon-", "-mon", "mon-fri-sun", "mon - fri", "Mon", 1, None, ["x"]])
def test_what_is_no_day_is_told(days: object) -> None:
    [fault] = faults(changed((*HOURS, "days"), days))
    assert "must be a day or a span of days, as in sat or mon-fri, got " in fault


@pytest.mark.parametrize("when", ["8:00", "24:00", "08:60", "0800", 480, time(8), None, "08:00:00"])
def test_what_is_no_time_of_day_is_told(when: object) -> None:
    [fault] = faults(changed((*HOURS, "since"), when))
    assert fault.startswith("routes[0].when.hours.since: must be a time from '00:00' to '23:59', in quotes, got ")


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 1, 5, 9),  # noqa: DTZ001 - the fault that is shown
        date(2026, 1, 5),
        "2026-01-05",
        "2026-01-05T09:00:00",
        "soon",
        datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=23))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23))),
        1767603600,
    ],
)
def test_an_instant_without_its_time_zone_is_told(start: object) -> None:
    [fault] = faults(changed(("rotations", 0, "start"), start))
    assert fault.startswith(
        "rotations[0].start: must be an instant with its time zone, as in 2026-01-31T22:00:00Z, got "
    )


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("rotations", 0, "every"), "59m", "rotations[0].every: must be 1h to 365d"),
        (("rotations", 0, "people"), [], "rotations[0].people: must be a list of at least 1"),
        (("rotations", 0, "people", 0, "name"), "", "rotations[0].people[0].name: must be 1 to 200 printable"),
        (("rotations", 0, "people", 0, "channels"), [], "rotations[0].people[0].channels: must be a list of at least"),
        (
            ("rotations", 0, "people", 0, "channels", 1),
            "ada",
            "rotations[0].people[0].channels[1]: must be named once, got 'ada'",
        ),
        (
            ("rotations", 0, "people", 1, "channels", 0),
            "gace",
            "rotations[0].people[1].channels[0]: must be the name of a channel (perhaps 'grace'), got 'gace'",
        ),
        (
            ("rotations", 0, "people", 1, "channels", 0),
            "on-call",
            "rotations[0].people[1].channels[0]: must be the name of a channel, got 'on-call'",
        ),
        (
            ("rotations", 0, "overrides", 0, "until"),
            "2026-12-24T00:00:00+01:00",
            "rotations[0].overrides[0].until: must be after from, which is 2026-12-23T23:00:00Z, got",
        ),
        (
            ("rotations", 0, "overrides", 0, "person"),
            "Linus",
            "rotations[0].overrides[0].person: must be one of Ada, Grace, or channels must be given, got 'Linus'",
        ),
        (("rotations", 0, "overrides", 0, "from"), ..., "rotations[0].overrides[0].from: must be given, got None"),
        (("rotations", 0, "overrides", 1, "channels"), [], "rotations[0].overrides[1].channels: must be a list of at"),
        (
            ("rotations", 0, "overrides", 1, "channels", 0),
            "linus",
            "rotations[0].overrides[1].channels[0]: must be the name of a channel, got 'linus'",
        ),
        (("stakeholders",), [], "stakeholders: must be a mapping, got 'a list of 0'"),
        (
            ("stakeholders", "technical", "tiers", 1, "to", 0),
            "on-cal",
            "stakeholders.technical.tiers[1].to[0]: must be the name of a channel or a rotation (perhaps 'on-call'), got",
        ),
        (("stakeholders", "technical", "tiers"), [], "stakeholders.technical.tiers: must be a list of at least 1"),
        (("stakeholders", "technical", "tiers"), 5, "stakeholders.technical.tiers: must be a list of at least 1, got"),
        (("stakeholders", "technical", "tiers"), ..., "stakeholders.technical.tiers: must be given, got None"),
        (("stakeholders", "technical", "tiers", 0), 5, "stakeholders.technical.tiers[0]: must be a mapping, got 5"),
        (("stakeholders", "technical", "tiers", 0, "to"), [], "stakeholders.technical.tiers[0].to: must be a list of"),
        (
            ("stakeholders", "technical", "tiers", 2, "to", 1),
            "ada",
            "stakeholders.technical.tiers[2].to[1]: must be named once, got 'ada'",
        ),
        (
            ("stakeholders", "technical", "tiers", 0, "wait"),
            "30s",
            "stakeholders.technical.tiers[0].wait: must be 1m to 7d",
        ),
        (
            ("stakeholders", "technical", "tiers", 0, "wiat"),
            "5m",
            "stakeholders.technical.tiers[0].wiat: must be a known",
        ),
        (("stakeholders", "technical", "page"), "error", "stakeholders.technical.page: must be a list, got 'error'"),
        (
            ("stakeholders", "technical", "page", 0),
            "bad",
            "stakeholders.technical.page[0]: must be one of info, warning",
        ),
        (
            ("stakeholders", "technical", "remind_every"),
            "none",
            "stakeholders.technical.remind_every: must be 5m to 7d, a whole number with ms, s, m, h or d, or never, got",
        ),
        (("routes", 0, "to"), ["technical"] * 2, "routes[0].to[1]: must be named once, got 'technical'"),
        (
            ("routes", 0, "to", 0),
            "log",
            "routes[0].to[0]: must be the name of a stakeholder, got 'log'",
        ),
        (
            ("routes", 0, "to", 0),
            "operations",
            "routes[0].to[0]: must be the name of a stakeholder, got 'operations'",
        ),
        (("routes", 0, "when"), "always", "routes[0].when: must be a mapping, got 'always'"),
        (("routes", 0, "when", "severity"), [], "routes[0].when.severity: must be a list of at least 1, got"),
        (("routes", 0, "when", "category", 0), "drfit", "routes[0].when.category[0]: must be one of availability, lat"),
        (("routes", 0, "when", "targets"), [], "routes[0].when.targets: must be a list of at least 1"),
        (
            ("routes", 0, "when", "targets", 0),
            "model/?",
            "routes[0].when.targets[0]: must be a pattern: a text in which * ",
        ),
        (
            ("routes", 0, "when", "targets", 0),
            "model/[a]",
            "routes[0].when.targets[0]: must be a pattern: a text in which * ",
        ),
        (
            ("routes", 0, "when", "targets", 0),
            "model/flight-dely",
            "routes[0].when.targets[0]: must be the name of a model (perhaps 'flight-delay'), got 'flight-dely'",
        ),
        (("routes", 0, "when", "targets", 0), "probe/x", "routes[0].when.targets[0]: must be the name of a probe, got"),
        (("routes", 0, "when", "dollars_per_hour"), -1, "routes[0].when.dollars_per_hour: must be a number from 0"),
        (("routes", 0, "when", "dollars_per_hour"), "1000", "routes[0].when.dollars_per_hour: must be a number from 0"),
        ((*HOURS, "until"), ..., "routes[0].when.hours.until: must be given, got None"),
        ((*HOURS, "days"), [], "routes[0].when.hours.days: must be a list of at least 1"),
        (("routes", 0, "when", "sevrity"), [], "routes[0].when.sevrity: must be a known key (perhaps 'severity')"),
    ],
)
def test_a_fault_names_the_key_what_is_allowed_and_what_was_given(path: Path, value: object, fault: str) -> None:
    [found] = faults(changed(path, value))
    assert found.startswith(fault)


def test_only_four_stakeholders_are_known_and_a_misspelt_one_is_told_once() -> None:
    raw = changed(("stakeholders", "techncal"), SAMPLE["stakeholders"]["technical"])
    del raw["stakeholders"]["technical"]
    assert faults(raw) == [
        "stakeholders.techncal: must be one of executive, technical, operations, business (perhaps 'technical'), got 'techncal'"
    ]


def test_names_of_channels_and_rotations_are_told_apart() -> None:
    assert faults(changed(("rotations", 0, "name"), "ada"))[0] == (
        "rotations[0].name: must not be the name of a channel too, got 'ada'"
    )
    raw = changed(("rotations",), [SAMPLE["rotations"][0]] * 2)
    assert faults(raw) == ["rotations[1].name: must be unique among the rotation names, got 'on-call'"]


def test_a_target_that_only_others_know_may_be_routed() -> None:
    raw = changed(("routes", 0, "when", "targets"), ["service/shop", "crate/web 1~0f", "model/new-*"])
    assert parse(raw).people.routes[0].when.targets == ("service/shop", "crate/web 1~0f", "model/new-*")


def test_every_fault_is_told_at_once() -> None:
    raw = changed(("rotations", 0, "every"), 7)
    raw["stakeholders"]["business"]["tiers"][0]["to"].append("nobody")
    raw["stakeholders"]["technical"]["page"] = 1
    raw["routes"][0]["when"]["hours"]["days"] = "mo"
    raw["routes"][1]["to"] = ["executive"]
    assert [fault.split(":")[0] for fault in faults(raw)] == [
        "rotations[0].every",
        "stakeholders.technical.page",
        "routes[0].when.hours.days",
        "stakeholders.business.tiers[0].to[1]",
        "routes[1].to[0]",
    ]


def test_nothing_of_it_can_be_changed() -> None:
    people = parse(SAMPLE).people
    with pytest.raises(TypeError):
        people.stakeholders["executive"] = people.stakeholders["technical"]  # type: ignore[index]  # must fail
    with pytest.raises(TypeError):
        del people.rotations["on-call"]  # type: ignore[attr-defined]  # must fail


@given(st.sampled_from(["rotations", "stakeholders", "routes"]), JUNK)
def test_any_junk_for_a_section_is_refused_with_faults_and_nothing_else(section: str, raw: object) -> None:
    assert told(SAMPLE | {section: raw})


@given(st.sampled_from([path for path in places(SAMPLE) if path[0] not in ("models", "channels")]), JUNK)
def test_junk_anywhere_is_refused_with_faults_or_is_right(path: Path, junk: object) -> None:
    assert told(changed(path, junk))
