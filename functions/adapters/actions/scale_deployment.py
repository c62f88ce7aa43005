"""Scale a deployment of a GKE cluster, by the subresource `scale` of the API of Kubernetes.

A scale is written with the `resourceVersion` that was read, so that a concurrent change since then is refused (409). What a
HorizontalPodAutoscaler scales, it scales back: bound that instead.

References:
    Kubernetes, API reference, apps/v1 Deployment and autoscaling/v1 Scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from urllib3.util import parse_url

from core.actions.plan import Health, Verification
from core.capacity.scaling import Direction
from core.errors import ActionError
from core.settings.response import Resource
from functions.adapters.actions.kubernetes import PATIENCE, Clusters
from functions.adapters.actions.replicas import Bounds, Needed, ReplicaAction, none_known

MOST = 50
"""Replicas that an action adds up to."""


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str
    resource_version: str = ""


class _ScaleSpec(msgspec.Struct):
    replicas: int = 0


class _Scale(msgspec.Struct, rename="camel"):
    metadata: _Metadata
    spec: _ScaleSpec = msgspec.field(default_factory=_ScaleSpec)
    api_version: str = "autoscaling/v1"
    kind: str = "Scale"


class _Condition(msgspec.Struct):
    type: str
    status: str
    reason: str = ""
    message: str = ""


class _Status(msgspec.Struct, rename="camel"):
    ready_replicas: int = 0
    replicas: int = 0
    conditions: tuple[_Condition, ...] = ()


class _Deployment(msgspec.Struct):
    status: _Status = msgspec.field(default_factory=_Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A deployment.

    Attributes:
        resource: whose it is.
        path: of the API.
        scale: as it was read.
    """

    resource: Resource
    path: str
    scale: _Scale


class ScaleDeployment(ReplicaAction[Read]):
    """The actions `scale_out` and `scale_in` on a deployment; see the port.

    Args:
        resources: what targets are in the cloud.
        direction: out or in.
        needed: how many replicas a target needs.
        most: replicas that an action adds up to.
        patience: seconds that one request may take.
    """

    FIELD = "deployment"

    def __init__(
        self,
        resources: Mapping[str, Resource],
        *,
        direction: Direction = Direction.OUT,
        needed: Needed = none_known,
        most: int = MOST,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(resources, direction=direction, needed=needed, most=most)
        self._clusters = Clusters(patience=patience)

    def _state(self, target: str) -> Mapping[str, str]:
        resource = self._resources[target]
        return {"target": target, "cluster": resource.cluster, "deployment": resource.deployment}

    def _read(self, state: Mapping[str, str]) -> Read:
        resource = self._resources.get(state["target"], Resource())
        if any(getattr(resource, field) != state[field] for field in ("cluster", "deployment")):
            raise ActionError(f"resources.{state['target']}: somebody changed its cluster or deployment since the plan")
        namespace, _, name = resource.deployment.partition("/")
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        return Read(resource=resource, path=path, scale=self._clusters.get(resource, f"{path}/scale", _Scale))

    def _describe(self, read: Read) -> tuple[str, str]:
        metadata = read.scale.metadata
        return (
            f"deployment {metadata.namespace}/{metadata.name}",
            f"//{parse_url(read.resource.cluster).netloc}{read.path}",
        )

    def _bounds(self, read: Read) -> Bounds:
        return Bounds(least=read.scale.spec.replicas, most=read.scale.spec.replicas)

    def _write(self, read: Read, bounds: Bounds) -> str:
        wanted = _Scale(metadata=read.scale.metadata, spec=_ScaleSpec(replicas=bounds.least))
        written = self._clusters.put(read.resource, f"{read.path}/scale", wanted)
        return f"the replicas are {written.spec.replicas}"

    def _health(self, read: Read, bounds: Bounds) -> Verification:
        status = self._clusters.get(read.resource, read.path, _Deployment).status
        failed = [one for one in status.conditions if one.type == "Progressing" and one.status == "False"]
        if failed:
            return Verification(health=Health.BAD, detail=f"{failed[0].reason}: {failed[0].message}")
        ready = status.ready_replicas == status.replicas == bounds.least
        detail = f"{status.ready_replicas} of {bounds.least} replicas are ready"
        return Verification(health=Health.GOOD if ready else Health.PENDING, detail=detail)
