"""Detection, the same for every detector: verdicts on a condition are counted, and a change of its status becomes a finding."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.events import Finding, Severity, Status
from core.text import instant


class Outcome(StrEnum):
    """Outcome of a verdict."""

    GOOD = "good"
    BAD = "bad"
    NOT_KNOWN = "not_known"
    """Nothing can be concluded: it does not count."""

    @classmethod
    def of(cls, *, bad: bool) -> "Outcome":
        """`BAD` or `GOOD`."""
        return cls.BAD if bad else cls.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A conclusion.

    Attributes:
        outcome: good, bad or not known.
        reason: why; each detector has its own.
        summary: one line for people.
        severity: how bad it is while the outcome is bad; of any other it means nothing.
        value: the observed number, if there is one.
        threshold: the number it is compared with, if there is one.
        unit: of both.
        evidence: what supports it, as short texts by name.
    """

    outcome: Outcome
    reason: StrEnum
    summary: str
    severity: Severity = Severity.WARNING
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hysteresis:
    """How many verdicts in a row change the status of a condition.

    Attributes:
        fire_after: how many bad ones make it fire, at least 1.
        recover_after: how many good ones resolve it, at least 1.
    """

    fire_after: int = 1
    recover_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionState:
    """State of a condition between verdicts.

    Attributes:
        status: the current status.
        at: the instant of the newest verdict that was counted, or None before the first.
        streak: how many of the newest verdicts in a row contradict `status`.
        since: when `status` began to hold, or None before the first verdict.
        severity: of the newest bad verdict.
        reason: of the newest verdict that was counted; empty before the first.
        unknown_since: the first of the newest verdicts in a row that are not known, where that is watched; else None.
        unknown_told: whether that became a finding.
    """

    status: Status = Status.RESOLVED
    at: datetime | None = None
    streak: int = 0
    since: datetime | None = None
    severity: Severity = Severity.INFO
    reason: str = ""
    unknown_since: datetime | None = None
    unknown_told: bool = False

    @property
    def firing(self) -> bool:
        """Whether the condition fires."""
        return self.status is Status.FIRING


def count(
    state: ConditionState, *, bad: bool, at: datetime, hysteresis: Hysteresis, corrects: bool = False
) -> ConditionState:
    """Count one verdict.

    One that is not newer than the newest counted one changes nothing: delivered twice, or late and out of order, it has
    the effect of once.

    Args:
        state: before.
        bad: whether the verdict is bad; else it is good.
        at: the instant that it is about.
        hysteresis: how many in a row change the status.
        corrects: whether one about the same instant as the newest counted one takes its place where it says otherwise.

    Returns:
        The next state; the same object if nothing changes.

    >>> from datetime import UTC, timedelta
    >>> noon, minute = datetime(2026, 1, 2, 12, tzinfo=UTC), timedelta(minutes=1)
    >>> state, twice = ConditionState(), Hysteresis(fire_after=2)
    >>> for number in range(2):
    ...     state = count(state, bad=True, at=noon + number * minute, hysteresis=twice)
    ...     print(state.status.value, state.streak)
    resolved 1
    firing 0
    """
    seen = Status.FIRING if bad else Status.RESOLVED
    agrees = seen is state.status
    if state.at is not None and (at < state.at or (at == state.at and (agrees or not corrects))):
        return state
    needed = hysteresis.fire_after if bad else hysteresis.recover_after
    if agrees or state.streak + 1 < needed:
        return replace(state, at=at, streak=0 if agrees else state.streak + 1, since=state.since or at)
    return replace(state, status=seen, at=at, streak=0, since=at)


NO_VERDICT = "no_verdict"
"""The kind of the finding that nothing has been known of a target for too long."""
NO_VERDICT_RUNBOOK = "system.md#no-verdict"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoVerdict:
    """When it becomes a finding that nothing is known of a target.

    Attributes:
        after: for how long every verdict was not known; None where that is never a finding.
        severity: of the finding.
        kind: of the finding; each condition of a target that has one has another.
    """

    after: timedelta | None
    severity: Severity = Severity.WARNING
    kind: str = NO_VERDICT


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSpec:
    """A condition of a target, as a detector evaluates it.

    Attributes:
        target: the target, as in `model/flight-delay`.
        kind: the kind of its finding, as in `drift`.
        source: the detector.
        runbook: the section of the runbooks, as in `models.md#drift`.
        hysteresis: how many verdicts in a row change its status.
        repeat: whether every bad verdict is published while it fires; else only changes of status or severity are.
        cumulative: whether each verdict is concluded from the whole history up to its instant, and not from a sample.
            Then a verdict about the same instant corrects the last one, since the history may have grown; and a good
            one while nothing fires leaves nothing to remember. Such a condition has no hysteresis of its own.
        no_verdict: when it becomes a finding that its verdicts are not known; None for never.
    """

    target: str
    kind: str
    source: str
    runbook: str
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    repeat: bool = False
    cumulative: bool = False
    no_verdict: NoVerdict | None = None

    def __post_init__(self) -> None:
        if self.cumulative and self.hysteresis != Hysteresis():
            raise ValueError(f"hysteresis: must be 1 and 1 where verdicts are cumulative, got {self.hysteresis}")

    @property
    def key(self) -> str:
        """Of its state; the same as `Finding.condition`."""
        return f"{self.target}:{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A verdict on a condition.

    Attributes:
        spec: the condition.
        verdict: the conclusion.
        at: the instant that it is about: of the tick, of the window's end, of the end of a run.
    """

    spec: ConditionSpec
    verdict: Verdict
    at: datetime


def step(state: ConditionState, observation: Observation) -> tuple[ConditionState, tuple[Finding, ...]]:
    """Count a verdict.

    A verdict that is not known changes nothing but how long nothing has been known, and a verdict about an instant that is
    not newer than the newest counted one changes nothing at all.

    Args:
        state: before.
        observation: the verdict.

    Returns:
        The next state, the same object if nothing changes; and the findings to publish: of the condition, and that
        nothing has been known for too long (`no_verdict`). A resolved finding has the severity that the condition had.
    """
    after, finding = _counted(state, observation)
    after, unknown = _watch_unknown(after, observation)
    return after, tuple(one for one in (finding, unknown) if one is not None)


def _counted(state: ConditionState, observation: Observation) -> tuple[ConditionState, Finding | None]:
    spec, verdict = observation.spec, observation.verdict
    bad = verdict.outcome is Outcome.BAD
    if verdict.outcome is Outcome.NOT_KNOWN or (spec.cumulative and not bad and not state.firing):
        return state, None
    counted = count(state, bad=bad, at=observation.at, hysteresis=spec.hysteresis, corrects=spec.cumulative)
    if counted is state:
        return state, None
    after = replace(counted, severity=verdict.severity if bad else state.severity, reason=verdict.reason.value)
    changed = after.status is not state.status
    again = after.firing and bad and (spec.repeat or after.severity is not state.severity)
    return after, _finding(observation, after) if changed or again else None


def _watch_unknown(state: ConditionState, observation: Observation) -> tuple[ConditionState, Finding | None]:
    """How long nothing has been known of the target, and what is to be published of that."""
    no_verdict, at, since = observation.spec.no_verdict, observation.at, state.unknown_since
    after = no_verdict.after if no_verdict else None
    if observation.verdict.outcome is not Outcome.NOT_KNOWN or after is None:
        if since is None or at <= since:
            return state, None
        known = replace(state, unknown_since=None, unknown_told=False)
        return known, _unknown_finding(observation, since, Status.RESOLVED) if state.unknown_told else None
    if since is None:
        is_late = state.at is not None and at <= state.at
        return (state if is_late else replace(state, unknown_since=at)), None
    if state.unknown_told or at - since < after:
        return state, None
    return replace(state, unknown_told=True), _unknown_finding(observation, since, Status.FIRING)


def _unknown_finding(observation: Observation, since: datetime, status: Status) -> Finding:
    spec, verdict = observation.spec, observation.verdict
    known = status is Status.RESOLVED
    no_verdict = spec.no_verdict or NoVerdict(after=None)
    text = f"{'a verdict again' if known else 'no verdict'} on {spec.kind} of {spec.target}"
    return Finding(
        target=spec.target,
        kind=no_verdict.kind,
        status=status,
        severity=no_verdict.severity,
        observed_at=observation.at,
        source=spec.source,
        summary=text if known else f"{text} since {instant(since)}: {verdict.summary}",
        value=(observation.at - since).total_seconds(),
        threshold=no_verdict.after.total_seconds() if no_verdict.after is not None else None,
        unit="seconds",
        evidence={"reason": verdict.reason.value, "condition": spec.kind},
        runbook=NO_VERDICT_RUNBOOK,
    )


def _finding(observation: Observation, state: ConditionState) -> Finding:
    spec, verdict = observation.spec, observation.verdict
    evidence = dict(verdict.evidence)
    evidence.setdefault("reason", verdict.reason.value)
    return Finding(
        target=spec.target,
        kind=spec.kind,
        status=state.status,
        severity=state.severity,
        observed_at=observation.at,
        source=spec.source,
        summary=verdict.summary,
        value=verdict.value,
        threshold=verdict.threshold,
        unit=verdict.unit,
        evidence=evidence,
        runbook=spec.runbook,
    )
