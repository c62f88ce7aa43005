"""Messages: the text of a notification, one message per channel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.events import Change, Severity, Status
from core.incidents.capacity import hidden_of
from core.incidents.grouping import is_grouped, subject
from core.incidents.headline import LONGEST, headline
from core.incidents.impact import no_impact
from core.incidents.lifecycle import ENDINGS, RESPONSES
from core.incidents.measured import NO_LOSSES, Losses, MeasuredLoss, loss_text
from core.incidents.model import GroupState, Impact, Incident, IncidentCondition, IncidentReason, TimelineEntry
from core.incidents.notification import Notification
from core.text import clean, comparison, number

_EVIDENCE_SHOWN = 3
_CONDITIONS_SHOWN = 5
_TARGETS_SHOWN = 5
_ACTIONS_SHOWN = 3
_Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One labelled line of a message, as in `Impact`."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to one channel about one incident.

    Attributes:
        key: the same for every attempt to send it.
        channel: the channel's name.
        incident_id: the incident; the receiver's key for its messages.
        change: what happened.
        severity: the worst severity notified in this incident.
        category: the class of the incident, as in `drift`.
        target: the root target.
        title: one line.
        text: what is wrong, how bad, since when and what to do; several lines.
        facts: the same as labelled lines, most important first.
        url: the page of the incident, to see and acknowledge it.
        runbook: an address or a path; empty where there is none.
        at: the instant of the change, in UTC.
        missed: whether the receiver does not know what came before: an earlier message about the same incident could not be
            sent, or went to others.
    """

    key: str
    channel: str
    incident_id: str
    change: Change
    severity: Severity
    category: str
    target: str
    title: str
    text: str
    facts: tuple[Fact, ...]
    url: str
    runbook: str
    at: datetime
    missed: bool = False


def compose(
    state: GroupState, notification: Notification, *, url: str, runbooks: str = "", losses: Losses = NO_LOSSES
) -> tuple[Message, ...]:
    """The messages of a notification, one per channel.

    Args:
        state: with the conditions of the incident.
        notification: about the incident.
        url: the address of the pages, to link the incident.
        runbooks: the address of the runbooks, or empty where they are only named.
        losses: what incidents lost, where it is measured, by incident.
    """
    incident = notification.incident
    members = state.members(incident)
    lead = _lead(incident, members)
    about = lead.target if lead and lead.status is Status.FIRING else incident.target
    hidden = len(hidden_of(state, notification.incident.targets))
    what = headline(state, notification, about)
    details = facts(notification, members, runbooks, hidden, losses.get(incident.id))
    return tuple(
        Message(
            key=f"{incident.id}:notify:{incident.notified.count}:{channel}",
            channel=channel,
            incident_id=incident.id,
            change=notification.change,
            severity=incident.notified.severity or incident.severity,
            category=incident.category,
            target=incident.target,
            title=clean(incident.title),
            text="\n".join([what, *(f"{fact.name}: {fact.text}" for fact in details)]),
            facts=(Fact(name="What", text=what), *details),
            url=f"{url.rstrip('/')}/incidents/{incident.id}",
            runbook=runbook_link(lead, runbooks) if lead else "",
            at=notification.at,
            # A new receiver of an incident that somebody has: there is nothing to acknowledge there yet.
            missed=notification.change in RESPONSES and channel not in notification.before.channels,
        )
        for channel in notification.channels
    )


def compose_all(
    state: GroupState,
    notifications: Iterable[Notification],
    *,
    url: str,
    runbooks: str = "",
    losses: Losses = NO_LOSSES,
) -> tuple[Message, ...]:
    """The messages of several notifications; see `compose`."""
    composed = (compose(state, one, url=url, runbooks=runbooks, losses=losses) for one in notifications)
    return tuple(message for messages in composed for message in messages)


def facts(
    notification: Notification,
    members: Sequence[IncidentCondition],
    runbooks: str = "",
    hidden: int = 0,
    loss: MeasuredLoss | None = None,
) -> tuple[Fact, ...]:
    """The labelled lines below the headline, most important first.

    The names that foreign systems give their evidence are no labels: they could impersonate ours.

    Args:
        notification: about the incident.
        members: the conditions of the incident, the worst first.
        runbooks: the address of the runbooks, or empty where they are only named.
        hidden: how many firing conditions are beyond those that are kept in detail.
        loss: what the incident lost, where it is measured.
    """
    incident = notification.incident
    lead = _lead(incident, members)
    if notification.change is Change.MERGED:
        note = ("Note", _command(incident) if incident.is_part else "")
        pairs: _Pairs = (note, ("Automated actions", _actions(incident.timeline)))
    elif notification.change in ENDINGS:
        pairs = (*_after_resolution(lead, incident), _lost(loss))
    elif notification.change in RESPONSES:
        by_person = notification.reason is IncidentReason.COMMAND
        pairs = (("Note", _command(incident) if by_person else ""), *_status(lead, incident, members, hidden, loss))
    else:
        pairs = (
            *_status(lead, incident, members, hidden, loss),
            *_next_step(lead, incident, runbooks),
            *_details(lead, incident, members, hidden),
        )
    return tuple(Fact(name=name, text=line) for name, text in pairs if (line := clean(text, LONGEST)))


def impact_text(impact: Impact | None) -> str:
    """The impact in one line; empty where it is unknown.

    >>> impact_text(Impact(dollars_per_hour=1200.0, low=900.0, high=1500.0, targets=("model/m",), reason="model/m: $1,200"))
    '$1,200 an hour at risk ($900 to $1,500): model/m: $1,200'
    """
    if impact is None:
        return ""
    low, high = number(impact.low, "dollars"), number(impact.high, "dollars")
    return f"{number(impact.dollars_per_hour, 'dollars')} an hour at risk ({low} to {high}): {impact.reason}"


def runbook_link(condition: IncidentCondition, base: str = "") -> str:
    """The runbook of a condition: an address as it is, a section below the address of the runbooks, or empty."""
    if not condition.runbook or "://" in condition.runbook:
        return condition.runbook
    return f"{base.rstrip('/') or 'docs/runbooks'}/{condition.runbook.removeprefix('docs/runbooks/')}"


def _lead(incident: Incident, members: Sequence[IncidentCondition]) -> IncidentCondition | None:
    """The condition that the message is about: the worst that fires, of the root target where it does; None without any."""
    firing = [condition for condition in members if condition.status is Status.FIRING]
    return max(firing or members, key=lambda c: (c.target == incident.target, c.severity.rank, c.key), default=None)


def _status(
    lead: IncidentCondition | None,
    incident: Incident,
    members: Sequence[IncidentCondition],
    hidden: int,
    loss: MeasuredLoss | None,
) -> _Pairs:
    about = lead.target if lead else incident.target
    return (
        ("Observed", _observed(incident, lead) if lead else ""),
        ("Impact", impact_text(incident.impact) or no_impact(incident.target)),
        _lost(loss),
        _affected(about, members, hidden),
        ("Root target", incident.target if about != incident.target else ""),
        ("Acknowledged by", incident.acknowledged_by),
        ("Automated actions", _actions(incident.timeline)),
    )


def _lost(loss: MeasuredLoss | None) -> tuple[str, str]:
    """The loss so far, with the time that it is of; nothing where it is not measured yet."""
    return ("Lost" if loss and loss.final else "Lost so far", loss_text(loss) if loss else "")


def _affected(about: str, members: Sequence[IncidentCondition], hidden: int) -> tuple[str, str]:
    """The other targets that fire; of a group, all of them, as it is no target itself."""
    firing = [member for member in members if member.status is Status.FIRING]
    others = sorted({subject(member.target, member.kind)[0] for member in firing} - {about})
    is_group = any(is_grouped(member.kind) for member in firing)
    more = len(others) - len(others[:_TARGETS_SHOWN]) + (hidden if is_group else 0)
    text = f"{', '.join(others[:_TARGETS_SHOWN])}{f' and {more} more' if more else ''}"
    return ("Affected" if is_group else "Also affected", text)


def _next_step(lead: IncidentCondition | None, incident: Incident, runbooks: str) -> _Pairs:
    link = runbook_link(lead, runbooks) if lead else ""
    step = f"follow {link}" if link else "check the timeline of the incident (no runbook)"
    return (("Next step", step if incident.acknowledged_at else f"acknowledge, then {step}"),)


def _details(
    lead: IncidentCondition | None, incident: Incident, members: Sequence[IncidentCondition], hidden: int
) -> _Pairs:
    others = [member for member in members if member.status is Status.FIRING and member is not lead]
    more = len(others) - _CONDITIONS_SHOWN
    firing = len([member for member in members if member.status is Status.FIRING]) + hidden
    evidence = [f"{piece.name}: {piece.text}" for piece in lead.evidence[:_EVIDENCE_SHOWN]] if lead else []
    about = lead.target if lead else ""
    return (
        *(("Also firing", _summary(other, about)) for other in others[:_CONDITIONS_SHOWN]),
        ("Also firing", f"{more} more" if more > 0 and not hidden else ""),
        ("Also firing", f"{firing} conditions in all, {hidden} of them not kept in detail" if hidden else ""),
        *(("Evidence", text) for text in evidence),
        ("Category", f"{incident.category} ({incident.classification})" if incident.category else ""),
    )


def _after_resolution(lead: IncidentCondition | None, incident: Incident) -> _Pairs:
    return (
        ("Last finding", lead.summary if lead and lead.summary != incident.title else ""),
        ("Resolved by", _command(incident) if incident.closed_at else ""),
        ("Automated actions", _actions(incident.timeline)),
        ("Impact", impact_text(incident.impact).replace(" at risk", " was at risk", 1)),
    )


def _observed(incident: Incident, lead: IncidentCondition) -> str:
    """The newest summary, unless it is the title, and the number."""
    summary = f"{lead.summary};" if lead.summary and lead.summary != incident.title else ""
    numbers = comparison(lead.value, lead.threshold, lead.unit).removeprefix("Observed ").replace(": ", ", ", 1)
    return f"{summary} {numbers}".strip().removesuffix(";")


def _summary(condition: IncidentCondition, about: str) -> str:
    where = "" if condition.target == about else f"{condition.target}: "
    return f"{where}{condition.summary or condition.key} ({condition.severity})"


def _actions(timeline: Sequence[TimelineEntry]) -> str:
    """The newest entry of each automated action."""
    newest = {
        entry.finding_id.rpartition(":")[0]: entry.summary
        for entry in timeline
        if entry.reason is IncidentReason.ACTION
    }
    return "; ".join([*dict.fromkeys(newest.values())][-_ACTIONS_SHOWN:])


def _command(incident: Incident) -> str:
    return next((entry.summary for entry in reversed(incident.timeline) if entry.reason is IncidentReason.COMMAND), "")
