"""Scale out: twice the replicas, or as many as the forecast of the next hour needs."""

from core.capacity.scaling import Direction
from functions.adapters.actions.scaling import ScalingAction


class ScaleOut(ScalingAction):
    """The action `scale_out`; see the port."""

    DIRECTION = Direction.OUT
