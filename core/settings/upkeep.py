"""The section `upkeep`: how long backups and rows are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from core.errors import Fault
from core.settings.declare import Faults, validator
from core.settings.kinds import Table
from core.settings.notes import Range

Kept = Annotated[timedelta, Range("1d", "3650d", step="d")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """Backups and clean-up."""

    backups: Annotated[timedelta, Range("1d", "365d", step="d")] = timedelta(days=30)
    """How long a backup is kept."""
    retention: Mapping[Table, Kept] = field(default_factory=dict)
    """How long rows of a table are kept, by its partition column; of a table that is not named, for ever, but dead letters for 90 days and runs of upkeep for 400."""
    advisories: bool = True
    """Whether osv.dev is asked each Monday for advisories on the packages that the functions need; it gets their names and versions."""
    oldest_secret: Annotated[timedelta, Range("1d", "3650d", step="d")] = timedelta(days=365)
    """The age of the newest version of a secret from which it is a finding."""


@validator(Upkeep, "retention")
def _backups_are_kept_whole(upkeep: Upkeep) -> Faults:
    """A table of backups with fewer rows would be a backup that cannot be restored."""
    for table in upkeep.retention:
        if table.split(".")[-2] == "backups":
            yield Fault(f"retention.{table}", "must be no table of backups, which `upkeep.backups` keeps", table)
