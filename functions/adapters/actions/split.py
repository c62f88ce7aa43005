"""The base of actions on the traffic split of an endpoint.

`UpdateEndpoint` replaces the whole split of the version that was read (its etag) and returns when it is in place. The
key is set in the endpoint's labels by the same call, so that a repetition finds it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from google.cloud.aiplatform_v1.types import DeployedModel, Endpoint

from core.actions.plan import Health, Plan, Step, Verification
from core.errors import ActionError
from core.events import ActionRequest
from core.settings.response import Resource
from functions.adapters.actions.calls import digest, lookup, short
from functions.adapters.actions.vertex import Endpoints, connect_endpoints

KEY = "aia-traffic"
"""The label that says under which key the traffic was moved."""
ALL = 100
"""Per cent."""
Split = Mapping[str, int]
"""Per cent of the traffic by the deployed model's id, without models that have none."""


class SplitAction(ABC):
    """An action that moves an endpoint's traffic; see the port.

    Args:
        resources: what targets are in the cloud.
        endpoints: Vertex AI; as the environment has it where none is given.
    """

    def __init__(self, resources: Mapping[str, Resource], endpoints: Endpoints | None = None) -> None:
        self._resources = resources
        self._endpoints = endpoints or connect_endpoints()

    @abstractmethod
    def _choose(self, endpoint: Endpoint) -> Split:
        """The split to have; `ActionError` where there is nothing to move it to."""

    def plan(self, request: ActionRequest) -> Plan:
        """What would change: the traffic of each deployed model."""
        endpoint = self._endpoints.get(lookup(self._resources, request.target, "endpoint"))
        before, after = split_of(endpoint), self._choose(endpoint)
        changed = sorted(model for model in {*before, *after} if before.get(model, 0) != after.get(model, 0))
        names = {model.id: _label(model) for model in endpoint.deployed_models}
        return Plan(
            summary=f"endpoint {endpoint.display_name or short(endpoint.name)}: traffic {_split_text(after, names)}",
            steps=tuple(
                Step(what=names[model], before=f"{before.get(model, 0)}%", after=f"{after.get(model, 0)}%")
                for model in changed
            ),
            touched=1,
            resource=f"//aiplatform.googleapis.com/{endpoint.name}",
            state={"endpoint": endpoint.name, "before": _encode(before), "after": _encode(after)},
        )

    def apply(self, plan: Plan, key: str) -> str:
        """Set the split, where it is still the one that was planned for."""
        endpoint = self._endpoints.get(plan.state["endpoint"])
        if endpoint.labels.get(KEY) == digest(key):
            return "the traffic was moved under this key before"
        _expect(endpoint, plan.state["before"])
        labels = {**endpoint.labels, KEY: digest(key)}
        wanted = _decode(plan.state["after"])
        changed = self._endpoints.update(endpoint, "traffic_split", "labels", traffic_split=wanted, labels=labels)
        return f"the traffic is {_encode(split_of(changed))}"

    def verify(self, plan: Plan) -> Verification:
        """Good if the split is in place and every model in it has a replica, as far as Vertex AI reports it."""
        endpoint = self._endpoints.get(plan.state["endpoint"])
        if _encode(split_of(endpoint)) != plan.state["after"]:
            return _bad(f"the traffic must be {plan.state['after']}, got {_encode(split_of(endpoint))}")
        models = {model.id: model for model in endpoint.deployed_models}
        missing = [model for model in split_of(endpoint) if model not in models]
        if missing:
            return _bad(f"deployed models {missing} have traffic and are gone")
        return _health([models[model] for model in split_of(endpoint)])

    def undo(self, plan: Plan) -> str:
        """Restore the former split, unless it was changed since."""
        endpoint = self._endpoints.get(plan.state["endpoint"])
        if _encode(split_of(endpoint)) == plan.state["before"]:
            return f"the traffic is {plan.state['before']} already"
        _expect(endpoint, plan.state["after"])
        changed = self._endpoints.update(endpoint, "traffic_split", traffic_split=_decode(plan.state["before"]))
        return f"the traffic is {_encode(split_of(changed))}"


def serving(endpoint: Endpoint) -> DeployedModel:
    """The newest deployed model that has traffic; `ActionError` when none has."""
    split = split_of(endpoint)
    having = [model for model in endpoint.deployed_models if model.id in split]
    if not having:
        raise ActionError(f"{endpoint.name}: none of its deployed models has traffic, got {_encode(split)}")
    return max(having, key=age)


def former(endpoint: Endpoint, model: DeployedModel) -> DeployedModel:
    """The deployed model before this one, of those that have a replica; `ActionError` when there is none."""
    older = [other for other in endpoint.deployed_models if age(other) < age(model) and not lacks_replica(other)]
    if not older:
        raise ActionError(f"{endpoint.name}: no deployed model that works is older than {_label(model)}")
    return max(older, key=age)


def age(model: DeployedModel) -> tuple[int, str]:
    """When it was deployed, for the order."""
    return DeployedModel.pb(model).create_time.ToNanoseconds(), model.id


def lacks_replica(model: DeployedModel) -> bool:
    """Whether Vertex AI says that no replica is available; it says nothing of shared resources and of older deployments."""
    return "status" in model and not model.status.available_replica_count


def _health(models: Sequence[DeployedModel]) -> Verification:
    lacking = [model for model in models if lacks_replica(model)]
    broken = [f"{_label(model)}: {model.status.message}" for model in lacking if model.status.message]
    if broken:
        return _bad(f"no replica of {'; '.join(broken)}")
    if lacking:
        detail = f"no replica yet of {', '.join(_label(model) for model in lacking)}"
        return Verification(health=Health.PENDING, detail=detail)
    return Verification(health=Health.GOOD, detail=f"{', '.join(_label(model) for model in models)} have the traffic")


def _bad(detail: str) -> Verification:
    return Verification(health=Health.BAD, detail=detail)


def _expect(endpoint: Endpoint, split: str) -> None:
    if _encode(split_of(endpoint)) != split:
        current = _encode(split_of(endpoint))
        raise ActionError(f"{endpoint.name}: somebody moved the traffic: it must be {split}, got {current}")


def split_of(endpoint: Endpoint) -> Split:
    """The split as it is."""
    return {model: share for model, share in endpoint.traffic_split.items() if share}


def _label(model: DeployedModel) -> str:
    return f"{model.display_name or short(model.model)} ({model.id})"


def _split_text(split: Split, names: Mapping[str, str]) -> str:
    return ", ".join(f"{share}% to {names[model]}" for model, share in sorted(split.items()))


def _encode(split: Split) -> str:
    return json.dumps(dict(sorted(split.items())))


def _decode(text: str) -> dict[str, int]:
    split: dict[str, int] = json.loads(text)
    return split
