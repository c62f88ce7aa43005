"""Routing: stakeholders and channels of an incident, escalation from tier to tier, maintenance and silences."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from core.events import Severity, Status
from core.incidents.model import GroupState, Incident, IncidentCondition
from core.incidents.notified import EscalationState
from core.incidents.on_call import on_call
from core.incidents.part import reported_targets
from core.incidents.policy import PART_KIND
from core.local_time import instant_of, reached
from core.patterns import any_matches, matches
from core.settings.cron import last_start
from core.settings.people import Hours, People, When
from core.settings.response import Maintenance
from core.text import clean

LONGEST_SILENCE = timedelta(days=30)
"""From the command to its end."""


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
    due = escalation_due(escalation, severity, people)
    if due is None or now < due:
        return escalation
    last = len(people.stakeholders[escalation.stakeholder].tiers) - 1
    return replace(escalation, tier=max(escalation.tier, min(escalation.tier + 1, last)), since=now)


def escalation_due(escalation: EscalationState, severity: Severity, people: People) -> datetime | None:
    """When the next tier is notified, or the last one is reminded, unless somebody acknowledges; None for never.

    Args:
        escalation: of one stakeholder.
        severity: of the incident.
        people: with the tiers.
    """
    stakeholder = people.stakeholders.get(escalation.stakeholder)
    if stakeholder is None or severity not in stakeholder.page:
        return None
    is_last = escalation.tier + 1 >= len(stakeholder.tiers)
    wait = stakeholder.remind_every if is_last else stakeholder.tiers[escalation.tier].wait
    return None if wait is None else escalation.since + wait


def tier_channels(escalations: Iterable[EscalationState], people: People, now: datetime) -> tuple[str, ...]:
    """The channels of the tiers reached, each once."""
    names = [name for escalation in escalations for name in _tier(escalation, people)]
    return channels(names, people, now)


def stakeholders(facts: RoutingFacts, people: People, now: datetime) -> tuple[str, ...]:
    """The stakeholders that the routes give the incident to, each once, in the order of the routes.

    >>> from datetime import UTC
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

    >>> from datetime import UTC
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
    """Whether an instant is within these hours, as the clocks show it: an hour that occurs twice is within them twice.

    Hours that go over midnight belong to the day on which they begin.

    >>> from datetime import UTC
    >>> friday_night = Hours(since=datetime(2026, 1, 2, 22).time(), until=datetime(2026, 1, 2, 6).time(), days=frozenset({4}))
    >>> within(friday_night, datetime(2026, 1, 3, 5, tzinfo=UTC)), within(friday_night, datetime(2026, 1, 2, 5, tzinfo=UTC))
    (True, False)
    """
    local = now.astimezone(ZoneInfo(hours.time_zone))
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

    >>> from datetime import UTC
    >>> from datetime import timedelta
    >>> from core.settings.people import Person, Rotation
    >>> ada, bob = Person(name="ada", channels=("ada-phone",)), Person(name="bob", channels=("bob-phone", "log"))
    >>> weekly = Rotation(name="ml", start=datetime(2026, 1, 5, tzinfo=UTC), every=timedelta(weeks=1), people=(ada, bob))
    >>> people = People(rotations={"ml": weekly})
    >>> channels(("log", "ml"), people, datetime(2026, 1, 11, tzinfo=UTC))
    ('log', 'ada-phone')
    >>> channels(("log", "ml"), people, datetime(2026, 1, 12, tzinfo=UTC))
    ('log', 'bob-phone')
    """
    return tuple(dict.fromkeys(channel for name in names for channel in _resolve(name, people, now)))


def _tier(escalation: EscalationState, people: People) -> tuple[str, ...]:
    stakeholder = people.stakeholders.get(escalation.stakeholder)
    return () if stakeholder is None else stakeholder.tiers[min(escalation.tier, len(stakeholder.tiers) - 1)].to


def _resolve(name: str, people: People, now: datetime) -> tuple[str, ...]:
    rotation = people.rotations.get(name)
    return (name,) if rotation is None else on_call(rotation, now).channels


def _costs_at_least(least: float | None, dollars: float | None) -> bool:
    return least is None or (dollars is not None and dollars >= least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence that a person made: nobody is notified of some targets for a time.

    Attributes:
        pattern: of the targets, as in `model/*`.
        by: the person.
        at: the start, in UTC.
        until: the end, exclusive.
        note: the reason, in one line.
    """

    pattern: str
    by: str
    at: datetime
    until: datetime
    note: str = ""


def unmatched(pattern: str, targets: Iterable[str]) -> str:
    """What to say about a pattern that matches no known target, with the nearest one; empty where it matches.

    >>> unmatched("model/chrun", ["model/churn", "probe/shop"])
    "matches 0 of 2 known targets; did you mean 'model/churn'?"
    >>> unmatched("model/*", ["model/churn"])
    ''
    """
    known = sorted(set(targets))
    if any(matches(pattern, target) for target in known):
        return ""
    near = nearest(pattern, known)
    return f"matches 0 of {len(known)} known targets" + (f"; did you mean {near!r}?" if near else "")


def nearest(pattern: str, targets: Iterable[str]) -> str:
    """The known target that a pattern is most like; empty where it is like none.

    >>> nearest("model/chrun", ["model/churn", "probe/shop"]), nearest("x", ["model/churn"])
    ('model/churn', '')
    """
    return next(iter(get_close_matches(pattern, sorted(set(targets)), n=1)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A maintenance window or silence that is active.

    Attributes:
        reason: in one line for people.
        until: its end; the target stays muted where another mute is active by then.
    """

    reason: str
    until: datetime


def incident_mute(
    state: GroupState,
    incident: Incident,
    now: datetime,
    maintenance: Sequence[Maintenance],
    silences: Sequence[Silence],
) -> Mute | None:
    """The mute of an incident that ends first, if all its targets are muted, and those that fire in its parts; else None.

    Args:
        state: of the group of the incident.
        incident: at any time.
        now: the present, in UTC.
        maintenance: from the settings.
        silences: by people, ended ones included.
    """
    if not maintenance and not silences:
        return None
    parts = (one for one in state.members(incident) if one.kind.startswith(PART_KIND) and one.status is Status.FIRING)
    targets = {*(incident.targets or (incident.target,)), *(target for one in parts for target in targets_of(one))}
    mutes = [target_mute(target, now, maintenance, silences) for target in sorted(targets)]
    active = [mute for mute in mutes if mute is not None]
    return min(active, key=lambda mute: mute.until) if len(active) == len(mutes) else None


def targets_of(condition: IncidentCondition) -> tuple[str, ...]:
    """What a condition is about: its target, or those that the report of a part names."""
    is_report = condition.kind.startswith(PART_KIND)
    named = reported_targets((piece.name, piece.text) for piece in condition.evidence) if is_report else ()
    return named or (condition.target,)


def target_mute(
    target: str, now: datetime, maintenance: Iterable[Maintenance], silences: Iterable[Silence]
) -> Mute | None:
    """The mute of a target that lasts longest, or None when the target is not muted.

    Of two that last equally long, the first given counts.

    Args:
        target: as in `model/flight-delay`.
        now: the present, in UTC.
        maintenance: from the settings.
        silences: by people, ended ones included.

    >>> from datetime import UTC
    >>> nightly = Maintenance(name="backup", targets=("table/*",), schedule="0 2 * * *", duration=timedelta(hours=1))
    >>> mute = target_mute("table/t", datetime(2026, 1, 2, 2, 59, tzinfo=UTC), [nightly], [])
    >>> mute.reason, mute.until.hour
    ('maintenance backup', 3)
    >>> target_mute("table/t", datetime(2026, 1, 2, 3, tzinfo=UTC), [nightly], []) is None
    True
    """
    mutes = (*_in_maintenance(target, now, maintenance), *_silenced(target, now, silences))
    return max(mutes, key=lambda mute: mute.until, default=None)


def _in_maintenance(target: str, now: datetime, maintenance: Iterable[Maintenance]) -> Iterator[Mute]:
    for window in maintenance:
        if any_matches(window.targets, target) and (until := _window_end(window, now)):
            yield Mute(reason=_mute_reason(f"maintenance {window.name}", window.reason), until=until)


def _silenced(target: str, now: datetime, silences: Iterable[Silence]) -> Iterator[Mute]:
    for silence in silences:
        if silence.at <= now < silence.until and matches(silence.pattern, target):
            yield Mute(reason=_mute_reason(f"silenced by {silence.by}", silence.note), until=silence.until)


def _mute_reason(who: str, why: str) -> str:
    return clean(f"{who}: {why}" if why else who)


def _window_end(maintenance: Maintenance, now: datetime) -> datetime | None:
    """The end of the current window, or None outside of one; of the newest, where several overlap."""
    start = maintenance.start
    if start is None:
        minute = reached(now, maintenance.time_zone).replace(second=0, microsecond=0)
        local = last_start(maintenance.schedule, minute, maintenance.duration)
        start = local and instant_of(local, maintenance.time_zone)
    if start is None or not timedelta(0) <= now - start < maintenance.duration:
        return None
    return start + maintenance.duration
