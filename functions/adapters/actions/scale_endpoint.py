"""Scale the deployed model of a Vertex AI endpoint that serves: the minimum and the maximum of its replicas.

`MutateDeployedModel` changes the replicas of dedicated or automatic resources of one deployed model, and nothing else of the endpoint
(https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints/mutateDeployedModel). It has no etag: what somebody
else changes between reading and writing is overwritten.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from google.cloud.aiplatform_v1.types import AutomaticResources, DedicatedResources, DeployedModel

from core.actions.plan import Health, Verification
from core.capacity.scaling import Direction
from core.errors import ActionError
from core.settings.response import Resource
from functions.adapters.actions.calls import short
from functions.adapters.actions.replicas import Bounds, Needed, ReplicaAction, none_known
from functions.adapters.actions.split import serving
from functions.adapters.actions.vertex import Endpoints, connect_endpoints

MOST = 20
"""Replicas that an action adds up to."""
_KINDS = ("dedicated_resources", "automatic_resources")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deployed model of an endpoint.

    Attributes:
        endpoint: its full name.
        model: the deployed model.
        kind: the field of it that has its replicas.
    """

    endpoint: str
    model: DeployedModel
    kind: str


class ScaleEndpoint(ReplicaAction[Deployed]):
    """The actions `scale_out` and `scale_in` on an endpoint; see the port.

    Args:
        resources: what targets are in the cloud.
        endpoints: Vertex AI; as the environment has it where none is given.
        direction: out or in.
        needed: how many replicas a target needs.
        most: replicas that an action adds up to.
    """

    FIELD = "endpoint"

    def __init__(
        self,
        resources: Mapping[str, Resource],
        endpoints: Endpoints | None = None,
        *,
        direction: Direction = Direction.OUT,
        needed: Needed = none_known,
        most: int = MOST,
    ) -> None:
        super().__init__(resources, direction=direction, needed=needed, most=most)
        self._endpoints = endpoints or connect_endpoints()

    def _state(self, target: str) -> Mapping[str, str]:
        name = self._resources[target].endpoint
        return {"endpoint": name, "model": serving(self._endpoints.get(name)).id}

    def _read(self, state: Mapping[str, str]) -> Deployed:
        endpoint = self._endpoints.get(state["endpoint"])
        model = next((one for one in endpoint.deployed_models if one.id == state["model"]), None)
        if model is None:
            raise ActionError(f"{endpoint.name}: the deployed model {state['model']} is gone")
        kind = next((one for one in _KINDS if one in model), None)
        if kind is None:
            raise ActionError(f"{endpoint.name}: its deployed model {model.id} has no replicas of its own")
        return Deployed(endpoint=endpoint.name, model=model, kind=kind)

    def _describe(self, read: Deployed) -> tuple[str, str]:
        name = f"endpoint {short(read.endpoint)}, {read.model.display_name or read.model.id}"
        return name, f"//aiplatform.googleapis.com/{read.endpoint}"

    def _bounds(self, read: Deployed) -> Bounds:
        own = getattr(read.model, read.kind)
        least = own.min_replica_count
        return Bounds(least=least, most=own.max_replica_count or least)

    def _write(self, read: Deployed, bounds: Bounds) -> str:
        kind = DedicatedResources if read.kind == "dedicated_resources" else AutomaticResources
        wanted = kind(min_replica_count=bounds.least, max_replica_count=bounds.most)
        changed = DeployedModel(id=read.model.id, **{read.kind: wanted})
        paths = [f"{read.kind}.{field}" for field in ("min_replica_count", "max_replica_count")]
        return self._endpoints.mutate(read.endpoint, changed, *paths)

    def _health(self, read: Deployed, bounds: Bounds) -> Verification:
        available, message = read.model.status.available_replica_count, read.model.status.message
        if message:
            return Verification(health=Health.BAD, detail=f"deployed model {read.model.id}: {message}")
        ready = available >= bounds.least
        detail = f"{available} replicas are available, at least {bounds.least} are set"
        return Verification(health=Health.GOOD if ready else Health.PENDING, detail=detail)
