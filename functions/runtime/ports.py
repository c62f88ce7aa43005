"""Ports of a function, opened as the environment says.

An adapter that not every function uses is imported when it is opened, so that only the functions that use it pay for it.
"""

# ruff: noqa: PLC0415 - see above
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from functions.adapters.ports import Clock, ListedStore, MeteredWarehouse, Metrics, RawBus
from functions.adapters.warehouse import open_warehouse
from functions.runtime.push import Park, parking

if TYPE_CHECKING:
    from core.settings import Settings
    from functions.adapters.changes import Announcer
    from functions.adapters.ledger import Ledger
    from functions.adapters.prometheus import Prometheus
    from functions.services.models import Models

T = TypeVar("T")


class Ports:
    """The ports of one function, each opened when it is first used: a function needs no more than it uses.

    Its twin for tests is `MemoryPorts` in `tests/support/fakes/ports.py`.

    Args:
        function: the name of the function.
    """

    def __init__(self, function: str) -> None:
        self.function = function
        self.clock: Clock = now

    @property
    def project(self) -> str:
        """The Google Cloud project."""
        return os.environ["GOOGLE_CLOUD_PROJECT"]

    @cached_property
    def settings(self) -> "Settings":
        """The settings in the archive, or those that the environment names."""
        from functions.adapters import config

        return config.load()

    @cached_property
    def models(self) -> "Models":
        """The models of the settings and those of the table."""
        from functions.services.models import Models

        return Models(self.settings.models, self.warehouse, self.clock)

    @property
    def cron(self) -> str:
        """The schedule of the function's job; `SettingsError` where the settings name none."""
        from functions.adapters import config

        return config.schedule(self.settings, self.function)

    @cached_property
    def store(self) -> ListedStore:
        """The store that the environment names; writes are announced to live clients."""
        from functions.adapters.changes import AnnouncedStore

        return AnnouncedStore(self._written, self._announcer)

    @cached_property
    def _written(self) -> ListedStore:
        from functions.adapters.stores import open_store

        return open_store(os.environ["AIA_STORE"], self.project)

    @cached_property
    def _announcer(self) -> "Announcer":
        from functions.adapters.bus import open_bus
        from functions.adapters.changes import PATIENCE, Announcer

        return Announcer(self._written, once(lambda: open_bus(self.project, patience=PATIENCE)), self.clock)

    def settle(self) -> None:
        """Wait until what was written is announced, where an instance has a processor during requests only."""
        if "K_SERVICE" in os.environ and "store" in self.__dict__:
            self._announcer.settle()

    @cached_property
    def bus(self) -> RawBus:
        """Pub/Sub."""
        from functions.adapters.bus import open_bus

        return open_bus(self.project)

    @cached_property
    def warehouse(self) -> MeteredWarehouse:
        """BigQuery; a statement may read what the settings say, where there are any. The variables of other sections need not be set."""
        from functions.adapters import config

        if not config.is_given():
            return open_warehouse(self.project, self.function)
        settings = config.load(only=("version", "jobs", "warehouse"))
        return open_warehouse(self.project, self.function, most_read=settings.warehouse.most_read)

    @cached_property
    def prometheus(self) -> "Prometheus":
        """Queries of metrics: by the environment Prometheus, or Cloud Monitoring."""
        from functions.adapters.prometheus import connect

        return connect(self.project)

    @cached_property
    def metrics(self) -> Metrics:
        """Cloud Monitoring."""
        from functions.adapters.metrics import connect

        return connect(self.function)

    @cached_property
    def ledger(self) -> "Ledger":
        """The ledger, in the name of this process."""
        from functions.adapters.ledger import Ledger

        return Ledger(self.store, self.clock, f"{self.function}@{socket.gethostname()}:{os.getpid()}")

    @cached_property
    def park(self) -> Park:
        """The table of dead letters."""
        return parking(self.warehouse, self.function, self.clock, self._parked)

    def _parked(self, identifier: str) -> None:
        if "store" in self.__dict__:  # else it may not write what tells of it
            self._announcer.wrote("dead_letters", identifier)


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def once(make: Callable[[], T]) -> Callable[[], T]:
    """A function that calls `make` at its first call and returns the same value from then on.

    Unlike `functools.cache` it calls `make` once when several threads call at the same time: the others wait. If `make`
    raises, the caller gets the error and the next call tries again.
    """
    lock = threading.Lock()
    values: list[T] = []

    def get() -> T:
        if not values:
            with lock:
                if not values:
                    values.append(make())
        return values[0]

    return get
