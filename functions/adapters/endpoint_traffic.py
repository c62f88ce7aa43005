"""The traffic of a Vertex AI endpoint by versions of the model registry.

As with actions on an endpoint, a change replaces the whole split of the endpoint that was read (its etag), and sets its key in the
labels by the same call, so that a repetition finds it, whoever moved the traffic since.
"""

from collections.abc import Mapping

from google.cloud.aiplatform_v1.types import DeployedModel, Endpoint

from core.errors import ActionError
from core.promotion.traffic import DeployedVersion, TrafficMove, hindrance, split
from functions.adapters.actions.calls import digest
from functions.adapters.actions.split import age, lacks_replica, split_of
from functions.adapters.actions.vertex import Endpoints, connect_endpoints

KEY = "aia-promotion"
"""The label that says by which step of a promotion the traffic was moved."""


class EndpointTraffic:
    """Moves the traffic of endpoints.

    Args:
        endpoints: Vertex AI; as the environment has it where none is given.
    """

    def __init__(self, endpoints: Endpoints | None = None) -> None:
        self._endpoints = endpoints or connect_endpoints()

    def hindrance(self, name: str, names: Mapping[str, str], move: TrafficMove) -> str:
        """Why a move cannot be made, in one line; empty where it can. It changes nothing.

        Args:
            name: of the endpoint.
            names: of versions in the registry, by version.
            move: that is wanted.

        Raises:
            ActionError: Vertex AI refuses to show the endpoint.
            UnavailableError: Vertex AI does not answer.
        """
        return hindrance(deployed_on(self._endpoints.get(name)), names, move)

    def move(self, name: str, names: Mapping[str, str], move: TrafficMove, key: str) -> None:
        """Make a move, unless it was made under this key; the other arguments are those of `hindrance`.

        Raises:
            ActionError: Vertex AI refuses it, or it cannot be made; the message says why.
            UnavailableError: Vertex AI does not answer, or somebody changed the endpoint at this moment; a repetition completes it.
        """
        endpoint = self._endpoints.get(name)
        if endpoint.labels.get(KEY) == digest(key):
            return
        deployed = deployed_on(endpoint)
        if why := hindrance(deployed, names, move):
            raise ActionError(f"{name}: {why}")
        labels = {**endpoint.labels, KEY: digest(key)}
        wanted = dict(split(deployed, names, move.after))
        self._endpoints.update(endpoint, "traffic_split", "labels", traffic_split=wanted, labels=labels)


def deployed_on(endpoint: Endpoint) -> list[DeployedVersion]:
    """What is deployed on an endpoint, oldest first, with its traffic."""
    shares = split_of(endpoint)
    return [
        DeployedVersion(
            id=model.id, version=_version(model), share=shares.get(model.id, 0), is_available=not lacks_replica(model)
        )
        for model in sorted(endpoint.deployed_models, key=age)
    ]


def _version(model: DeployedModel) -> str:
    """The name of the version; `model` may have it, an alias of it, or none."""
    name, _, named = model.model.partition("@")
    return f"{name}@{model.model_version_id or named}"
