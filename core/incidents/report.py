"""The report after an incident, in Markdown: what is known of it, and nothing else."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from core.events import ActionDecision, Stage, Status
from core.incidents.impact import Loss, lost
from core.incidents.model import Entry, Incident, Reason, Tracked
from core.incidents.text import LINE_LIMIT, clean, comparison, duration, instant, number
from core.incidents.timing import began, ended

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
"""What could begin HTML, a link, a mention, a cell or code becomes a reference, which has no structure in Markdown [1];
what could be emphasis, mathematics or the end of a heading is escaped.

[1] CommonMark 0.31.2, 2.5 Entity and numeric character references.
"""
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""One within a word is no emphasis."""
_UNFINISHED = {
    Stage.FAILED: "failed",
    Stage.UNDONE: "was undone",
    Stage.EXPIRED: "was not approved in time",
    Stage.AWAITING: "still waits for an approval",
}
_TROUBLE = {
    Reason.NOT_ACKNOWLEDGED: "Those who were told did not acknowledge in time",
    Reason.NOTIFICATION_REFUSED: "A channel refused a message",
    Reason.MUTED: "Nobody was told, because it was muted",
    Reason.NOT_REPEATED: "A condition was taken to be over, because its source did not repeat it",
    Reason.NOTHING_HEARD: "It was taken to be over, because nothing more was heard of it",
}


def report(
    incident: Incident, members: Sequence[Tracked], actions: Sequence[ActionDecision] = (), *, made_at: datetime
) -> str:
    """The report.

    Args:
        incident: over or not.
        members: its conditions, the worst first, as `Watch.members` gives them.
        actions: what was decided about automated responses to it, in any order.
        made_at: when the report is made, in UTC.

    Returns:
        Markdown with tables (GitHub's); foreign text is escaped, so that it is shown as it stands, and cut where it is long.

    >>> from datetime import UTC
    >>> from core.events import Severity
    >>> from core.incidents.model import State
    >>> nine = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> incident = Incident(id="model-m-20260102-4873ad0c", target="model/m", title="PSI | 0.3", state=State.OPEN,
    ...                     severity=Severity.ERROR, category="drift", opened_at=nine)
    >>> lines = report(incident, [], made_at=nine + timedelta(hours=1)).splitlines()
    >>> lines[0], lines[-2:]
    ('# Incident: PSI &#124; 0.3', ['- It is not over.', '- What it costs is not known.'])
    """
    decisions = sorted(actions, key=lambda one: (one.at, one.request_id, one.sequence))
    sections = (
        [f"# Incident: {_safe(incident.title, _TITLE_LIMIT)}"],
        [f"Report of incident {_safe(incident.id)}, made {instant(made_at)}."],
        ["## Summary", "", *_table(("What", "Value"), _summary(incident, made_at))],
        ["## What happened", "", *_happened(incident, members)],
        ["## What was noticed", "", *_noticed(members)],
        ["## What was done by itself", "", *_done(decisions)],
        ["## Open questions", "", *_listed(_questions(incident, members, decisions))],
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A table; this is where foreign text enters it, so that every cell is escaped, and once."""
    lines = [header, ("---",) * len(header), *(tuple(_safe(cell) for cell in row) for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _listed(lines: Iterable[str]) -> list[str]:
    """A list; every line begins with a word of ours, so that none begins something of its own."""
    return [f"- {_safe(line)}" for line in lines] or ["None that the facts raise."]


def _safe(text: str, limit: int = LINE_LIMIT) -> str:
    escaped = clean(text, limit).translate(_ESCAPES).replace("://", "&#58;//")
    return _UNDERSCORE.sub(r"\\_", escaped) or "-"


def _summary(incident: Incident, made_at: datetime) -> Iterator[tuple[str, str]]:
    yield "Incident", incident.id
    yield "State", _state(incident)
    yield "Severity", incident.severity
    yield "Category", _words(incident.category) + (f" ({incident.classed})" if incident.classed else "")
    yield "Root target", incident.target
    yield "Affected", _affected(incident.targets)
    yield from _times(incident)
    yield from _costs(incident, made_at)


def _state(incident: Incident) -> str:
    if incident.cancelled:
        return "cancelled: a person said that it was no incident"
    if incident.merged_into:
        return f"part of incident {incident.merged_into}"
    return incident.state


def _affected(targets: Sequence[str]) -> str:
    shown = [clean(target, _NAME_LIMIT) for target in targets[:_TARGETS_SHOWN]]
    hidden = len(targets) - len(shown)
    return ", ".join([*shown, f"and {hidden} more"] if hidden else shown)


def _times(incident: Incident) -> Iterator[tuple[str, str]]:
    over, by = ended(incident), clean(incident.acknowledged_by, _NAME_LIMIT)
    closed = incident.closed_at is not None and incident.closed_at == over
    yield "Opened", instant(incident.opened_at)
    if incident.began_at is not None:
        yield "Came back", instant(incident.began_at)
    yield "Acknowledged", _moment(incident.acknowledged_at, f"by {by}" if by else "")
    yield "Mitigated", _moment(incident.mitigated_at)
    yield "Resolved", _moment(over, "by a person" if closed else "")
    yield "Time to acknowledge", _took(began(incident), incident.acknowledged_at)
    yield "Time to resolve", _took(incident.opened_at, over)


def _moment(at: datetime | None, who: str = "") -> str:
    return f"{instant(at)} {who}" if at else "not"


def _took(start: datetime, end: datetime | None) -> str:
    return duration(max(end - start, timedelta(0))) if end else ""


def _costs(incident: Incident, made_at: datetime) -> Iterator[tuple[str, str]]:
    impact, loss = incident.impact, lost(incident, made_at)
    if incident.cancelled or incident.merged_into or not (impact or loss.dollars):
        return
    if impact is not None:
        per_hour = Loss(dollars=impact.dollars_per_hour, low=impact.low, high=impact.high)
        yield "At risk", f"{_dollars(per_hour)} an hour: {impact.reason}"
    yield "Estimated loss", f"{_dollars(loss)}: what was at risk by the hour while it fired, {_until(incident)}"


def _dollars(loss: Loss) -> str:
    low, high = number(loss.low, "dollars"), number(loss.high, "dollars")
    return f"{number(loss.dollars, 'dollars')} (90 % interval {low} to {high})"


def _until(incident: Incident) -> str:
    if incident.mitigated_at is not None:
        return "until it was mitigated"
    return "so far" if ended(incident) is None else "until it was over"


def _happened(incident: Incident, members: Sequence[Tracked]) -> list[str]:
    sources = {member.key: member.source for member in members}
    rows = (
        (
            f"{entry.sequence}",
            instant(entry.at),
            _who(entry, sources),
            entry.change,
            entry.summary,
            _words(entry.reason),
        )
        for entry in incident.timeline
    )
    lines = _table(("Step", "When", "Who", "Change", "What", "Why"), rows)
    forgotten = incident.sequence - len(incident.timeline)
    return [*lines, "", f"{_many(forgotten, 'step')} in between: no longer kept."] if forgotten > 0 else lines


def _who(entry: Entry, sources: Mapping[str, str]) -> str:
    """Who caused a step; what caused it is named by `Finding.id`, which is the condition and the instant."""
    if entry.reason is Reason.COMMANDED:
        return "a person"
    if entry.reason is Reason.ACTION:
        return "an automated response"
    for key, source in sources.items():
        if entry.finding_id.startswith(f"{key}:"):
            return source
    return "the system"


def _noticed(members: Sequence[Tracked]) -> list[str]:
    rows = (
        (
            member.target,
            _words(member.kind),
            f"{member.severity}, {member.status}",
            instant(member.observed_at),
            member.source,
            comparison(member.value, member.threshold, member.unit),
            member.summary,
            "; ".join(f"{one.name}: {one.text}" for one in member.evidence),
        )
        for member in members
    )
    header = ("Target", "Kind", "Last seen as", "When", "By", "Value and threshold", "Summary", "Evidence")
    return _table(header, rows) if members else ["Nothing of it is remembered."]


def _done(decisions: Sequence[ActionDecision]) -> list[str]:
    rows = (
        (
            instant(one.at),
            one.action,
            one.target,
            _words(one.mode),
            _words(one.stage),
            _words(one.reason),
            "; ".join(text for text in (one.plan, one.detail) if text),
            one.by,
        )
        for one in decisions
    )
    header = ("When", "Action", "Target", "Mode", "Decision", "Why", "Plan and result", "By")
    return _table(header, rows) if decisions else ["Nothing was decided on."]


def _questions(incident: Incident, members: Sequence[Tracked], decisions: Sequence[ActionDecision]) -> Iterator[str]:
    if incident.acknowledged_at is None:
        yield "Nobody acknowledged it."
    yield from _open(incident, members)
    if incident.impact is None and not incident.lost:
        yield "What it costs is not known."
    for kind, target in sorted({(member.kind, member.target) for member in members if not member.runbook}):
        yield f"No runbook is named for {clean(kind, _NAME_LIMIT)} of {clean(target, _NAME_LIMIT)}."
    yield from _told(incident)
    for one in {one.request_id: one for one in decisions}.values():
        if one.stage in _UNFINISHED:
            yield f"The response {clean(one.action, _NAME_LIMIT)} on {clean(one.target, _NAME_LIMIT)} {_UNFINISHED[one.stage]}."


def _open(incident: Incident, members: Sequence[Tracked]) -> Iterator[str]:
    firing = sorted({member.target for member in members if member.status is Status.FIRING})
    if ended(incident) is None:
        yield f"It is not over: {_affected(firing)} still fires." if firing else "It is not over."
    elif firing:
        yield f"It is called resolved while this still fires: {_affected(firing)}."


def _told(incident: Incident) -> Iterator[str]:
    reasons = Counter(entry.reason for entry in incident.timeline)
    if flaps := incident.heard.flaps:
        yield f"It flapped: people were told {_many(flaps, 'time')} that it is back."
    for reason, words in _TROUBLE.items():
        if times := reasons[reason]:
            yield f"{words}: {_many(times, 'time')}."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _words(name: str) -> str:
    return name.replace("_", " ")
