"""How a finding becomes an observation of its condition, and what is remembered of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.events import Finding, Status
from core.incidents.brief import brief
from core.incidents.charter import Charter
from core.incidents.classify import Class, classify
from core.incidents.episode import remember
from core.incidents.model import CONDITIONS_LIMIT, EVIDENCE_LIMIT, Evidence, Observation, Tracked
from core.incidents.text import LINE_LIMIT

NAME_LIMIT = 80
_EVIDENCE_NAME, _EVIDENCE_LENGTH = 60, 120
_RENEWED = timedelta(minutes=1)
"""By how much later a firing must be said to hold for that to be written down: some sources repeat it every few seconds."""


def observe(known: Tracked | None, finding: Finding, *, now: datetime, charter: Charter) -> tuple[Tracked, Observation]:
    """What is remembered of a condition after a finding, and the observation that it is.

    What is known already gives the very same object back.

    Args:
        known: what is remembered of the condition, or None.
        finding: about it.
        now: to catch a clock that runs ahead.
        charter: for the class of the finding.
    """
    at = finding.observed_at
    if at > now + charter.policy.ahead:
        at = now
    kind = classify(finding.target, finding.kind, finding.source, finding.severity, charter.rules)
    seen = Observation(at=at, status=finding.status, severity=kind.severity)
    if known is not None and (seen in known.history or _same(known, finding, seen)):
        return _renewed(known, finding, now), seen
    if known is not None and seen.at <= known.observed_at:
        known = _holding(known, finding)
    return _tracked(known, finding, seen, kind), seen


def over(known: Tracked, now: datetime, quiet: timedelta) -> Tracked | None:
    """What is remembered of a firing condition that counts as over by now, or None while it holds.

    Args:
        known: the condition.
        now: the present.
        quiet: how long a condition of which nothing is heard is believed, where its source does not say until when.
    """
    end = known.holds_until or known.observed_at + quiet
    if known.status is not Status.FIRING or end > now:
        return None
    return _ended(known, end)


def gone(known: Tracked) -> Tracked:
    """What is remembered of a firing condition that is kept elsewhere from now on: over as soon as it was last seen."""
    return _ended(known, known.observed_at)


def _ended(known: Tracked, at: datetime) -> Tracked:
    end = _silent_from(at, known.observed_at)
    seen = Observation(at=end, status=Status.RESOLVED, severity=known.severity)
    return replace(known, status=Status.RESOLVED, observed_at=end, history=remember(known.history, seen))


def placed(conditions: tuple[Tracked, ...], current: Tracked) -> tuple[Tracked, ...]:
    """The conditions with this one in its place; beyond the limit one makes room.

    It is the oldest of those that are over; where all fire, the least severe, and of those the one that began last, be it
    the new one: so that those that are known stay, however often the others are repeated.
    """
    for index, condition in enumerate(conditions):
        if condition.key == current.key:
            return (*conditions[:index], current, *conditions[index + 1 :])
    kept = [*conditions, current]
    if len(kept) > CONDITIONS_LIMIT:
        over = [one for one in kept if one.status is Status.RESOLVED]
        kept.remove(min(over, key=lambda c: (c.observed_at, c.key)) if over else max(kept, key=_dispensable))
    return tuple(sorted(kept, key=lambda c: c.key))


def _dispensable(firing: Tracked) -> tuple[int, datetime, str]:
    return -firing.severity.rank, firing.history[0].at, firing.key


def _same(known: Tracked, finding: Finding, seen: Observation) -> bool:
    """Whether it is the finding that is known, though its instant is seen otherwise now."""
    told = (known.status, known.severity) == (seen.status, seen.severity)
    return told and seen.at != finding.observed_at and known.finding_id == finding.id


def _silent_from(end: datetime, observed_at: datetime) -> datetime:
    """When a firing that is not repeated is over: never before it was observed."""
    return max(end, observed_at + timedelta(microseconds=1))


def _renewed(known: Tracked, finding: Finding, now: datetime) -> Tracked:
    """The condition after a repetition of what is known of it: where the source says so, it holds for longer."""
    until = finding.holds_until
    if finding.status is not Status.FIRING or until is None:
        return known
    before = known.holds_until
    if before is not None and (until <= before or (until - before < _RENEWED <= before - now)):
        return known
    holding = _holding(known, finding)
    return replace(holding, holds_until=until) if holding.status is Status.FIRING else known


def _holding(known: Tracked, finding: Finding) -> Tracked:
    """The condition; where it was taken for over, because nobody repeated it, and still held by what its source says, it fires."""
    until, before = finding.holds_until, known.holds_until
    if finding.status is not Status.FIRING or until is None or before is None or until <= before:
        return known
    *history, last = known.history
    if not history or last.status is not Status.RESOLVED or last.at != _silent_from(before, history[-1].at):
        return known
    seen = history[-1]
    return replace(
        known,
        status=seen.status,
        severity=seen.severity,
        observed_at=seen.at,
        holds_until=until,
        history=tuple(history),
    )


def _tracked(known: Tracked | None, finding: Finding, seen: Observation, kind: Class) -> Tracked:
    history = remember(known.history if known else (), seen)
    if known is not None and history[-1] is not seen:
        return replace(known, history=history)
    return Tracked(
        key=finding.condition,
        target=finding.target,
        kind=finding.kind,
        status=finding.status,
        severity=kind.severity,
        observed_at=seen.at,
        finding_id=finding.id,
        source=_line(finding.source, known.source if known else None, NAME_LIMIT),
        summary=_line(finding.summary, known.summary if known else None),
        value=finding.value,
        threshold=finding.threshold,
        unit=_line(finding.unit, known.unit if known else None, NAME_LIMIT),
        evidence=_evidence(known.evidence if known else (), finding.evidence),
        runbook=_line(finding.runbook, known.runbook if known else None, NAME_LIMIT * 2),
        category=kind.category,
        classed=_line(kind.reason, known.classed if known else None),
        holds_until=finding.holds_until,
        history=history,
    )


def _line(text: str, known: str | None, limit: int = LINE_LIMIT) -> str:
    """One clean line; what is said again, as most of it is, is clean already."""
    return text if text == known else brief(text, limit)


def _evidence(known: tuple[Evidence, ...], told: Mapping[str, str]) -> tuple[Evidence, ...]:
    pieces = tuple(told.items())[:EVIDENCE_LIMIT]
    if pieces == tuple((piece.name, piece.text) for piece in known):
        return known
    return tuple(
        Evidence(name=brief(name, _EVIDENCE_NAME), text=brief(text, _EVIDENCE_LENGTH)) for name, text in pieces
    )
