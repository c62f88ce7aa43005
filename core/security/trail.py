"""Whether entries of the audit log arrive: a gap hides everything else."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, NoVerdict, Observation, Outcome, Verdict
from core.events import Severity
from core.security.case import SOURCE
from core.settings import SecuritySettings
from core.text import duration, instant

KIND = "audit_trail_gap"
TARGET = "compliance/audit-log"
TECHNIQUE = "T1562.008"
RESOLUTION = timedelta(minutes=1)
"""An entry that is newer by less is not written: there may be many in a second."""
LEAST_GAP = timedelta(minutes=5)
"""Shorter ones are not remembered."""
REMEMBERED = timedelta(days=28)
MOST_GAPS = 100
"""Of more, the longest are remembered."""
TIMES = 3
"""A gap is usual when so many as long were remembered: an outage is not, a weekend is."""
FACTOR = 2
"""How many times as long as usual is a finding."""


class TrailReason(StrEnum):
    """Reason of a verdict."""

    ARRIVES = "arrives"
    GAP = "gap"
    NO_ENTRY = "no_entry"
    """No entry has arrived yet: not known."""
    LEARNING = "learning"
    """What is usual is not known yet."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A time without entries.

    Attributes:
        seconds: its length.
        end: when it ended.
    """

    seconds: float
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What is known of the arrival of entries.

    Attributes:
        since: the first entry.
        newest: the newest entry, to the minute.
        gaps: between entries.
    """

    since: datetime
    newest: datetime
    gaps: tuple[Gap, ...] = ()


def with_entry(trail: Trail | None, at: datetime) -> Trail:
    """The trail after an entry; the same object where it says nothing new."""
    if trail is None:
        return Trail(since=at, newest=at)
    if at < trail.newest + RESOLUTION:
        return trail
    gap = at - trail.newest
    gaps = (*trail.gaps, Gap(gap.total_seconds(), at)) if gap >= LEAST_GAP else trail.gaps
    recent = sorted(one for one in gaps if one.end >= at - REMEMBERED)[-MOST_GAPS:]
    return replace(trail, newest=at, gaps=tuple(recent))


def longest_expected(trail: Trail, settings: SecuritySettings) -> timedelta:
    """The longest time without entries that is no finding."""
    usual = sorted(one.seconds for one in trail.gaps)[-TIMES:]
    seconds = usual[0] if len(usual) == TIMES else 0.0
    return max(settings.gap, FACTOR * timedelta(seconds=seconds))


def observation(trail: Trail | None, at: datetime, settings: SecuritySettings) -> Observation:
    """The verdict at a tick.

    Args:
        trail: what is known; None before the first entry.
        at: the instant of the tick.
        settings: the settings.
    """
    no_verdict = NoVerdict(after=settings.no_verdict_after, severity=settings.no_verdict_severity)
    spec = ConditionSpec(target=TARGET, kind=KIND, source=SOURCE, runbook=f"security.md#{KIND}", no_verdict=no_verdict)
    return Observation(spec=spec, verdict=_verdict(trail, at, settings), at=at)


def _verdict(trail: Trail | None, at: datetime, settings: SecuritySettings) -> Verdict:
    if trail is None:
        return _not_known(TrailReason.NO_ENTRY, "no entry of the audit log has arrived")
    silent, expected = at - trail.newest, longest_expected(trail, settings)
    if trail.newest - trail.since < settings.learn_for and silent <= settings.learn_for:
        return _not_known(TrailReason.LEARNING, f"how often entries arrive is learnt since {instant(trail.since)}")
    bad = silent > expected
    since = f"the newest entry of the audit log is of {instant(trail.newest)}"
    gap = f"no entry of the audit log for {duration(silent)}, usually at most {duration(expected)}: what happened since is not known"
    return Verdict(
        outcome=Outcome.of(bad=bad),
        reason=TrailReason.GAP if bad else TrailReason.ARRIVES,
        summary=gap if bad else since,
        severity=Severity.ERROR,
        value=silent.total_seconds(),
        threshold=expected.total_seconds(),
        unit="seconds",
        evidence={"newest": instant(trail.newest), "technique": TECHNIQUE} if bad else {},
    )


def _not_known(reason: TrailReason, text: str) -> Verdict:
    return Verdict(outcome=Outcome.NOT_KNOWN, reason=reason, summary=text)
