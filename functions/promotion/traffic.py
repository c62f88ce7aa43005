"""The traffic of a model's endpoint: each step of its promotion moves it, where the settings name one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from core.errors import ActionError
from core.promotion import TrafficMove
from core.settings import Model
from core.settings.response import Resource
from functions.adapters.ports import Warehouse
from functions.promotion.versions import registry_names


class Endpoints(Protocol):
    """What moves the traffic of endpoints; see `functions.adapters.endpoint_traffic.EndpointTraffic`."""

    def hindrance(self, name: str, names: Mapping[str, str], move: TrafficMove) -> str:
        """Why a move cannot be made, in one line; empty where it can."""
        ...

    def move(self, name: str, names: Mapping[str, str], move: TrafficMove, key: str) -> None:
        """Make a move, unless it was made under this key."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Moves the traffic of the models that have an endpoint.

    Attributes:
        warehouse: knows the names of versions in the registries.
        resources: of the settings, by target.
        endpoints: Vertex AI's; opened at the first use.
    """

    warehouse: Warehouse
    resources: Mapping[str, Resource]
    endpoints: Callable[[], Endpoints]

    def endpoint(self, model: Model) -> str:
        """The endpoint of a model, or empty: then whoever serves reads the aliases."""
        resource = self.resources.get(model.target)
        return resource.endpoint if resource else ""

    def hindrance(self, model: Model, move: TrafficMove | None) -> str:
        """Why a move cannot be made, in one line; empty where it can, or there is none to make.

        Raises:
            UnavailableError: Vertex AI or the warehouse does not answer.
        """
        name = self.endpoint(model)
        if not name or move is None:
            return ""
        try:
            return self.endpoints().hindrance(name, self._names(model, move), move)
        except ActionError as error:
            return str(error)

    def move(self, model: Model, move: TrafficMove, key: str) -> None:
        """Make a move, unless it was made under this key, or the model has no endpoint.

        Raises:
            ActionError: it cannot be made, or Vertex AI refuses it.
            UnavailableError: Vertex AI or the warehouse does not answer; a repetition completes it.
        """
        if name := self.endpoint(model):
            self.endpoints().move(name, self._names(model, move), move, key)

    def _names(self, model: Model, move: TrafficMove) -> Mapping[str, str]:
        return registry_names(self.warehouse, model.name, {*move.before, *move.after})
