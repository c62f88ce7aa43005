"""The registry of tasks, in the order in which they are done when several are due."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from core.events import Severity
from core.maintenance.schedules import SCHEDULES
from functions.maintenance import cleanup, configuration, optimisation, scan
from functions.maintenance.outside import Outside, Task
from functions.services.steps import Step


def _backup(outside: Outside, due: datetime) -> Iterator[Step]:
    """A backup that is compared; then those that are older than the settings keep are dropped."""
    yield from outside.backups.steps(due)
    yield Step("drop", partial(outside.backups.drop, due - outside.settings.upkeep.backups))


def _scan(outside: Outside, due: datetime) -> Iterator[Step]:
    return scan.steps(outside.scanned, outside.tracker, due)


TASKS = (
    Task(
        name="backup",
        schedule=SCHEDULES["backup"],
        severity=Severity.CRITICAL,
        steps=_backup,
        waits=True,
    ),
    Task(
        name="clean-up",
        schedule=SCHEDULES["clean-up"],
        severity=Severity.WARNING,
        steps=cleanup.steps,
    ),
    Task(
        name="configuration",
        schedule=SCHEDULES["configuration"],
        severity=Severity.WARNING,
        steps=configuration.steps,
        waits=True,
    ),
    Task(name="optimisation", schedule=SCHEDULES["optimisation"], severity=Severity.WARNING, steps=optimisation.steps),
    Task(
        name="security-scan",
        schedule=SCHEDULES["security-scan"],
        severity=Severity.WARNING,
        steps=_scan,
        waits=True,
    ),
)
