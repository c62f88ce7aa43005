"""The port of actions, and the actions by name.

An action's module, with Google's client in it, is imported when the action is needed: a client takes hundreds of
milliseconds to import, and a request needs one of them.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from core.actions.plan import Plan, Verification
from core.events import ActionRequest
from core.settings import ActionName, Model, Settings
from functions.adapters.capacity import needed_replicas
from functions.adapters.ports import Bus, Store, Warehouse


class Action(Protocol):
    """One automated response.

    The guard rails (`core.actions.guards`) decide whether it is applied; an action only knows how. Every method raises
    `UnavailableError` if the external system does not answer or asks to retry later, and
    `ActionError` if it refuses for good or the target is of the wrong type; the message says what and why, and
    has no secret in it.
    """

    def plan(self, request: ActionRequest) -> Plan:
        """The plan. It reads, and changes nothing."""
        ...

    def apply(self, plan: Plan, key: str) -> str:
        """Apply the plan.

        Args:
            plan: as planned; if the external system has changed since, `ActionError`.
            key: the same for every attempt; a plan that was applied under it is not applied again.

        Returns:
            The answer of the external system, in one line.
        """
        ...

    def verify(self, plan: Plan) -> Verification:
        """Whether it is in place and works; it reads, and changes nothing."""
        ...

    def undo(self, plan: Plan) -> str:
        """Restore the former state, or raise `ActionError` with the reason why that is impossible; idempotent."""
        ...


class Registry:
    """The actions of a function, each created once.

    Args:
        settings: the resources of the targets.
        models: the models by name, as they are now.
        warehouse: for the actions that query the history.
        bus: for the actions that publish requests.
        store: for the actions that look at pipelines, or at what the next hour needs.
    """

    def __init__(
        self,
        settings: Settings,
        models: Callable[[], Mapping[str, Model]],
        warehouse: Warehouse,
        bus: Bus,
        store: Store,
    ) -> None:
        self._settings = settings
        self._models = models
        self._warehouse = warehouse
        self._bus = bus
        self._store = store
        self._made = functools.cache(self._make)

    def __getitem__(self, name: ActionName) -> Action:
        """The action of a name; created at its first use, with the endpoints of the environment."""
        return self._made(name)

    def _make(self, name: ActionName) -> Action:
        kind = _kind(name)
        if name is ActionName.RETRAIN_MODEL:
            return kind(self._models, self._warehouse, self._bus, self._store)
        if name in (ActionName.SCALE_OUT, ActionName.SCALE_IN):
            return kind(self._settings.resources, needed=functools.partial(needed_replicas, self._store))
        return kind(self._settings.resources)


def _kind(name: ActionName) -> Callable[..., Action]:
    """The class of an action: `FlushCache` of the module `flush_cache`."""
    module = importlib.import_module(f"functions.adapters.actions.{name.value}")
    return cast("Callable[..., Action]", getattr(module, name.value.title().replace("_", "")))
