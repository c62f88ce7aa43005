"""The report of an incident in Markdown: a post-mortem of recorded facts with open questions."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from core.actions.plan import ActionReason
from core.events import ActionDecision, Stage, Status
from core.incidents.endings import ENDED_BY_TEXTS, ended_by
from core.incidents.impact import estimate_loss, no_impact
from core.incidents.measured import MeasuredLoss, loss_text
from core.incidents.model import Incident, IncidentCondition, IncidentReason, TimelineEntry
from core.text import LINE_LIMIT, clean, comparison, counted, duration, instant, number

_TITLE_LIMIT = 120
_NAME_LIMIT = 80
_TARGETS_SHOWN = 10
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        **{char: f"&#{ord(char)};" for char in "[]|`\\@"},
        **{char: f"\\{char}" for char in "*~$#"},
    }
)
"""Characters of HTML, links, mentions, cells or code become references, which have no structure in Markdown [1]; those of
emphasis, mathematics and headings are escaped.

[1] CommonMark 0.31.2, 2.5 Entity and numeric character references.
"""
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""Underscores at the edge of a word; one within a word is no emphasis."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_UNFINISHED = {
    Stage.FAILED: "failed",
    Stage.UNDONE: "was undone",
    Stage.EXPIRED: "was not approved before it expired",
    Stage.AWAITING: "still awaits approval",
}
_PROBLEMS = {
    IncidentReason.NOT_ACKNOWLEDGED: "A notified tier did not acknowledge in time",
    IncidentReason.ACKNOWLEDGEMENT_TIMED_OUT: "An acknowledgement timed out",
    IncidentReason.NOTIFICATION_REFUSED: "A channel refused a message",
    IncidentReason.HANDED_ON: "A channel refused a message, so the next tier was notified",
    IncidentReason.MUTED: "A notification was muted",
    IncidentReason.NOT_REPEATED: "A condition expired, because its source did not repeat it",
    IncidentReason.STALE: "A condition expired, because no finding arrived for too long",
}


class TrainingStep(NamedTuple):
    """A step of a training that an incident asked for.

    Attributes:
        at: when, or None where that is not known.
        outcome: as in `not better`.
        detail: the reason with the figures, in one line.
        run_id: of the pipeline run.
    """

    at: datetime | None
    outcome: str
    detail: str
    run_id: str


def report(
    incident: Incident,
    members: Sequence[IncidentCondition],
    actions: Sequence[ActionDecision] = (),
    *,
    made_at: datetime,
    loss: MeasuredLoss | None = None,
    trainings: Sequence[TrainingStep] = (),
) -> str:
    """The report of an incident.

    Args:
        incident: ended or not.
        members: its conditions, the worst first, as `GroupState.members` gives them.
        actions: the decisions about its automated actions, in any order.
        made_at: the instant of the report, in UTC.
        loss: what it lost, where that is measured.
        trainings: what came of the trainings that it asked for, in any order.

    Returns:
        GitHub-flavoured Markdown; foreign text is escaped and truncated.

    >>> from datetime import UTC
    >>> from core.events import Severity
    >>> from core.incidents.model import State
    >>> nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> incident = Incident(id="model-m-20260102-4873ad0c", target="model/m", title="PSI | 0.3", state=State.OPEN,
    ...                     severity=Severity.ERROR, category="drift", opened_at=nine)
    >>> lines = report(incident, [], made_at=nine + timedelta(hours=1)).splitlines()
    >>> lines[0], lines[-2:]
    ('# Incident: PSI &#124; 0.3', ['- It is not resolved.', '- Its impact is not known: the settings name no revenue of model/m, nor of what depends on it.'])
    """
    decisions = sorted(actions, key=lambda action: (action.at, action.request_id, action.sequence))
    sections = (
        [f"# Incident: {_safe(incident.title, _TITLE_LIMIT)}"],
        [f"Report of incident {_safe(incident.id)}, {instant(made_at)}."],
        ["## Summary", "", *_table(("Field", "Value"), _summary(incident, made_at, loss))],
        ["## Timeline", "", *_timeline(incident, members, trainings)],
        ["## Findings", "", *_findings(members)],
        ["## Automated actions", "", *_actions(decisions)],
        ["## Open questions", "", *_list(_questions(incident, members, decisions))],
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A table; every cell is escaped here, and only here."""
    lines = [header, ("---",) * len(header), *(tuple(_safe(cell) for cell in row) for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _list(lines: Iterable[str]) -> list[str]:
    """A list; every line begins with our own text, so that no foreign text starts a block."""
    return [f"- {_safe(line)}" for line in lines] or ["None."]


def _safe(text: str, limit: int = LINE_LIMIT) -> str:
    escaped = clean(text, limit).translate(_ESCAPES).replace("://", "&#58;//")
    return _UNDERSCORE.sub(r"\\_", escaped) or "-"


def _summary(incident: Incident, made_at: datetime, loss: MeasuredLoss | None) -> Iterator[tuple[str, str]]:
    yield "Incident", incident.id
    yield "State", _state(incident)
    yield "Severity", incident.severity
    yield "Category", _words(incident.category) + (f" ({incident.classification})" if incident.classification else "")
    yield "Root target", incident.target
    yield "Affected targets", _target_names(incident.targets)
    yield from _times(incident)
    ending = ended_by(incident)
    if ending is not None and not incident.cancelled and not incident.merged_into:
        yield "Ended by", ENDED_BY_TEXTS[ending]
    yield from _costs(incident, made_at, loss)


def _state(incident: Incident) -> str:
    if incident.cancelled:
        return "cancelled as a false alarm"
    if incident.merged_into:
        return f"merged into incident {incident.merged_into}"
    if incident.expired:
        return "expired: no longer reported, whether it recovered is not known"
    return incident.state


def _target_names(targets: Sequence[str]) -> str:
    shown = [clean(target, _NAME_LIMIT) for target in targets[:_TARGETS_SHOWN]]
    hidden = len(targets) - len(shown)
    return ", ".join([*shown, f"and {hidden} more"] if hidden else shown)


def _times(incident: Incident) -> Iterator[tuple[str, str]]:
    ended_at, by = incident.ended_at, clean(incident.acknowledged_by, _NAME_LIMIT)
    closed = incident.closed_at is not None and incident.closed_at == ended_at
    yield "Opened", instant(incident.opened_at)
    if incident.reopened_at is not None:
        yield "Reopened", instant(incident.reopened_at)
    yield "Acknowledged", _moment(incident.acknowledged_at, f"by {by}" if by else "")
    yield "Mitigated", _moment(incident.mitigated_at)
    yield "Expired" if incident.expired else "Resolved", _moment(ended_at, "by a person" if closed else "")
    yield "Time to acknowledge", _duration(incident.last_opened_at, incident.acknowledged_at)
    yield "Time to resolve", "" if incident.expired else _duration(incident.opened_at, ended_at)


def _moment(at: datetime | None, who: str = "") -> str:
    return f"{instant(at)} {who}" if at else "no"


def _duration(start: datetime, end: datetime | None) -> str:
    return duration(max(end - start, timedelta(0))) if end else ""


def _costs(incident: Incident, made_at: datetime, measured: MeasuredLoss | None) -> Iterator[tuple[str, str]]:
    impact, loss = incident.impact, estimate_loss(incident, made_at)
    if incident.cancelled or incident.merged_into or not (impact or loss.dollars):
        return
    if impact:
        yield "Impact", f"{_dollars(impact.dollars_per_hour, impact.low, impact.high)} an hour: {impact.reason}"
    if measured is not None:
        yield "Loss by orders", loss_text(measured)
    if measured is None or measured.unknown:
        dollars = _dollars(loss.dollars, loss.low, loss.high)
        yield "Estimated loss", f"{dollars}: the impact by the hour while it fired, {_until(incident)}"


def _dollars(dollars: float, low: float, high: float) -> str:
    return f"{number(dollars, 'dollars')} (90% interval {number(low, 'dollars')} to {number(high, 'dollars')})"


def _until(incident: Incident) -> str:
    if incident.mitigated_at is not None:
        return "until the mitigation"
    return "so far" if incident.ended_at is None else "until the resolution"


def _timeline(incident: Incident, members: Sequence[IncidentCondition], trainings: Sequence[TrainingStep]) -> list[str]:
    sources = {member.key: member.source for member in members}
    rows = [
        (
            f"{entry.sequence}",
            instant(entry.at),
            _cause(entry, sources),
            entry.change,
            entry.summary,
            _words(entry.reason),
        )
        if isinstance(entry, TimelineEntry)
        else ("", _moment(entry.at), "a training", entry.outcome, entry.detail, entry.run_id)
        for entry in _merged(incident.timeline, trainings)
    ]
    lines = _table(("Step", "Time", "Cause", "Change", "Summary", "Reason"), rows)
    omitted = incident.sequence - len(incident.timeline)
    return [*lines, "", f"{counted(omitted, 'step')} in between omitted."] if omitted > 0 else lines


def _merged(
    entries: Sequence[TimelineEntry], trainings: Sequence[TrainingStep]
) -> Iterator[TimelineEntry | TrainingStep]:
    """The entries in their order, with the steps of trainings between them by time; those of unknown time last."""
    steps = deque(sorted(trainings, key=lambda step: step.at or _NEVER))
    for entry in entries:
        while steps and (steps[0].at or _NEVER) < entry.at:
            yield steps.popleft()
        yield entry
    yield from steps


def _cause(entry: TimelineEntry, sources: Mapping[str, str]) -> str:
    """Who caused a step; a finding is named by `Finding.id`, which starts with its condition."""
    if entry.reason in (IncidentReason.COMMAND, IncidentReason.COMMENT):
        return "a person"
    if entry.reason is IncidentReason.ACTION:
        return "an automated action"
    for key, source in sources.items():
        if entry.finding_id.startswith(f"{key}:"):
            return source
    return "the system"


def _findings(members: Sequence[IncidentCondition]) -> list[str]:
    rows = (
        (
            member.target,
            _words(member.kind),
            f"{member.severity}, {member.status}",
            instant(member.observed_at),
            member.source,
            comparison(member.value, member.threshold, member.unit),
            member.summary,
            "; ".join(f"{piece.name}: {piece.text}" for piece in member.evidence),
        )
        for member in members
    )
    header = ("Target", "Kind", "Last status", "Observed", "Source", "Value and threshold", "Summary", "Evidence")
    return _table(header, rows) if members else ["None kept."]


def _actions(decisions: Sequence[ActionDecision]) -> list[str]:
    rows = (
        (
            instant(decision.at),
            decision.action,
            decision.target,
            _words(decision.mode),
            _words(decision.stage),
            _words(decision.reason),
            "; ".join(text for text in (decision.plan, decision.detail) if text),
            decision.by,
        )
        for decision in decisions
    )
    header = ("Time", "Action", "Target", "Mode", "Decision", "Reason", "Plan and result", "By")
    return _table(header, rows) if decisions else ["None."]


def _questions(
    incident: Incident, members: Sequence[IncidentCondition], decisions: Sequence[ActionDecision]
) -> Iterator[str]:
    if incident.acknowledged_at is None:
        yield "It was not acknowledged."
    yield from _unresolved(incident, members)
    if incident.impact is None and not incident.loss:
        yield f"Its impact is {no_impact(incident.target)}."
    for kind, target in sorted({(member.kind, member.target) for member in members if not member.runbook}):
        yield f"There is no runbook for {clean(kind, _NAME_LIMIT)} of {clean(target, _NAME_LIMIT)}."
    yield from _notification_problems(incident)
    for one in {decision.request_id: decision for decision in decisions}.values():
        if one.stage in _UNFINISHED and one.reason != ActionReason.NOT_BETTER:
            yield f"The action {clean(one.action, _NAME_LIMIT)} on {clean(one.target, _NAME_LIMIT)} {_UNFINISHED[one.stage]}."


def _unresolved(incident: Incident, members: Sequence[IncidentCondition]) -> Iterator[str]:
    firing = sorted({member.target for member in members if member.status is Status.FIRING})
    if incident.ended_at is None:
        yield f"It is not resolved; still firing: {_target_names(firing)}." if firing else "It is not resolved."
    elif firing:
        yield f"It was resolved by a person while still firing: {_target_names(firing)}."


def _notification_problems(incident: Incident) -> Iterator[str]:
    reasons = Counter(entry.reason for entry in incident.timeline)
    if flaps := incident.notified.flaps:
        yield f"It flapped: a reopening was notified {counted(flaps, 'time')}."
    for reason, text in _PROBLEMS.items():
        if times := reasons[reason]:
            yield f"{text}: {counted(times, 'time')}."


def _words(name: str) -> str:
    return name.replace("_", " ")
