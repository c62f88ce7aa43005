"""The detectors of upkeep: its tasks, the security scan and the configuration."""

from collections.abc import Sequence
from typing import Any

from core.errors import BackupError, UnavailableError
from core.events import Severity, Tick
from core.maintenance.configuration import ConfigurationKind
from core.maintenance.task import Schedule
from core.settings import (
    Settings,
)
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.maintenance import configuration as configuration_check
from functions.maintenance import maintenance, scan
from functions.maintenance.compared import Compared
from functions.maintenance.outside import Outside as Upkeep
from functions.maintenance.outside import Task
from functions.services.detection import Tracker
from functions.services.steps import Step
from tests.support.crash.breaking import MemoryMetrics
from tests.support.fakes.compared import MemoryDeployment, as_deployed, compared
from tests.support.fakes.detector import BAD, HOUR, NOT_KNOWN, Outside, at
from tests.support.fakes.scanned import OWNED, PUBLISHED, MemoryIam, scanned


class Runs:
    """The warehouse of the runs of upkeep: it takes them."""

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        """Take them."""

    def query(self, sql: str, **_: Any) -> list[Data]:
        return []


def upkeep_of(outside: Outside, given: Compared) -> Upkeep:
    """What tasks of upkeep use."""
    store = outside.store
    return Upkeep(
        settings=Settings(jobs={}),
        store=store,
        bus=outside,  # type: ignore[arg-type] # sends nothing again
        warehouse=Runs(),  # type: ignore[arg-type] # reads nothing
        metrics=MemoryMetrics(outside),
        ledger=Ledger(store, lambda: outside.now, "test"),
        clock=lambda: outside.now,
        deployment=lambda: {"functions": {}},
        texts=dict,
        tables=dict,
        scanned=scanned(),
        compared=given,
    )


def upkeep(outside: Outside, mark: str, number: int) -> None:
    """A task that is due each hour: it fails, or succeeds, or a dependency does not answer."""

    def step() -> str:
        if mark == BAD:
            raise BackupError("it cannot be restored")
        return ""

    task = Task(
        name="backup",
        schedule=Schedule(every=HOUR),
        severity=Severity.CRITICAL,
        steps=lambda _outside, _due: iter([Step("one", step)]),
    )
    system = upkeep_of(outside, compared())
    result = maintenance.handle(
        maintenance.Maintenance(outside=system, tasks=[task]), Tick(job="maintenance", scheduled_at=at(number))
    )
    if result and result.fault:
        raise result.fault


def security_scan(outside: Outside, mark: str, number: int) -> None:
    """A scan: everybody has a role, or nobody, or IAM does not answer."""
    error = UnavailableError("Resource Manager does not answer") if mark == NOT_KNOWN else None
    iam = MemoryIam(PUBLISHED if mark == BAD else OWNED, error=error)
    for step in scan.steps(scanned(iam), Tracker(outside.store, outside), at(number)):
        step.run()


def configuration(outside: Outside, mark: str, number: int) -> None:
    """A check of the configuration: a secret is old, or none is, or Secret Manager does not answer."""
    there: MemoryDeployment = as_deployed(at(number) - 400 * 24 * HOUR if mark == BAD else at(number))
    there.error = UnavailableError("Secret Manager does not answer") if mark == NOT_KNOWN else None
    system = upkeep_of(outside, compared(there))
    for step in configuration_check.steps(system, at(number)):
        if step.name == ConfigurationKind.AGE:
            step.run()
