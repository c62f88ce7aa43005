"""Scaling proposals: how many replicas a resource needs for the next hour, within bounds and a cooldown, and what that costs.

As the autoscaler of Kubernetes does, the number of replicas is scaled by usage over what a replica is sized for [1]; the usage is the
upper bound of the forecast of the hour, so that replicas are there before the load is. A change is proposed only after the
cooldown, and none within a tolerance of a tenth. A proposal changes nothing: `scale_out` and `scale_in` of a playbook do, within their
guard rails, by the number that is needed.

References:
    [1] Kubernetes, Horizontal Pod Autoscaling, Algorithm details.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.settings.capacity import CapacityResource, Scaling

TOLERANCE = 0.1
"""Relative difference up to which the number of replicas is left as it is; as of Kubernetes."""


class Direction(StrEnum):
    """Which way an action scales."""

    OUT = "out"
    IN = "in"


class ScalingReason(StrEnum):
    """Reason of a proposal."""

    MORE_NEEDED = "more_needed"
    FEWER_SUFFICE = "fewer_suffice"
    ENOUGH = "enough"
    AT_MAXIMUM = "at_maximum"
    COOLDOWN = "cooldown"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal for the next hour.

    Attributes:
        replicas: current number; None where it is not known.
        proposed: proposed number, the current one where nothing is to be changed; None where it is not known.
        needed: number that the hour needs, within the bounds, whatever the cooldown; None where it is not known.
        reason: why.
        dollars_per_hour: what it costs more, or less where it is below 0.
        scaled_at: when a change of the number was proposed last; None for never.
    """

    replicas: int | None
    proposed: int | None
    needed: int | None
    reason: ScalingReason
    dollars_per_hour: float = 0.0
    scaled_at: datetime | None = None


def propose(
    resource: CapacityResource,
    scaling: Scaling,
    peak: float | None,
    replicas: int | None,
    *,
    at: datetime,
    scaled_at: datetime | None = None,
) -> Proposal:
    """The proposal for a resource.

    Args:
        resource: with its limit, for all replicas together or for each alike (a share of what there is).
        scaling: how it is scaled.
        peak: upper bound of its usage in the next hour, as forecast; None where it is not known.
        replicas: current number; None where it is not known.
        at: the present.
        scaled_at: when a change was proposed last.
    """
    if peak is None or replicas is None or replicas < 1:
        unknown = ScalingReason.NOT_KNOWN
        return Proposal(replicas=replicas, proposed=None, needed=None, reason=unknown, scaled_at=scaled_at)
    ratio = peak / (resource.limit * scaling.utilization)
    most = scaling.maximum + 1.0  # more than that is not told apart
    wanted = math.ceil(min(replicas * ratio, most) - 1e-9) if abs(ratio - 1) > TOLERANCE else replicas
    bounded = min(max(wanted, scaling.minimum), scaling.maximum)
    reason = _reason(replicas, bounded, wanted, waiting=scaled_at is not None and at - scaled_at < scaling.cooldown)
    changes = reason in (ScalingReason.MORE_NEEDED, ScalingReason.FEWER_SUFFICE)
    proposed = bounded if changes else replicas
    return Proposal(
        replicas=replicas,
        proposed=proposed,
        needed=bounded,
        reason=reason,
        dollars_per_hour=(proposed - replicas) * scaling.dollars_per_hour,
        scaled_at=at if changes else scaled_at,
    )


def scaled(replicas: int, needed: int, direction: Direction, *, maximum: int) -> int:
    """How many replicas there are after an action.

    Out, it is twice as many, or as many as are needed if those are more, up to the maximum. In, it is as many as are needed; where that is not
    known, none is taken away, and the last one never is.

    Args:
        replicas: before.
        needed: for the next hour; 0 where it is not known.
        direction: out adds only, in takes away only.
        maximum: most that an action adds up to.

    >>> scaled(2, 7, Direction.OUT, maximum=10), scaled(8, 0, Direction.OUT, maximum=10), scaled(12, 0, Direction.OUT, maximum=10)
    (7, 10, 12)
    >>> scaled(5, 2, Direction.IN, maximum=10), scaled(5, 0, Direction.IN, maximum=10), scaled(2, 7, Direction.IN, maximum=10)
    (2, 5, 2)
    """
    if direction is Direction.OUT:
        return max(min(max(2 * replicas, needed, 1), maximum), replicas)
    return min(needed, replicas) if needed else replicas


def _reason(replicas: int, bounded: int, wanted: int, *, waiting: bool) -> ScalingReason:
    if bounded == replicas:
        return ScalingReason.AT_MAXIMUM if wanted > bounded else ScalingReason.ENOUGH
    if waiting:
        return ScalingReason.COOLDOWN
    return ScalingReason.MORE_NEEDED if bounded > replicas else ScalingReason.FEWER_SUFFICE
