"""The decision at one look: promote, reject, continue or stop, and why.

The order is that of trust: numbers that are assigned wrongly say nothing; a guard rail that is broken ends the experiment whatever
else is better; then the measure decides; then the maximum. A guard rail that is not known promotes nothing.

References:
    Johari, Koomen, Pekelis and Walsh (2022), Always valid inference: continuous monitoring of A/B tests.
    Kohavi, Tang and Xu (2020), Trustworthy online controlled experiments, chapters 3 and 21.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import Outcome
from core.experiments import sample_ratio
from core.experiments.evidence import Bar, Data, Evidence, always_valid, evidence
from core.experiments.levels import Levels
from core.experiments.sample_ratio import Assigned
from core.experiments.sums import Arms, Differences
from core.settings import GuardRail, Promotion, UnitOutcome

LEAST = 100
"""Units in the smaller arm before a guard rail is evaluated: with fewer a mean is not normal enough."""


class Action(StrEnum):
    """What to do."""

    PROMOTE = "promote"
    REJECT = "reject"
    CONTINUE = "continue"
    STOP = "stop"
    """End the experiment at once: all traffic to the champion."""


class Reason(StrEnum):
    """Why."""

    SAMPLE_RATIO_MISMATCH = "sample_ratio_mismatch"
    """The units are not assigned as planned: no other number can be trusted."""
    GUARD_RAIL_BROKEN = "guard_rail_broken"
    """A guard rail is shown to be worse than its margin allows."""
    TOO_FEW = "too_few"
    """Fewer pairs, or units in the smaller arm, than the minimum."""
    WORSE = "worse"
    """The measure is shown not to be better by the margin."""
    BETTER = "better"
    """The measure is shown to be better by the margin, and no guard rail to be worse than it may be."""
    GUARD_RAIL_NOT_KNOWN = "guard_rail_not_known"
    """The measure is better, and a guard rail is not known yet."""
    NOT_KNOWN = "not_known"
    """Whether the measure is better is not known yet."""
    NOT_BETTER = "not_better"
    """The maximum is reached, and the measure is not shown to be better."""
    GUARD_RAIL_NOT_SHOWN = "guard_rail_not_shown"
    """The maximum is reached, and a guard rail is still not known."""
    NOT_SHOWN_IN_TIME = "not_shown_in_time"
    """The days are over, and the measure or a guard rail is not shown."""


ACTIONS = {
    Reason.SAMPLE_RATIO_MISMATCH: Action.STOP,
    Reason.GUARD_RAIL_BROKEN: Action.STOP,
    Reason.TOO_FEW: Action.CONTINUE,
    Reason.WORSE: Action.REJECT,
    Reason.BETTER: Action.PROMOTE,
    Reason.GUARD_RAIL_NOT_KNOWN: Action.CONTINUE,
    Reason.NOT_KNOWN: Action.CONTINUE,
    Reason.NOT_BETTER: Action.REJECT,
    Reason.GUARD_RAIL_NOT_SHOWN: Action.REJECT,
    Reason.NOT_SHOWN_IN_TIME: Action.REJECT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The data of an experiment at one look, cumulative from its start.

    Attributes:
        at: instant up to which it counts.
        measure: what must be better.
        guard_rails: what must not become worse; one that the settings name and that is absent here is not known.
        assigned: units by arm, for each split; empty in shadow mode, where both versions have every request.
        began_at: start of the experiment, whose days are bounded; None where they are not.
    """

    at: datetime
    measure: Data
    guard_rails: Mapping[UnitOutcome, Arms] = field(default_factory=dict)
    assigned: tuple[Assigned, ...] = ()
    began_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do after a look, and on what evidence.

    Attributes:
        reason: why.
        n: pairs, or units in the smaller arm.
        measure: evidence on it.
        guard_rails: evidence on each that the settings name.
        blocking: the guard rails that the reason is about.
        sample_ratio_p: p-value of the planned split, valid at any look.
    """

    reason: Reason
    n: int
    measure: Evidence
    guard_rails: Mapping[UnitOutcome, Evidence]
    blocking: tuple[UnitOutcome, ...]
    sample_ratio_p: float

    @property
    def action(self) -> Action:
        """What to do."""
        return ACTIONS[self.reason]


def decide(snapshot: Snapshot, policy: Promotion) -> Decision:
    """Decide on a challenger.

    Over any number of looks, a challenger that is not better, or worse in a guard rail than it may be, is promoted with a chance of at
    most alpha / 2; one that is none of it is stopped or rejected before the maximum with a chance of at most alpha / 2.

    Args:
        snapshot: the data so far.
        policy: of the model.

    Raises:
        ExperimentError: the margin does not suit the data.

    >>> from datetime import UTC
    >>> from core.experiments.sums import Pairs
    >>> data = Snapshot(at=datetime(2026, 1, 2, tzinfo=UTC), measure=Pairs(wins=300, losses=200, ties=4500))
    >>> found = decide(data, Promotion(maximum=10_000))
    >>> found.action, found.reason, round(found.measure.p_above, 5)
    (<Action.PROMOTE: 'promote'>, <Reason.BETTER: 'better'>, 0.00024)
    """
    levels = Levels.of(policy.alpha, len(policy.guard_rails))
    n = units(snapshot.measure)
    measure = evidence(snapshot.measure, Bar(margin=policy.margin), levels, planned=policy.maximum)
    guard_rails = {
        outcome: _guarded(snapshot.guard_rails.get(outcome), rail, levels, policy.maximum)
        for outcome, rail in policy.guard_rails.items()
    }
    ratio_p = always_valid(sample_ratio.log_e(snapshot.assigned)) if snapshot.assigned else 1.0
    outcomes = {outcome: found.outcome for outcome, found in guard_rails.items()}
    reason = _reason(n, measure, outcomes, policy, trusted=ratio_p > levels.sample_ratio)
    if ACTIONS[reason] is Action.CONTINUE and _is_over(snapshot, policy):
        reason = Reason.NOT_SHOWN_IN_TIME
    return Decision(
        reason=reason,
        n=n,
        measure=measure,
        guard_rails=guard_rails,
        blocking=tuple(outcome for outcome, found in outcomes.items() if found is _BLOCKING.get(reason)),
        sample_ratio_p=ratio_p,
    )


_BLOCKING = {
    Reason.GUARD_RAIL_BROKEN: Outcome.BAD,
    Reason.GUARD_RAIL_NOT_KNOWN: Outcome.NOT_KNOWN,
    Reason.GUARD_RAIL_NOT_SHOWN: Outcome.NOT_KNOWN,
}


def _is_over(snapshot: Snapshot, policy: Promotion) -> bool:
    return snapshot.began_at is not None and snapshot.at - snapshot.began_at >= timedelta(days=policy.days)


def units(data: Data) -> int:
    """Pairs, or units in the smaller arm."""
    if isinstance(data, Arms):
        return data.smaller
    return data.sums.n if isinstance(data, Differences) else data.n


def _guarded(data: Arms | None, rail: GuardRail, levels: Levels, planned: int) -> Evidence:
    """Good where the challenger is shown to be at most as much worse as it may be."""
    if data is None or data.smaller < LEAST:
        return Evidence(n=data.smaller if data else 0)
    return evidence(data, Bar(margin=-rail.absolute, share=rail.margin), levels, planned=planned)


def _reason(
    n: int, measure: Evidence, guard_rails: Mapping[UnitOutcome, Outcome], policy: Promotion, *, trusted: bool
) -> Reason:
    over = measure.n >= policy.maximum
    rules = (
        (not trusted, Reason.SAMPLE_RATIO_MISMATCH),
        (Outcome.BAD in guard_rails.values(), Reason.GUARD_RAIL_BROKEN),
        (n < policy.minimum, Reason.TOO_FEW),
        (measure.outcome is Outcome.BAD, Reason.WORSE),
        (measure.outcome is Outcome.NOT_KNOWN, Reason.NOT_BETTER if over else Reason.NOT_KNOWN),
        (
            Outcome.NOT_KNOWN in guard_rails.values(),
            Reason.GUARD_RAIL_NOT_SHOWN if over else Reason.GUARD_RAIL_NOT_KNOWN,
        ),
    )
    return next((reason for applies, reason in rules if applies), Reason.BETTER)
