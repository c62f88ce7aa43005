"""How a finding changes incidents.

Delivered twice, late or in any order, the same findings end in the same state: the state is read from what is remembered of
every condition (`core.incidents.episode`), and what changed is the difference to the state before. What people were told
stays as it was: identifiers, timeline and sequence are never rewritten.

An incident holds everything that hangs together: conditions of one target, and of targets that need each other and fire at
the same time, or nearly. Its root is the target that the others need.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.events import Change, Finding, IncidentChange, Status
from core.incidents.charter import Charter
from core.incidents.correlate import linked, root
from core.incidents.episode import Episode, replay
from core.incidents.impact import accounted, impact, raised, together
from core.incidents.life import OPENS, Step, advance, opened, shortened
from core.incidents.model import Decision, Incident, Observation, Reason, State, Tracked, Watch
from core.incidents.observe import observe, placed
from core.incidents.step import Case, steps, why_not, worsened
from core.incidents.text import clean


def fold(watch: Watch | None, finding: Finding, *, now: datetime, charter: Charter) -> Decision:
    """Count one finding.

    Args:
        watch: what is remembered of the finding's group, or None for the first finding.
        finding: delivered at least once, in any order.
        now: only to catch a clock that runs ahead (see `Policy.ahead`).
        charter: what decisions go by.

    Returns:
        What to remember, the changes (most findings cause none), and the reason.

    >>> from datetime import UTC, timedelta
    >>> from core.events import Severity
    >>> at = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> def found(status, minutes):
    ...     return Finding(target="model/m", kind="drift", status=status, severity=Severity.WARNING,
    ...                    observed_at=at + timedelta(minutes=minutes), source="doc", summary="PSI 0.3")
    >>> later = at + timedelta(hours=1)
    >>> first = fold(None, found(Status.FIRING, 0), now=later, charter=Charter())
    >>> first.changes[0].change.value, first.reason.value, first.watch.incidents[0].id
    ('opened', 'first_firing', 'model-m-20260102-4873ad0c')
    >>> last = fold(first.watch, found(Status.RESOLVED, 30), now=later, charter=Charter())
    >>> last.changes[0].change.value, last.reason.value, last.watch.incidents[0].state.value
    ('resolved', 'all_recovered', 'resolved')
    """
    before = watch or Watch(group=charter.graph.group(finding.target))
    key = finding.condition
    known = next((condition for condition in before.conditions if condition.key == key), None)
    current, seen = observe(known, finding, now=now, charter=charter)
    if current is known:
        return Decision(watch=before, changes=(), reason=Reason.DUPLICATE)
    if known is not None and _goes_on(before, known, seen, charter):
        watch = Watch(group=before.group, conditions=placed(before.conditions, current), incidents=before.incidents)
        reason = Reason.UNCHANGED if seen.status is Status.FIRING else Reason.NOTHING_TO_RESOLVE
        return Decision(watch=watch, changes=(), reason=reason)
    cause = current.finding_id if current.observed_at == seen.at else finding.id
    case = Case(known=known, seen=seen, key=key, target=finding.target, summary=clean(finding.summary), cause=cause)
    conditions = placed(before.conditions, current)
    return settle(Watch(group=before.group, conditions=conditions, incidents=before.incidents), case, charter)


def end(watch: Watch, condition: Tracked, reason: Reason, *, charter: Charter) -> Decision:
    """Count a condition as over that nobody said is over.

    Args:
        watch: before.
        condition: as `core.incidents.observe.over` gives it.
        reason: why it counts as over.
        charter: what decisions go by.
    """
    known = next(one for one in watch.conditions if one.key == condition.key)
    text = f"{condition.key}: {reason.replace('_', ' ')}"
    case = Case(
        known=known,
        seen=condition.history[-1],
        key=condition.key,
        target=condition.target,
        summary=clean(text),
        cause="",
        ends=reason,
    )
    return settle(replace(watch, conditions=placed(watch.conditions, condition)), case, charter)


def _goes_on(watch: Watch, known: Tracked, seen: Observation, charter: Charter) -> bool:
    """Whether a condition goes on as it was, and no incident needs to write it down: most findings say so."""
    if seen.status is not known.status or seen.severity is not known.severity or seen.at <= known.observed_at:
        return False
    if seen.status is Status.RESOLVED:
        return True
    for incident in watch.incidents:
        if known.key in incident.conditions and incident.state is not State.RESOLVED:
            written = incident.timeline[-1].at
            return seen.at < written + charter.policy.summary_every
    return False


def settle(watch: Watch, case: Case, charter: Charter) -> Decision:
    """Bring the incidents in line with what is remembered of the conditions."""
    policy = charter.policy
    episode = replay((c for c in watch.conditions if c.target == case.target), policy.reopen_within)
    if episode is None:
        return Decision(watch=watch, changes=(), reason=Reason.NOTHING_TO_RESOLVE)
    first, *parts = linked(watch, case.target, episode, charter) or (None,)
    targets = {case.target, *(target for one in (first, *parts) if one for target in one.targets)}
    if len(targets) > 1:
        pause = max(policy.reopen_within, policy.join_within)
        episode = replay((c for c in watch.conditions if c.target in targets), pause) or episode
    begun = episode.opened_at
    if first is None and _forgotten(watch, case, episode, policy.reopen_within):
        if episode.resolved_at is not None:
            return Decision(watch=watch, changes=(), reason=Reason.NOTHING_TO_RESOLVE)
        begun = case.seen.at  # another incident, though the episode is the same
    taken = steps(first, episode, case, charter)
    members = [condition for condition in watch.conditions if condition.key in episode.conditions]
    whole = together(first or opened(case.target, begun, watch.group), parts, case.seen.at)
    after, changes = _changed(whole, members, episode, taken, charter)
    merged = [advance(*_part(one, after, case)) for one in parts]
    known = {one.id: one for one in watch.incidents} | {one.id: one for one, _ in merged} | {after.id: after}
    incidents = shortened(tuple(known.values()))
    return Decision(
        watch=Watch(group=watch.group, conditions=watch.conditions, incidents=incidents),
        changes=(*changes, *(change for _, ended in merged for change in ended)),
        reason=taken[-1].reason if taken else why_not(case),
    )


def _forgotten(watch: Watch, case: Case, episode: Episode, reopen_within: timedelta) -> bool:
    """Whether the episode was known before, so that its incident, which is no longer remembered, has its id."""
    of_target = (condition for condition in watch.conditions if condition.target == case.target)
    before = (case.known if condition.key == case.key else condition for condition in of_target)
    known = replay((condition for condition in before if condition is not None), reopen_within)
    return known is not None and known.opened_at == episode.opened_at


def _part(incident: Incident, of: Incident, case: Case) -> tuple[Incident, tuple[Step, ...]]:
    step = Step(Change.RESOLVED, Reason.MERGED, case.seen.at, f"part of {of.id}: {of.target}", case.cause)
    over = incident.resolved_at or max(case.seen.at, incident.opened_at)
    return replace(incident, merged_into=of.id, resolved_at=over), (step,)


def _changed(
    incident: Incident, members: list[Tracked], episode: Episode, taken: tuple[Step, ...], charter: Charter
) -> tuple[Incident, tuple[IncidentChange, ...]]:
    """The incident as its conditions say by now, after the steps that it takes."""
    begins = any(step.change in OPENS for step in taken)
    fields: dict[str, Any] = {
        "opened_at": episode.opened_at,
        "resolved_at": (None if begins else incident.closed_at) or episode.resolved_at,
        "conditions": episode.conditions,
    }
    same = incident.conditions == episode.conditions
    if taken or not same or raised(episode.severity, incident.impact, charter.impact) is not incident.severity:
        fields |= _described(incident, members, episode, charter)
        if (incident.impact or fields.get("impact")) and (begins or "impact" in fields):
            at = taken[0].at if taken else max(condition.observed_at for condition in members)
            fields |= accounted(incident, at)
        if begins or fields["severity"].rank > incident.peak.rank:
            fields["peak"] = fields["severity"]
            taken = taken if begins else worsened(taken)
    return advance(incident, taken, fields)


def _described(incident: Incident, members: list[Tracked], episode: Episode, charter: Charter) -> dict[str, Any]:
    """The root, the class, the impact and the severity that the conditions give; once it is over, what they gave."""
    target = root(members, charter.graph)
    targets = tuple(sorted({condition.target for condition in members}))
    if episode.resolved_at is not None and incident.title:
        severity = raised(episode.severity, incident.impact, charter.impact)
        return {"target": target, "targets": targets, "severity": severity}
    firing = [condition for condition in members if condition.key in episode.firing] or members
    lead = max(firing, key=lambda c: (c.target == target, c.severity.rank, c.key))
    cost = None
    if charter.revenue:
        cost = impact(((c.target, c.severity) for c in firing), charter.graph, charter.revenue, charter.impact)
    return {
        "target": target,
        "targets": targets,
        "title": lead.summary or lead.key,
        "category": lead.category,
        "classed": lead.classed,
        "severity": raised(episode.severity, cost, charter.impact),
        "impact": cost,
    }
