"""What tasks use, and what a task is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.events import Severity
from core.maintenance.configuration import Columns
from core.maintenance.task import Schedule
from core.settings import Settings
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Clock, ListedStore, Metrics, RawBus, StreamedWarehouse
from functions.maintenance.compared import Compared
from functions.maintenance.scan import Scanned
from functions.services.backups.make import Backups
from functions.services.backups.restore import Restorer
from functions.services.detection import Tracker
from functions.services.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The settings, and the ports of the tasks.

    Attributes:
        settings: of the deployment.
        store: has the documents.
        bus: takes findings, and what is sent again.
        warehouse: has the tables.
        metrics: counts the runs.
        ledger: lets one instance at a time do a task.
        clock: now.
        deployment: `infra/functions.yaml`, as the archive has it.
        texts: the alert rules and dashboards, by file; in them a metric is used.
        tables: the columns of the tables of `infra/tables`.
        scanned: what the security scan reads.
        compared: what the check of the configuration compares.
    """

    settings: Settings
    store: ListedStore
    bus: RawBus
    warehouse: StreamedWarehouse
    metrics: Metrics
    ledger: Ledger
    clock: Clock
    deployment: Callable[[], Mapping[str, Any]]
    texts: Callable[[], Mapping[str, str]]
    tables: Callable[[], Mapping[str, Columns]]
    scanned: Scanned
    compared: Compared

    @property
    def tracker(self) -> Tracker:
        """Counts verdicts and publishes the findings."""
        return Tracker(self.store, self.bus)

    @property
    def backups(self) -> Backups:
        """Makes backups."""
        return Backups(store=self.store, warehouse=self.warehouse, clock=self.clock)

    @property
    def restorer(self) -> Restorer:
        """Finishes a restore that was broken off."""
        return Restorer(store=self.store, warehouse=self.warehouse, clock=self.clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task.

    Attributes:
        name: of the task.
        schedule: when it is due.
        severity: of the finding when it fails.
        steps: what it does, step by step, for an instant; the next step is asked for when the one before is done.
        waits: whether a new system waits for the first time that it is due.
    """

    name: str
    schedule: Schedule
    severity: Severity
    steps: Callable[[Outside, datetime], Iterator[Step]]
    waits: bool = False
