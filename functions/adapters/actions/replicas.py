"""The base of actions that set how many replicas something has: a deployed model of an endpoint, a deployment of a cluster.

Neither has a place for a key. What has the replicas of the plan already is left as it is, so that a repetition has no effect; what has neither
those nor the ones before was changed by somebody else.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from core.actions.plan import Health, Plan, Step, Verification
from core.capacity.scaling import Direction, scaled
from core.errors import ActionError
from core.events import ActionRequest
from core.settings.response import Resource
from functions.adapters.actions.calls import lookup

Needed = Callable[[str, datetime], int]
"""How many replicas a target needs at an instant; 0 where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many replicas there are at least and at most; the same where nothing scales them automatically."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.least} to {self.most}" if self.least != self.most else str(self.least)


R = TypeVar("R")


class ReplicaAction(ABC, Generic[R]):
    """An action on what has replicas; see the port.

    Args:
        resources: what targets are in the cloud.
        direction: out or in.
        needed: how many replicas a target needs.
        most: replicas that an action adds up to.
    """

    FIELD: ClassVar[str]
    """The field of the resources that names it; also of the state of a plan."""

    def __init__(self, resources: Mapping[str, Resource], *, direction: Direction, needed: Needed, most: int) -> None:
        self._resources = resources
        self._direction = direction
        self._needed = needed
        self._most = most

    @abstractmethod
    def _state(self, target: str) -> Mapping[str, str]:
        """What a plan has to remember of a target to find it again."""

    @abstractmethod
    def _read(self, state: Mapping[str, str]) -> R:
        """What has the replicas, as it is now."""

    @abstractmethod
    def _describe(self, read: R) -> tuple[str, str]:
        """Its name for people, and its full name."""

    @abstractmethod
    def _bounds(self, read: R) -> Bounds:
        """How many replicas it has."""

    @abstractmethod
    def _write(self, read: R, bounds: Bounds) -> str:
        """Set how many it has; the answer in one line."""

    @abstractmethod
    def _health(self, read: R, bounds: Bounds) -> Verification:
        """Whether as many as are set are ready."""

    def plan(self, request: ActionRequest) -> Plan:
        """The plan; empty where nothing would change."""
        lookup(self._resources, request.target, self.FIELD)
        state = self._state(request.target)
        read = self._read(state)
        before, (name, resource) = self._bounds(read), self._describe(read)
        needed = self._needed(request.target, request.requested_at)
        after = self._after(before, needed)
        if after == before:
            return Plan(summary=f"{name}: {nothing_to_do(self._direction, needed)}, {before}")
        return Plan(
            summary=f"{name}: {after} replicas instead of {before}",
            steps=(Step(what="replicas", before=str(before), after=str(after)),),
            touched=1,
            resource=resource,
            state={**state, "before": _spell(before), "after": _spell(after)},
        )

    def _after(self, before: Bounds, needed: int) -> Bounds:
        """Scaling in leaves room for an autoscaler, where there is one."""
        least, most = (scaled(one, needed, self._direction, maximum=self._most) for one in (before.least, before.most))
        has_room = self._direction is Direction.IN and before.least != before.most
        return Bounds(least=least, most=before.most if has_room else most)

    def apply(self, plan: Plan, key: str) -> str:  # noqa: ARG002 - there is no place for it
        """Set the replicas, where they are still the ones that were planned for; what is done is not waited for."""
        return self._move(plan, "before", "after")

    def verify(self, plan: Plan) -> Verification:
        """Good when it has the replicas of the plan, and so many are ready."""
        read, after = self._read(plan.state), _parse(plan.state["after"])
        if self._bounds(read) != after:
            detail = f"the replicas must be {after}, got {self._bounds(read)}"
            return Verification(health=Health.BAD, detail=detail)
        return self._health(read, after)

    def undo(self, plan: Plan) -> str:
        """Restore the former replicas, unless they were changed since."""
        return self._move(plan, "after", "before")

    def _move(self, plan: Plan, origin: str, goal: str) -> str:
        read, wanted = self._read(plan.state), _parse(plan.state[goal])
        now, expected = self._bounds(read), _parse(plan.state[origin])
        if now == wanted:
            return f"the replicas are {wanted} already"
        if now != expected:
            _, resource = self._describe(read)
            raise ActionError(f"{resource}: somebody changed it: the replicas must be {expected}, got {now}")
        return self._write(read, wanted)


def none_known(_target: str, _at: datetime) -> int:
    """What is needed, where nothing is forecast."""
    return 0


def nothing_to_do(direction: Direction, needed: int) -> str:
    """Why nothing is scaled."""
    if direction is Direction.OUT:
        return "already has the most that is allowed"
    return "has no more than the next hour needs" if needed else "what the next hour needs is not known"


def _spell(bounds: Bounds) -> str:
    return json.dumps(asdict(bounds))


def _parse(text: str) -> Bounds:
    return Bounds(**json.loads(text))
