"""What people are told, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Change, Severity, Status
from core.incidents.life import CARE
from core.incidents.model import Entry, Impact, Incident, Reason, Tracked, Watch
from core.incidents.notice import Notice
from core.incidents.text import clean, comparison, duration, instant, number, period

_EVIDENCE_SHOWN = 3
_CONDITIONS_SHOWN = 5
_TARGETS_SHOWN = 5
_DONE_SHOWN = 3
_ENDED = {
    Reason.NOT_REPEATED: "its source no longer says so",
    Reason.NOTHING_HEARD: "nothing more was heard of it",
    Reason.ALREADY_OVER: "it was over before anybody could be told",
}
_LINE = 900
_NO_TIME = timedelta(0)
_Said = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One piece of what is told: what it is about, as in `Impact`, and the words."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one channel is told about one incident.

    Attributes:
        key: the same for every attempt to send it.
        channel: the channel's name.
        incident_id: the incident; what a receiver tells incidents apart by.
        change: what happened.
        severity: the worst severity people heard of in this incident.
        category: the class of the incident, as in `drift`.
        target: the root target.
        title: one line.
        text: what, since when, how much, what supports it and what to do; several lines.
        facts: the same in pieces, in the order of reading.
        url: where to see the incident, and to acknowledge it.
        runbook: where to read what to do, an address or a path; empty where nothing is written.
        at: the instant of the change, in UTC.
        missed: whether it takes the place of an earlier message about the same incident that could not be sent, so that
            the receiver has not heard of what came before.
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


def compose(watch: Watch, notice: Notice, *, url: str, runbooks: str = "") -> tuple[Message, ...]:
    """The messages of a notice, one a channel.

    Args:
        watch: with the conditions of the incident.
        notice: what is told.
        url: the address of the pages, to link the incident.
        runbooks: the address of the runbooks, or empty where they are only named.
    """
    incident = notice.incident
    members = watch.members(incident)
    lead = _lead(incident, members)
    about = lead.target if lead and lead.status is Status.FIRING else incident.target
    head, pieces = _headline(watch, notice, about), facts(notice, members, runbooks)
    return tuple(
        Message(
            key=f"{incident.id}:told:{incident.heard.count}:{channel}",
            channel=channel,
            incident_id=incident.id,
            change=notice.change,
            severity=incident.heard.severity or incident.severity,
            category=incident.category,
            target=incident.target,
            title=clean(incident.title),
            text="\n".join([head, *(f"{fact.name}: {fact.text}" for fact in pieces)]),
            facts=(Fact(name="What", text=head), *pieces),
            url=f"{url.rstrip('/')}/#incident={incident.id}",
            runbook=runbook(lead, runbooks) if lead else "",
            at=notice.at,
        )
        for channel in notice.channels
    )


def facts(notice: Notice, members: Sequence[Tracked], runbooks: str = "") -> tuple[Fact, ...]:
    """What there is to say beyond the headline, one line each, what is needed first at the beginning.

    What foreign systems call their evidence is no name of a fact, or they could put words into our mouth.

    Args:
        notice: what is told.
        members: the conditions of the incident, the worst first.
        runbooks: the address of the runbooks, or empty where they are only named.
    """
    incident = notice.incident
    lead = _lead(incident, members)
    if notice.change is Change.RESOLVED:
        said = _afterwards(lead, incident)
    elif notice.change in CARE:
        by_hand = notice.reason is Reason.COMMANDED
        said = (("Said", _said(incident) if by_hand else ""), *_at_stake(lead, incident, members))
    else:
        said = (
            *_at_stake(lead, incident, members),
            *_to_do(lead, incident, runbooks),
            *_details(lead, incident, members),
        )
    return tuple(Fact(name=name, text=line) for name, text in said if (line := clean(text, _LINE)))


def impact_text(impact: Impact | None) -> str:
    """What an incident puts at risk, in words; nothing where nothing is known.

    >>> impact_text(Impact(dollars_per_hour=1200.0, low=900.0, high=1500.0, targets=("model/m",), reason="model/m: $1,200"))
    '$1,200 an hour at risk ($900 to $1,500): model/m: $1,200'
    """
    if impact is None:
        return ""
    low, high = number(impact.low, "dollars"), number(impact.high, "dollars")
    return f"{number(impact.dollars_per_hour, 'dollars')} an hour at risk ({low} to {high}): {impact.reason}"


def runbook(lead: Tracked, base: str = "") -> str:
    """Where to read what to do: an address as it is, a section under the address of the runbooks, or nothing."""
    if not lead.runbook or "://" in lead.runbook:
        return lead.runbook
    return f"{base.rstrip('/') or 'docs/runbooks'}/{lead.runbook.removeprefix('docs/runbooks/')}"


def _lead(incident: Incident, members: Sequence[Tracked]) -> Tracked | None:
    """The condition to speak of: the worst that fires, of the root where it does; none of an incident that lost them all."""
    firing = [condition for condition in members if condition.status is Status.FIRING]
    return max(firing or members, key=lambda c: (c.target == incident.target, c.severity.rank, c.key), default=None)


def _headline(watch: Watch, notice: Notice, about: str) -> str:
    if notice.change is Change.RESOLVED:
        return clean(_over(watch, notice), _LINE)
    if notice.reason in (Reason.NOT_ACKNOWLEDGED, Reason.REMINDER):
        return clean(_unanswered(notice, about), _LINE)
    return clean(_news(notice, about), _LINE)


def _news(notice: Notice, about: str) -> str:
    incident = notice.incident
    severity, since = incident.severity, instant(incident.opened_at)
    match notice.change:
        case Change.ACKNOWLEDGED:
            return f"{incident.acknowledged_by} takes care: {about}, {severity}; the incident began {since}."
        case Change.UPDATED:
            last = (one.summary for one in reversed(incident.timeline) if one.reason is Reason.ACTION)
            return f"An automated response: {next(last, about)}."
        case Change.MITIGATED:
            by = "automated response" if notice.reason is Reason.ACTION else "person"
            return f"Mitigated, says a{'n' * (by[0] == 'a')} {by}: {about}, {severity}; it still fires. The incident began {since}."
        case Change.ESCALATED:
            before = f", was {notice.known.severity}" if notice.known.severity else ""
            return f"Worse: {about} is {severity} now{before}; the incident began {since}."
        case Change.REOPENED:
            again = max((one.at for one in incident.timeline if one.change is Change.REOPENED), default=notice.at)
            return f"Back again: {about} is {severity} since {instant(again)}; first seen {since}."
        case _:
            return f"New: {about} is {severity} since {since}."


def _unanswered(notice: Notice, about: str) -> str:
    incident = notice.incident
    waited = duration(max(notice.at - incident.opened_at, _NO_TIME))
    begins = "Nobody has acknowledged" if notice.reason is Reason.NOT_ACKNOWLEDGED else "Still nobody has acknowledged"
    return f"{begins} for {waited}: {about} is {incident.severity}; the incident began {instant(incident.opened_at)}."


def _over(watch: Watch, notice: Notice) -> str:
    incident, target = notice.incident, notice.incident.target
    if notice.reason is Reason.MERGED:
        whole = next((one.target for one in watch.incidents if one.id == incident.merged_into), "")
        return f"Now part of a larger incident{f' at {whole}' if whole else ''}, which goes on: {incident.merged_into}."
    over = max(incident.resolved_at or notice.at, incident.opened_at)
    lasted = f"{duration(over - incident.opened_at)}, {period(incident.opened_at, over)}"
    if incident.cancelled:
        return f"Cancelled, it was no incident: {target}, for {lasted}."
    if incident.closed_at is not None:
        return f"Closed by a person: {target}, after {lasted}."
    why = f"; {_ENDED[notice.reason]}" if notice.reason in _ENDED else ""
    return f"Over: {target}, after {lasted}{why}."


def _at_stake(lead: Tracked | None, incident: Incident, members: Sequence[Tracked]) -> _Said:
    about = lead.target if lead else incident.target
    others = sorted({one.target for one in members if one.status is Status.FIRING} - {about})
    hidden = f" and {len(others) - _TARGETS_SHOWN} more" if len(others) > _TARGETS_SHOWN else ""
    return (
        ("Observed", _observed(incident, lead) if lead else ""),
        ("Impact", impact_text(incident.impact)),
        ("Also affected", f"{', '.join(others[:_TARGETS_SHOWN])}{hidden}"),
        ("Began at", incident.target if about != incident.target else ""),
        ("Taken by", incident.acknowledged_by),
        ("By itself", _done(incident.timeline)),
    )


def _to_do(lead: Tracked | None, incident: Incident, runbooks: str) -> _Said:
    where = runbook(lead, runbooks) if lead else ""
    first = f"read {where}" if where else "start with the timeline of the incident: no runbook is named"
    return (("To do", first if incident.acknowledged_at else f"acknowledge, then {first}"),)


def _details(lead: Tracked | None, incident: Incident, members: Sequence[Tracked]) -> _Said:
    others = [one for one in members if one.status is Status.FIRING and one is not lead]
    hidden = len(others) - _CONDITIONS_SHOWN
    evidence = [f"{one.name}: {one.text}" for one in lead.evidence[:_EVIDENCE_SHOWN]] if lead else []
    about = lead.target if lead else ""
    return (
        *(("Also", _words(other, about)) for other in others[:_CONDITIONS_SHOWN]),
        ("Also", f"and {hidden} more" if hidden > 0 else ""),
        *(("Evidence", text) for text in evidence),
        ("Class", f"{incident.category} ({incident.classed})" if incident.category else ""),
    )


def _afterwards(lead: Tracked | None, incident: Incident) -> _Said:
    return (
        ("Last seen", lead.summary if lead and lead.summary != incident.title else ""),
        ("Closed by", _said(incident) if incident.closed_at else ""),
        ("By itself", _done(incident.timeline)),
        ("Impact", impact_text(incident.impact).replace(" at risk", " was at risk", 1)),
    )


def _observed(incident: Incident, lead: Tracked) -> str:
    """The newest words, where the title has others, and the number."""
    summary = f"{lead.summary};" if lead.summary and lead.summary != incident.title else ""
    numbers = comparison(lead.value, lead.threshold, lead.unit).removeprefix("Observed ").replace(": ", ", ", 1)
    return f"{summary} {numbers}".strip().removesuffix(";")


def _words(one: Tracked, about: str) -> str:
    where = "" if one.target == about else f"{one.target}: "
    return f"{where}{one.summary or one.key} ({one.severity})"


def _done(timeline: Sequence[Entry]) -> str:
    """The newest word on each automated response, each once."""
    newest = {one.finding_id.rpartition(":")[0]: one.summary for one in timeline if one.reason is Reason.ACTION}
    return "; ".join([*dict.fromkeys(newest.values())][-_DONE_SHOWN:])


def _said(incident: Incident) -> str:
    return next((entry.summary for entry in reversed(incident.timeline) if entry.reason is Reason.COMMANDED), "")
