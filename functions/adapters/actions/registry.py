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
from functions.adapters.ports import Bus, Warehouse


class Action(Protocol):
    """One automated response.

    The guard rails stand before it (`core.actions.guards`); an action only knows how. Every method raises
    `UnavailableError` when the outside does not answer or answers that it may do so later (the function is asked again), and
    `ActionError` when it refuses for good or the target is not what the action acts on; the message says what and why, and
    holds no secret.
    """

    def plan(self, request: ActionRequest) -> Plan:
        """What would change. It reads, and changes nothing."""
        ...

    def apply(self, plan: Plan, key: str) -> str:
        """Change it.

        Args:
            plan: as planned; where the outside is no longer as it was then (somebody changed it), `ActionError`.
            key: the same for every attempt; what has been applied under it already is not applied again.

        Returns:
            What the outside answered, in one line.
        """
        ...

    def verify(self, plan: Plan) -> Verification:
        """Whether it is in place and works; it reads, and changes nothing."""
        ...

    def undo(self, plan: Plan) -> str:
        """Put it back to how it was, or say in an `ActionError` why that cannot be; safe to call again."""
        ...


class Registry:
    """The actions of a function, each made once.

    Args:
        settings: what the targets are.
        models: what the models are, by name, as they are now.
        warehouse: for the actions that look into the history.
        bus: for the actions that ask others.
    """

    def __init__(
        self, settings: Settings, models: Callable[[], Mapping[str, Model]], warehouse: Warehouse, bus: Bus
    ) -> None:
        self._settings = settings
        self._models = models
        self._warehouse = warehouse
        self._bus = bus
        self._made = functools.cache(self._make)

    def __getitem__(self, name: ActionName) -> Action:
        """The action of a name; it is made when it is first asked for, with the endpoints that the environment has."""
        return self._made(name)

    def _make(self, name: ActionName) -> Action:
        kind = _kind(name)
        if name is ActionName.RETRAIN_MODEL:
            return kind(self._models, self._warehouse, self._bus)
        return kind(self._settings.resources)


def _kind(name: ActionName) -> Callable[..., Action]:
    """The class of an action: `FlushCache` of the module `flush_cache`."""
    module = importlib.import_module(f"functions.adapters.actions.{name.value}")
    return cast("Callable[..., Action]", getattr(module, name.value.title().replace("_", "")))
