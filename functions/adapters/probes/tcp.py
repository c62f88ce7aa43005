"""TCP probe: whether a port accepts a connection, and how long it takes."""

from core.health import ProbeResult
from core.settings import TcpProbe
from functions.adapters.net import Deadline
from functions.adapters.probes.failure import failed_by, passed
from functions.adapters.probes.reach import reach


def check(probe: TcpProbe) -> ProbeResult:
    """Connect and close."""
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        reach(probe, probe.host, probe.port, deadline).close()
    except OSError as error:
        return failed_by(error, probe.where, deadline)
    return passed(f"{probe.where} accepts", deadline)
