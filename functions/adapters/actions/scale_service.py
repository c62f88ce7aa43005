"""Scale a Cloud Run service.

Out, the maximum and the minimum number of instances are doubled, or raised to what is needed. In, fewer are kept warm.

Two settings bound the instances: the service's own maximum, which takes effect at once, and that of its revisions (100
if it is not set), which takes effect with a new revision. Each is raised only if it is the bound. The minimum of warm
instances is the service's own. Neither exceeds the maximum of the action. Where `capacity` forecasts that the next hour needs more
replicas than that, so many are kept warm. Scaling in lowers the service's minimum only: Cloud Run itself stops instances that have nothing
to do.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from google.cloud.run_v2.types import RevisionTemplate, Service, ServiceScaling

from core.actions.plan import Health, Plan, Step, Verification
from core.capacity.scaling import Direction, scaled
from core.errors import ActionError
from core.events import ActionRequest
from core.settings.response import Resource
from functions.adapters.actions import run
from functions.adapters.actions.calls import lookup, short
from functions.adapters.actions.replicas import Needed, none_known, nothing_to_do

KEY = "aia-monitoring/scale-out"
"""The annotation of the service that says under which key it was scaled."""
MOST = 100
"""Instances of a service: the maximum of the action, and the default maximum of a revision."""
WARMEST = 10
"""Warm instances: the maximum of the action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The bounds of a service's instances; 0 where they are not set.

    Attributes:
        warm: at least, of the service.
        most: at most, of the service.
        each: at most, of each revision.
    """

    warm: int
    most: int
    each: int

    def __str__(self) -> str:
        return f"{self.warm} to {min(self.most or self.each, self.each)}"


class ScaleService:
    """The actions `scale_out` and `scale_in` on a service; see the port.

    Args:
        resources: what targets are in the cloud.
        services: Cloud Run; as the environment has it where none is given.
        direction: out or in.
        needed: how many replicas a target needs at an instant; 0 where that is not known.
        most: how many instances a service is given at most.
        warmest: the most warm instances.
    """

    def __init__(
        self,
        resources: Mapping[str, Resource],
        services: run.Services | None = None,
        *,
        direction: Direction = Direction.OUT,
        needed: Needed = none_known,
        most: int = MOST,
        warmest: int = WARMEST,
    ) -> None:
        self._resources = resources
        self._services = services or run.connect()
        self._direction = direction
        self._needed = needed
        self._most = most
        self._warmest = warmest

    def plan(self, request: ActionRequest) -> Plan:
        """The plan; empty if the service has its maximum already."""
        service = self._services.get(lookup(self._resources, request.target, "service"))
        before = _scale(service)
        most = Scale(warm=self._warmest, most=self._most, each=self._most)
        needed = self._needed(request.target, request.requested_at)
        if self._direction is Direction.IN:
            after = replace(before, warm=scaled(before.warm, needed, Direction.IN, maximum=self._warmest))
        else:
            after = _grown(before, service.template.scaling.min_instance_count, most, needed)
        name = short(service.name)
        if after == before:
            return Plan(summary=f"service {name}: {nothing_to_do(self._direction, needed)}, {before}")
        if after.each != before.each:
            _require_latest(service)
        return Plan(
            summary=f"service {name}: {after} instances instead of {before}",
            steps=(Step(what="instances", before=str(before), after=str(after)),),
            touched=1,
            resource=run.resource_name(service),
            state={"service": service.name, "before": _spell(before), "after": _spell(after)},
        )

    def apply(self, plan: Plan, key: str) -> str:
        """Set it; returns the operation's name, without waiting for its end."""
        service = self._services.get(plan.state["service"])
        if service.annotations.get(KEY) == key:
            return f"scaled to {_parse_scale(plan.state['after'])} instances under this key before"
        return self._move(service, "before", "after", plan, {"annotations": {**service.annotations, KEY: key}})

    def verify(self, plan: Plan) -> Verification:
        """Good when the service has the new bounds and is ready."""
        service = self._services.get(plan.state["service"])
        now, after = _scale(service), _parse_scale(plan.state["after"])
        if now != after:
            return Verification(health=Health.BAD, detail=f"the instances must be {after}, got {now}")
        ready = run.readiness(service)
        return replace(ready, detail=f"{ready.detail}; {now} instances")

    def undo(self, plan: Plan) -> str:
        """Restore the former bounds, unless they were changed since."""
        service = self._services.get(plan.state["service"])
        before = _parse_scale(plan.state["before"])
        if _scale(service) == before:
            return f"the instances are {before} already"
        return self._move(service, "after", "before", plan, {})

    def _move(self, service: Service, origin: str, goal: str, plan: Plan, more: dict[str, Any]) -> str:
        now, expected, wanted = _scale(service), _parse_scale(plan.state[origin]), _parse_scale(plan.state[goal])
        if now != expected:
            raise ActionError(f"{service.name}: somebody changed it: the instances must be {expected}, got {now}")
        scaling = ServiceScaling(min_instance_count=wanted.warm, max_instance_count=wanted.most)
        paths = ["scaling.min_instance_count", "scaling.max_instance_count", *more]
        if wanted.each != now.each:
            template = RevisionTemplate(service.template)
            template.scaling.max_instance_count = wanted.each
            template.revision = ""  # the name of another revision, with another maximum
            more["template"] = template
            paths.append("template")
        return self._services.update(service, *paths, scaling=scaling, **more)


def _scale(service: Service) -> Scale:
    if service.scaling.scaling_mode == ServiceScaling.ScalingMode.MANUAL:
        count = service.scaling.manual_instance_count
        raise ActionError(f"{service.name}: uses manual scaling, to {count} instances")
    own = service.scaling
    each = service.template.scaling.max_instance_count or MOST
    return Scale(warm=own.min_instance_count, most=own.max_instance_count, each=each)


def _grown(scale: Scale, warm_each: int, limit: Scale, needed: int) -> Scale:
    """Twice the bounds, or what is needed, within the maximum; none is lowered."""
    bound = min(scale.most or scale.each, scale.each)
    wanted = max(min(max(bound * 2, needed), limit.most), bound)
    warm = max(scale.warm, warm_each)
    return Scale(
        warm=max(min(max(warm * 2, 1, needed), limit.warm, wanted), scale.warm),
        most=max(scale.most, wanted) if scale.most else 0,
        each=max(scale.each, wanted),
    )


def _require_latest(service: Service) -> None:
    """A revision's maximum changes with a new revision only, which must then have the traffic."""
    run.serving_revision(service)
    if not run.follows_latest(service):
        raise ActionError(f"{service.name}: its traffic must go to the latest revision, it names one")


def _spell(scale: Scale) -> str:
    return json.dumps(asdict(scale))


def _parse_scale(text: str) -> Scale:
    return Scale(**json.loads(text))
