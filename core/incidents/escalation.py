"""Escalation: which stakeholders the routes name, which channels a tier means, and when the next tier is due."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.events import Severity
from core.incidents.model import EscalationState, Incident
from core.patterns import any_matches
from core.settings.people import Hours, People, Person, Rotation, When


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingFacts:
    """The attributes of an incident that routes and playbooks match.

    Attributes:
        severity: of the incident.
        category: of the incident, as in `drift`.
        target: its root target.
        dollars_per_hour: its impact, or None where no revenue is mapped to its targets.
    """

    severity: Severity
    category: str
    target: str
    dollars_per_hour: float | None = None


def routing_facts(incident: Incident) -> RoutingFacts:
    """The attributes of this incident that routes and playbooks match."""
    return RoutingFacts(
        severity=incident.severity,
        category=incident.category,
        target=incident.target,
        dollars_per_hour=incident.impact.dollars_per_hour if incident.impact else None,
    )


def next_escalation(escalation: EscalationState, severity: Severity, people: People, now: datetime) -> EscalationState:
    """The next tier when the last one did not acknowledge in time; the last tier again for a reminder; else unchanged.

    Args:
        escalation: of one stakeholder.
        severity: of the incident; only severities in the stakeholder's `page` escalate.
        people: with the tiers.
        now: the present.
    """
    stakeholder = people.stakeholders.get(escalation.stakeholder)
    if stakeholder is None or severity not in stakeholder.page:
        return escalation
    waited = now - escalation.since
    if escalation.tier + 1 < len(stakeholder.tiers):
        due = waited >= stakeholder.tiers[escalation.tier].wait
        return replace(escalation, tier=escalation.tier + 1, since=now) if due else escalation
    due = stakeholder.remind_every is not None and waited >= stakeholder.remind_every
    return replace(escalation, since=now) if due else escalation


def tier_channels(escalations: Iterable[EscalationState], people: People, now: datetime) -> tuple[str, ...]:
    """The channels of the tiers reached, each once."""
    names = [name for escalation in escalations for name in _tier(escalation, people)]
    return channels(names, people, now)


def stakeholders(facts: RoutingFacts, people: People, now: datetime) -> tuple[str, ...]:
    """The stakeholders that the routes give the incident to, each once, in the order of the routes.

    >>> from core.settings.people import Route
    >>> people = People(routes=(
    ...     Route(when=When(targets=("model/*",)), to=("technical",)),
    ...     Route(when=When(dollars_per_hour=1000.0), to=("executive", "technical")),
    ... ))
    >>> cheap = RoutingFacts(severity=Severity.ERROR, category="drift", target="model/m")
    >>> costly = RoutingFacts(severity=Severity.ERROR, category="drift", target="model/m", dollars_per_hour=1200.0)
    >>> now = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> stakeholders(cheap, people, now), stakeholders(costly, people, now)
    (('technical',), ('technical', 'executive'))
    """
    return tuple(dict.fromkeys(name for route in people.routes if applies(route.when, facts, now) for name in route.to))


def applies(when: When, facts: RoutingFacts, now: datetime) -> bool:
    """Whether the incident meets every condition of a route or playbook.

    >>> night = When(hours=Hours(since=datetime(2026, 1, 2, 22).time(), until=datetime(2026, 1, 2, 6).time()))
    >>> drift = RoutingFacts(severity=Severity.ERROR, category="drift", target="model/m")
    >>> applies(night, drift, datetime(2026, 1, 2, 5, 59, tzinfo=UTC)), applies(night, drift, datetime(2026, 1, 2, 6, tzinfo=UTC))
    (True, False)
    """
    return (
        facts.severity in when.severity
        and facts.category in when.category
        and (not when.targets or any_matches(when.targets, facts.target))
        and _costs_at_least(when.dollars_per_hour, facts.dollars_per_hour)
        and (when.hours is None or within(when.hours, now))
    )


def within(hours: Hours, now: datetime) -> bool:
    """Whether an instant is within these hours.

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
    """The channels behind the names of a tier, each once, in order: a rotation stands for who is on call.

    Args:
        names: of channels and rotations.
        people: with the rotations.
        now: the present.

    >>> from datetime import timedelta
    >>> ada, bob = Person(name="ada", channels=("ada-phone",)), Person(name="bob", channels=("bob-phone", "log"))
    >>> weekly = Rotation(name="ml", start=datetime(2026, 1, 5, tzinfo=UTC), every=timedelta(weeks=1), people=(ada, bob))
    >>> people = People(rotations={"ml": weekly})
    >>> channels(("log", "ml"), people, datetime(2026, 1, 11, tzinfo=UTC))
    ('log', 'ada-phone')
    >>> channels(("log", "ml"), people, datetime(2026, 1, 12, tzinfo=UTC))
    ('log', 'bob-phone')
    """
    return tuple(dict.fromkeys(channel for name in names for channel in _resolve(name, people, now)))


def on_call(rotation: Rotation, now: datetime) -> Person:
    """The person on call; before the rotation starts, the first."""
    turn = max(0, (now - rotation.start) // rotation.every)
    return rotation.people[turn % len(rotation.people)]


def _tier(escalation: EscalationState, people: People) -> tuple[str, ...]:
    stakeholder = people.stakeholders.get(escalation.stakeholder)
    return () if stakeholder is None else stakeholder.tiers[min(escalation.tier, len(stakeholder.tiers) - 1)].to


def _resolve(name: str, people: People, now: datetime) -> tuple[str, ...]:
    rotation = people.rotations.get(name)
    return (name,) if rotation is None else on_call(rotation, now).channels


def _costs_at_least(least: float | None, dollars: float | None) -> bool:
    return least is None or (dollars is not None and dollars >= least)
