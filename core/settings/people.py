"""Who is notified, and when: rotations, stakeholders and routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from core.errors import Fault
from core.events import Severity, stamp
from core.settings.declare import Faults, derives, validator
from core.settings.kinds import Dollars, Slug, TargetPattern, TimeZone
from core.settings.notes import Default, Defines, Items, Key, Mark, NoneAs, OneOf, Range, Reads, Refers
from core.settings.reader import Node, WrongError

STAKEHOLDERS = ("executive", "technical", "operations", "business")
"""The stakeholders there are."""
EVERY_SEVERITY = frozenset(Severity)
_WAITS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days of a week, from Monday on."""
_SPAN = rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))?"


class Category(StrEnum):
    """The class of an incident."""

    AVAILABILITY = "availability"
    LATENCY = "latency"
    DRIFT = "drift"
    MODEL_QUALITY = "model_quality"
    DATA_QUALITY = "data_quality"
    PIPELINE = "pipeline"
    BUSINESS = "business"
    SECURITY = "security"
    COMPLIANCE = "compliance"
    CAPACITY = "capacity"
    COST = "cost"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person on call."""

    name: str
    """Name of the person."""
    channels: Annotated[tuple[Annotated[Slug, Refers("channel")], ...], Items(at_least=1, unique=True)]
    """The channels that reach the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody else is on call for a time."""

    start: Annotated[datetime, Key("from")]
    """Start."""
    until: datetime
    """End (exclusive)."""
    person: str
    """Name of the person on call: one of the rotation's, or of anybody whose `channels` are given."""
    channels: Annotated[
        tuple[Annotated[Slug, Refers("channel")], ...], Items(at_least=1, unique=True), Default("those of `people`")
    ] = ()
    """The channels that reach the person."""


@validator(Override, "start", "until")
def _it_ends_after_its_start(override: Override) -> Faults:
    if override.until <= override.start:
        yield Fault("until", f"must be after from, which is {stamp(override.start)}", stamp(override.until))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People who are on call one after the other."""

    name: Annotated[Slug, Defines("rotation", apart="channel")]
    """Name, for tiers; must differ from the names of channels."""
    start: datetime
    """Start of the first person's shift."""
    every: Annotated[timedelta, Range("1h", "365d")]
    """Length of a shift, by the local clock: shifts of whole days change at the same local time all year."""
    time_zone: TimeZone = "UTC"
    """Time zone of the clock by which shifts change."""
    people: Annotated[tuple[Person, ...], Items(at_least=1)]
    """The people, in order of rotation."""
    overrides: tuple[Override, ...] = ()
    """Times at which somebody else is on call; where two overlap, the later one in the list counts."""

    @property
    def everybody(self) -> tuple[Person, ...]:
        """Whoever may be on call: the people, and those who stand in for them with channels of their own."""
        stand_ins = (Person(name=one.person, channels=one.channels) for one in self.overrides if one.channels)
        return (*self.people, *stand_ins)


@validator(Rotation, "people", "overrides")
def _who_takes_over_can_be_reached(rotation: Rotation) -> Faults:
    known = {person.name for person in rotation.people}
    for index, override in enumerate(rotation.overrides):
        if not override.channels and override.person not in known:
            allowed = f"must be one of {', '.join(sorted(known))}, or channels must be given"
            yield Fault(f"overrides[{index}].person", allowed, override.person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Whom to notify, and how long to wait for an acknowledgement before escalation."""

    to: Annotated[tuple[Annotated[Slug, Refers("channel", "rotation")], ...], Items(at_least=1, unique=True)]
    """Names of channels and rotations."""
    wait: Annotated[timedelta, Range("1m", "7d"), Default("5m, 15m, then 30m")] = timedelta(0)
    """Time to wait for an acknowledgement before the next tier is notified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakeholder:
    """A group of people."""

    name: Annotated[str, Mark.FROM_KEY]
    tiers: Annotated[tuple[Tier, ...], Items(at_least=1)]
    """Notified one after the other until a person acknowledges."""
    page: frozenset[Severity] = frozenset({Severity.ERROR, Severity.CRITICAL})
    """Severities that escalate beyond the first tier."""
    remind_every: Annotated[timedelta | None, Range("5m", "7d"), NoneAs("never")] = timedelta(hours=1)
    """Interval of reminders to the last tier while nobody acknowledges."""


@derives(Stakeholder)
def _with_waits(stakeholder: Stakeholder) -> Stakeholder:
    """A tier that does not say how long it waits does so as its place says."""
    waits = (*_WAITS, *_WAITS[-1:] * len(stakeholder.tiers))
    tiers = (replace(tier, wait=tier.wait or wait) for tier, wait in zip(stakeholder.tiers, waits, strict=False))
    return replace(stakeholder, tiers=tuple(tiers))


def _days(node: Node) -> frozenset[int]:
    if not isinstance(node.value, list):
        return _span(node)
    if not node.value:
        raise WrongError("must be a list of at least 1")
    return frozenset().union(*(node.item(index, one).read(_span) or () for index, one in enumerate(node.value)))


def _span(node: Node) -> frozenset[int]:
    """A day, or the days from one to another."""
    days = weekdays(node.value) if isinstance(node.value, str) else None
    if days is None:
        raise WrongError("must be a day or a span of days, as in sat or mon-fri")
    return days


def weekdays(text: str) -> frozenset[int] | None:
    """A day, or the days from one to another, 0 for Monday; None where the text names none.

    >>> sorted(weekdays("mon-fri")), sorted(weekdays("sat-mon")), weekdays("today")
    ([0, 1, 2, 3, 4], [0, 5, 6], None)
    """
    found = re.fullmatch(_SPAN, text)
    if found is None:
        return None
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    length = (last - first) % len(DAYS) + 1
    return frozenset((first + day) % len(DAYS) for day in range(length))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours of a day, by the local clock, on some days of the week; `days` are 0 for Monday to 6 for Sunday."""

    since: time
    """Start."""
    until: time
    """End (exclusive); on the next day if it is not after `since`."""
    days: Annotated[
        frozenset[int],
        Reads(_days, "`sat`, `mon-fri`, or a list of such", {"type": ["string", "array"]}),
        Default("every day"),
    ] = frozenset(range(7))
    """Days of `since`."""
    time_zone: TimeZone = "UTC"
    """Time zone of these hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which incidents match: all given conditions must hold."""

    severity: Annotated[frozenset[Severity], Items(at_least=1)] = EVERY_SEVERITY
    """Severities of the incident."""
    category: Annotated[frozenset[Category], Items(at_least=1)] = frozenset(Category)
    """Categories of the incident."""
    targets: Annotated[tuple[TargetPattern, ...], Items(at_least=1), Default("all")] = ()
    """Patterns of the incident's root target."""
    dollars_per_hour: Dollars | None = None
    """Minimum impact of the incident."""
    hours: Hours | None = None
    """Time of day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Notifies stakeholders of matching incidents; all matching routes apply."""

    when: When = field(default_factory=When)
    group_by: Annotated[tuple[str, ...], Items(unique=True)] = ()
    """Labels of alerts, as in `[service]`: alerts of the route's `targets` with the same values of them are one incident."""
    to: Annotated[tuple[Annotated[Slug, Refers("stakeholder")], ...], Items(unique=True)]
    """The stakeholders; each is notified once, even if several routes match. An empty list: only the page shows the incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The notification settings: who is notified."""

    rotations: Annotated[Mapping[str, Rotation], Mark.BY_NAME] = field(default_factory=dict)
    stakeholders: Mapping[Annotated[str, OneOf(*STAKEHOLDERS), Defines("stakeholder")], Stakeholder] = field(
        default_factory=dict
    )
    routes: tuple[Route, ...] = ()


@validator(People, "routes")
def _every_severity_has_a_route(people: People) -> Faults:
    """A route from some impact on does not count: without revenue there is no impact, and nobody would be notified."""
    if not people.routes and not people.stakeholders:
        return
    taken = {
        severity for route in people.routes if route.when.dollars_per_hour is None for severity in route.when.severity
    }
    missing = [severity.value for severity in Severity if severity not in taken]
    if missing:
        routes = "; ".join(f"routes[{index}] {_takes(route)}" for index, route in enumerate(people.routes)) or "none"
        allowed = f"must take every severity ({routes}); `to: []` shows it on the page only"
        yield Fault("routes", allowed, f"no route for {', '.join(missing)}")


def _takes(route: Route) -> str:
    severities = ", ".join(severity.value for severity in Severity if severity in route.when.severity)
    dollars = route.when.dollars_per_hour
    return severities if dollars is None else f"{severities} from {dollars:g} dollars per hour"
