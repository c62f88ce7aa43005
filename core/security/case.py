"""What is known of one detection on one target: its subjects, which of them are open, and the verdict that follows.

The verdict follows from all signals so far, in whatever order they came, so the condition is cumulative: the instant of the verdict
is the newest that anything is known of.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, Observation, Outcome, Verdict
from core.instants import stamp
from core.security.detections import DETECTIONS, Detection
from core.security.signal import Signal
from core.settings import DetectionName
from core.text import duration

SOURCE = "audit_events"
MOST_SUBJECTS = 100
"""Subjects of a case; of more the oldest are forgotten, those first that are over."""


class SecurityReason(StrEnum):
    """Reason of a verdict."""

    LOGGED = "logged"
    """The audit log shows it."""
    TAKEN_BACK = "taken_back"
    """The audit log shows that all of it was taken back."""
    NOT_REPEATED = "not_repeated"
    """Entries kept arriving, and none of them shows it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case.

    Attributes:
        detection: the detection.
        target: the target.
        seen_at: the instant up to which the signals, or the time without any, are known.
        signals: the newest of each subject.
    """

    detection: DetectionName
    target: str
    seen_at: datetime
    signals: tuple[Signal, ...]

    @property
    def open(self) -> tuple[Signal, ...]:
        """The signals that are bad, the newest first."""
        return tuple(sorted((one for one in self.signals if one.bad), key=lambda one: one.at, reverse=True))


def with_signal(case: Case | None, signal: Signal) -> Case:
    """The case after a signal; the same object where something as new is known of its subject."""
    if case is None:
        return Case(detection=signal.detection, target=signal.target, seen_at=signal.at, signals=(signal,))
    known = next((one for one in case.signals if one.subject == signal.subject), None)
    if known is not None and known.at >= signal.at:
        return case
    others = (one for one in case.signals if one.subject != signal.subject)
    return replace(case, seen_at=max(case.seen_at, signal.at), signals=_newest((*others, signal)))


def _newest(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    ranked = sorted(signals, key=lambda one: (one.bad, one.at), reverse=True)
    return tuple(ranked[:MOST_SUBJECTS])


def after_time(case: Case, tick: datetime, arrived: datetime, quiet: timedelta) -> Case:
    """The case at a tick.

    What lasts is reported again each day, so that its incident does not expire. An event is over when it is not repeated for some
    time, in which entries of the log kept arriving.

    Args:
        case: before.
        tick: the instant of the tick.
        arrived: the newest entry of the log.
        quiet: how long an event must not be repeated.
    """
    if DETECTIONS[case.detection].lasts:
        day = tick.replace(hour=0, minute=0, second=0, microsecond=0)
        return replace(case, seen_at=max(case.seen_at, day)) if case.open else case
    over = [one for one in case.open if one.at + quiet <= min(arrived, tick)]
    if not over:
        return case
    signals = tuple(replace(one, bad=False) if one in over else one for one in case.signals)
    seen_at = max(case.seen_at, *(one.at + quiet for one in over))
    return replace(case, signals=signals, seen_at=seen_at)


def spec_of(case: Case) -> ConditionSpec:
    """The condition of a case."""
    detection = DETECTIONS[case.detection]
    return ConditionSpec(
        target=case.target,
        kind=case.detection,
        source=SOURCE,
        runbook=detection.runbook,
        repeat=detection.lasts,
        cumulative=True,
    )


def observation(case: Case) -> Observation:
    """The verdict on a case."""
    return Observation(spec=spec_of(case), verdict=_verdict(case, DETECTIONS[case.detection]), at=case.seen_at)


def _verdict(case: Case, detection: Detection) -> Verdict:
    signals = case.open
    newest = signals[0] if signals else max(case.signals, key=lambda one: one.at)
    return Verdict(
        outcome=Outcome.of(bad=bool(signals)),
        reason=_reason(detection, is_open=bool(signals)),
        summary=_summary(case, newest, len(signals)),
        severity=max((one.severity for one in signals), key=lambda one: one.rank, default=newest.severity),
        value=newest.value,
        threshold=newest.threshold,
        unit=newest.unit,
        evidence=_evidence(newest, detection),
    )


def _reason(detection: Detection, *, is_open: bool) -> SecurityReason:
    if is_open:
        return SecurityReason.LOGGED
    return SecurityReason.TAKEN_BACK if detection.lasts else SecurityReason.NOT_REPEATED


def _summary(case: Case, newest: Signal, number: int) -> str:
    if number:
        return f"{newest.summary}, and {number - 1} more" if number > 1 else newest.summary
    if DETECTIONS[case.detection].lasts:
        return newest.summary
    return f"not repeated for {duration(case.seen_at - newest.at)}; before: {newest.summary}"


def _evidence(newest: Signal, detection: Detection) -> dict[str, str]:
    given = {
        "principal": newest.principal,
        "resource": newest.resource,
        "method": newest.method,
        "address": newest.address,
        "log_entry": newest.entry_id,
        "logged_at": stamp(newest.at),
        "technique": detection.technique,
    }
    return {name: text for name, text in given.items() if text}
