"""Who an incident goes to, and why, by the settings as they are now: routes, tiers, rotations and the next escalation."""

from collections.abc import Iterator
from datetime import datetime

from core.events import Severity
from core.incidents.model import Incident
from core.incidents.notified import EscalationState
from core.incidents.on_call import shift
from core.incidents.policy import IncidentPolicy
from core.incidents.routing import RoutingFacts, applies, escalation_due, routing_facts, within
from core.patterns import any_matches
from core.replay.chain import NOT_KNOWN, Link
from core.settings.people import EVERY_SEVERITY, Category, People, Rotation, When
from core.text import instant, number


def routes_now(incident: Incident, policy: IncidentPolicy, now: datetime) -> Iterator[Link]:
    """Each route with whether it matches the incident as it is now, and which of its conditions decide that."""
    facts = routing_facts(incident)
    if not policy.people.routes:
        yield Link(text="no route is in the settings: only the page shows incidents")
    for number_of, route in enumerate(policy.people.routes, 1):
        to = ", ".join(route.to) or "nobody: only the page shows it"
        missed = "; ".join(_missed(route.when, facts, now))
        matches = applies(route.when, facts, now)
        why = f"matches: {conditions(route.when)}" if matches else f"does not match {conditions(route.when)}: {missed}"
        yield Link(text=f"route {number_of} of the settings now, to {to}", why=why)


def receivers_now(incident: Incident, policy: IncidentPolicy, now: datetime) -> Iterator[Link]:
    """The tier that each stakeholder has reached, who is behind it now, and when the next one is notified."""
    notified, people = incident.notified, policy.people
    if notified.mute_reason:
        yield Link(text="nobody is notified at the moment", why=notified.mute_reason)
    for escalation in notified.escalations:
        yield Link(
            text=f"{escalation.stakeholder} has reached tier {escalation.tier + 1} {_receivers(escalation, people, now)}",
            why=_next(incident, escalation, people),
            at=escalation.since,
        )


def conditions(when: When) -> str:
    """What a route or playbook asks of an incident, in one line.

    >>> conditions(When(targets=("model/*",), dollars_per_hour=1000.0)), conditions(When())
    ('target model/*, from $1,000 an hour', 'every incident')
    """
    parts = []
    if when.severity != EVERY_SEVERITY:
        parts.append(f"severity {' or '.join(one for one in Severity if one in when.severity)}")
    if when.category != frozenset(Category):
        parts.append(f"category {' or '.join(one for one in Category if one in when.category)}")
    if when.targets:
        parts.append(f"target {' or '.join(when.targets)}")
    if when.dollars_per_hour is not None:
        parts.append(f"from {number(when.dollars_per_hour, 'dollars')} an hour")
    if when.hours is not None:
        parts.append(f"{when.hours.since:%H:%M} to {when.hours.until:%H:%M} {when.hours.time_zone}")
    return ", ".join(parts) or "every incident"


def _missed(when: When, facts: RoutingFacts, now: datetime) -> Iterator[str]:
    """The conditions that the incident does not meet."""
    if facts.severity not in when.severity:
        yield f"it is {facts.severity}"
    if facts.category not in when.category:
        yield f"it is {facts.category}"
    if when.targets and not any_matches(when.targets, facts.target):
        yield f"its root is {facts.target}"
    if when.dollars_per_hour is not None and (facts.dollars_per_hour or 0.0) < when.dollars_per_hour:
        cost = facts.dollars_per_hour
        yield f"its impact is {NOT_KNOWN if cost is None else number(cost, 'dollars')}"
    if when.hours is not None and not within(when.hours, now):
        yield f"it is {instant(now)}"


def _receivers(escalation: EscalationState, people: People, now: datetime) -> str:
    stakeholder = people.stakeholders.get(escalation.stakeholder)
    if stakeholder is None:
        return "(no longer in the settings)"
    tiers = stakeholder.tiers
    names = tiers[min(escalation.tier, len(tiers) - 1)].to
    behind = (_behind(name, people.rotations.get(name), now) for name in names)
    return f"of {len(tiers)}: {', '.join(behind)}"


def _behind(name: str, rotation: Rotation | None, now: datetime) -> str:
    if rotation is None:
        return name
    found = shift(rotation, now)
    instead = f", instead of {found.instead_of.name}" if found.instead_of else ""
    return f"{name} (now {found.person.name}: {', '.join(found.person.channels)}{instead})"


def _next(incident: Incident, escalation: EscalationState, people: People) -> str:
    """When the next tier is notified, or why it is not."""
    if not incident.escalates:
        owner = incident.acknowledged_by
        return (
            f"no further tier is notified: {owner} owns it"
            if owner
            else "no further tier is notified: it is over, answered or muted"
        )
    due = escalation_due(escalation, incident.severity, people)
    return (
        f"next at {instant(due)}, unless somebody acknowledges"
        if due
        else f"no further tier is notified: {incident.severity} does not escalate"
    )
