"""What a function is composed of: the ports, as its environment says.

What not every function has is imported where it is opened, so that it costs only those who have it.
"""

# ruff: noqa: PLC0415 - see above
import os
import socket
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from functions.adapters.ports import BulkBus, Clock, Metrics, Store, Warehouse
from functions.adapters.warehouse import open_warehouse

if TYPE_CHECKING:
    from core.settings import Settings
    from functions.adapters.ledger import Ledger
    from functions.runtime.parking import Park
    from functions.services.models import Models


class Ports:
    """The outside of one function; each port is opened when it is first asked for, so that a function needs no more than it uses.

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
    def store(self) -> Store:
        """The store that the environment names."""
        from functions.adapters.store import open_store

        return open_store(os.environ["AIA_STORE"], self.project)

    @cached_property
    def bus(self) -> BulkBus:
        """Pub/Sub."""
        from functions.adapters.bus import open_bus

        return open_bus(self.project)

    @cached_property
    def warehouse(self) -> Warehouse:
        """BigQuery."""
        return open_warehouse(self.project)

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
    def park(self) -> "Park":
        """The table of what no function can handle."""
        from functions.runtime.parking import Parking

        return Parking(self.warehouse, self.function, self.clock)


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
