"""What became of recommendations, and what they have saved since: measured against the costs before, never assumed."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.business.recommendations import MONTH_DAYS, Recommendation, RecommendationKind

BEFORE = timedelta(days=MONTH_DAYS)
"""The days before a recommendation was done that its saving is measured against."""
LEAST_BEFORE = 7
"""Days before that must have costs: fewer say nothing of what was usual."""


class RecommendationState(StrEnum):
    """What became of a recommendation."""

    OPEN = "open"
    DONE = "done"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    """It was open, and is no longer made."""


DECIDED = (RecommendationState.OPEN, RecommendationState.DONE, RecommendationState.DISMISSED)
"""The states that people may set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationDecision:
    """What a person said of a recommendation; the newest one counts."""

    key: str
    state: RecommendationState
    by: str
    note: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRecommendation:
    """A recommendation with what became of it.

    Attributes:
        recommendation: as it was made last.
        state: what became of it.
        first_seen: when it was made first.
        last_seen: when it was made last.
        decision: of a person, if there is one.
        saved_dollars: since it was done; None where it is not done, or not measured.
        saved_until: up to which instant.
    """

    recommendation: Recommendation
    state: RecommendationState
    first_seen: datetime
    last_seen: datetime
    decision: RecommendationDecision | None = None
    saved_dollars: float | None = None
    saved_until: datetime | None = None


def track(
    known: Iterable[TrackedRecommendation],
    found: Iterable[Recommendation],
    decisions: Iterable[RecommendationDecision],
    at: datetime,
    *,
    not_asked: Collection[RecommendationKind] = (),
) -> list[TrackedRecommendation]:
    """What is known of each recommendation.

    Args:
        known: as of the time before.
        found: those that are made now.
        decisions: of people, in any order.
        at: now.
        not_asked: kinds whose source did not answer: theirs stay as they are.
    """
    newest = _newest(decisions)
    tracked = {one.recommendation.key: one for one in known}
    made = {one.key: one for one in found}
    for key, recommendation in made.items():
        before = tracked.get(key)
        first = before.first_seen if before else at
        tracked[key] = TrackedRecommendation(
            recommendation=recommendation, state=RecommendationState.OPEN, first_seen=first, last_seen=at
        )
    return [_decided(one, newest.get(key), made, not_asked) for key, one in sorted(tracked.items())]


def _newest(decisions: Iterable[RecommendationDecision]) -> dict[str, RecommendationDecision]:
    ordered = sorted(decisions, key=lambda one: (one.decided_at, one.state, one.by, one.note))
    return {one.key: one for one in ordered}


def _decided(
    one: TrackedRecommendation,
    decision: RecommendationDecision | None,
    made: Collection[str],
    not_asked: Collection[RecommendationKind],
) -> TrackedRecommendation:
    """With the newest decision; without one, or reopened, it is open as long as it is made."""
    state = decision.state if decision else RecommendationState.OPEN
    if state is RecommendationState.OPEN:
        is_made = one.recommendation.key in made
        state = RecommendationState.OPEN if is_made else RecommendationState.WITHDRAWN
        if not is_made and one.recommendation.kind in not_asked:
            state = one.state
    return replace(one, state=state, decision=decision, saved_dollars=None, saved_until=None)


def saved_since(before: Sequence[float], since: Sequence[float]) -> float | None:
    """Dollars saved: what the days since would have cost at the mean of those before, less what they did cost.

    Negative where costs rose. Days on which the scope has no costs are 0, not missing.

    Args:
        before: dollars a day, before it was done.
        since: dollars of each complete day since.

    Returns:
        None where it is not known: fewer than `LEAST_BEFORE` days before, all of them without costs (the costs of the scope cannot
        be told from others then), or no day since.

    >>> saved_since([10.0] * 30, [4.0, 6.0])
    10.0
    """
    if len(before) < LEAST_BEFORE or not any(before) or not since:
        return None
    return math.fsum(before) / len(before) * len(since) - math.fsum(since)


def with_saving(
    one: TrackedRecommendation, daily: Mapping[datetime, float], oldest: datetime, until: datetime
) -> TrackedRecommendation:
    """With what a recommendation that is done has saved.

    The day on which it was done counts neither before nor since.

    Args:
        one: the recommendation.
        daily: dollars by day of its scope; a day without costs is missing.
        oldest: the first day with costs of anything: before it nothing is known.
        until: the end of the days whose costs are complete.
    """
    if one.state is not RecommendationState.DONE or one.decision is None or not one.recommendation.scope.is_known:
        return one
    done = one.decision.decided_at.replace(hour=0, minute=0, second=0, microsecond=0)
    before = _days(daily, max(oldest, done - BEFORE), min(done, until))
    saved = saved_since(before, _days(daily, done + timedelta(days=1), until))
    return replace(one, saved_dollars=saved, saved_until=until if saved is not None else None)


def _days(daily: Mapping[datetime, float], since: datetime, until: datetime) -> list[float]:
    return [daily.get(since + timedelta(days=ago), 0.0) for ago in range(max(0, (until - since).days))]
