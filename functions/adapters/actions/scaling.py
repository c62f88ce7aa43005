"""The base of `scale_out` and `scale_in`: what a target has replicas of decides which action scales it."""

import functools
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from core.actions.plan import Plan, Verification
from core.capacity.scaling import Direction
from core.events import ActionRequest
from core.settings.response import SCALED, Resource
from functions.adapters.actions.replicas import Needed, none_known

if TYPE_CHECKING:
    from functions.adapters.actions.registry import Action


class ScalingAction:
    """Scales the service, endpoint or deployment of a target, the first that it has; see the port.

    Args:
        resources: what targets are in the cloud.
        needed: how many replicas a target needs at an instant; 0 where that is not known.
    """

    DIRECTION: ClassVar[Direction]

    def __init__(self, resources: Mapping[str, Resource], *, needed: Needed = none_known) -> None:
        self._resources = resources
        self._needed = needed
        self._of = functools.cache(self._make)

    def plan(self, request: ActionRequest) -> Plan:
        """The plan; `ActionError` for a target without any of them."""
        resource = self._resources.get(request.target, Resource())
        return self._of(next((one for one in SCALED if getattr(resource, one)), SCALED[0])).plan(request)

    def apply(self, plan: Plan, key: str) -> str:
        """Apply the plan, once for each key."""
        return self._planned(plan).apply(plan, key)

    def verify(self, plan: Plan) -> Verification:
        """Whether it is in place and works."""
        return self._planned(plan).verify(plan)

    def undo(self, plan: Plan) -> str:
        """Restore the former state."""
        return self._planned(plan).undo(plan)

    def _planned(self, plan: Plan) -> "Action":
        return self._of(next(one for one in SCALED if one in plan.state))

    def _make(self, kind: str) -> "Action":
        """The action on a kind of resource; its module, with the client in it, is imported when it is needed."""
        module = importlib.import_module(f"functions.adapters.actions.scale_{kind}")
        made = getattr(module, f"Scale{kind.title()}")(self._resources, direction=self.DIRECTION, needed=self._needed)
        return cast("Action", made)
