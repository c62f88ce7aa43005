"""The registry of tasks, in the order in which they are done when several are due. A task is added here, with its schedule."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from core.events import Severity
from core.maintenance.task import Schedule, weekly
from functions.maintenance import cleanup, configuration, optimisation, scan
from functions.maintenance.outside import Outside, Task
from functions.services.steps import Step

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_MONDAY, _SUNDAY = 0, 6


def _backup(outside: Outside, due: datetime) -> Iterator[Step]:
    """A backup that is compared; then those that are older than the settings keep are dropped."""
    yield from outside.backups.steps(due)
    yield Step("drop", partial(outside.backups.drop, due - outside.settings.upkeep.backups))


def _scan(outside: Outside, due: datetime) -> Iterator[Step]:
    return scan.steps(outside.scanned, outside.tracker, due)


TASKS = (
    Task(
        name="backup",
        schedule=Schedule(every=_DAY, offset=_HOUR),
        severity=Severity.CRITICAL,
        steps=_backup,
        waits=True,
    ),
    Task(
        name="clean-up",
        schedule=Schedule(every=_DAY, offset=2 * _HOUR),
        severity=Severity.WARNING,
        steps=cleanup.steps,
    ),
    Task(
        name="configuration",
        schedule=Schedule(every=_HOUR),
        severity=Severity.WARNING,
        steps=configuration.steps,
        waits=True,
    ),
    Task(name="optimisation", schedule=weekly(_SUNDAY, hour=3), severity=Severity.WARNING, steps=optimisation.steps),
    Task(
        name="security-scan",
        schedule=weekly(_MONDAY, hour=4),
        severity=Severity.WARNING,
        steps=_scan,
        waits=True,
    ),
)
