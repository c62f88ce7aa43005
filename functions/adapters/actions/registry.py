"""Which actions there are, by their names. An action's module, and Google's client in it, is imported when it is asked for.

A client costs hundreds of milliseconds to import, and a request needs one of them.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import cast

from core.settings import ActionName, Model, Settings
from functions.adapters.actions.port import Action
from functions.adapters.ports import Bus, Warehouse


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
