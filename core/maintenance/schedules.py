"""When each task of upkeep is due, in the order in which they are done when several are."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from core.maintenance.task import Schedule, weekly

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_MONDAY, _SUNDAY = 0, 6
SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {
        "backup": Schedule(every=_DAY, offset=_HOUR),
        "clean-up": Schedule(every=_DAY, offset=2 * _HOUR),
        "configuration": Schedule(every=_HOUR),
        "optimisation": weekly(_SUNDAY, hour=3),
        "security-scan": weekly(_MONDAY, hour=4),
    }
)
"""The schedules by the names of the tasks."""
