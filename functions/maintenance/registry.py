"""The registry of tasks, in the order in which they are done when several are due. A task is added here, with its schedule."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.events import Severity
from core.maintenance.task import Schedule, weekly
from functions.maintenance import cleanup, optimisation
from functions.maintenance.outside import Outside, Task
from functions.services.steps import Step

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_SUNDAY = 6


def _backup(outside: Outside, due: datetime) -> Iterator[Step]:
    return outside.backups.steps(due)


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
    Task(name="optimisation", schedule=weekly(_SUNDAY, hour=3), severity=Severity.WARNING, steps=optimisation.steps),
)
