"""Scale in: as many replicas as the forecast of the next hour needs, where it needs fewer."""

from core.capacity.scaling import Direction
from functions.adapters.actions.scaling import ScalingAction


class ScaleIn(ScalingAction):
    """The action `scale_in`; see the port."""

    DIRECTION = Direction.IN
