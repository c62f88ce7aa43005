"""BigQuery probe: how old the newest row of a table is."""

from datetime import timedelta

from core.errors import QueryError, UnavailableError
from core.health import ProbeReason, ProbeResult
from core.settings.probes import BigqueryProbe
from functions.adapters.net import Deadline
from functions.adapters.probes.failure import failed, passed
from functions.adapters.probes.sources import Sources

_AHEAD = timedelta(minutes=10)
"""How far the clock of a writer may be ahead: a row of next year would hide for a year that no others come."""
_READ = 2
"""How many times `expect.age` the statement reads, so that of a partitioned table the newest partitions are enough."""


def check(probe: BigqueryProbe, sources: Sources) -> ProbeResult:
    """Look for the newest row; where there is none in what is read, the age is what was read."""
    deadline = Deadline(probe.timeout.total_seconds())
    now, longest = sources.clock(), probe.expect.age * _READ
    # Identifiers of the settings are checked when they are read: they hold letters, digits, underscores, dashes and dots.
    at = f"`{probe.timestamp}`"
    statement = f"SELECT MAX({at}) AS newest FROM `{probe.table}` WHERE {at} >= @since AND {at} <= @until"  # noqa: S608 - see above
    try:
        [row] = sources.query(statement, since=now - longest, until=now + _AHEAD)
    except QueryError as error:
        return failed(ProbeReason.QUERY_FAILED, f"{probe.where}: {error}", deadline)
    except UnavailableError:
        return failed(ProbeReason.NO_DATA, f"{probe.where}: BigQuery does not answer", deadline)
    newest = row["newest"]
    age = longest if newest is None else now - newest
    seen = f"no row in {longest}" if newest is None else f"newest row of {newest:%Y-%m-%d %H:%M:%S} UTC"
    return passed(f"{probe.where}: {seen}", deadline, age=max(0.0, age.total_seconds()))
