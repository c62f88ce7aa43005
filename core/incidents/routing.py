"""Who is told of an incident: which stakeholders, and through which channels."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from core.events import Severity
from core.incidents.model import Incident
from core.patterns import any_matches
from core.settings.people import Hours, People, Person, Rotation, When


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What routes and playbooks ask of an incident.

    Attributes:
        severity: of the incident.
        category: of the incident, as in `drift`.
        target: its root target.
        dollars_per_hour: what it puts at risk, or None where nothing is known of that.
    """

    severity: Severity
    category: str
    target: str
    dollars_per_hour: float | None = None


def facts(incident: Incident) -> Facts:
    """What routes and playbooks ask of this incident."""
    return Facts(
        severity=incident.severity,
        category=incident.category,
        target=incident.target,
        dollars_per_hour=incident.impact.dollars_per_hour if incident.impact else None,
    )


def stakeholders(incident: Facts, people: People, now: datetime) -> tuple[str, ...]:
    """The names of the stakeholders that the routes give the incident to, each once, in the order of the routes.

    >>> from core.settings.people import Route
    >>> people = People(routes=(
    ...     Route(when=When(targets=("model/*",)), to=("technical",)),
    ...     Route(when=When(dollars_per_hour=1000.0), to=("executive", "technical")),
    ... ))
    >>> cheap = Facts(severity=Severity.ERROR, category="drift", target="model/m")
    >>> dear = Facts(severity=Severity.ERROR, category="drift", target="model/m", dollars_per_hour=1200.0)
    >>> now = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> stakeholders(cheap, people, now), stakeholders(dear, people, now)
    (('technical',), ('technical', 'executive'))
    """
    return tuple(
        dict.fromkeys(name for route in people.routes if meets(route.when, incident, now) for name in route.to)
    )


def meets(when: When, incident: Facts, now: datetime) -> bool:
    """Whether the incident is one of those that are meant: everything that is given must be so.

    >>> night = When(hours=Hours(since=datetime(2026, 1, 2, 22).time(), until=datetime(2026, 1, 2, 6).time()))
    >>> drift = Facts(severity=Severity.ERROR, category="drift", target="model/m")
    >>> meets(night, drift, datetime(2026, 1, 2, 5, 59, tzinfo=UTC)), meets(night, drift, datetime(2026, 1, 2, 6, tzinfo=UTC))
    (True, False)
    """
    return (
        incident.severity in when.severity
        and incident.category in when.category
        and (not when.targets or any_matches(when.targets, incident.target))
        and _costs(incident.dollars_per_hour, when.dollars_per_hour)
        and (when.hours is None or within(when.hours, now))
    )


def within(hours: Hours, now: datetime) -> bool:
    """Whether it is one of these hours.

    Hours that go over midnight belong to the day on which they begin.

    >>> friday_night = Hours(since=datetime(2026, 1, 2, 22).time(), until=datetime(2026, 1, 2, 6).time(), days=frozenset({4}))
    >>> within(friday_night, datetime(2026, 1, 3, 5, tzinfo=UTC)), within(friday_night, datetime(2026, 1, 2, 5, tzinfo=UTC))
    (True, False)
    """
    local = now.astimezone(UTC)
    at, today = local.time(), local.weekday()
    if hours.since < hours.until:
        return today in hours.days and hours.since <= at < hours.until
    return (today in hours.days and at >= hours.since) or ((today - 1) % 7 in hours.days and at < hours.until)


def channels(names: Iterable[str], people: People, now: datetime) -> tuple[str, ...]:
    """The channels that the names of a tier mean now, each once, in order: a rotation means who is on call.

    Args:
        names: of channels and rotations.
        people: with the rotations.
        now: when.

    >>> from datetime import timedelta
    >>> ada, bob = Person(name="ada", channels=("ada-phone",)), Person(name="bob", channels=("bob-phone", "log"))
    >>> weekly = Rotation(name="ml", start=datetime(2026, 1, 5, tzinfo=UTC), every=timedelta(weeks=1), people=(ada, bob))
    >>> people = People(rotations={"ml": weekly})
    >>> channels(("log", "ml"), people, datetime(2026, 1, 11, tzinfo=UTC))
    ('log', 'ada-phone')
    >>> channels(("log", "ml"), people, datetime(2026, 1, 12, tzinfo=UTC))
    ('log', 'bob-phone')
    """
    return tuple(dict.fromkeys(channel for name in names for channel in _resolved(name, people, now)))


def on_call(rotation: Rotation, now: datetime) -> Person:
    """Who is on call now; before the rotation starts, the first."""
    turn = max(0, (now - rotation.start) // rotation.every)
    return rotation.people[turn % len(rotation.people)]


def _resolved(name: str, people: People, now: datetime) -> tuple[str, ...]:
    rotation = people.rotations.get(name)
    return (name,) if rotation is None else on_call(rotation, now).channels


def _costs(dollars: float | None, least: float | None) -> bool:
    return least is None or (dollars is not None and dollars >= least)
