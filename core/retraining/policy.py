"""Whether a model shall be trained again, and why or why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.settings import Retraining


class Reason(StrEnum):
    """Why the decision is what it is."""

    DRIFT = "drift"
    """Enough of the important features drifted."""
    BELOW_FLOOR = "below_floor"
    """The accuracy is below the floor, whatever drifted."""
    BEYOND_LIMIT = "beyond_limit"
    """Another measure is beyond its limit, whatever drifted."""
    SCHEDULE = "schedule"
    """The last request is as old as the settings let it become."""
    COOLDOWN = "cooldown"
    """There is cause, but the last request is too recent."""
    NOT_ENOUGH_LABELS = "not_enough_labels"
    """There is cause, but too few labels to learn from."""
    NOT_IMPORTANT = "not_important"
    """Features drifted, but fewer of the important ones than it takes."""
    NOTHING_WRONG = "nothing_wrong"
    """No feature drifted, and no limit of performance is known to be broken."""
    NO_POLICY = "no_policy"
    """The settings do not let the policy ask for this model."""
    LATE = "late"
    """There is cause, but a newer tick has asked: what this one saw is answered already."""


WANTED = frozenset({Reason.DRIFT, Reason.BELOW_FLOOR, Reason.BEYOND_LIMIT, Reason.SCHEDULE})
"""The reasons to ask; every other one is a refusal."""
SILENT = frozenset({Reason.NOTHING_WRONG, Reason.NO_POLICY})
"""The reasons that need no notification: there is no cause to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the policy says at one tick.

    Attributes:
        reason: why.
        features: the important features that drifted, in the order of the settings; where the request is refused too.
        retry_at: from when on the same observations would not be refused for this reason, where time alone heals it.
    """

    reason: Reason
    features: tuple[str, ...] = ()
    retry_at: datetime | None = None

    @property
    def wanted(self) -> bool:
        """Whether the model shall be trained again."""
        return self.reason in WANTED


def decide(
    policy: Retraining | None,
    *,
    drifted: Sequence[str],
    accuracy: float | None,
    floor: float | None,
    n_labels: int,
    last_requested_at: datetime | None,
    now: datetime,
    broken: bool = False,
) -> Decision:
    """Decide whether a model shall be trained again.

    The tick that asked last is answered as it was then: asked twice, it decides the same, so that its request can be
    published again under the same id. A tick older than that one never asks.

    Args:
        policy: of the model, or None where it is never asked for.
        drifted: the features that drifted, in any order.
        accuracy: 0 to 1, or None where nothing is concluded from the labels.
        floor: the accuracy floor, 0 to 1, if the settings have one.
        n_labels: the labels that have arrived for the data to train on, at least 0.
        last_requested_at: the instant of the newest tick that asked, or None.
        now: the instant of the tick.
        broken: whether another measure than the accuracy is known to be beyond its limit.

    Returns:
        The decision. Of several refusals it names the first of: no policy, no cause, late, cooldown, too few labels.

    Raises:
        ValueError: `n_labels` is negative, or `accuracy` or `floor` is no number from 0 to 1.

    >>> from datetime import UTC, timedelta
    >>> policy = Retraining(important=("age", "city"), minimum_labels=500)
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> seen = {"drifted": ["age"], "accuracy": 0.9, "floor": 0.85, "n_labels": 800}
    >>> decide(policy, **seen, last_requested_at=None, now=noon).reason
    <Reason.DRIFT: 'drift'>
    >>> later = decide(policy, **seen, last_requested_at=noon, now=noon + timedelta(hours=1))
    >>> later.reason, f"{later.retry_at:%H:%M}"
    (<Reason.COOLDOWN: 'cooldown'>, '18:00')
    """
    _require(accuracy=accuracy, floor=floor, n_labels=n_labels)
    if policy is None:
        return Decision(reason=Reason.NO_POLICY)
    features = tuple(name for name in policy.important if name in set(drifted))
    below = accuracy is not None and floor is not None and accuracy < floor
    cause = _cause(policy, below=below, broken=broken, features=features)
    if cause is None and _is_due(policy, last_requested_at, now):
        cause = Reason.SCHEDULE
    if cause is None:
        return Decision(reason=Reason.NOT_IMPORTANT if drifted else Reason.NOTHING_WRONG, features=features)
    refusal = _refusal(policy, n_labels, last_requested_at, now)
    if refusal is Reason.COOLDOWN and last_requested_at:
        return Decision(reason=refusal, features=features, retry_at=last_requested_at + policy.cooldown)
    return Decision(reason=refusal or cause, features=features)


def _cause(policy: Retraining, *, below: bool, broken: bool, features: Sequence[str]) -> Reason | None:
    """What is wrong with the model, if anything is."""
    if below:
        return Reason.BELOW_FLOOR
    if broken:
        return Reason.BEYOND_LIMIT
    return Reason.DRIFT if len(features) >= policy.drifted else None


def _is_due(policy: Retraining, last: datetime | None, now: datetime) -> bool:
    """Whether the schedule asks; the tick that asked last is answered as it was then."""
    return policy.every is not None and (last is None or now == last or now - last >= policy.every)


def _refusal(policy: Retraining, n_labels: int, last: datetime | None, now: datetime) -> Reason | None:
    """Why a request with a cause is refused, if it is."""
    if last is not None and now < last:
        return Reason.LATE
    if last is not None and last < now < last + policy.cooldown:
        return Reason.COOLDOWN
    return Reason.NOT_ENOUGH_LABELS if n_labels < policy.minimum_labels else None


def _require(*, accuracy: float | None, floor: float | None, n_labels: int) -> None:
    for name, value in (("accuracy", accuracy), ("floor", floor)):
        if value is not None and not 0 <= value <= 1:
            raise ValueError(f"{name}: must be a number from 0 to 1, got {value}")
    if n_labels < 0:
        raise ValueError(f"n_labels: must be at least 0, got {n_labels}")
